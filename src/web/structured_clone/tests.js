// structuredClone: its arguments, and transferring.
test("arguments", () => {
  assert.throws(() => structuredClone(), "TypeError", "Failed to execute 'structuredClone' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'Value'.");
  assert.throws(() => structuredClone(1, 3), "TypeError", "Failed to execute 'structuredClone' on 'ServiceWorkerGlobalScope': parameter 2 is not of type 'StructuredCloneOptions'.");
  assert.throws(() => structuredClone(1, { transfer: [1] }), "TypeError", "Object is not transferable");
});

test("what is transferred is gone", () => {
  const buffer = new ArrayBuffer(4);
  structuredClone({}, { transfer: [buffer] });
  assert.equal(buffer.byteLength, 0);
});

test("what is no data is refused by its class", () => {
  const refused = (value, message) => assert.throws(() => structuredClone(value), "DataCloneError", message);
  const type = (name) => `Could not serialize object of type "${name}". This type does not support serialization.`;
  refused(new URL("http://x/"), type("URL"));
  refused({ nested: [new TextEncoder()] }, type("TextEncoder"));
  refused(crypto, type("Crypto"));
  refused(new ReadableStream(), "ReadableStream can only be serialized for RPC.");
  refused(new Response("text"), "ReadableStream can only be serialized for RPC.");
  refused(new WritableStream(), "WritableStream can only be serialized for RPC.");
  refused(new AbortController().signal, "AbortSignal serialization is not enabled.");
  refused(new Intl.NumberFormat(), "#<NumberFormat> could not be cloned.");
  refused([new Intl.Locale("en")], "[object Intl.Locale] could not be cloned.");
  refused(new WebAssembly.Memory({ initial: 1 }), "#<Memory> could not be cloned.");
});

test("headers, and requests and responses without a body, are cloned", () => {
  const headers = new Headers([["X-Two", "1"], ["Set-Cookie", "a=1"], ["x-two", "2"], ["set-cookie", "b=2"], ["Accept", "é"]]);
  const again = structuredClone([headers, headers]);
  assert.equal(again[0] === again[1] && again[0] instanceof Headers, true);
  assert.equal(JSON.stringify([...again[0]]), '[["accept","é"],["set-cookie","a=1"],["set-cookie","b=2"],["x-two","1, 2"]]');
  again[0].set("x-two", "3");
  assert.equal(headers.get("x-two"), "1, 2");
  const init = { method: "put", headers: { a: "1" }, redirect: "manual", cf: { k: [1] } };
  const request = structuredClone({ request: new Request("http://x/y?z#h", init) }).request;
  assert.equal([request.url, request.method, request.redirect, request.headers.get("a"), request.body].join(), "http://x/y?z#h,PUT,manual,1,");
  assert.equal(JSON.stringify(request.cf), '{"k":[1]}');
  const response = structuredClone(new Response(null, { status: 404, statusText: "Nope", headers: { a: "1" } }));
  assert.equal([response.status, response.statusText, response.headers.get("a"), response.body].join(), "404,Nope,1,");
  assert.throws(() => structuredClone(Response.redirect("http://x/").headers).set("a", "1"), "TypeError");
  assert.equal(structuredClone(Response.error()).type, "error");
  const refused = (value, message) => assert.throws(() => structuredClone(value), "DataCloneError", message);
  const signal = new AbortController().signal;
  refused(new Request("http://x/", { signal }), "AbortSignal serialization is not enabled.");
  refused(new Request("http://x/", { method: "POST", body: "b" }), "ReadableStream can only be serialized for RPC.");
});

test("exceptions and blobs are cloned", async () => {
  const exception = structuredClone(new DOMException("m", "AbortError"));
  assert.equal(exception instanceof DOMException, true);
  assert.equal([exception.name, exception.message, exception.code].join(), "AbortError,m,20");
  const { blob } = structuredClone({ blob: new Blob(["é"], { type: "text/plain" }) });
  assert.equal([blob.type, blob.size, await blob.text()].join(), "text/plain,2,é");
});

test("what is transferred twice is transferred once", () => {
  const buffer = new ArrayBuffer(4);
  assert.equal(structuredClone(buffer, { transfer: [buffer, buffer] }).byteLength, 4);
  assert.equal(buffer.detached, true);
});
