// EventSource from a stream; what an address gives is looked at by tests that have a server.
function read(pieces) {
  const stream = new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  return EventSource.from(stream);
}

test("messages of a stream", async () => {
  const source = read(["\uFEFFdata: one\n\n: comment\nid: 7\nevent: other\nda", "ta: two\ndata:three\r\n\r\ndata\n\nretry: 5\n\ndata: last\n\n"]);
  const seen = [];
  const { promise, resolve } = Promise.withResolvers();
  source.addEventListener("other", ({ data, lastEventId }) => seen.push([data, lastEventId]));
  source.onmessage = ({ data, type }) => {
    seen.push([type, data]);
    if (data === "last") resolve();
  };
  assert.equal(source.readyState, EventSource.OPEN);
  await promise;
  assert.deepEqual(seen, [["message", "one"], ["two\nthree", "7"], ["message", "last"]]);
  source.close();
  assert.equal(source.readyState, EventSource.CLOSED);
});

test("what is refused", async () => {
  const message = (run) => {
    try {
      run();
      return "nothing";
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  };
  const locked = new ReadableStream();
  locked.getReader();
  assert.equal(message(() => EventSource.from(locked)), "TypeError: This ReadableStream is locked.");
  assert.equal(message(() => EventSource.from(5)), "TypeError: Failed to execute 'from' on 'EventSource': parameter 1 is not of type 'JsReadableStream'.");
  assert.equal(message(() => new EventSource("nope")), "SyntaxError: Cannot open an EventSource to 'nope'. The URL is invalid.");
  assert.equal(message(() => new EventSource("http://x", { withCredentials: true })), "NotSupportedError: The init.withCredentials option is not supported. It must be false or undefined.");
  assert.deepEqual([EventSource.CONNECTING, EventSource.OPEN, EventSource.CLOSED], [0, 1, 2]);
});
