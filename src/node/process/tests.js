// node:process and the globals of Node.js, which a Worker with `nodejs_compat` has.
import { Buffer as Imported } from "node:buffer";
import process_, { env, nextTick } from "node:process";

test("process", async () => {
  assert.equal(process_.env, env);
  env.NUMBER = 5;
  assert.equal(env.NUMBER, "5");
  delete env.NUMBER;
  assert.ok(!("NUMBER" in env));
  const order = [];
  nextTick((x) => order.push(x), "tick");
  order.push("sync");
  await null;
  await null;
  assert.deepEqual(order, ["sync", "tick"]);
  assert.ok(/^v\d+\.\d+\.\d+$/.test(process_.version));
  assert.equal(process_.platform, "linux");
  const [seconds, nanoseconds] = process_.hrtime();
  assert.ok(Number.isInteger(seconds) && nanoseconds < 1e9 && typeof process_.hrtime.bigint() === "bigint");
  assert.equal(process_.stdout.isTTY, undefined);
  assert.equal(await new Promise((resolve) => process_.stdout.write("a line\n", () => resolve("written"))), "written");
  assert.equal(typeof Imported.from, "function");
});

test("builtin modules are those that are imported", () => {
  assert.equal(process_.getBuiltinModule("node:process"), process_);
  assert.equal(process_.getBuiltinModule("buffer").Buffer, Imported);
  assert.equal(process_.getBuiltinModule("node:buffer"), process_.getBuiltinModule("node:buffer"));
  assert.equal(process_.getBuiltinModule("nothing"), undefined);
  assert.equal(process_.getBuiltinModule('x"'), undefined);
});
