// Web Crypto as far as dodev emulates it.
const bytes = (text) => new TextEncoder().encode(text);
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const { subtle } = crypto;
const HMAC = { name: "HMAC", hash: "SHA-256" };
const hmacKey = (usages = ["sign", "verify"], extractable = true) =>
  subtle.importKey("raw", bytes("key"), HMAC, extractable, usages);

test("digests", async () => {
  assert.equal(hex(await subtle.digest("SHA-1", bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  assert.equal(hex(await subtle.digest("md5", bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  assert.equal(hex(await subtle.digest({ name: "sha-256" }, bytes(""))), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert.equal((await subtle.digest("SHA-384", bytes("abc"))).byteLength, 48);
  assert.equal((await subtle.digest("SHA-512", new ArrayBuffer(2))).byteLength, 64);
  for (const name of ["SHA-9", "SHA-224", "toString", {}]) {
    await assert.rejects(() => subtle.digest(name, bytes("")), "NotSupportedError", "Unrecognized or unimplemented digest algorithm requested.");
  }
  await assert.rejects(() => subtle.digest("SHA-256"), "TypeError", "Failed to execute 'digest' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource'.");
});

test("HMAC signs and verifies", async () => {
  const key = await hmacKey();
  const mac = await subtle.sign("HMAC", key, bytes("data"));
  assert.equal(hex(mac), "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0");
  assert.equal(await subtle.verify("HMAC", key, mac, bytes("data")), true);
  assert.equal(await subtle.verify("HMAC", key, mac, bytes("date")), false);
  assert.equal(await subtle.verify("HMAC", key, new Uint8Array(3), bytes("data")), false);
});

test("keys describe themselves", async () => {
  const key = await subtle.importKey("raw", bytes("key"), { name: "hmac", hash: { name: "sha-256" } }, true, ["verify", "sign"]);
  assert.deepEqual(key.algorithm, { name: "HMAC", hash: { name: "SHA-256" }, length: 24 });
  assert.deepEqual(key.usages, ["sign", "verify"]);
  assert.deepEqual([key.type, key.extractable], ["secret", true]);
  const made = await subtle.generateKey({ name: "HMAC", hash: "SHA-384", length: 100 }, true, ["sign"]);
  assert.equal(made.algorithm.length, 100);
  assert.equal((await subtle.exportKey("raw", made)).byteLength, 13);
});

test("JSON web keys go in and out", async () => {
  const jwk = await subtle.exportKey("jwk", await hmacKey());
  assert.deepEqual([jwk.kty, jwk.k, jwk.alg, jwk.ext, jwk.key_ops], ["oct", "a2V5", "HS256", true, ["sign", "verify"]]);
  const key = await subtle.importKey("jwk", jwk, HMAC, true, ["sign"]);
  assert.equal(hex(await subtle.exportKey("raw", key)), "6b6579");
  const fails = (changes, message) => assert.rejects(() => subtle.importKey("jwk", { ...jwk, ...changes }, HMAC, true, ["sign"]), "DataError", message);
  await fails({ kty: "RSA" }, 'HMAC "jwk" key import requires a JSON Web Key with Key Type parameter ("kty") equal to "oct" (encountered "RSA").');
  await fails({ k: "!!" }, 'HMAC "jwk" key import requires a base64Url encoding of the key');
  await fails({ alg: "HS512" }, 'HMAC "jwk" key import specifies "alg" that is incompatible with the hash name (encountered "HS512", expected "HS256").');
  await fails({ ext: false }, 'JWK ext field for "HMAC" is set to false but extractable is true');
});

test("importing refuses what it must", async () => {
  const load = (...args) => () => subtle.importKey(...args);
  await assert.rejects(load("raw", bytes("k"), "HMAC", true, ["sign"]), "TypeError", 'Missing field "hash" in "algorithm".');
  await assert.rejects(load("raw", bytes(""), HMAC, true, ["sign"]), "DataError", "Imported HMAC key length (0) must be a non-zero value up to 7 bits less than, and no greater than, the bit length of the raw key data (0).");
  await assert.rejects(load("raw", bytes("k"), HMAC, true, ["encrypt"]), "SyntaxError", 'Attempt to import secret HMAC key with invalid usage "encrypt".');
  await assert.rejects(load("raw", bytes("k"), HMAC, true, []), "SyntaxError", "Secret/private CryptoKeys must have at least one usage.");
  await assert.rejects(load("spki", bytes("k"), HMAC, true, ["sign"]), "NotSupportedError", 'Unrecognized key import format "spki".');
  await assert.rejects(load("raw", bytes("k"), "FOO", true, ["sign"]), "NotSupportedError", 'Unrecognized key import algorithm "FOO" requested.');
  await assert.rejects(load("raw", "k", HMAC, true, ["sign"]), "TypeError", "Failed to execute 'importKey' on 'SubtleCrypto': parameter 2 is not of type 'BufferSource or JsonWebKey'.");
  await assert.rejects(load("raw", {}, HMAC, true, ["sign"]), "TypeError", "Import data provided for buffer-based import formats must be a buffer source.");
  await assert.rejects(load("jwk", bytes("k"), HMAC, true, ["sign"]), "TypeError", 'Import data provided for "jwk" import format must be a JsonWebKey.');
});

test("using refuses what it must", async () => {
  const key = await hmacKey(["sign"], false);
  await assert.rejects(() => subtle.exportKey("raw", key), "InvalidAccessError", "Attempt to export non-extractable HMAC key.");
  await assert.rejects(() => subtle.verify("HMAC", key, new Uint8Array(32), bytes("x")), "InvalidAccessError", 'Requested key usage "verify" does not match any usage listed in this CryptoKey.');
  await assert.rejects(() => subtle.sign("FOO", key, bytes("x")), "InvalidAccessError", 'Requested algorithm "FOO" does not match this CryptoKey\'s algorithm "HMAC".');
  await assert.rejects(() => subtle.encrypt("AES-GCM", key, bytes("x")), "InvalidAccessError", 'Requested algorithm "AES-GCM" does not match this CryptoKey\'s algorithm "HMAC".');
  await assert.rejects(() => subtle.sign("HMAC", {}, bytes("x")), "TypeError", "Failed to execute 'sign' on 'SubtleCrypto': parameter 2 is not of type 'CryptoKey'.");
  const open = await hmacKey();
  await assert.rejects(() => subtle.exportKey("pkcs8", open), "NotSupportedError", 'Unimplemented key export format "pkcs8".');
});

test("PBKDF2 and HKDF", async () => {
  const source = (name) => subtle.importKey("raw", bytes("pw"), name, false, ["deriveBits", "deriveKey"]);
  const pbkdf2 = { name: "PBKDF2", hash: "SHA-256", salt: bytes("salt"), iterations: 10 };
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: bytes("s"), info: bytes("i") };
  assert.equal(hex(await subtle.deriveBits(pbkdf2, await source("PBKDF2"), 64)), "72aecd14244887c3");
  const ikm = await subtle.importKey("raw", bytes("ikm"), "HKDF", false, ["deriveBits"]);
  assert.equal(hex(await subtle.deriveBits(hkdf, ikm, 128)), "b069c08f611a5338fa31e7c0985e3acc");
  const derived = await subtle.deriveKey(pbkdf2, await source("PBKDF2"), HMAC, true, ["sign"]);
  assert.equal((await subtle.exportKey("raw", derived)).byteLength, 64);
  for (const [name, algorithm] of [["PBKDF2", pbkdf2], ["HKDF", hkdf]]) {
    const key = await source(name);
    await assert.rejects(() => subtle.deriveBits(algorithm, key, null), "OperationError", `${name} cannot derive a key with null length.`);
    await assert.rejects(() => subtle.deriveBits(algorithm, key, 7), "OperationError", `${name} requires a derived key length that is a multiple of eight (requested 7).`);
    await assert.rejects(() => subtle.deriveBits({ ...algorithm, salt: undefined }, key, 64), "TypeError", 'Missing field "salt" in "algorithm".');
    await assert.rejects(() => subtle.importKey("raw", bytes("pw"), name, true, ["deriveBits"]), "SyntaxError", `${name} key cannot be extractable.`);
  }
  await assert.rejects(async () => subtle.deriveBits({ ...pbkdf2, iterations: 0 }, await source("PBKDF2"), 64), "OperationError", "PBKDF2 requires a positive iteration count (requested 0).");
});

test("random values", () => {
  const view = crypto.getRandomValues(new Uint8Array(32));
  assert.equal(view.length, 32);
  assert.ok(view.some((byte) => byte !== 0));
  assert.equal(crypto.getRandomValues(new BigInt64Array(1)).length, 1);
  assert.throws(() => crypto.getRandomValues(new Uint8Array(65_537)), "QuotaExceededError", "getRandomValues() only accepts buffers of size <= 64K but provided 65537 bytes.");
  for (const wrong of [new Float32Array(1), new DataView(new ArrayBuffer(2))]) {
    assert.throws(() => crypto.getRandomValues(wrong), "TypeMismatchError", "ArrayBufferView argument to getRandomValues() must be an integer-typed view.");
  }
  assert.throws(() => crypto.getRandomValues({}), "TypeError", "Failed to execute 'getRandomValues' on 'Crypto': parameter 1 is not of type 'ArrayBufferView'.");
  assert.ok(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()));
});

test("timingSafeEqual", () => {
  assert.equal(subtle.timingSafeEqual(bytes("a"), bytes("a")), true);
  assert.equal(subtle.timingSafeEqual(bytes("a"), bytes("b")), false);
  assert.throws(() => subtle.timingSafeEqual(bytes("a"), bytes("ab")), "TypeError", "Input buffers must have the same byte length.");
  assert.throws(() => subtle.timingSafeEqual("a", "b"), "TypeError", "Failed to execute 'timingSafeEqual' on 'SubtleCrypto': parameter 1 is not of type 'BufferSource'.");
});

test("DigestStream", async () => {
  const stream = new crypto.DigestStream("SHA-256");
  const writer = stream.getWriter();
  await writer.write(bytes("ab"));
  await writer.write("c");
  await writer.close();
  assert.equal(hex(await stream.digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert.equal(stream.bytesWritten, 3n);
  assert.throws(() => new crypto.DigestStream("SHA-9"), "NotSupportedError", "Unrecognized or unimplemented digest algorithm requested.");
});
