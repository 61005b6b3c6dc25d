// Compression as streams.
const read = async (stream) => {
  const parts = [];
  for await (const part of stream) parts.push(...part);
  return new Uint8Array(parts);
};
const write = (transform, ...chunks) => {
  const writer = transform.writable.getWriter();
  for (const chunk of chunks) writer.write(chunk).catch(() => {});
  writer.close().catch(() => {});
  return read(transform.readable);
};
const bytes = (text) => new TextEncoder().encode(text);

test("round trips", async () => {
  for (const format of ["gzip", "deflate", "deflate-raw"]) {
    const small = await write(new CompressionStream(format), bytes("hello ".repeat(100)), bytes("end"));
    assert.ok(small.length < 100);
    const back = await write(new DecompressionStream(format), small);
    assert.equal(new TextDecoder().decode(back), "hello ".repeat(100) + "end");
  }
});

test("what is wrong with the data", async () => {
  const small = await write(new CompressionStream("gzip"), bytes("abc"));
  await assert.rejects(() => write(new DecompressionStream("gzip"), bytes("nope not gzip at all")), "TypeError", "Decompression failed.");
  await assert.rejects(() => write(new DecompressionStream("gzip"), small.slice(0, -4)), "TypeError", "Called close() on a decompression stream with incomplete data");
  await assert.rejects(() => write(new DecompressionStream("gzip"), new Uint8Array([...small, 0, 0, 0])), "TypeError", "Trailing bytes after end of compressed data");
  await assert.rejects(() => write(new DecompressionStream("gzip")), "TypeError", "Called close() on a decompression stream with incomplete data");
});

test("formats", () => {
  assert.throws(() => new CompressionStream("brotli?"), "TypeError", "The compression format must be either 'deflate', 'deflate-raw' or 'gzip'.");
  assert.throws(() => new CompressionStream(), "TypeError", "Failed to construct 'CompressionStream': constructor parameter 1 is not of type 'string'.");
  assert.equal(Object.prototype.toString.call(new CompressionStream("gzip")), "[object CompressionStream]");
  assert.ok(new DecompressionStream("gzip") instanceof TransformStream);
});

test("text streams", async () => {
  const encoded = await write(new TextEncoderStream(), "\ud83d", "\ude00");
  assert.deepEqual([...encoded], [240, 159, 152, 128]);
  const decoder = new TextDecoderStream();
  const writer = decoder.writable.getWriter();
  writer.write(new Uint8Array([0xc5]));
  writer.write(new Uint8Array([0xbc]));
  writer.close();
  let text = "";
  for await (const part of decoder.readable) text += part;
  assert.equal(text, "ż");
  const other = new TextDecoderStream("latin1", { fatal: true });
  assert.deepEqual([other.encoding, other.fatal, other.ignoreBOM], ["windows-1252", true, false]);
});

test("what is not compressed is said at once", async () => {
  for (const format of ["gzip", "deflate"]) {
    const read = (text) => new Response(new Response(text).body.pipeThrough(new DecompressionStream(format))).text();
    await assert.rejects(() => read("nonsense"), "TypeError", "Decompression failed.");
    await assert.rejects(() => read(""), "TypeError", "Called close() on a decompression stream with incomplete data");
  }
});
