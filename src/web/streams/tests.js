// Streams: reading, byte streams, writing, piping, transforming, teeing.

const bytes = (text) => new TextEncoder().encode(text);
const LOCKED = "This ReadableStream is currently locked to a reader.";

/** A stream of `chunks`. */
const streamOf = (...chunks) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

const collect = async (stream) => {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
};

/** A stream and its controller. */
const controlled = (source = {}, strategy) => {
  let controller;
  const stream = new ReadableStream(
    {
      ...source,
      start(given) {
        controller = given;
      },
    },
    strategy,
  );
  return { stream, controller };
};

test("chunks come out in order, then the end", async () => {
  const reader = streamOf(1, "two").getReader();
  assert.deepEqual(await reader.read(), { value: 1, done: false });
  assert.deepEqual(await reader.read(), { value: "two", done: false });
  assert.deepEqual(await reader.read(), { value: undefined, done: true });
  assert.equal(await reader.closed, undefined);
});

test("a source is pulled until it closes", async () => {
  let count = 0;
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(count++);
      if (count > 3) controller.close();
    },
  });
  assert.deepEqual(await collect(stream), [0, 1, 2, 3]);
});

test("desiredSize follows the queue", () => {
  const { controller } = controlled({}, { highWaterMark: 10, size: (chunk) => chunk.length });
  controller.enqueue("abc");
  assert.equal(controller.desiredSize, 7);
  controller.error(new Error("x"));
  assert.equal(controller.desiredSize, null);
});

test("closed controllers refuse", () => {
  const { controller } = controlled();
  controller.close();
  assert.throws(() => controller.enqueue(1), "TypeError", "Unable to enqueue");
  assert.throws(() => controller.close(), "TypeError", "This ReadableStream is closed.");
});

test("errors reach readers", async () => {
  const { stream, controller } = controlled();
  const reading = stream.getReader().read();
  controller.error(new RangeError("broke"));
  await assert.rejects(reading, "RangeError", "broke");
  const failing = new ReadableStream({
    pull() {
      throw new RangeError("pull broke");
    },
  });
  await assert.rejects(failing.getReader().read(), "RangeError", "pull broke");
});

test("a locked stream refuses others", async () => {
  const stream = streamOf(1);
  const reader = stream.getReader();
  assert.ok(stream.locked);
  assert.throws(() => stream.getReader(), "TypeError", LOCKED);
  assert.throws(() => stream.tee(), "TypeError", "This ReadableStream is currently locked to a reader,");
  await assert.rejects(stream.cancel(), "TypeError", LOCKED);
  await assert.rejects(stream.pipeTo(new WritableStream()), "TypeError", LOCKED);
  reader.releaseLock();
  await assert.rejects(reader.read(), "TypeError", "This ReadableStream reader has been released.");
  await assert.rejects(reader.closed, "TypeError", "This ReadableStream reader has been released.");
  assert.ok(!stream.locked);
});

test("releasing refuses reads under way", async () => {
  const reader = new ReadableStream().getReader();
  const reading = reader.read();
  reader.releaseLock();
  await assert.rejects(reading, "TypeError", "This ReadableStream reader has been released.");
});

test("cancelling reaches the source", async () => {
  let reason;
  const stream = new ReadableStream({
    cancel(given) {
      reason = given;
    },
  });
  await stream.cancel("stop");
  assert.equal(reason, "stop");
  const failing = new ReadableStream({
    cancel() {
      throw new RangeError("no");
    },
  });
  await assert.rejects(failing.cancel(), "RangeError", "no");
});

test("leaving a loop cancels, unless it is prevented", async () => {
  let cancelled = 0;
  const source = {
    cancel() {
      cancelled++;
    },
  };
  const { stream, controller } = controlled(source);
  controller.enqueue(1);
  for await (const _ of stream) break;
  assert.deepEqual([cancelled, stream.locked], [1, false]);
  const kept = streamOf(1, 2);
  for await (const _ of kept.values({ preventCancel: true })) break;
  assert.deepEqual(await kept.getReader().read(), { value: 2, done: false });
});

test("ReadableStream.from", async () => {
  assert.deepEqual(await collect(ReadableStream.from([1, 2])), [1, 2]);
  async function* generate() {
    yield "a";
    yield "b";
  }
  assert.deepEqual(await collect(ReadableStream.from(generate())), ["a", "b"]);
});

test("tee gives both branches everything", async () => {
  const [one, two] = streamOf(1, 2).tee();
  assert.deepEqual([await collect(one), await collect(two)], [[1, 2], [1, 2]]);
  const [a, b] = new Response("tee me").body.tee();
  assert.deepEqual([await new Response(a).text(), await new Response(b).text()], ["tee me", "tee me"]);
});

test("byte streams fill the reader's buffers", async () => {
  const { stream, controller } = controlled({ type: "bytes" });
  const reader = stream.getReader({ mode: "byob" });
  controller.enqueue(new Uint8Array([1, 2, 3, 4, 5]));
  assert.deepEqual(await reader.read(new Uint8Array(2)), { value: new Uint8Array([1, 2]), done: false });
  assert.deepEqual(await reader.read(new Uint8Array(10)), { value: new Uint8Array([3, 4, 5]), done: false });
  const atLeast = reader.read(new Uint8Array(4), { min: 3 });
  controller.enqueue(new Uint8Array([1, 2]));
  controller.enqueue(new Uint8Array([3, 4, 5]));
  assert.deepEqual((await atLeast).value, new Uint8Array([1, 2, 3, 4]));
});

test("byte sources write into the reader's buffer", async () => {
  const stream = new ReadableStream({
    type: "bytes",
    pull({ byobRequest }) {
      byobRequest.view[0] = 7;
      byobRequest.respond(1);
    },
  });
  const { value } = await stream.getReader({ mode: "byob" }).read(new Uint8Array(3));
  assert.deepEqual(value, new Uint8Array([7]));
});

test("enqueued buffers are detached", () => {
  const chunk = new Uint8Array([1, 2]);
  controlled({ type: "bytes" }).controller.enqueue(chunk);
  assert.equal(chunk.byteLength, 0);
});

test("bodies can be read into buffers", async () => {
  const reader = new Response("abcdef").body.getReader({ mode: "byob" });
  assert.deepEqual((await reader.read(new Uint8Array(4))).value, bytes("abcd"));
  assert.deepEqual((await reader.read(new Uint8Array(4))).value, bytes("ef"));
  assert.deepEqual(await reader.read(new Uint8Array(4)), { value: new Uint8Array(0), done: true });
  await assert.rejects(
    new Response("x").body.getReader({ mode: "byob" }).read(new Uint8Array(0)),
    "TypeError",
    'You must call read() on a "byob" reader with a positive-sized TypedArray object.',
  );
  assert.throws(() => streamOf(1).getReader({ mode: "byob" }), "TypeError", "This ReadableStream does not support BYOB reads.");
});

test("writes run one after another, then the close", async () => {
  const log = [];
  const writer = new WritableStream({
    async write(chunk) {
      log.push(`start ${chunk}`);
      await undefined;
      log.push(`end ${chunk}`);
    },
    close() {
      log.push("close");
    },
  }).getWriter();
  writer.write(1);
  writer.write(2);
  await writer.close();
  assert.deepEqual(log, ["start 1", "end 1", "start 2", "end 2", "close"]);
  await assert.rejects(writer.write(3), "TypeError", "This WritableStream has been closed.");
  await assert.rejects(writer.close(), "TypeError", "This WritableStream has been closed.");
});

test("a failing sink errors the stream", async () => {
  const writer = new WritableStream({
    write() {
      throw new RangeError("sink broke");
    },
  }).getWriter();
  await assert.rejects(writer.write(1), "RangeError", "sink broke");
  await assert.rejects(writer.write(2), "RangeError", "sink broke");
});

test("writers are released and refused", async () => {
  const stream = new WritableStream();
  const writer = stream.getWriter();
  assert.throws(() => stream.getWriter(), "TypeError", "This WritableStream is currently locked to a writer.");
  writer.releaseLock();
  await assert.rejects(writer.write(1), "TypeError", "This WritableStream writer has been released.");
  assert.throws(() => writer.desiredSize, "TypeError", "This WritableStream writer has been released.");
});

test("aborting reaches the sink", async () => {
  let reason;
  const writer = new WritableStream({
    abort(given) {
      reason = given;
    },
  }).getWriter();
  await writer.abort("q");
  assert.equal(reason, "q");
});

test("pipeTo moves everything and closes", async () => {
  const log = [];
  const sink = new WritableStream({
    write(chunk) {
      log.push(chunk);
    },
    close() {
      log.push("close");
    },
  });
  await streamOf(1, 2).pipeTo(sink);
  assert.deepEqual(log, [1, 2, "close"]);
  assert.ok(!sink.locked);
});

test("pipeTo hands errors to the other side", async () => {
  const { stream, controller } = controlled();
  controller.error(new RangeError("boom"));
  let aborted;
  const sink = new WritableStream({
    abort(reason) {
      aborted = reason.message;
    },
  });
  await assert.rejects(stream.pipeTo(sink), "RangeError", "boom");
  assert.equal(aborted, "boom");
  let cancelled;
  const source = new ReadableStream({
    pull(c) {
      c.enqueue(1);
    },
    cancel(reason) {
      cancelled = reason.message;
    },
  });
  const broken = new WritableStream({
    write() {
      throw new RangeError("full");
    },
  });
  await assert.rejects(source.pipeTo(broken), "RangeError", "full");
  assert.equal(cancelled, "full");
});

test("transforms", async () => {
  const double = new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk * 2);
    },
    flush(controller) {
      controller.enqueue("end");
    },
  });
  assert.deepEqual(await collect(streamOf(1, 2).pipeThrough(double)), [2, 4, "end"]);
  assert.deepEqual(await collect(streamOf(1, 2).pipeThrough(new TransformStream())), [1, 2]);
  const failing = new TransformStream({
    transform() {
      throw new RangeError("broke");
    },
  });
  await assert.rejects(collect(streamOf(1).pipeThrough(failing)), "RangeError", "broke");
});

test("IdentityTransformStream passes bytes on", async () => {
  const { readable, writable } = new IdentityTransformStream();
  const writer = writable.getWriter();
  const written = [writer.write(bytes("a")), writer.write(bytes("b")), writer.close()];
  assert.equal(await new Response(readable).text(), "ab");
  await Promise.all(written);
  await assert.rejects(
    new IdentityTransformStream().writable.getWriter().write({}),
    "TypeError",
    "This TransformStream is being used as a byte stream, but received an object of non-ArrayBuffer/ArrayBufferView type on its writable side.",
  );
});

test("FixedLengthStream wants exactly its length", async () => {
  const pass = (length, text) => {
    const { readable, writable } = new FixedLengthStream(length);
    const writer = writable.getWriter();
    writer.write(bytes(text)).catch(() => {});
    writer.close().catch(() => {});
    return new Response(readable).text();
  };
  assert.equal(await pass(3, "abc"), "abc");
  await assert.rejects(pass(3, "abcd"), "TypeError", "Attempt to write too many bytes through a FixedLengthStream.");
  await assert.rejects(pass(3, "ab"), "TypeError", "FixedLengthStream did not see all expected bytes before close().");
});

test("queuing strategies", () => {
  assert.equal(new CountQueuingStrategy({ highWaterMark: 2 }).highWaterMark, 2);
  assert.equal(new CountQueuingStrategy({ highWaterMark: 2 }).size("abc"), 1);
  assert.equal(new ByteLengthQueuingStrategy({ highWaterMark: 3 }).size(new Uint8Array(5)), 5);
});

test("a source that closes ends a pipe whose destination wants nothing", async () => {
  let controller;
  const source = new ReadableStream({ start: (c) => (controller = c) });
  const piped = source.pipeTo(new WritableStream({}, { highWaterMark: 0 }));
  await Promise.resolve();
  controller.close();
  assert.equal(await piped, undefined);
});

test("cancelling a stream of an iterator checks what its return gives", async () => {
  const iterable = { [Symbol.asyncIterator]: () => ({ next: () => ({ done: false }), return: () => 5 }) };
  await assert.rejects(ReadableStream.from(iterable).cancel(), "TypeError");
});

test("a source may answer with the bytes in a buffer that they were moved to", async () => {
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      const { byobRequest } = controller;
      const buffer = byobRequest.view.buffer.transfer();
      new Uint8Array(buffer).set([1, 2]);
      byobRequest.respondWithNewView(new Uint8Array(buffer, 0, 2));
    },
  });
  const { value } = await stream.getReader({ mode: "byob" }).read(new Uint8Array(4));
  assert.deepEqual([...value], [1, 2]);
});
