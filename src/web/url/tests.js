// URL and URLSearchParams.

test("a URL shows its components", () => {
  const url = new URL("https://us:pw@Example.com:8443/a/../b%20c/?x=1&y=2#h");
  const { href, origin, protocol, host, hostname, port, pathname, search, hash, username, password } = url;
  assert.deepEqual(
    [href, origin, protocol, host, hostname, port],
    [
      "https://us:pw@example.com:8443/b%20c/?x=1&y=2#h",
      "https://example.com:8443",
      "https:",
      "example.com:8443",
      "example.com",
      "8443",
    ],
  );
  assert.deepEqual([pathname, search, hash, username, password], ["/b%20c/", "?x=1&y=2", "#h", "us", "pw"]);
});

test("components of unusual URLs", () => {
  const check = (text, expected) => {
    const { origin, host, port, pathname, search, hash } = new URL(text);
    assert.deepEqual([origin, host, port, pathname, search, hash], expected, text);
  };
  check("http://[::1]:8080/", ["http://[::1]:8080", "[::1]:8080", "8080", "/", "", ""]);
  check("http://h?", ["http://h", "h", "", "/", "", ""]);
  check("http://h/a#b?c/d", ["http://h", "h", "", "/a", "", "#b?c/d"]);
  check("http://h/a@b?c#", ["http://h", "h", "", "/a@b", "?c", ""]);
  check("foo:bar?x#y", ["null", "", "", "bar", "?x", "#y"]);
  check("foo://h", ["null", "h", "", "", "", ""]);
  check("data:text/plain,x", ["null", "", "", "text/plain,x", "", ""]);
  check("blob:http://a/x", ["http://a", "", "", "http://a/x", "", ""]);
  check("file:///a", ["null", "", "", "/a", "", ""]);
  check("HTTP://1.2.3", ["http://1.2.0.3", "1.2.0.3", "", "/", "", ""]);
  check("http://żółw.pl/ść", ["http://xn--w-uga1v8h.pl", "xn--w-uga1v8h.pl", "", "/%C5%9B%C4%87", "", ""]);
});

test("setters change one component or nothing", () => {
  const url = new URL("../c?d", "http://h/a/b/");
  url.searchParams.set("e", "ż ");
  url.hash = "z";
  url.port = "80";
  assert.equal(url.href, "http://h/a/c?d=&e=%C5%BC+#z");
  url.port = "99999";
  url.host = "";
  assert.equal(url.host, "h");
  url.pathname = "x y";
  url.username = "u";
  url.password = "p";
  url.protocol = "https";
  assert.equal(url.href, "https://u:p@h/x%20y?d=&e=%C5%BC+#z");
});

test("what is no URL is refused", () => {
  for (const text of ["::", "/rel"]) assert.throws(() => new URL(text), "TypeError", "Invalid URL string.");
  assert.deepEqual([URL.canParse("http://a"), URL.canParse("no"), URL.canParse("x", "http://a")], [true, false, true]);
  assert.deepEqual([URL.parse("bad"), URL.parse("http://a").href], [null, "http://a/"]);
  assert.throws(
    () => {
      new URL("http://a/").href = "zz";
    },
    "TypeError",
    "Failed to set the 'href' property on 'URL': the provided value is not of type 'valid URL string'.",
  );
  assert.equal(JSON.stringify({ url: new URL("http://a") }), '{"url":"http://a/"}');
});

test("searchParams follow their URL and change it", () => {
  const url = new URL("http://a/?a=1 2");
  const params = url.searchParams;
  assert.ok(params === url.searchParams);
  params.append("b", "c");
  assert.equal(url.search, "?a=1+2&b=c");
  url.search = "?q=r";
  assert.deepEqual([...params], [["q", "r"]]);
  url.href = "http://b/?s=t";
  assert.equal(params.get("s"), "t");
  params.delete("s");
  assert.equal(url.href, "http://b/");
});

test("URLSearchParams as a list", () => {
  const params = new URLSearchParams("?a=1&b=2&a=3&c");
  params.append("d", "x y&z");
  params.delete("b");
  params.sort();
  assert.equal(params.toString(), "a=1&a=3&c=&d=x+y%26z");
  assert.deepEqual([params.getAll("a"), params.get("c"), params.get("zz"), params.size], [["1", "3"], "", null, 4]);
  assert.deepEqual([params.has("a", "3"), params.has("a", "2")], [true, false]);
  params.delete("a", "1");
  params.set("c", "q");
  assert.deepEqual([...params], [["a", "3"], ["c", "q"], ["d", "x y&z"]]);
  assert.deepEqual([[...params.keys()], [...params.values()]], [["a", "c", "d"], ["3", "q", "x y&z"]]);
});

test("URLSearchParams take records and sequences", () => {
  assert.equal(new URLSearchParams({ a: 1, b: [1, 2] }).toString(), "a=1&b=1%2C2");
  assert.equal(new URLSearchParams([["a", "b"]]).toString(), "a=b");
  assert.equal(new URLSearchParams(new Headers({ a: "b" })).toString(), "a=b");
  assert.equal(new URLSearchParams("a=*-._~!'()").toString(), "a=*-._%7E%21%27%28%29");
  assert.throws(() => new URLSearchParams([["a"]]), "TypeError", "Invalid URL search params sequence.");
});

test("iterating params sees later changes", () => {
  const params = new URLSearchParams("a=1&b=2");
  const seen = [];
  for (const [name] of params) {
    seen.push(name);
    if (seen.length < 4) params.append("c", "1");
  }
  assert.deepEqual(seen, ["a", "b", "c", "c", "c"]);
});

test("names that become equal keep the first place and the last value", () => {
  const params = new URLSearchParams({ "x\udc53": "1", "y": "2", "x\udc5c": "3" });
  assert.deepEqual([...params], [["x\ufffd", "3"], ["y", "2"]]);
});

test("paths escape what the standard escapes today", () => {
  assert.equal(new URL("http://h/a^b").pathname, "/a%5Eb");
  assert.equal(new URL("///test", "http://h/").href, "http://test/");
});

test("constructors say which argument is missing", () => {
  assert.throws(() => new URL(), "TypeError", "Failed to construct 'URL': constructor parameter 1 is not of type 'USVString'.");
  const request = "Failed to construct 'Request': constructor parameter 1 is not of type 'Request or string'.";
  assert.throws(() => new Request(), "TypeError", request);
  assert.throws(() => new File(), "TypeError", "Failed to construct 'File': constructor parameter 2 is not of type 'string'.");
});
