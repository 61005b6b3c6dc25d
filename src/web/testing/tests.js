// The harness checks itself, so that a test that cannot fail would be noticed.

/** The message of the error that the function throws; `undefined` when it throws none. */
const problem = (run) => {
  try {
    run();
  } catch (error) {
    return error.message;
  }
};

test("ok and equal", () => {
  assert.ok(1);
  assert.equal(NaN, NaN);
  assert.equal(problem(() => assert.ok("")), `"" is not true`);
  assert.equal(problem(() => assert.equal(0, -0)), "got 0, want -0");
  assert.equal(problem(() => assert.equal(1, "1", "sum")), `sum: got 1, want "1"`);
});

test("deepEqual", () => {
  const equal = [
    [{ a: [1, { b: NaN }] }, { a: [1, { b: NaN }] }],
    [new Map([["k", new Set([1])]]), new Map([["k", new Set([1])]])],
    [new Uint8Array([1, 2]), new Uint8Array([1, 2])],
    [new Date(5), new Date(5)],
    [new TypeError("x"), new TypeError("x")],
  ];
  for (const [a, b] of equal) assert.deepEqual(a, b);
  const different = [
    [{ a: 1 }, { a: 1, b: undefined }],
    [{ a: undefined }, { b: undefined }],
    [[1, 2], [2, 1]],
    [[undefined], new Array(1)],
    [new Set([1]), new Set([2])],
    [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array([1]), new Int8Array([1])],
    [new Date(5), new Date(6)],
    [new TypeError("x"), new Error("x")],
    [new Error("x"), new Error("y")],
    [null, {}],
  ];
  for (const [a, b] of different) assert.ok(problem(() => assert.deepEqual(a, b)) !== undefined);
  const cycle = { a: 1 };
  cycle.self = cycle;
  const other = { a: 1 };
  other.self = other;
  assert.deepEqual(cycle, other);
});

test("throws", () => {
  const bad = () => {
    throw new TypeError("bad value");
  };
  assert.equal(assert.throws(bad).message, "bad value");
  assert.throws(bad, "TypeError", "bad value");
  assert.throws(bad, TypeError);
  assert.throws(bad, /value/);
  assert.throws(bad, { name: "TypeError", message: "bad value" });
  assert.throws(bad, (error) => error.message.length === 9);
  assert.equal(problem(() => assert.throws(() => 1)), "nothing was thrown, got 1");
  for (const wrong of ["Error", RangeError, /other/, { message: "bad" }, () => false]) {
    assert.ok(problem(() => assert.throws(bad, wrong))?.startsWith("wrong error TypeError: bad value, want "));
  }
  assert.ok(problem(() => assert.throws(bad, TypeError, "bad"))?.endsWith(`want the text "bad"`));
});

test("rejects", async () => {
  const bad = async () => {
    throw new RangeError("late");
  };
  assert.equal((await assert.rejects(bad)).message, "late");
  await assert.rejects(bad(), RangeError);
  const settled = await assert.rejects(assert.rejects(Promise.resolve(1)));
  assert.equal(settled.message, "nothing was rejected, got 1");
  const early = () => {
    throw new Error("early");
  };
  const thrown = await assert.rejects(assert.rejects(early));
  assert.equal(thrown.message, "thrown at once instead of rejected: Error: early");
});
