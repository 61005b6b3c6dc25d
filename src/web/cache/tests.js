// caches: what is refused. What is kept needs a cache behind it, which a bare workerd lacks: the conformance
// suite and tests/it look at that.
const cache = caches.default;
const fails = (run, message, name = "TypeError") => assert.rejects(run, name, message);

test("shape", () => {
  assert.deepEqual(Object.getOwnPropertyNames(CacheStorage.prototype).filter((name) => name !== "constructor"), ["open", "delete", "match", "has", "keys"]);
  assert.deepEqual(Object.getOwnPropertyNames(Cache.prototype).filter((name) => name !== "constructor"), ["add", "addAll", "delete", "match", "put", "matchAll", "keys"]);
  assert.deepEqual([Object.keys(caches), String(caches), String(cache)], [["default"], "[object CacheStorage]", "[object Cache]"]);
});

test("what is not stored", async () => {
  const put = (input, response = new Response("x")) => async () => cache.put(input, response);
  await fails(put("nope"), "Invalid URL: nope");
  await fails(put("http://x/", new Response("x", { status: 206 })), "Cannot cache response to a range request (206 Partial Content).");
  await fails(put("http://x/", new Response("x", { headers: { vary: "a, *" } })), "Cannot cache response with 'Vary: *' header.");
  await fails(put("http://x/", Response.error()), "Cache is unable to store an error response");
  await fails(put(new Request("http://x/", { method: "POST" })), "Cannot cache response to non-GET request.");
  await fails(put("http://x/", 5), "Failed to execute 'put' on 'Cache': parameter 2 is not of type 'Response'.");
  await fails(async () => cache.put(), "Failed to execute 'put' on 'Cache': parameter 1 is not of type 'Request or string'.");
  const used = new Response("x");
  await used.text();
  await fails(put("http://x/", used), "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.");
  assert.equal(await cache.put("http://x/", new Response(null, { status: 304 })), undefined);
});

test("what is not found or implemented", async () => {
  await fails(async () => cache.match("nope"), "Invalid URL: nope");
  await fails(async () => cache.match(), "Failed to execute 'match' on 'Cache': parameter 1 is not of type 'Request or string'.");
  await fails(async () => caches.open(), "Failed to execute 'open' on 'CacheStorage': parameter 1 is not of type 'string'.");
  assert.equal(await cache.match(new Request("http://x/", { method: "POST" })), undefined);
  assert.equal(await cache.delete(new Request("http://x/", { method: "POST" })), false);
  for (const name of ["add", "addAll", "matchAll", "keys"]) {
    await fails(async () => cache[name](name === "addAll" ? [] : "http://x/"), `Failed to execute '${name}' on 'Cache': the method is not implemented.`, "Error");
  }
  for (const name of ["delete", "match", "has", "keys"]) {
    await fails(async () => caches[name]("x"), `Failed to execute '${name}' on 'CacheStorage': the method is not implemented.`, "Error");
  }
});
