// What DOMException promises.
test("carries name, message and code", () => {
  const error = new DOMException("m", "AbortError");
  assert.equal(error.name, "AbortError");
  assert.equal(error.message, "m");
  assert.equal(error.code, 20);
  assert.ok(error instanceof Error);
  assert.equal(String(error), "AbortError: m");
  assert.equal(Object.prototype.toString.call(error), "[object DOMException]");
});

test("knows the legacy codes by name", () => {
  const codes = ["NotFoundError", "InvalidStateError", "QuotaExceededError", "TimeoutError", "DataCloneError"];
  assert.deepEqual(codes.map((name) => new DOMException("", name).code), [8, 11, 22, 23, 25]);
  assert.equal(new DOMException("", "InUseAttributeError").code, 10);
  assert.equal(new DOMException("", "URLMismatchError").code, 21);
  assert.equal(new DOMException("", "OperationError").code, 0);
  assert.equal(DOMException.ABORT_ERR, 20);
  assert.equal(DOMException.prototype.DATA_CLONE_ERR, 25);
});

test("has defaults, and turns arguments into strings", () => {
  const plain = new DOMException();
  assert.equal(plain.name, "Error");
  assert.equal(plain.message, "");
  const odd = new DOMException(1, 2);
  assert.equal(odd.message, "1");
  assert.equal(odd.name, "2");
});

test("has a stack and cannot be called", () => {
  assert.equal(typeof new DOMException("m", "N").stack, "string");
  assert.throws(() => DOMException("m"), "TypeError");
});

test("the class itself inherits nothing", () => {
  assert.ok(Object.getPrototypeOf(DOMException) === Function.prototype);
  class Mine extends DOMException {}
  const error = new Mine("a", "AbortError");
  assert.ok(error instanceof Mine && error instanceof DOMException && error instanceof Error);
  assert.equal(error.code, 20);
});

test("the stack of an error takes any value and is not enumerable", () => {
  for (const value of [undefined, null, "text", 5]) {
    const error = new Error("m");
    error.stack = value;
    assert.deepEqual([error.stack, Object.keys(error)], [value, []]);
  }
  const error = new TypeError("m");
  assert.deepEqual([delete error.stack, Object.keys({ ...error })], [true, []]);
  // Nothing is thrown.
  Object.freeze(new Error("m")).stack = "x";
  const plain = Object.create(Error.prototype);
  plain.stack = "x";
  assert.deepEqual(Object.keys(plain), ["stack"]);
  let refused;
  try {
    Object.freeze(Object.create(Error.prototype)).stack = "x";
  } catch (thrown) {
    refused = thrown instanceof TypeError;
  }
  assert.equal(refused, true);
});
