// Weak references.
test("a target lives until the turn ends", async () => {
  const reference = new WeakRef({ a: 1 });
  assert.equal(reference.deref().a, 1);
  await null;
  assert.equal(reference.deref().a, 1);
  const symbol = new WeakRef(Symbol("b"));
  assert.equal(symbol.deref().description, "b");
});

test("the class has the shape of the language's", () => {
  assert.equal(WeakRef.name, "WeakRef");
  assert.equal(WeakRef.length, 1);
  assert.equal(WeakRef.prototype.constructor, WeakRef);
  assert.equal(WeakRef.prototype.deref.name, "deref");
  assert.equal(String(new WeakRef({})), "[object WeakRef]");
  assert.deepEqual(Object.keys(WeakRef.prototype), []);
  class Mine extends WeakRef {}
  const mine = new Mine({ a: 2 });
  assert.equal(mine instanceof Mine && mine instanceof WeakRef, true);
  assert.equal(mine.deref().a, 2);
  for (const wrong of [() => WeakRef({}), () => new WeakRef(1), () => WeakRef.prototype.deref.call({})]) {
    let name;
    try {
      wrong();
    } catch (error) {
      name = error.name;
    }
    assert.equal(name, "TypeError");
  }
});
