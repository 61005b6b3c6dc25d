// Only what both sides have in common: what is refused can be looked at.
test("feature detection", () => {
  for (const Class of [EventSource, HTMLRewriter, URLPattern, WebSocket, WebSocketPair]) {
    assert.equal(typeof Class, "function");
    assert.equal({} instanceof Class, false);
  }
  assert.equal(typeof Intl, "object");
  assert.equal(typeof caches.default, "object");
});
