// node:crypto, node:timers/promises, node:diagnostics_channel, node:os and modules that are only there to
// be imported.
import crypto, { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes, randomInt, randomUUID, timingSafeEqual } from "node:crypto";
import { channel, tracingChannel } from "node:diagnostics_channel";
import os from "node:os";
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
  assert.throws(() => timingSafeEqual(new Uint8Array(1), new Uint8Array(2)), { code: "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH" }, "Input buffers must have the same byte length");
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
  assert.ok(one.hasSubscribers && one.unsubscribe(listener) && !one.unsubscribe(listener));
  one.publish(6);
  assert.deepEqual(seen, [[5, "one"]]);
  const log = [];
  const trace = tracingChannel("op");
  trace.subscribe({ start: (c) => log.push(["start", c.id]), end: (c) => log.push(["end", c.result]) });
  assert.equal(trace.traceSync((x) => x + 1, { id: 1 }, undefined, 2), 3);
  assert.deepEqual(log, [["start", 1], ["end", 3]]);
});

test("os", () => {
  assert.equal(os.EOL, "\n");
  assert.equal(os.platform(), "linux");
});
