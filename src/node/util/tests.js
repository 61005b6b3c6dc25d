// node:util, node:assert and node:assert/strict, as Node.js documents them.
import assertion, { AssertionError } from "node:assert";
import strict from "node:assert/strict";
import util, { callbackify, format, inherits, inspect, isDeepStrictEqual, promisify, types } from "node:util";

test("format and inspect", () => {
  assert.equal(format("%s has %d of %j and %%", "a", 2, { b: 1 }, "rest"), 'a has 2 of {"b":1} and % rest');
  assert.equal(format(1, "x", { a: [1] }), "1 x { a: [ 1 ] }");
  assert.equal(inspect({ a: { b: { c: {} } } }), "{ a: { b: { c: {} } } }");
  assert.equal(inspect({ a: { b: { c: { d: 1 } } } }, { depth: 0 }), "{ a: [Object] }");
  assert.equal(inspect({ [inspect.custom]: () => "mine" }), "mine");
  assert.equal(util.inspect.custom, Symbol.for("nodejs.util.inspect.custom"));
  assert.equal(inspect(new Map([["a", 1]])), "Map(1) { 'a' => 1 }");
});

test("promisify and callbackify", async () => {
  const add = promisify((a, b, done) => done(null, a + b));
  assert.equal(await add(1, 2), 3);
  await assert.rejects(promisify((done) => done(new RangeError("no")))(), "RangeError", "no");
  const custom = () => "plain";
  custom[promisify.custom] = async () => "custom";
  assert.equal(await promisify(custom)(), "custom");
  const back = callbackify(async (x) => x * 2);
  assert.equal(await new Promise((resolve) => back(4, (error, value) => resolve(value))), 8);
  assert.throws(() => promisify(1), { code: "ERR_INVALID_ARG_TYPE" });
});

test("inherits and deprecate", () => {
  function Base() {}
  Base.prototype.hi = () => "hi";
  function Child() {}
  inherits(Child, Base);
  assert.equal(new Child().hi(), "hi");
  assert.equal(Child.super_, Base);
  assert.equal(util.deprecate((x) => x + 1, "old")(1), 2);
});

test("deep equality", () => {
  const loop = () => {
    const value = { a: 1 };
    value.self = value;
    return value;
  };
  for (const [a, b, expected] of [
    [{ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, true],
    [{ a: 1 }, { a: "1" }, false],
    [[1, , 3], [1, undefined, 3], false],
    [NaN, NaN, true],
    [0, -0, false],
    [new Date(1), new Date(1), true],
    [/a/g, /a/i, false],
    [new Map([[{ k: 1 }, 1]]), new Map([[{ k: 1 }, 1]]), true],
    [new Set([1, { a: 1 }]), new Set([{ a: 1 }, 1]), true],
    [new Set([1]), new Set([2]), false],
    [new Uint8Array([1]), new Uint8Array([1]), true],
    [new Uint8Array([1]), new Int8Array([1]), false],
    [new Error("a"), new Error("a"), true],
    [new Error("a"), new Error("b"), false],
    [{}, Object.create(null), false],
    [loop(), loop(), true],
    [Object(1), Object(1), true],
  ]) {
    assert.equal(isDeepStrictEqual(a, b), expected, `${inspect(a)} and ${inspect(b)}`);
  }
});

test("types", () => {
  assert.ok(types.isDate(new Date()) && types.isRegExp(/x/) && types.isPromise(Promise.resolve()));
  assert.ok(types.isMap(new Map()) && !types.isMap(Object.create(Map.prototype)));
  assert.ok(types.isUint8Array(new Uint8Array()) && !types.isUint8Array(new Int8Array()));
  assert.ok(types.isProxy(new Proxy({}, {})) && !types.isProxy({}));
  assert.ok(types.isAnyArrayBuffer(new ArrayBuffer(1)) && types.isBoxedPrimitive(Object("a")));
  assert.ok(types.isAsyncFunction(async () => {}) && !types.isAsyncFunction(() => {}));
  assert.ok(types.isGeneratorFunction(function* () {}) && types.isNativeError(new TypeError()));
});

test("assert", async () => {
  assertion(1);
  assertion.equal(1, 1);
  assertion.notEqual(1, "1");
  assertion.notDeepEqual({ a: 1 }, { a: "1" });
  assertion.partialDeepStrictEqual({ a: [1, 2], b: new Map([[1, 2]]), c: 1 }, { a: [1], b: new Map([[1, 2]]) });
  assertion.deepStrictEqual([1, { a: 2 }], [1, { a: 2 }]);
  assertion.notStrictEqual(1, 2);
  assertion.match("abc", /b/);
  assertion.throws(() => { throw new TypeError("bad"); }, TypeError);
  assertion.throws(() => { throw new TypeError("bad"); }, /bad/);
  assertion.throws(() => { throw new TypeError("bad"); }, { name: "TypeError", message: "bad" });
  assertion.doesNotThrow(() => {});
  await assertion.rejects(async () => { throw new Error("x"); }, { message: "x" });
  assertion.ifError(null);
  const error = assert.throws(() => assertion.strictEqual(1, 2), { code: "ERR_ASSERTION", actual: 1, expected: 2, operator: "strictEqual" });
  assert.equal(error.message, "Values are not strictly equal:\n\n\n[Diff] Actual / Expected\n\n\n-   1\n+   2\n");
  assert.ok(error instanceof AssertionError && !error.generatedMessage);
  for (const [run, message] of [
    [() => assertion.strictEqual("a\nb\nc", "a\nx\nc"), "Values are not strictly equal:\n\n\n[Diff] Actual / Expected\n\n\n    a\\n\n-   b\\n\n+   x\\n\n    c\n\n"],
    [() => assertion.strictEqual({ a: 1 }, { a: 1 }), "Values have the same structure but are not reference-equal:\n\n    { a: 1 }\n"],
    [() => assertion.deepStrictEqual({ a: 1 }, { a: "1" }), "Expected values to be strictly deep-equal:\n+ actual - expected\n\n+ { a: 1 }\n- { a: '1' }\n       ^"],
    [() => assertion.deepEqual(1, 2), "Expected values to be strictly deep-equal:\n\n1 !== 2\n"],
    [() => assertion.notStrictEqual(1, 1), "Expected actual to be strictly unequal to expected"],
    [() => assertion.notDeepEqual([1], [1]), "Expected actual to not be deeply strictly equal to expected"],
    [() => assertion.partialDeepStrictEqual({ a: 1 }, { a: 2 }), "Expected actual to be partially deeply strictly equal to expected"],
    [() => assertion.ok(0), "0 == true"],
    [() => assertion.ok(), "No value argument passed to `assert.ok()`"],
    [() => assertion.match("a", /b/), 'actual: "a" expected to match: "/b/"'],
    [() => assertion.doesNotMatch("b", /b/), 'actual: "b" expected to not match: "/b/"'],
    [() => assertion.strictEqual(1, 2, "mine"), "mine"],
    [() => assertion.equal(1, "1"), "Values are not strictly equal:\n\n\n[Diff] Actual / Expected\n\n\n-   1\n+   '1'\n"],
  ]) assert.throws(run, { code: "ERR_ASSERTION" }, message);
  assert.throws(() => assertion.ok(0, "mine"), { message: "mine", generatedMessage: false });
  assert.throws(() => strict.equal(1, "1"), { code: "ERR_ASSERTION" });
  assert.throws(() => assertion.throws(() => {}), { message: "Missing expected exception." });
  assert.throws(() => assertion.fail(), { message: "Failed", code: "ERR_ASSERTION" });
  assert.throws(() => assertion.throws(() => { throw new Error("a"); }, /b/), { code: "ERR_ASSERTION" });
  await assert.rejects(() => assertion.rejects(async () => 1), { message: "Missing expected rejection." });
});

test("media types", () => {
  const type = new util.MIMEType('Text/HTML; Charset=utf-8; q="a \\"b"');
  type.params.set("z", "1");
  type.params.set("charset", "other");
  assert.equal(`${type}`, 'text/html;charset=utf-8;q="a \\"b";z=1');
  assert.deepEqual([type.essence, type.type, type.subtype, type.params.get("q"), type.params.has("x")], ["text/html", "text", "html", 'a "b', false]);
  assert.deepEqual([...type.params], [["charset", "utf-8"], ["q", 'a "b'], ["z", "1"]]);
  type.type = "Image";
  assert.equal(JSON.stringify({ type }), '{"type":"image/html;charset=utf-8;q=\\"a \\\\\\"b\\";z=1"}');
  assert.throws(() => new util.MIMEType("x"), { name: "TypeError", message: "Not a valid MIME type: x" });
  assert.throws(() => type.params.set("a b", ""), { name: "TypeError", message: "Not a valid MIME parameter" });
});

test("files of variables", () => {
  const text = "A=1\n# c\n\nB='x y'\nC=\"l\\nm\" # c\nexport D = 5 \nE=a#b\nF=`q'\"`\nG=\"two\nlines\"\nH='\\n'\nI=\nnothing\nJ=a=b\nA=2\nK='open\nL=1\nM=\"";
  const values = { A: "2", B: "x y", C: "l\nm", D: "5", E: "a", F: "q'\"", G: "two\nlines", H: "\\n", I: "", J: "a=b", K: "open", L: "1", M: '"' };
  assert.deepEqual(util.parseEnv(text), values);
  assert.throws(() => util.parseEnv(5), { code: "ERR_INVALID_ARG_TYPE" });
});

test("styles, errors of the system and signals", () => {
  assert.equal(util.styleText("red", "x"), "x");
  assert.equal(util.styleText(["bold", "red"], "x", { validateStream: false }), "\u001b[1m\u001b[31mx\u001b[39m\u001b[22m");
  assert.throws(() => util.styleText("nope", "x"), { code: "ERR_INVALID_ARG_VALUE" });
  assert.equal(util.getSystemErrorName(-2), "ENOENT");
  assert.deepEqual(util.getSystemErrorMap().get(-2), ["ENOENT", "no such file or directory"]);
  assert.equal(util.getSystemErrorMessage(-2), "no such file or directory");
  assert.equal(util.convertProcessSignalToExitCode("SIGTERM"), 143);
  const { signal } = util.transferableAbortController();
  assert.ok(util.transferableAbortSignal(signal) === signal);
});
