// What needs no connection: the classes' shapes and the platform's words.
test("what a connection is made from is checked", () => {
  assert.throws(() => new WebSocket(), "TypeError", "Failed to construct 'WebSocket': constructor parameter 1 is not of type 'string'.");
  assert.throws(() => new WebSocket("http://h/"), "SyntaxError", "WebSocket Constructor: The url scheme must be ws or wss.");
  assert.throws(() => new WebSocket("ws://h/", "a b"), "SyntaxError", "WebSocket Constructor: The protocol header token is invalid.");
  assert.throws(() => new WebSocket("ws://h/", ["a", ""]), "SyntaxError", "WebSocket Constructor: One of the protocol header tokens is invalid.");
  assert.throws(() => new WebSocket("ws://h/", ["a", "a"]), "SyntaxError", "WebSocket Constructor: The protocols header cannot have repeating values.");
  assert.throws(() => new WebSocket("ws://h/#f"), "SyntaxError", "WebSocket Constructor: The url fragment must be empty.");
});

test("constants and pairs", () => {
  assert.equal(WebSocket.READY_STATE_CLOSED, 3);
  assert.equal(WebSocket.OPEN, 1);
  assert.throws(() => WebSocketPair(), "TypeError", "Failed to construct 'WebSocketPair': Please use the 'new' operator, this object constructor cannot be called as a function.");
  const pair = new WebSocketRequestResponsePair("ping", "pong");
  assert.equal(pair.request + pair.response, "pingpong");
});
