// What is made when it is first looked at is there for who only asks.
test("feature detection", () => {
  for (const Class of [EventSource, HTMLRewriter, URLPattern, WebSocket, WebSocketPair]) {
    assert.equal(typeof Class, "function");
    assert.equal({} instanceof Class, false);
  }
  assert.equal(typeof WebAssembly, "object");
  assert.equal(typeof Intl, "object");
  assert.equal(typeof caches.default, "object");
});
