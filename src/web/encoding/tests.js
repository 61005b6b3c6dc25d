// Text encodings and base64.
const bytes = (...list) => new Uint8Array(list);
const DECODE = "Failed to decode input.";
const BASE64 =
  "atob() called with invalid base64-encoded data. (Only whitespace, '+', '/', alphanumeric ASCII, and up to " +
  "two terminal '=' signs when the input data length is divisible by 4 are allowed.)";

test("encode", () => {
  const encoder = new TextEncoder();
  assert.deepEqual([...encoder.encode("ż😀")], [0xc5, 0xbc, 0xf0, 0x9f, 0x98, 0x80]);
  assert.deepEqual([...encoder.encode("\ud800a")], [239, 191, 189, 97]);
  assert.deepEqual([...encoder.encode(null)], [110, 117, 108, 108]);
  assert.equal(encoder.encode().length, 0);
  assert.ok(encoder.encode("a") instanceof Uint8Array);
  assert.equal(encoder.encoding, "utf-8");
});

test("encodeInto", () => {
  const encoder = new TextEncoder();
  const into = new Uint8Array(5);
  assert.deepEqual(encoder.encodeInto("a😀é", into), { read: 3, written: 5 });
  assert.deepEqual([...into], [97, 0xf0, 0x9f, 0x98, 0x80]);
  assert.deepEqual(encoder.encodeInto("aé", new Uint8Array(2)), { read: 1, written: 1 });
  for (const wrong of [undefined, {}, new Uint16Array(2)]) {
    assert.throws(() => encoder.encodeInto("a", wrong), "TypeError", "Failed to execute 'encodeInto' on 'TextEncoder': parameter 2 is not of type 'Uint8Array'.");
  }
});

test("decode UTF-8", () => {
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(bytes(0xc5, 0xbc)), "ż");
  assert.equal(decoder.decode(bytes(0xf0, 0x9f, 0x41)), "\ufffdA");
  assert.equal(decoder.decode(bytes(0xef, 0xbb, 0xbf, 65)), "A");
  assert.equal(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 65)), "\ufeffA");
  assert.equal(decoder.decode(), "");
  assert.equal(decoder.decode(new DataView(new ArrayBuffer(2))), "\0\0");
  assert.equal(decoder.decode(bytes(65, 66, 67, 68).buffer), "ABCD");
  assert.equal(decoder.decode(bytes(65, 66, 67, 68).subarray(1, 3)), "BC");
  assert.throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(0xff)), "TypeError", DECODE);
});

test("decode streams", () => {
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(bytes(0xc5), { stream: true }) + decoder.decode(bytes(0xbc)), "ż");
  assert.equal(decoder.decode(bytes(0xc5), { stream: true }) + decoder.decode(), "\ufffd");
  assert.equal(decoder.decode(bytes(0xef, 0xbb), { stream: true }) + decoder.decode(bytes(0xbf, 65)), "A");
  const fatal = new TextDecoder("utf-8", { fatal: true });
  assert.equal(fatal.decode(bytes(0xc5), { stream: true }), "");
  assert.throws(() => fatal.decode(), "TypeError", DECODE);
  assert.equal(fatal.decode(bytes(65)), "A");
});

test("other encodings", () => {
  assert.equal(new TextDecoder("utf-16le").decode(bytes(0x7c, 0x01)), "ż");
  assert.equal(new TextDecoder("shift_jis").decode(bytes(0x82, 0xa0)), "あ");
  assert.equal(new TextDecoder("latin1").encoding, "windows-1252");
  assert.equal(new TextDecoder("latin1").decode(bytes(0x80)), "€");
  assert.equal(new TextDecoder(" UTF8 ").encoding, "utf-8");
  assert.equal(new TextDecoder("utf-16").encoding, "utf-16le");
  assert.equal(new TextDecoder("x-user-defined").encoding, "x-user-defined");
  assert.throws(() => new TextDecoder("gbk", { fatal: true }).decode(bytes(0xff)), "TypeError", DECODE);
});

test("wrong arguments", () => {
  for (const label of ["nope", "replacement", "iso-2022-kr", null]) {
    assert.throws(() => new TextDecoder(label), "RangeError", `"${label}" is not a valid encoding.`);
  }
  for (const input of ["abc", {}, null]) {
    assert.throws(() => new TextDecoder().decode(input), "TypeError", "Failed to execute 'decode' on 'TextDecoder': parameter 1 is not of type 'Array'.");
  }
  assert.throws(() => new TextDecoder("utf-8", 3), "TypeError", "Failed to construct 'TextDecoder': constructor parameter 2 is not of type 'ConstructorOptions'.");
});

test("atob", () => {
  assert.equal(atob("YWI="), "ab");
  assert.equal(atob(" Y W\n I"), "ab");
  assert.equal(atob(null), "\x9e\xe9e");
  for (const wrong of ["a", "*", "ab=c", "YWI==", "YWJj="]) {
    assert.throws(() => atob(wrong), "InvalidCharacterError", BASE64);
  }
  assert.throws(() => atob(), "TypeError", "Failed to execute 'atob' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'string'.");
});

test("btoa", () => {
  assert.equal(btoa("\0\xff"), "AP8=");
  assert.equal(btoa(null), "bnVsbA==");
  assert.throws(() => btoa("ż"), "InvalidCharacterError", "btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.");
});
