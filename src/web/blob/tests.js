// Blob and File.

test("a blob joins its parts", async () => {
  const blob = new Blob(["ab", new Uint8Array([99]), new Blob(["d"])], { type: "Text/Plain" });
  assert.deepEqual([blob.size, blob.type, await blob.text()], [4, "text/plain", "abcd"]);
  assert.deepEqual(await blob.bytes(), new Uint8Array([97, 98, 99, 100]));
  assert.equal((await blob.arrayBuffer()).byteLength, 4);
  assert.equal(await new Blob([5, {}, null]).text(), "5[object Object]null");
});

test("slices", async () => {
  const blob = new Blob(["abc"]);
  assert.equal(await blob.slice(1, 3).text(), "bc");
  assert.equal(await blob.slice(-2).text(), "bc");
  assert.equal(blob.slice(2, 1).size, 0);
  assert.equal(blob.slice(0, 1, "T/X").type, "t/x");
});

test("a blob's stream gives its bytes", async () => {
  const reader = new Blob(["abc"]).stream().getReader();
  assert.deepEqual(await reader.read(), { value: new Uint8Array([97, 98, 99]), done: false });
  assert.equal((await reader.read()).done, true);
});

test("files have a name and a date", () => {
  const file = new File(["x"], "b/c", { type: "a/b", lastModified: 5 });
  assert.deepEqual([file.name, file.type, file.lastModified, file.size], ["b/c", "a/b", 5, 1]);
  assert.ok(file instanceof Blob);
  assert.equal(Object.prototype.toString.call(file), "[object File]");
});

test("blobs refuse other parts and options", () => {
  const parts = "Failed to construct 'Blob': constructor parameter 1 is not of type 'Array'.";
  for (const value of [5, "x", null, new Set(["a"])]) assert.throws(() => new Blob(value), "TypeError", parts);
  assert.throws(() => new Blob(["a"], 5), "TypeError", "Failed to construct 'Blob': constructor parameter 2 is not of type 'Options'.");
  assert.throws(() => new Blob([], { endings: "native" }), "Error", "The 'endings' field on 'Options' is not implemented.");
  assert.throws(() => new File(["x"]), "TypeError", "Failed to construct 'File': constructor parameter 2 is not of type 'string'.");
});
