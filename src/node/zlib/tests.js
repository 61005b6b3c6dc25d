// node:zlib: data there and back, members, what is broken, streams.
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import zlib, { constants, createGunzip, createGzip, gunzip, gunzipSync, gzipSync, inflateSync } from "node:zlib";

const long = "hello ".repeat(40_000);
const fails = (run, message) => assert.throws(run, "Error", message);

test("there and back", () => {
  for (const [pack, unpack] of [["gzip", "gunzip"], ["deflate", "inflate"], ["deflateRaw", "inflateRaw"], ["brotliCompress", "brotliDecompress"], ["gzip", "unzip"], ["deflate", "unzip"]]) {
    for (const text of ["", "x", long]) {
      assert.equal(zlib[`${unpack}Sync`](zlib[`${pack}Sync`](text)).toString() === text, true, pack);
    }
  }
  assert.equal(zlib.deflateSync("abc").toString("hex"), "789c4b4c4a0600024d0127");
  assert.equal(zlib.deflateRawSync("abc").toString("hex"), "4b4c4a0600");
  assert.equal(gzipSync("abc").toString("hex"), "1f8b08000000000000034b4c4a0600c241243503000000");
  assert.ok(gzipSync(long, { level: 9 }).length < gzipSync(long, { level: 0 }).length);
  assert.equal(gunzipSync(Buffer.concat([gzipSync("a"), gzipSync("b")])).toString(), "ab");
  assert.equal(inflateSync(Buffer.concat([zlib.deflateSync("abc"), Buffer.from("more")])).toString(), "abc");
});

test("what is broken", () => {
  fails(() => gunzipSync(Buffer.from("nope nope nope nope")), "incorrect header check");
  fails(() => inflateSync(Buffer.from("xxxx")), "incorrect header check");
  fails(() => gunzipSync(gzipSync("hello").subarray(0, -4)), "unexpected end of file");
  fails(() => inflateSync(zlib.deflateSync("abc").subarray(0, -2)), "unexpected end of file");
  assert.equal(gunzipSync(gzipSync(long).subarray(0, -4), { finishFlush: constants.Z_SYNC_FLUSH }).length, long.length);
  assert.throws(() => inflateSync(zlib.deflateSync("a".repeat(1000)), { maxOutputLength: 10 }), "RangeError", "Memory limit exceeded");
});

test("callbacks, checksums and numbers", async () => {
  const done = await new Promise((resolve, reject) => gunzip(gzipSync("abc"), (error, found) => (error ? reject(error) : resolve(found))));
  assert.equal(done.toString(), "abc");
  const error = await new Promise((resolve) => gunzip(Buffer.from("nope nope"), resolve));
  assert.equal(error.message, "incorrect header check");
  assert.equal(zlib.crc32("hello"), 907060870);
  assert.equal(zlib.crc32("lo", zlib.crc32("hel")), 907060870);
  assert.deepEqual([constants.Z_BEST_COMPRESSION, zlib.codes.Z_DATA_ERROR, zlib.codes["-3"]], [9, -3, "Z_DATA_ERROR"]);
});

test("streams", async () => {
  const chunks = Array.from({ length: 50 }, (_, index) => Buffer.from(`${index} `.repeat(1000)));
  const all = await buffer(Readable.from(chunks).pipe(createGzip()).pipe(createGunzip()));
  assert.ok(all.equals(Buffer.concat(chunks)));
  const broken = createGunzip();
  const failed = new Promise((resolve) => broken.on("error", resolve));
  broken.end(Buffer.from("nope nope nope"));
  const { code, message } = await failed;
  assert.deepEqual([code, message], ["Z_DATA_ERROR", "incorrect header check"]);
  const flushed = createGzip();
  const first = new Promise((resolve) => flushed.once("data", resolve));
  flushed.write("early");
  flushed.flush();
  assert.ok((await first).length > 0);
});
