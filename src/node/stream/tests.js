// node:stream: classes, backpressure, ends and errors, pipelines, streams of the Web.
import stream, { Duplex, PassThrough, Readable, Transform, Writable, finished, pipeline } from "node:stream";
import { buffer, json, text } from "node:stream/consumers";
import { finished as finishedLater, pipeline as pipelineLater } from "node:stream/promises";
import { Buffer } from "node:buffer";

const upper = () => new Transform({ transform: (chunk, encoding, done) => done(null, `${chunk}`.toUpperCase()) });
function sink(log = []) {
  const made = new Writable({ write(chunk, encoding, done) { log.push(`${chunk}`); done(); } });
  made.log = log;
  return made;
}
const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve));

test("reading: data, readable and loops", async () => {
  const made = new Readable({ read() {} });
  const seen = [];
  made.on("data", (chunk) => seen.push(`${chunk}`));
  made.push("a");
  made.push(Buffer.from("b"));
  made.push(null);
  await event(made, "end");
  assert.deepEqual(seen, ["a", "b"]);
  assert.deepEqual([made.readableEnded, made.readable], [true, false]);
  const numbers = [];
  for await (const one of Readable.from([1, 2, 3])) numbers.push(one);
  assert.deepEqual(numbers, [1, 2, 3]);
  const paused = Readable.from(["ab", "cd"], { objectMode: false });
  paused.setEncoding("utf8");
  const parts = [];
  paused.on("readable", () => {
    for (let part = paused.read(1); part !== null; part = paused.read(1)) parts.push(part);
  });
  await event(paused, "end");
  assert.equal(parts.join(""), "abcd");
  let count = 0;
  const counting = new Readable({ objectMode: true, highWaterMark: 2, read() { this.push(count < 10 ? { count: count++ } : null); } });
  assert.deepEqual((await counting.toArray()).length, 10);
});

test("writing: order, backpressure, final", async () => {
  const log = [];
  const made = new Writable({
    highWaterMark: 4,
    write(chunk, encoding, done) { log.push(`${chunk}`); queueMicrotask(done); },
    final(done) { log.push("final"); done(); },
  });
  assert.equal(made.write("ab"), true);
  assert.equal(made.write("cdef"), false);
  await event(made, "drain");
  made.end("g", () => log.push("ended"));
  await event(made, "close");
  assert.deepEqual(log, ["ab", "cdef", "g", "final", "ended"]);
  assert.deepEqual([made.writableFinished, made.destroyed], [true, true]);
  const late = sink();
  late.end();
  late.on("error", () => {});
  const problem = await new Promise((resolve) => late.write("x", resolve));
  assert.equal(problem.code, "ERR_STREAM_WRITE_AFTER_END");
  const corked = [];
  const many = new Writable({ writev(chunks, done) { corked.push(chunks.map(({ chunk }) => `${chunk}`)); done(); } });
  many.cork();
  many.write("a");
  many.write("b");
  many.uncork();
  many.end();
  await event(many, "finish");
  assert.deepEqual(corked, [["a", "b"]]);
});

test("pipes and pipelines", async () => {
  const target = sink();
  Readable.from(["a", "b"]).pipe(upper()).pipe(target);
  await event(target, "finish");
  assert.deepEqual(target.log, ["A", "B"]);
  const other = sink();
  await pipelineLater(Readable.from(["x"]), async function* (source) {
    for await (const chunk of source) yield `${chunk}1`;
  }, upper(), other);
  assert.deepEqual(other.log, ["X1"]);
  const source = Readable.from(["x"]);
  const failing = new Transform({ transform: (chunk, encoding, done) => done(new Error("broken")) });
  const error = await new Promise((resolve) => pipeline(source, failing, sink(), resolve));
  assert.equal(error.message, "broken");
  assert.equal(source.destroyed, true);
  assert.equal(await pipelineLater(["a", "b"], async (all) => { let sum = ""; for await (const one of all) sum += one; return sum; }), "ab");
});

test("ends, errors and destruction", async () => {
  const made = new Readable({ read() {} });
  const ended = new Promise((resolve) => finished(made, resolve));
  made.destroy(new Error("gone"));
  made.on("error", () => {});
  assert.equal((await ended).message, "gone");
  const early = new PassThrough();
  const closed = finishedLater(early);
  early.destroy();
  await assert.rejects(() => closed, { code: "ERR_STREAM_PREMATURE_CLOSE", message: "Premature close" });
  const order = [];
  const doomed = new Readable({ read() {}, destroy(error, done) { order.push("destroy"); done(error); } });
  doomed.on("error", () => order.push("error")).on("close", () => order.push("close"));
  doomed.destroy(new Error("x"));
  await event(doomed, "close");
  assert.deepEqual(order, ["destroy", "error", "close"]);
  const controller = new AbortController();
  const aborted = new Readable({ read() {}, signal: controller.signal });
  const failure = event(aborted, "error");
  controller.abort();
  assert.deepEqual([(await failure).name, (await failure).code], ["AbortError", "ABORT_ERR"]);
});

test("duplex streams and transforms", async () => {
  const written = [];
  const both = new Duplex({ read() { this.push("r"); this.push(null); }, write(chunk, encoding, done) { written.push(`${chunk}`); done(); } });
  both.end("w");
  assert.equal(await text(both), "r");
  assert.deepEqual(written, ["w"]);
  const flushed = new Transform({
    transform: (chunk, encoding, done) => done(),
    flush(done) { done(null, "last"); },
  });
  flushed.end("ignored");
  assert.equal(await text(flushed), "last");
  assert.ok(both instanceof Readable && both instanceof Writable && both instanceof stream);
  class Mine extends Transform {
    _transform(chunk, encoding, done) { this.push(chunk); this.push(chunk); done(); }
  }
  const mine = new Mine();
  mine.end("ab");
  assert.equal(await text(mine), "abab");
  assert.deepEqual(await Readable.from([1, 2, 3]).map((x) => x * 2).filter((x) => x > 2).toArray(), [4, 6]);
  assert.deepEqual(await json(Readable.from(['{"a":', "1}"])), { a: 1 });
  assert.equal(`${await buffer(Readable.from(["a", "b"]))}`, "ab");
});

test("streams of the Web", async () => {
  assert.equal(await new Response(Readable.toWeb(Readable.from([Buffer.from("a"), Buffer.from("b")]))).text(), "ab");
  assert.equal(await text(Readable.fromWeb(new Response("web").body)), "web");
  const log = [];
  const target = Writable.fromWeb(new WritableStream({ write: (chunk) => void log.push(chunk) }));
  target.end("x");
  await event(target, "finish");
  assert.equal(`${log[0]}`, "x");
});
