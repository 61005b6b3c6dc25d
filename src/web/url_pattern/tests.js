// URLPattern: patterns as texts and objects, what they match, and what is none.
const groups = (pattern, url) => pattern.exec(url)?.pathname.groups;

test("patterns of texts", () => {
  const pattern = new URLPattern("https://*.example.com/:a?");
  assert.deepEqual([pattern.protocol, pattern.hostname, pattern.pathname, pattern.search], ["https", "*.example.com", "/:a?", "*"]);
  assert.equal(pattern.hasRegExpGroups, false);
  assert.deepEqual(groups(pattern, "https://x.example.com/q"), { a: "q" });
  assert.deepEqual(groups(pattern, "https://x.example.com/"), undefined);
  assert.equal(pattern.exec("http://x.example.com/q"), null);
  assert.equal(pattern.exec("no address"), null);
  assert.deepEqual(Object.keys(pattern.exec("https://x.example.com/q")), ["inputs", "protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"]);
  assert.deepEqual(pattern.exec("/q", "https://y.example.com").inputs, ["/q", "https://y.example.com"]);
  assert.deepEqual(pattern.exec("https://x.example.com/q").hostname, { input: "x.example.com", groups: { 0: "x" } });
});

test("patterns of objects", () => {
  const pattern = new URLPattern({ pathname: "/users/:id/*" });
  assert.deepEqual([pattern.test("http://a/users/42/x"), pattern.test("http://a/other")], [true, false]);
  assert.deepEqual(groups(pattern, "http://a/users/42/x/y"), { id: "42", 0: "x/y" });
  const digits = new URLPattern({ pathname: "/:x(\\d+){.:kind}?" });
  assert.equal(digits.hasRegExpGroups, true);
  assert.deepEqual(groups(digits, { pathname: "/12.js" }), { x: "12", kind: "js" });
  assert.deepEqual(digits.exec({ pathname: "/12", baseURL: "http://q/" }).inputs[0].pathname, "/12");
  assert.equal(digits.test({ pathname: "/a" }), false);
  assert.equal(new URLPattern({ pathname: "/A" }, { ignoreCase: true }).test("http://x/a"), true);
  assert.equal(new URLPattern({ pathname: "/A" }).test("http://x/a"), false);
  assert.equal(new URLPattern().test(), true);
  assert.deepEqual(Object.keys(URLPattern.prototype), ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash", "hasRegExpGroups", "test", "exec"]);
});

test("what is no pattern", () => {
  for (const args of [["("], ["/a"], [5], [{ baseURL: "x" }], [{}, "http://x"], [{ pathname: "/(\\" }], ["https://a/:x:x"]]) {
    assert.throws(() => new URLPattern(...args), "TypeError", "Failed to construct URLPattern");
  }
  assert.throws(() => new URLPattern().exec({}, "http://x"), "TypeError", "Failed to exec URLPattern");
  assert.throws(() => new URLPattern().test({}, "http://x"), "TypeError", "Failed to test URLPattern");
});

test("patterns with hyphens and brackets", () => {
  assert.ok(new URLPattern({ hostname: "my-host.example" }).test("https://my-host.example/"));
  assert.ok(new URLPattern("http://[\\:\\:1]/").test("http://[::1]/"));
});
