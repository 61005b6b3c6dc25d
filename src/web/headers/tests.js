// Headers: combining, order, refusals.

test("Headers combine values and ignore case", () => {
  const headers = new Headers({ "X-One": "1" });
  headers.append("x-one", "2");
  headers.set("B", " spaced ");
  assert.equal(headers.get("X-ONE"), "1, 2");
  assert.equal(headers.get("b"), "spaced");
  assert.equal(headers.get("zzz"), null);
  assert.ok(headers.has("x-one"));
  assert.deepEqual([...headers], [["b", "spaced"], ["x-one", "1, 2"]]);
  assert.deepEqual([...headers.keys()], ["b", "x-one"]);
  assert.deepEqual([...headers.values()], ["spaced", "1, 2"]);
});

test("set replaces all values of a name and keeps the others", () => {
  const headers = new Headers([["a", "1"], ["b", "2"], ["a", "3"]]);
  headers.set("A", "9");
  assert.deepEqual([...headers], [["a", "9"], ["b", "2"]]);
  headers.delete("A");
  assert.deepEqual([...headers], [["b", "2"]]);
});

test("each Set-Cookie stays alone", () => {
  const headers = new Headers();
  headers.append("B", "1");
  headers.append("Set-Cookie", "a=1");
  headers.append("set-cookie", "b=2");
  assert.deepEqual(headers.getSetCookie(), ["a=1", "b=2"]);
  assert.deepEqual(headers.getAll("Set-Cookie"), ["a=1", "b=2"]);
  assert.equal(headers.get("set-cookie"), "a=1, b=2");
  assert.deepEqual([...headers], [["b", "1"], ["set-cookie", "a=1"], ["set-cookie", "b=2"]]);
  assert.throws(() => headers.getAll("x"), "TypeError", 'getAll() can only be used with the header name "Set-Cookie".');
});

test("Headers take records, sequences, maps and other headers", () => {
  assert.equal(new Headers(new Map([["A", "1"]])).get("a"), "1");
  assert.equal(new Headers([new Set(["q", "z"])]).get("q"), "z");
  assert.equal(new Headers({ a: undefined }).get("a"), "undefined");
  const first = new Headers({ a: "1" });
  const copy = new Headers(first);
  copy.set("a", "2");
  assert.equal(first.get("a"), "1");
});

test("Headers refuse what is no header", () => {
  const initial = "Failed to construct 'Headers': constructor parameter 1 is not of type 'Headers or Sequence or object'.";
  for (const init of ["x", 5, null]) assert.throws(() => new Headers(init), "TypeError", initial);
  assert.throws(() => new Headers({ "bad name": "x" }), "TypeError", "Invalid header name.");
  assert.throws(() => new Headers({ a: "x\ny" }), "TypeError", "Invalid header value.");
  assert.throws(
    () => new Headers([["a"]]),
    "TypeError",
    "To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.",
  );
  assert.throws(() => new Headers([5]), "TypeError", "Incorrect type: the provided value is not of type 'Sequence'.");
  assert.throws(
    () => new Headers().append("a"),
    "TypeError",
    "Failed to execute 'append' on 'Headers': parameter 2 is not of type 'string'.",
  );
});

test("header values are Unicode", () => {
  assert.equal(new Headers({ a: "ż" }).get("a"), "ż");
  assert.ok(new Headers({ a: "\ud800" }).get("a").isWellFormed());
});

test("iterating shows the headers of its beginning", () => {
  const headers = new Headers({ a: "1", b: "2" });
  const seen = [];
  for (const [name] of headers) {
    seen.push(name);
    headers.append("c", "3");
  }
  assert.deepEqual(seen, ["a", "b"]);
  const calls = [];
  new Headers({ a: "1" }).forEach((value, name, all) => calls.push([value, name, all instanceof Headers]));
  assert.deepEqual(calls, [["1", "a", true]]);
});

test("methods refuse foreign receivers", () => {
  for (const receiver of [{}, undefined, new Response("")]) {
    const error = assert.throws(() => Headers.prototype.get.call(receiver, "a"), "TypeError");
    assert.ok(error.message.startsWith("Illegal invocation"));
  }
});
