// node:crypto, node:timers/promises, node:diagnostics_channel, node:os and modules that are only there to
// be imported.
import crypto, { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes, randomInt, randomUUID, timingSafeEqual } from "node:crypto";
import { channel, tracingChannel } from "node:diagnostics_channel";
import http from "node:http";
import { createRequire, isBuiltin } from "node:module";
import net from "node:net";
import os from "node:os";
import { PerformanceObserver, performance, timerify } from "node:perf_hooks";
import { Readable, Transform } from "node:stream";
import tty from "node:tty";
import { setTimeout as sleep, setInterval as every } from "node:timers/promises";

test("hashes", () => {
  assert.equal(createHash("sha256").update("abc").digest("hex"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(createHash("MD5").update("a").update("bc").digest("base64"), "kAFQmDzST7DWlj99KOF/cg==");
  const first = createHash("sha1").update("a");
  const copy = first.copy().update("b");
  assert.equal(first.digest("hex"), createHash("sha1").update("a").digest("hex"));
  assert.equal(copy.digest("hex"), createHash("sha1").update("ab").digest("hex"));
  assert.throws(() => first.update("x"), { code: "ERR_CRYPTO_HASH_FINALIZED" }, "Digest already called");
  assert.equal(createHash("sha512").update(new Uint8Array(1)).digest().length, 64);
  assert.equal(crypto.hash("sha1", "a"), createHash("sha1").update("a").digest("hex"));
  assert.throws(() => createHash("sha1").update(5), { code: "ERR_INVALID_ARG_TYPE" });
});

test("HMAC and derivation", () => {
  assert.equal(createHmac("sha1", "k").update("m").digest("base64"), "dytxyKKZfnaL4B2XEeSk80ok7zM=");
  assert.equal(createHmac("sha256", "x".repeat(100)).update("m").digest("hex"), createHmac("sha256", createHash("sha256").update("x".repeat(100)).digest()).update("m").digest("hex"));
  assert.equal(pbkdf2Sync("password", "salt", 1, 20, "sha1").toString("hex"), "0c60c80f961f0e71f3a9b524af6012062fe037a6");
  assert.equal(hkdfSync("sha256", "key", "salt", "info", 8).byteLength, 8);
});

test("randomness and comparison", async () => {
  assert.equal(randomBytes(8).length, 8);
  assert.equal((await new Promise((resolve) => randomBytes(3, (error, bytes) => resolve(bytes)))).length, 3);
  assert.ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(randomUUID()));
  for (let i = 0; i < 50; i++) assert.ok([3, 4].includes(randomInt(3, 5)));
  assert.throws(() => randomInt(5, 5), { code: "ERR_OUT_OF_RANGE" });
  assert.ok(timingSafeEqual(new Uint8Array([1]), new Uint8Array([1])) && !timingSafeEqual(new Uint8Array([1]), new Uint8Array([2])));
  assert.throws(() => timingSafeEqual(new Uint8Array(1), new Uint8Array(2)), "TypeError", "Input buffers must have the same byte length.");
  assert.throws(() => timingSafeEqual(1, new Uint8Array(2)), "TypeError", "Failed to execute 'timingSafeEqual' on 'SubtleCrypto': parameter 1 is not of type 'BufferSource'.");
});

test("timers as promises", async () => {
  assert.equal(await sleep(2, "value"), "value");
  const controller = new AbortController();
  const waiting = sleep(1000, undefined, { signal: controller.signal });
  controller.abort();
  await assert.rejects(waiting, { name: "AbortError", code: "ABORT_ERR" });
  const seen = [];
  for await (const value of every(1, "tick")) if (seen.push(value) === 2) break;
  assert.deepEqual(seen, ["tick", "tick"]);
});

test("channels", () => {
  const seen = [];
  const listener = (message, name) => seen.push([message, name]);
  const one = channel("one");
  assert.equal(one, channel("one"));
  one.subscribe(listener);
  one.publish(5);
  assert.ok(one.hasSubscribers && one.unsubscribe(listener) === undefined && !one.hasSubscribers);
  one.publish(6);
  one.subscribe(listener);
  one.subscribe(listener);
  one.publish(7);
  assert.equal(seen.splice(1).length, 1);
  one.subscribe(() => { throw new RangeError("x"); });
  assert.throws(() => one.publish(1), "RangeError", "x");
  seen.splice(1);
  assert.equal(channel("1"), channel(1));
  assert.deepEqual(seen, [[5, "one"]]);
  const log = [];
  const trace = tracingChannel("op");
  trace.subscribe({ start: (c) => log.push(["start", c.id]), end: (c) => log.push(["end", c.result]) });
  assert.equal(trace.traceSync((x) => x + 1, { id: 1 }, undefined, 2), 3);
  assert.deepEqual(log, [["start", 1], ["end", 3]]);
  assert.throws(() => tracingChannel({}), { code: "ERR_INVALID_ARG_TYPE" });
});

test("os", () => {
  assert.equal(os.EOL, "\n");
  assert.equal(os.platform(), "linux");
});

test("hashes are streams", async () => {
  const read = async (stream) => {
    for await (const chunk of stream) return chunk.toString("hex");
  };
  assert.equal(await read(Readable.from(["a", "b"]).pipe(crypto.createHash("md5"))), "187ef4436122d1cc2f40dc2b92f0eba0");
  assert.equal(await read(Readable.from(["a", "b"]).pipe(crypto.createHmac("sha1", "k"))), "8b1ed7cf3e08549a8e262d59f7d2aa364a8577f7");
  const hash = crypto.createHash("sha256").setEncoding("hex");
  hash.write("a");
  hash.end();
  await new Promise((resolve) => hash.on("finish", resolve));
  assert.equal(hash.read(), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
  assert.ok(hash instanceof crypto.Hash && hash instanceof Transform);
});

test("what is a module, an address, a terminal", () => {
  assert.deepEqual(["fs", "node:http", "node:test", "test", "x"].map(isBuiltin), [true, true, true, false, false]);
  const require = createRequire("/x");
  assert.equal(require("node:path").sep, "/");
  assert.ok(require("path") === require("node:path"));
  assert.throws(() => require("nope"), { message: 'No such module "nope".' });
  assert.throws(() => createRequire(undefined), { code: "ERR_INVALID_ARG_VALUE" });
  const addresses = ["1.1.1.1", "256.1.1.1", "01.1.1.1", "::1", "::", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7", "::ffff:1.2.3.4", "fe80::1%eth0", "", "x"];
  assert.deepEqual(addresses.map(net.isIP), [4, 0, 0, 6, 6, 0, 6, 0, 6, 6, 0, 0]);
  assert.equal(tty.isatty(1), false);
  assert.equal(new http.Agent({ keepAlive: true }).maxSockets, Infinity);
  assert.throws(() => http.validateHeaderName("a b"), { code: "ERR_INVALID_HTTP_TOKEN", message: 'Header name must be a valid HTTP token ["a b"]' });
  assert.throws(() => http.validateHeaderValue("a", "\n"), { code: "ERR_INVALID_CHAR" });
});

test("perf_hooks", () => {
  assert.equal(timerify(() => 5)(), 5);
  assert.deepEqual(performance.eventLoopUtilization(), { idle: 0, active: 0, utilization: 0 });
  assert.deepEqual(new PerformanceObserver(() => {}).takeRecords(), []);
  assert.ok(PerformanceObserver === globalThis.PerformanceObserver);
});
