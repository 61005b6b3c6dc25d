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
