// What needs no connection: the classes' shapes and the platform's words.
test("outbound connections are refused after the platform's own checks", () => {
  assert.throws(() => new WebSocket(), "TypeError", "Failed to construct 'WebSocket': constructor parameter 1 is not of type 'string'.");
  assert.throws(() => new WebSocket("http://h/"), "SyntaxError", "WebSocket Constructor: The url scheme must be ws or wss.");
  assert.throws(() => new WebSocket("ws://h/#f"), "SyntaxError", "WebSocket Constructor: The url fragment must be empty.");
});

test("constants and pairs", () => {
  assert.equal(WebSocket.READY_STATE_CLOSED, 3);
  assert.equal(WebSocket.OPEN, 1);
  assert.throws(() => WebSocketPair(), "TypeError", "Failed to construct 'WebSocketPair': Please use the 'new' operator, this object constructor cannot be called as a function.");
  const pair = new WebSocketRequestResponsePair("ping", "pong");
  assert.equal(pair.request + pair.response, "pingpong");
});
