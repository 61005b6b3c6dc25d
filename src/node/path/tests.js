// node:path, node:url, node:querystring and node:string_decoder, as Node.js documents them.
import path, { win32 } from "node:path";
import querystring from "node:querystring";
import { StringDecoder } from "node:string_decoder";
import url from "node:url";

test("path", () => {
  for (const [text, expected] of [["/a/../b/./c/", "/b/c/"], ["../a", "../a"], ["a/..", "."], ["", "."], ["//a", "/a"], ["./", "./"], ["/..", "/"]]) {
    assert.equal(path.normalize(text), expected, text);
  }
  assert.equal(path.join("a", "", "../b", "c"), "b/c");
  assert.equal(path.join(""), ".");
  assert.equal(path.resolve("/a", "b", "../c"), "/a/c");
  assert.equal(path.resolve("/a", "/b/"), "/b");
  assert.equal(path.relative("/a/b/c", "/a/d"), "../../d");
  assert.equal(path.relative("/a", "/a"), "");
  for (const [text, dir, base, ext] of [
    ["/a/b.txt", "/a", "b.txt", ".txt"], ["/a/b/", "/a", "b", ""], ["a", ".", "a", ""], ["/", "/", "", ""], ["", ".", "", ""],
    [".bashrc", ".", ".bashrc", ""], ["a.b.c", ".", "a.b.c", ".c"], ["a.", ".", "a.", "."], ["/a//b", "/a/", "b", ""], ["..", ".", "..", ""],
  ]) {
    assert.deepEqual([path.dirname(text), path.basename(text), path.extname(text)], [dir, base, ext], text);
  }
  assert.equal(path.basename("/a/b.txt", ".txt"), "b");
  assert.deepEqual(path.parse("/home/u/f.tar.gz"), { root: "/", dir: "/home/u", base: "f.tar.gz", ext: ".gz", name: "f.tar" });
  assert.deepEqual(path.parse("f"), { root: "", dir: "", base: "f", ext: "", name: "f" });
  assert.equal(path.format({ dir: "/a", name: "b", ext: "c" }), "/a/b.c");
  assert.ok(path.isAbsolute("/a") && !path.isAbsolute("a") && path.sep === "/" && path.posix === path);
  assert.throws(() => path.join(1), { code: "ERR_INVALID_ARG_TYPE" }, 'The "path" argument must be of type string. Received type number (1)');
});

test("path of Windows", () => {
  assert.equal(win32.normalize("C:/a/../b"), "C:\\b");
  assert.equal(win32.join("a", "b/c"), "a\\b\\c");
  assert.equal(win32.basename("C:\\a\\b.txt"), "b.txt");
  assert.equal(win32.dirname("C:\\a\\b"), "C:\\a");
  assert.equal(win32.resolve("C:\\a", "..\\b"), "C:\\b");
  assert.equal(win32.relative("C:\\a\\b", "C:\\a\\c"), "..\\c");
  assert.ok(win32.isAbsolute("C:\\") && !win32.isAbsolute("C:a"));
});

test("url", () => {
  assert.equal(url.fileURLToPath("file:///a%20b"), "/a b");
  assert.equal(url.pathToFileURL("/a b#c").href, "file:///a%20b%23c");
  const parsed = url.parse("http://user:pw@Host.com:8080/p/a?x=1&y=2#h", true);
  assert.deepEqual(
    [parsed.protocol, parsed.auth, parsed.host, parsed.hostname, parsed.port, parsed.pathname, parsed.search, parsed.query.y, parsed.hash, parsed.path],
    ["http:", "user:pw", "host.com:8080", "host.com", "8080", "/p/a", "?x=1&y=2", "2", "#h", "/p/a?x=1&y=2"],
  );
  assert.equal(url.parse("/only?a").pathname, "/only");
  assert.equal(url.parse("http://a.b").href, "http://a.b/");
  assert.equal(url.format({ protocol: "https", hostname: "a.b", pathname: "x", query: { q: 1 } }), "https://a.b/x?q=1");
  assert.equal(url.resolve("/one/two/three", "four"), "/one/two/four");
  assert.equal(url.resolve("http://a.b/one", "/two"), "http://a.b/two");
  assert.equal(url.urlToHttpOptions(new URL("https://a:b@c.d/e?f")).auth, "a:b");
  assert.equal(url.URL, URL);
});

test("querystring", () => {
  assert.equal(querystring.stringify({ a: "b c", d: [1, true], e: null }), "a=b%20c&d=1&d=true&e=");
  assert.deepEqual({ ...querystring.parse("a=1&b=2&a=3&c&%zz=+x") }, { a: ["1", "3"], b: "2", c: "", "%zz": " x" });
  assert.equal(querystring.unescape("%c5%bc"), "ż");
  assert.equal(querystring.escape("a&b"), "a%26b");
  assert.deepEqual({ ...querystring.parse("a:1;b:2", ";", ":") }, { a: "1", b: "2" });
});

test("string_decoder", () => {
  const euro = [0xe2, 0x82, 0xac];
  const decoder = new StringDecoder("utf8");
  assert.equal(decoder.write(new Uint8Array(euro.slice(0, 2))), "");
  assert.equal(decoder.write(new Uint8Array([euro[2], 97])), "€a");
  assert.equal(decoder.write(new Uint8Array([0xe2])) + decoder.end(), "\ufffd");
  const base64 = new StringDecoder("base64");
  assert.equal(base64.write(new Uint8Array([97])) + base64.write(new Uint8Array([98, 99])) + base64.end(), "YWJj");
  const wide = new StringDecoder("utf16le");
  assert.equal(wide.write(new Uint8Array([0x61])) + wide.write(new Uint8Array([0])) + wide.end(), "a");
  assert.throws(() => new StringDecoder("x"), { code: "ERR_UNKNOWN_ENCODING" });
});
