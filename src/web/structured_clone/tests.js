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
  refused(new AbortController().signal, "AbortSignal serialization is not enabled.");
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
