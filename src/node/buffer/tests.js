// node:buffer, as Node.js documents it.
import assert_ from "node:assert";
import defaults, { Buffer, constants, isAscii, isUtf8, transcode } from "node:buffer";

test("from and toString in every encoding", () => {
  for (const [text, encoding, hex] of [
    ["zażółć 😀", "utf8", "7a61c5bcc3b3c582c48720f09f9880"],
    ["aż", "utf16le", "61007c01"],
    ["aż", "ucs2", "61007c01"],
    ["é", "latin1", "e9"],
    ["é", "binary", "e9"],
    ["abc", "ascii", "616263"],
    ["YWI=", "base64", "6162"],
    ["-_8", "base64url", "fbff"],
    ["00ff", "hex", "00ff"],
  ]) {
    const buffer = Buffer.from(text, encoding);
    assert.equal(buffer.toString("hex"), hex, encoding);
    assert.equal(buffer.toString(encoding), text, encoding);
    assert.equal(Buffer.byteLength(text, encoding), buffer.length, encoding);
  }
  assert.equal(Buffer.from("ż", "ascii").toString("hex"), "7c");
  assert.equal(Buffer.from([0xe1]).toString("ascii"), "a");
  assert.equal(Buffer.from("61zz62", "hex").length, 1);
  assert.equal(Buffer.from("\ud800").toString("hex"), "efbfbd");
  assert.equal(Buffer.from([0xff]).toString(), "\ufffd");
  assert.equal(Buffer.from("abc").toString("utf8", 1, 2), "b");
  assert.throws(() => Buffer.from("a", "nope"), { name: "TypeError", code: "ERR_UNKNOWN_ENCODING" }, "Unknown encoding: nope");
});

test("what it can be made of", () => {
  assert.deepEqual([...Buffer.from([1, 257, -1, "3"])], [1, 1, 255, 3]);
  const memory = new Uint8Array([1, 2, 3, 4]).buffer;
  const view = Buffer.from(memory, 1, 2);
  view[0] = 9;
  assert.equal(new Uint8Array(memory)[1], 9);
  assert.deepEqual([...Buffer.from(JSON.parse(JSON.stringify(Buffer.from("hi"))))], [104, 105]);
  assert.deepEqual([...Buffer.from(new String("a"))], [97]);
  assert.deepEqual([...Buffer.from({ length: 2, 0: 5, 1: 6 })], [5, 6]);
  assert.throws(() => Buffer.from(5), { code: "ERR_INVALID_ARG_TYPE" },
    'The first argument must be of type string or an instance of Buffer, TypedArray, ArrayBuffer, SharedArrayBuffer, or Array or an Array-like Object. Received type number (5)');
  assert.throws(() => Buffer.from(null), { code: "ERR_INVALID_ARG_TYPE" });
  assert.throws(() => Buffer.from(memory, 5), { code: "ERR_BUFFER_OUT_OF_BOUNDS" }, '"offset" is outside of buffer bounds');
  assert.throws(() => Buffer.alloc(-1), "RangeError", "Invalid typed array length: -1");
  assert.throws(() => Buffer.alloc(NaN), { code: "ERR_INVALID_ARG_VALUE", name: "RangeError" }, "The argument 'size' is invalid. Received NaN");
  assert.throws(() => Buffer.allocUnsafe(2 ** 40), { code: "ERR_OUT_OF_RANGE" }, 'The value of "size" is out of range. It must be 0 to 2147483647. Received 1_099_511_627_776');
  assert.equal(Buffer.alloc(5, "ab").toString(), "ababa");
  assert.equal(Buffer(3).length, 3);
  assert.equal(new Buffer("x").toString(), "x");
});

test("class", () => {
  const buffer = Buffer.from("abc");
  assert.ok(buffer instanceof Buffer && buffer instanceof Uint8Array && Buffer.isBuffer(buffer));
  assert.ok(!Buffer.isBuffer(new Uint8Array(1)));
  assert.ok(buffer.map((x) => x + 1) instanceof Buffer);
  assert.equal(buffer.constructor, Buffer);
  const part = buffer.slice(1);
  part[0] = 120;
  assert.equal(buffer.toString(), "axc");
  assert.equal(buffer.subarray(-2, -1).toString(), "x");
  assert.equal(defaults.Buffer, Buffer);
  assert.equal(typeof constants.MAX_LENGTH, "number");
  assert.ok(isUtf8(Buffer.from("ż")) && !isUtf8(Buffer.from([0xff])) && isAscii(Buffer.from("a")));
  for (const [text, from, to, hex] of [
    ["€é😀\u200da", "utf8", "latin1", "80e93f61"],
    ["€é", "utf16le", "ascii", "80e9"],
    ["é", "ascii", "utf8", "c3a9"],
    ["€", "utf8", "ucs2", "ac20"],
  ]) assert.equal(transcode(Buffer.from(text, from), from, to).toString("hex"), hex, `${text} ${from} ${to}`);
  assert.throws(() => transcode(Buffer.from("a"), "utf8", "hex"), "Error", "Unable to transcode buffer due to unsupported encoding");
});

test("concat, compare, equals, copy", () => {
  assert.equal(Buffer.concat([Buffer.from("ab"), new Uint8Array([99])]).toString(), "abc");
  assert.equal(Buffer.concat([Buffer.from("abc")], 2).toString(), "ab");
  assert.equal(Buffer.concat([Buffer.from("a")], 3).toString("hex"), "610000");
  assert.throws(() => Buffer.concat(["a"]), "TypeError", "Incorrect type for array element 0: the provided value is not of type 'Uint8Array'.");
  assert.equal(Buffer.compare(Buffer.from("a"), Buffer.from("b")), -1);
  assert.equal(Buffer.from("ab").compare(Buffer.from("a")), 1);
  assert.ok(Buffer.from("a").equals(new Uint8Array([97])));
  const target = Buffer.alloc(4);
  assert.equal(Buffer.from("abcdef").copy(target, 1, 2), 3);
  assert.equal(target.toString("latin1"), "\0cde");
});

test("searching and filling", () => {
  const buffer = Buffer.from("abcabc");
  assert.equal(buffer.indexOf("bc", 2), 4);
  assert.equal(buffer.lastIndexOf("bc"), 4);
  assert.equal(buffer.lastIndexOf("bc", 3), 1);
  assert.equal(buffer.indexOf(99), 2);
  assert.equal(buffer.indexOf(Buffer.from("zz")), -1);
  assert.equal(buffer.indexOf("ca", -4), 2);
  assert.ok(buffer.includes("6263", "hex"));
  assert.equal(Buffer.alloc(4).fill("abc").toString(), "abca");
  assert.equal(Buffer.alloc(3).fill(257).toString("hex"), "010101");
  assert.equal(Buffer.alloc(3).fill("ff", "hex").toString("hex"), "ffffff");
  assert.equal(Buffer.alloc(4).fill("x", 1, 3).toString("latin1"), "\0xx\0");
});

test("write", () => {
  const buffer = Buffer.alloc(4);
  assert.equal(buffer.write("aż"), 3);
  assert.equal(buffer.write("żż", 1), 2);
  assert.equal(buffer.toString("hex"), "61c5bc00");
  assert.equal(buffer.write("ffff", 2, "hex"), 2);
  assert.throws(() => buffer.write("a", 9), { code: "ERR_OUT_OF_RANGE" });
});

test("numbers", () => {
  const buffer = Buffer.alloc(8);
  assert.equal(buffer.writeUInt32BE(0xdeadbeef), 4);
  assert.equal(buffer.readUInt32BE(), 0xdeadbeef);
  assert.equal(buffer.readUInt32LE(), 0xefbeadde);
  assert.equal(buffer.readInt32BE(0), 0xdeadbeef | 0);
  assert.equal(buffer.readUint16BE(1), 0xadbe);
  buffer.writeIntLE(-123456789012, 1, 6);
  assert.equal(buffer.readIntLE(1, 6), -123456789012);
  buffer.writeInt8(-1, 7);
  assert.equal(buffer.readUInt8(7), 255);
  buffer.writeDoubleLE(Math.PI);
  assert.equal(buffer.readDoubleLE(), Math.PI);
  buffer.writeFloatBE(1.5, 4);
  assert.equal(buffer.readFloatBE(4), 1.5);
  buffer.writeBigUInt64BE(2n ** 63n);
  assert.equal(buffer.readBigInt64BE(), -(2n ** 63n));
  assert.throws(() => buffer.readUInt32LE(5), { code: "ERR_OUT_OF_RANGE" },
    'The value of "offset" is out of range. It must be >= 0 and <= 4. Received 5');
  assert.throws(() => buffer.writeUInt8(256), { code: "ERR_OUT_OF_RANGE" },
    'The value of "value" is out of range. It must be >= 0 and <= 255. Received 256');
  assert.throws(() => buffer.readInt8(1.5), { code: "ERR_OUT_OF_RANGE" });
  assert.throws(() => buffer.readInt8("0"), { code: "ERR_INVALID_ARG_TYPE" });
});

test("swap and JSON", () => {
  assert.equal(Buffer.from("01020304", "hex").swap16().toString("hex"), "02010403");
  assert.throws(() => Buffer.alloc(3).swap16(), { code: "ERR_INVALID_BUFFER_SIZE" });
  assert.deepEqual(Buffer.from("a").toJSON(), { type: "Buffer", data: [97] });
  assert_.deepStrictEqual(Buffer.from("a"), Buffer.from([97]));
});
