// Request, Response and their bodies.

const USED = "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.";
const bytes = (text) => new TextEncoder().encode(text);

test("a request has the platform's defaults", () => {
  const request = new Request("http://example.com/p?q#frag");
  const { method, url, body, bodyUsed, redirect, cf, integrity, keepalive, cache, fetcher } = request;
  assert.deepEqual(
    [method, url, body, bodyUsed, redirect, cf, integrity, keepalive, cache, fetcher],
    ["GET", "http://example.com/p?q#frag", null, false, "follow", undefined, "", false, undefined, null],
  );
  assert.deepEqual([...request.headers], []);
  assert.ok(request.signal instanceof AbortSignal);
  assert.ok(request.signal === request.signal);
});

test("methods are normalised or refused", () => {
  assert.equal(new Request("http://a/", { method: "patch" }).method, "PATCH");
  for (const method of ["FOO", "CONNECT", "bad method", "toString"]) {
    assert.throws(() => new Request("http://a/", { method }), "TypeError", `Invalid HTTP method string: ${method}`);
  }
});

test("requests refuse what cannot be", () => {
  const check = (input, init, message) => assert.throws(() => new Request(input, init), "TypeError", message);
  check("not a url", undefined, "Invalid URL: not a url");
  check("http://a/", { method: "GET", body: "x" }, "Request with a GET or HEAD method cannot have a body.");
  check("http://a/", { body: "x" }, "Request with a GET or HEAD method cannot have a body.");
  check("http://a/", { cache: "default" }, "Unsupported cache mode: default");
  check(
    "http://a/",
    { signal: 5 },
    "Incorrect type for the 'signal' field on 'RequestInitializerDict': the provided value is not of type 'AbortSignal'.",
  );
  check(
    "http://a/",
    5,
    "Failed to construct 'Request': constructor parameter 2 is not of type 'RequestInitializerDict or Request'.",
  );
});

test("a request made of another takes its body and replaces its headers", async () => {
  const old = new Request("http://a/x", { method: "POST", body: "old", headers: { a: "1" } });
  const made = new Request(old, { headers: { b: "2" } });
  assert.deepEqual([made.method, made.headers.get("a"), made.headers.get("b")], ["POST", null, "2"]);
  assert.ok(old.bodyUsed);
  assert.equal(await made.text(), "old");
  assert.throws(() => new Request(old), "TypeError", "Cannot reconstruct a Request with a used body.");
});

test("a request may stand for a dictionary", () => {
  const request = new Request("http://a/", new Request("http://b/", { method: "POST", headers: { x: "1" } }));
  assert.deepEqual([request.url, request.method, request.headers.get("x")], ["http://a/", "POST", "1"]);
});

test("clones of requests share the signal and have their own body", async () => {
  const { signal } = new AbortController();
  const request = new Request("http://a/", { method: "POST", body: "b", signal });
  const clone = request.clone();
  assert.ok(clone.signal === signal);
  assert.deepEqual([await request.text(), await clone.text(), request.bodyUsed], ["b", "b", true]);
});

test("a body can be read once", async () => {
  const response = new Response("abc");
  assert.equal(await response.text(), "abc");
  assert.ok(response.bodyUsed);
  await assert.rejects(response.arrayBuffer(), "TypeError", USED);
  await assert.rejects(response.json(), "TypeError", USED);
  assert.throws(() => response.clone(), "TypeError", "This ReadableStream is currently locked to a reader,");
});

test("bodies come in all forms", async () => {
  assert.deepEqual(new Uint8Array(await new Response(new Uint8Array([1, 2])).arrayBuffer()), new Uint8Array([1, 2]));
  assert.deepEqual(await new Response("ab").bytes(), new Uint8Array([97, 98]));
  assert.deepEqual(await new Response('{"a":[1]}').json(), { a: [1] });
  assert.equal(await new Response(new Blob(["blob"])).text(), "blob");
  assert.equal(await new Response({}).text(), "[object Object]");
  assert.equal(await new Response("\ufeffabc").text(), "abc");
  assert.equal(await new Response(new Uint8Array([0xff, 0x61])).text(), "\ufffda");
  const blob = await new Response("x", { headers: { "content-type": "Text/HTML; charset=x" } }).blob();
  assert.deepEqual([blob.size, blob.type], [1, "text/html;charset=x"]);
  await assert.rejects(new Response("{nope").json(), "SyntaxError");
  await assert.rejects(new Response("").json(), "SyntaxError");
});

test("buffers are copied when a body is made of them", async () => {
  const buffer = new Uint8Array([1, 2]);
  const response = new Response(buffer);
  buffer[0] = 9;
  assert.deepEqual(await response.bytes(), new Uint8Array([1, 2]));
});

test("iterables of bytes are bodies", async () => {
  async function* parts() {
    yield bytes("a");
    yield bytes("b");
  }
  assert.equal(await new Response(parts()).text(), "ab");
  await assert.rejects(new Response([1, 2]).text(), "TypeError", "This ReadableStream did not return bytes.");
});

test("bodies imply content types", () => {
  const typeOf = (body) => new Response(body).headers.get("content-type");
  assert.equal(typeOf("s"), "text/plain;charset=UTF-8");
  assert.equal(typeOf(new URLSearchParams("a=1")), "application/x-www-form-urlencoded;charset=UTF-8");
  assert.equal(typeOf(new Blob(["x"], { type: "text/x" })), "text/x");
  assert.equal(typeOf(new Uint8Array(1)), null);
  assert.ok(typeOf(new FormData()).startsWith("multipart/form-data; boundary="));
  assert.equal(new Response("x", { headers: { "content-type": "a/b" } }).headers.get("content-type"), "a/b");
});

test("a response has the platform's defaults", () => {
  const { status, ok, statusText, body, type, url, redirected, webSocket, cf } = new Response();
  assert.deepEqual(
    [status, ok, statusText, body, type, url, redirected, webSocket, cf],
    [200, true, "", null, "default", "", false, null, undefined],
  );
});

test("responses refuse what cannot be", () => {
  const range = "Responses may only be constructed with status codes in the range 200 to 599, inclusive.";
  for (const status of [199, 600, 101, NaN, "abc"]) {
    assert.throws(() => new Response(null, { status }), "RangeError", range);
  }
  const nullBody = "Response with null body status (101, 204, 205, or 304) cannot have a body.";
  for (const status of [204, 205, 304]) {
    assert.throws(() => new Response("x", { status }), "TypeError", nullBody);
    assert.throws(() => new Response(new ReadableStream(), { status }), "TypeError", nullBody);
    assert.equal(new Response("", { status }).body, null);
  }
  assert.throws(() => new Response(null, { statusText: "a\nb" }), "TypeError", "Invalid statusText");
  assert.throws(() => new Response(null, { encodeBody: "x" }), "TypeError", "encodeBody: unexpected value: x");
  assert.throws(
    () => new Response("x", { headers: 5 }),
    "TypeError",
    "Incorrect type for the 'headers' field on 'InitializerDict': the provided value is not of type 'Headers or Sequence or object'.",
  );
});

test("Response.json", async () => {
  const response = Response.json({ a: 1 }, { status: 202, headers: { x: "y" } });
  assert.deepEqual([response.status, response.headers.get("x")], [202, "y"]);
  assert.equal(response.headers.get("content-type"), "application/json");
  assert.equal(await response.text(), '{"a":1}');
});

test("Response.redirect", () => {
  const response = Response.redirect("http://a/x y", 301);
  assert.deepEqual([response.status, response.headers.get("location")], [301, "http://a/x%20y"]);
  assert.equal(Response.redirect("http://a/").status, 302);
  assert.throws(() => response.headers.set("a", "b"), "TypeError", "Can't modify immutable headers.");
  assert.throws(() => Response.redirect("/rel"), "TypeError", "Unable to parse URL: /rel");
  assert.throws(
    () => Response.redirect("http://a/", 200),
    "RangeError",
    "200 is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.",
  );
});

test("Response.error", () => {
  const { status, type, ok, body } = Response.error();
  assert.deepEqual([status, type, ok, body], [0, "error", false, null]);
});

test("clones of responses keep status, headers and body", async () => {
  const response = new Response("abc", { status: 201, statusText: "Q", headers: { a: "1" }, cf: { b: 2 } });
  const clone = response.clone();
  clone.headers.set("a", "2");
  assert.deepEqual([clone.status, clone.statusText, clone.cf, response.headers.get("a")], [201, "Q", { b: 2 }, "1"]);
  assert.deepEqual([await clone.text(), await response.text()], ["abc", "abc"]);
});

test("a body's stream is one object and shares its state", async () => {
  const response = new Response("abc");
  assert.ok(response.body === response.body);
  const reader = response.body.getReader();
  assert.ok(!response.bodyUsed);
  await assert.rejects(response.text(), "TypeError", "This ReadableStream is currently locked to a reader.");
  assert.deepEqual(await reader.read(), { value: bytes("abc"), done: false });
  assert.ok(response.bodyUsed);
  assert.equal((await reader.read()).done, true);
  reader.releaseLock();
  assert.throws(
    () => new Response(response.body),
    "TypeError",
    "This ReadableStream is disturbed (has already been read from), and cannot be used as a body.",
  );
});

test("data: URLs need no server", async () => {
  const check = async (url, type, text) => {
    const response = await fetch(url);
    assert.deepEqual([response.status, response.headers.get("content-type"), await response.text()], [200, type, text], url);
  };
  await check("data:,a%20b#c", "text/plain;charset=US-ASCII", "a b");
  await check("data:text/plain;charset=x;base64,SGVsbG8", "text/plain;charset=x", "Hello");
  await check("data:;a=b,x", "text/plain;a=b", "x");
  await check(new URL("data:text/html ; BASE64 ,YQ=="), "text/html", "a");
  await check("data:none,%zz", "text/plain;charset=US-ASCII", "%zz");
  assert.equal(await (await fetch("data:,a", { method: "HEAD" })).text(), "");
});

test("copies of a body are copies", async () => {
  const response = new Response(new Uint8Array([1, 2]));
  const [a, b] = await Promise.all([response.clone().arrayBuffer(), response.arrayBuffer()]);
  assert.ok(a !== b);
  const blob = new Blob(["x"]);
  new Uint8Array(await new Response(blob).arrayBuffer())[0] = 0;
  assert.equal(await blob.text(), "x");
});

test("a body's blob has the content type in its normal form", async () => {
  const typeOf = async (type) => (await new Response("", { headers: { "content-type": type } }).blob()).type;
  assert.equal(await typeOf("TEXT/HTML; CHARSET=GBK"), "text/html;charset=GBK");
  assert.equal(await typeOf("x"), "");
});
