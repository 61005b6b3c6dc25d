// Code from strings while a Worker starts.
test("constructors stay what they are", () => {
  assert.equal((() => {}).constructor, Function);
  assert.ok((() => {}) instanceof Function && Function instanceof Function && Function instanceof Object);
  assert.equal(Function.name, "Function");
  assert.equal(Function.length, 1);
  assert.equal(Function.prototype.constructor, Function);
  class Callable extends Function {}
  assert.ok(Callable.prototype instanceof Function);
});
