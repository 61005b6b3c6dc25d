// Web Crypto: digests, HMAC, key derivation, ciphers, signatures, key agreement, and what they refuse.
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

test("classes", async () => {
  assert.ok(crypto.subtle instanceof SubtleCrypto);
  assert.ok((await hmacKey()) instanceof CryptoKey);
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

const zeros = (length) => new Uint8Array(length);
const aes = (name, usages, length = 16) => subtle.importKey("raw", zeros(length), name, true, usages);

test("AES encrypts and decrypts", async () => {
  const usages = ["encrypt", "decrypt"];
  const gcm = { name: "AES-GCM", iv: zeros(12), additionalData: bytes("aad") };
  for (const [algorithm, expected] of [
    [{ name: "AES-CBC", iv: zeros(16) }, "4cd3e6d5e97ce8a6f5a9b8a28cb7a0e0"],
    [{ name: "AES-CTR", counter: zeros(16), length: 64 }, "0e8a7fb1ce"],
    [gcm, "73e4bba70efac05011991f236e851adc0f966cb3ed"],
    [{ ...gcm, tagLength: 32 }, "73e4bba70efac05011"],
    [{ name: "AES-GCM", iv: zeros(5) }, undefined],
  ]) {
    const key = await aes(algorithm.name, usages);
    const sealed = await subtle.encrypt(algorithm, key, bytes("plain"));
    if (expected !== undefined && algorithm.name === "AES-GCM") assert.ok(hex(sealed).startsWith(expected.slice(0, 18)));
    assert.equal(new TextDecoder().decode(await subtle.decrypt(algorithm, key, sealed)), "plain");
    for (const length of [24, 32]) {
      const longer = await aes(algorithm.name, usages, length);
      const again = await subtle.decrypt(algorithm, longer, await subtle.encrypt(algorithm, longer, bytes("plain")));
      assert.equal(new TextDecoder().decode(again), "plain");
    }
  }
  const key = await aes("AES-GCM", usages);
  const sealed = await subtle.encrypt(gcm, key, bytes("plain"));
  const failed = (length, name) => "Decryption failed. This could be due to a ciphertext authentication failure, bad padding, incorrect CryptoKey, or another algorithm-specific reason. Input length was " + `${length} for ${name}`;
  await assert.rejects(() => subtle.decrypt({ ...gcm, iv: bytes("other") }, key, sealed), "OperationError", failed("5, output length expected to be 5", "AES-GCM"));
  await assert.rejects(() => subtle.decrypt(gcm, key, zeros(3)), "OperationError", "Ciphertext length of 24 bits must be greater than or equal to the size of the AES-GCM tag length of 128 bits.");
  await assert.rejects(() => subtle.encrypt({ name: "AES-GCM" }, key, zeros(3)), "TypeError", 'Missing field "iv" in "algorithm".');
  await assert.rejects(() => subtle.encrypt({ ...gcm, iv: zeros(0) }, key, zeros(3)), "OperationError", "AES-GCM IV must not be empty.");
  await assert.rejects(() => subtle.encrypt({ ...gcm, tagLength: 5 }, key, zeros(3)), "OperationError", "Invalid AES-GCM tag length 5.");
  await assert.rejects(() => subtle.encrypt({ ...gcm, iv: "text" }, key, zeros(3)), "TypeError", "Incorrect type for the 'iv' field on 'EncryptAlgorithm': the provided value is not of type 'BufferSource'.");
  const cbc = await aes("AES-CBC", usages);
  await assert.rejects(() => subtle.decrypt({ name: "AES-CBC", iv: zeros(16) }, cbc, zeros(16)), "OperationError", failed("16, output length expected to be 0", "AES-CBC"));
  await assert.rejects(() => subtle.decrypt({ name: "AES-CBC", iv: zeros(16) }, cbc, zeros(40)), "OperationError", failed("40, output length expected to be 32", "AES-CBC"));
  await assert.rejects(() => subtle.encrypt({ name: "AES-CBC", iv: zeros(3) }, cbc, zeros(16)), "OperationError", "AES-CBC IV must be 16 bytes long (provided 3 bytes).");
  await assert.rejects(() => subtle.decrypt({ name: "AES-CBC", iv: zeros(3) }, cbc, zeros(16)), "OperationError", "AES-CBC IV must be 16 bytes long (provided 3).");
  const ctr = await aes("AES-CTR", usages);
  await assert.rejects(() => subtle.encrypt({ name: "AES-CTR", counter: zeros(3), length: 64 }, ctr, zeros(16)), "OperationError", "Counter must have length of 16 bytes (provided 3).");
  await assert.rejects(() => subtle.encrypt({ name: "AES-CTR", counter: zeros(16), length: 129 }, ctr, zeros(16)), "OperationError", "Invalid counter of 129 bits length provided.");
  await assert.rejects(() => subtle.encrypt({ name: "AES-CTR", counter: zeros(16) }, ctr, zeros(16)), "TypeError", 'Missing "length" member in "algorithm".');
  await assert.rejects(() => subtle.encrypt({ name: "AES-CTR", counter: zeros(16), length: 1 }, ctr, zeros(48)), "OperationError", "Counter block values will repeat.");
});

test("AES keys", async () => {
  const made = await subtle.generateKey({ name: "aes-gcm", length: 256 }, true, ["decrypt", "encrypt"]);
  assert.deepEqual(made.algorithm, { name: "AES-GCM", length: 256 });
  const jwk = await subtle.exportKey("jwk", made);
  assert.deepEqual([jwk.kty, jwk.alg, jwk.ext, jwk.key_ops, jwk.k.length], ["oct", "A256GCM", true, ["encrypt", "decrypt"], 43]);
  const back = await subtle.importKey("jwk", jwk, "AES-GCM", true, ["encrypt"]);
  assert.equal(hex(await subtle.exportKey("raw", back)), hex(await subtle.exportKey("raw", made)));
  const fails = (changes, name, message, usages = ["encrypt"]) => assert.rejects(() => subtle.importKey("jwk", { ...jwk, ...changes }, "AES-GCM", true, usages), name, message);
  await fails({ kty: "EC" }, "DataError", 'Symmetric "jwk" key import requires a JSON Web Key with Key Type parameter "kty" equal to "oct" (encountered "EC").');
  await fails({ alg: "A128GCM" }, "DataError", 'Symmetric "jwk" key contains invalid "alg" value "A128GCM", expected "A256GCM".');
  await fails({ use: "sig" }, "DataError", 'Symmetric "jwk" key must have a "use" of "enc", not "sig".');
  await fails({ key_ops: ["decrypt"] }, "DataError", '"jwk" key missing usage "encrypt", in "key_ops".');
  await fails({ key_ops: ["decrypt", "decrypt"] }, "DataError", 'Symmetric "jwk" key contains duplicate value "decrypt", in "key_op".');
  await fails({ k: "AAAA" }, "DataError", "Imported AES key length must be 128, 192, or 256 bits but provided 24.");
  await fails({}, "SyntaxError", 'Attempt to import secret AES-GCM key with invalid usage "sign".', ["sign"]);
  await assert.rejects(() => subtle.importKey("raw", zeros(5), "AES-CBC", true, ["encrypt"]), "DataError", "Imported AES key length must be 128, 192, or 256 bits but provided 40.");
  await assert.rejects(() => subtle.generateKey({ name: "AES-CBC", length: 5 }, true, ["encrypt"]), "OperationError", "Generated AES key length must be 128, 192, or 256 bits but requested 5.");
  await assert.rejects(() => subtle.generateKey({ name: "AES-CBC" }, true, ["encrypt"]), "TypeError", 'Missing field "length" in "algorithm".');
  await assert.rejects(() => subtle.generateKey({ name: "AES-CBC", length: 128 }, true, []), "SyntaxError", "Secret/private CryptoKeys must have at least one usage.");
  await assert.rejects(() => subtle.exportKey("spki", made), "NotSupportedError", 'AES-GCM key only supports exporting "raw", "raw-secret" & "jwk", not "spki".');
  await assert.rejects(() => subtle.importKey("spki", zeros(16), "AES-GCM", true, ["encrypt"]), "NotSupportedError", 'Unrecognized key import format "spki".');
});

test("keys are wrapped and unwrapped", async () => {
  const wrapping = await subtle.importKey("raw", bytes("0123456789abcdef"), "AES-KW", false, ["wrapKey", "unwrapKey"]);
  const secret = await hmacKey();
  const inner = await subtle.importKey("raw", zeros(16), "AES-CBC", true, ["encrypt"]);
  const wrapped = await subtle.wrapKey("raw", inner, wrapping, "AES-KW");
  assert.equal(wrapped.byteLength, 24);
  const open = (data, format = "raw") => subtle.unwrapKey(format, data, wrapping, "AES-KW", "AES-CBC", true, ["encrypt"]);
  assert.equal(hex(await subtle.exportKey("raw", await open(wrapped))), "00".repeat(16));
  await assert.rejects(() => open(zeros(24)), "OperationError", "AES-KW key unwrapping failed.");
  await assert.rejects(() => open(zeros(16)), "OperationError", "Provided a wrapped key to unwrap this is 128 bits that is less than the minimal length of 192 bits.");
  await assert.rejects(() => open(zeros(25)), "OperationError", "Provided a wrapped key to unwrap that is 200 bits which isn't a multiple of 64 bits.");
  await assert.rejects(() => subtle.wrapKey("raw", secret, wrapping, "AES-KW"), "OperationError", "Unwrapped key bit length must be a multiple of 64 bits but unwrapped key has a length of 24 bits.");
  const gcm = { name: "AES-GCM", iv: zeros(12) };
  const key = await aes("AES-GCM", ["wrapKey", "unwrapKey"]);
  const jwk = await subtle.wrapKey("jwk", secret, key, gcm);
  const back = await subtle.unwrapKey("jwk", jwk, key, gcm, HMAC, true, ["sign"]);
  assert.equal(hex(await subtle.exportKey("raw", back)), "6b6579");
  await assert.rejects(() => subtle.encrypt(gcm, key, zeros(1)), "InvalidAccessError", 'Requested key usage "encrypt" does not match any usage listed in this CryptoKey.');
  await assert.rejects(async () => subtle.wrapKey("raw", await hmacKey(["sign"], false), key, gcm), "InvalidAccessError", "Attempt to export non-extractable HMAC key.");
});

test("ECDSA signs in every curve and encoding", async () => {
  for (const [namedCurve, size, alg] of [["P-256", 64, "ES256"], ["P-384", 96, "ES384"], ["P-521", 132, "ES512"]]) {
    const algorithm = { name: "ECDSA", namedCurve };
    const pair = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
    assert.deepEqual([pair.publicKey.type, pair.publicKey.usages, pair.privateKey.type, pair.privateKey.usages], ["public", ["verify"], "private", ["sign"]]);
    assert.deepEqual(pair.privateKey.algorithm, algorithm);
    for (const hash of ["SHA-1", "SHA-256", "SHA-384", "SHA-512"]) {
      const signature = await subtle.sign({ name: "ECDSA", hash }, pair.privateKey, bytes("text"));
      assert.equal(signature.byteLength, size);
      assert.equal(await subtle.verify({ name: "ECDSA", hash: { name: hash } }, pair.publicKey, signature, bytes("text")), true);
      assert.equal(await subtle.verify({ name: "ECDSA", hash }, pair.publicKey, signature, bytes("test")), false);
      assert.equal(await subtle.verify({ name: "ECDSA", hash }, pair.publicKey, zeros(size), bytes("text")), false);
      assert.equal(await subtle.verify({ name: "ECDSA", hash }, pair.publicKey, zeros(3), bytes("text")), false);
    }
    const signature = await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, bytes("text"));
    for (const format of ["raw", "spki", "jwk"]) {
      const exported = await subtle.exportKey(format, pair.publicKey);
      const key = await subtle.importKey(format, exported, algorithm, true, ["verify"]);
      assert.equal(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, bytes("text")), true, format);
    }
    for (const format of ["pkcs8", "jwk"]) {
      const exported = await subtle.exportKey(format, pair.privateKey);
      const key = await subtle.importKey(format, exported, algorithm, true, ["sign"]);
      const again = await subtle.sign({ name: "ECDSA", hash: "SHA-256" }, key, bytes("text"));
      assert.equal(await subtle.verify({ name: "ECDSA", hash: "SHA-256" }, pair.publicKey, again, bytes("text")), true, format);
    }
    const jwk = await subtle.exportKey("jwk", pair.privateKey);
    assert.deepEqual([jwk.kty, jwk.crv, jwk.ext, jwk.key_ops, typeof jwk.d], ["EC", namedCurve, true, ["sign"], "string"]);
    const fails = (changes, name, message) => assert.rejects(() => subtle.importKey("jwk", { ...jwk, ...changes }, algorithm, true, ["sign"]), name, message);
    await fails({ kty: "RSA" }, "DataError", 'Elliptic curve "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ("RSA") equal to "EC".');
    await fails({ y: jwk.x }, "OperationError", 'Invalid EC key; public key coordinates "x" and "y" are invalid: Point is not on curve..');
    await fails({ x: undefined }, "DataError", 'Invalid EC key in JSON Web Key; missing "x".');
    await fails({ alg: "ES1" }, "NotSupportedError", 'Unrecognized or unimplemented algorithm "ES1" listed in JSON Web Key Algorithm parameter.');
    await fails({ alg: alg === "ES256" ? "ES384" : "ES256" }, "DataError", `JSON Web Key Algorithm parameter "alg" ("${alg === "ES256" ? "ES384" : "ES256"}") does not match requested curve.`);
    await fails({ key_ops: ["verify"] }, "DataError", 'All specified key usages must be present in the JSON Web Key\'s Key Operations parameter ("key_ops").');
    await fails({ use: "enc" }, "DataError", 'Asymmetric "jwk" key import with usages requires a JSON Web Key with Public Key Use parameter "use" ("enc") equal to "sig".');
  }
});

test("elliptic curves refuse what they must", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const load = (format, data, usages = ["verify"], asked = algorithm) => () => subtle.importKey(format, data, asked, true, usages);
  await assert.rejects(load("raw", zeros(3)), "DataError", "Failed to import raw EC key data: Invalid point encoding..");
  await assert.rejects(load("raw", zeros(0)), "DataError", "Failed to import raw EC key data.");
  await assert.rejects(load("raw", new Uint8Array(65).fill(4)), "DataError", "Failed to import raw EC key data: Point is not on curve..");
  await assert.rejects(load("raw-public", zeros(3)), "NotSupportedError", 'Key format "raw-public" requires the webcrypto_modern_algorithms flag.');
  await assert.rejects(load("spki", zeros(3)), "DataError", "Invalid SPKI input.");
  await assert.rejects(load("pkcs8", zeros(3), ["sign"]), "DataError", "Invalid PKCS8 input.");
  const spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
  await assert.rejects(load("spki", new Uint8Array([...spki, 1, 2])), "DataError", "Invalid 2 trailing bytes after SPKI input.");
  await assert.rejects(load("spki", spki, ["sign"]), "SyntaxError", 'Attempt to import public ECDSA key with invalid usage "sign".');
  await assert.rejects(load("spki", spki, ["verify"], { name: "ECDSA", namedCurve: "P-384" }), "DataError", '"algorithm.namedCurve" "P-384" does not match the curve specified by the input key data.');
  await assert.rejects(load("spki", spki, ["verify"], { name: "RSA-PSS", hash: "SHA-1" }), "DataError", "Input was not an RSA key.");
  await assert.rejects(load("spki", spki, ["verify"], { name: "ECDSA", namedCurve: "P-1" }), "NotSupportedError", 'Unrecognized or unimplemented EC curve "P-1" requested.');
  await assert.rejects(load("spki", spki, ["verify"], "ECDSA"), "TypeError", 'Missing field "namedCurve" in "algorithm".');
  await assert.rejects(() => subtle.sign("ECDSA", pair.privateKey, zeros(1)), (error) => error.message.startsWith('Missing "hash" in AlgorithmIdentifier. (ECDSA requires'));
  await assert.rejects(() => subtle.exportKey("raw", pair.privateKey), "InvalidAccessError", "Raw export of elliptic curve keys is only allowed for public keys.");
  await assert.rejects(() => subtle.exportKey("spki", pair.privateKey), "InvalidAccessError", 'Asymmetric spki export requires public key (not "private").');
  await assert.rejects(() => subtle.exportKey("pkcs8", pair.publicKey), "InvalidAccessError", 'Asymmetric pkcs8 export requires private key (not "public").');
  await assert.rejects(() => subtle.generateKey(algorithm, true, ["verify"]), "SyntaxError", "Attempt to generate asymmetric keys with no valid private key usages.");
  await assert.rejects(() => subtle.generateKey(algorithm, true, ["encrypt"]), "SyntaxError", 'Attempt to generate ECDSA key with invalid usage "encrypt".');
});

test("ECDH and X25519 agree", async () => {
  for (const [algorithm, size] of [[{ name: "ECDH", namedCurve: "P-256" }, 32], [{ name: "ECDH", namedCurve: "P-384" }, 48], [{ name: "ECDH", namedCurve: "P-521" }, 66], [{ name: "X25519" }, 32]]) {
    const a = await subtle.generateKey(algorithm, true, ["deriveBits", "deriveKey"]);
    const b = await subtle.generateKey(algorithm, true, ["deriveBits", "deriveKey"]);
    const name = algorithm.name;
    const shared = hex(await subtle.deriveBits({ name, public: b.publicKey }, a.privateKey, null));
    assert.equal(shared.length, size * 2);
    assert.equal(hex(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, size * 8)), shared);
    assert.equal(hex(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, 16)), shared.slice(0, 4));
    const masked = new Uint8Array(await subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, 12));
    assert.equal(masked[1], Number.parseInt(shared.slice(2, 4), 16) & 0xf0);
    await assert.rejects(() => subtle.deriveBits({ name, public: a.publicKey }, b.privateKey, 8 * size + 8), "OperationError", `Derived key length (${8 * size + 8} bits) is too long (should be at most ${8 * size} bits).`);
    await assert.rejects(() => subtle.deriveBits({ name }, b.privateKey, 8), "TypeError", 'Missing field "public" in "derivedKeyParams".');
    await assert.rejects(() => subtle.deriveBits({ name, public: a.privateKey }, b.privateKey, 8), "InvalidAccessError", 'The provided key has type "private", not "public"');
    await assert.rejects(() => subtle.deriveBits({ name, public: {} }, b.privateKey, 8), "TypeError", "Incorrect type for the 'public' field on 'DeriveKeyAlgorithm': the provided value is not of type 'CryptoKey'.");
    const key = await subtle.deriveKey({ name, public: b.publicKey }, a.privateKey, { name: "AES-GCM", length: 256 }, true, ["encrypt"]);
    assert.equal(hex(await subtle.exportKey("raw", key)), shared.slice(0, 64));
    const raw = await subtle.importKey("raw", await subtle.exportKey("raw", a.publicKey), algorithm, true, []);
    assert.equal(hex(await subtle.deriveBits({ name, public: raw }, b.privateKey, null)), shared);
    const pkcs8 = await subtle.importKey("pkcs8", await subtle.exportKey("pkcs8", a.privateKey), algorithm, true, ["deriveBits"]);
    assert.equal(hex(await subtle.deriveBits({ name, public: b.publicKey }, pkcs8, null)), shared);
    const jwk = await subtle.importKey("jwk", await subtle.exportKey("jwk", a.privateKey), algorithm, true, ["deriveBits"]);
    assert.equal(hex(await subtle.deriveBits({ name, public: b.publicKey }, jwk, null)), shared);
  }
});

test("Ed25519 signs", async () => {
  const seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const pkcs8 = Uint8Array.from(`302e020100300506032b657004220420${seed}`.match(/../g), (digits) => Number.parseInt(digits, 16));
  const key = await subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  assert.deepEqual(key.algorithm, { name: "Ed25519" });
  const signature = await subtle.sign("Ed25519", key, zeros(0));
  assert.equal(hex(signature), "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
  const jwk = await subtle.exportKey("jwk", key);
  assert.deepEqual([jwk.kty, jwk.crv, jwk.alg], ["OKP", "Ed25519", "EdDSA"]);
  const { d, key_ops, ...half } = jwk;
  const open = await subtle.importKey("jwk", half, "Ed25519", true, ["verify"]);
  assert.equal(hex(await subtle.exportKey("raw", open)), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  assert.equal(await subtle.verify("Ed25519", open, signature, zeros(0)), true);
  assert.equal(await subtle.verify("Ed25519", open, signature, zeros(1)), false);
  await assert.rejects(() => subtle.verify("Ed25519", open, zeros(3), zeros(1)), "OperationError", "Invalid Ed25519 signature length 3");
  await assert.rejects(() => subtle.importKey("raw", zeros(3), "Ed25519", true, ["verify"]), "DataError", "Ed25519 raw keys must be exactly 32-bytes (provided 3).");
  await assert.rejects(() => subtle.importKey("jwk", { ...half, crv: "X25519" }, "Ed25519", true, ["verify"]), "NotSupportedError", 'Only Ed25519 is supported but "X25519" was requested.');
  await assert.rejects(() => subtle.importKey("jwk", { ...half, x: "AA" }, "Ed25519", true, ["verify"]), "DataError", "Invalid length 1 for public key");
  const node = await subtle.generateKey({ name: "NODE-ED25519", namedCurve: "NODE-ED25519" }, true, ["sign", "verify"]);
  assert.deepEqual(node.publicKey.algorithm, { name: "NODE-ED25519", namedCurve: "NODE-ED25519" });
  assert.equal(await subtle.verify("NODE-ED25519", node.publicKey, await subtle.sign("NODE-ED25519", node.privateKey, zeros(1)), zeros(1)), true);
});

test("RSA signs and encrypts", async () => {
  const publicExponent = new Uint8Array([1, 0, 1]);
  const parameters = { modulusLength: 1024, publicExponent, hash: "SHA-256" };
  for (const [name, options] of [["RSASSA-PKCS1-v1_5", {}], ["RSA-PSS", { saltLength: 32 }], ["RSA-PSS", { saltLength: 0 }]]) {
    const pair = await subtle.generateKey({ name, ...parameters }, true, ["sign", "verify"]);
    assert.deepEqual(pair.publicKey.algorithm, { name, modulusLength: 1024, publicExponent, hash: { name: "SHA-256" } });
    const algorithm = { name, ...options };
    const signature = await subtle.sign(algorithm, pair.privateKey, bytes("text"));
    assert.equal(signature.byteLength, 128);
    for (const format of ["spki", "jwk"]) {
      const key = await subtle.importKey(format, await subtle.exportKey(format, pair.publicKey), { name, hash: "SHA-256" }, true, ["verify"]);
      assert.equal(await subtle.verify(algorithm, key, signature, bytes("text")), true, format);
      assert.equal(await subtle.verify(algorithm, key, signature, bytes("test")), false, format);
      assert.equal(await subtle.verify(algorithm, key, zeros(5), bytes("text")), false, format);
    }
    for (const format of ["pkcs8", "jwk"]) {
      const key = await subtle.importKey(format, await subtle.exportKey(format, pair.privateKey), { name, hash: "SHA-256" }, true, ["sign"]);
      assert.equal(await subtle.verify(algorithm, pair.publicKey, await subtle.sign(algorithm, key, bytes("text")), bytes("text")), true, format);
    }
    const jwk = await subtle.exportKey("jwk", pair.privateKey);
    assert.deepEqual([jwk.kty, jwk.alg, jwk.e, jwk.key_ops], ["RSA", name === "RSA-PSS" ? "PS256" : "RS256", "AQAB", ["sign"]]);
    const fails = (changes, kind, message) => assert.rejects(() => subtle.importKey("jwk", { ...jwk, ...changes }, { name, hash: "SHA-256" }, true, ["sign"]), kind, message);
    await fails({ kty: "EC" }, "DataError", 'RSASSA-PKCS1-v1_5 "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ("EC") equal to "RSA".');
    await fails({ alg: "RS512" }, "DataError", 'JSON Web Key Algorithm parameter "alg" ("RS512") does not match requested hash algorithm "RS512".');
    await fails({ alg: "XX" }, "NotSupportedError", 'Unrecognized or unimplemented algorithm "XX" listed in JSON Web Key Algorithm parameter.');
    await fails({ p: undefined }, "DataError", 'Invalid RSA private key in JSON Web Key; if one Prime Factor or CRT Exponent/Coefficient parameter is present, then they must all be present ("p", "q", "dp", "dq", "qi").');
    await fails({ n: "!" }, "DataError", 'Invalid RSA key in JSON Web Key; missing or invalid Modulus parameter ("n").');
    await assert.rejects(() => subtle.exportKey("raw", pair.publicKey), "InvalidAccessError", `Cannot export "${name}" in "raw" format.`);
  }
  const pss = await subtle.generateKey({ name: "RSA-PSS", ...parameters }, true, ["sign", "verify"]);
  await assert.rejects(() => subtle.sign("RSA-PSS", pss.privateKey, zeros(1)), "DataError", "Failed to provide salt for RSA-PSS key operation which requires a salt");
  await assert.rejects(() => subtle.sign({ name: "RSA-PSS", saltLength: 200 }, pss.privateKey, zeros(1)), "OperationError", "key too small for signing with given digest and salt length");
  const pair = await subtle.generateKey({ name: "RSA-OAEP", ...parameters, hash: "SHA-1" }, true, ["encrypt", "decrypt", "wrapKey", "unwrapKey"]);
  for (const label of [undefined, zeros(0), new Uint8Array([0xff, 0xfe])]) {
    const algorithm = label === undefined ? { name: "RSA-OAEP" } : { name: "RSA-OAEP", label };
    const sealed = await subtle.encrypt(algorithm, pair.publicKey, bytes("plain"));
    assert.equal(new TextDecoder().decode(await subtle.decrypt(algorithm, pair.privateKey, sealed)), "plain");
  }
  await assert.rejects(() => subtle.decrypt("RSA-OAEP", pair.privateKey, zeros(128)), "OperationError", "RSA-OAEP failed encrypt/decrypt.");
  await assert.rejects(() => subtle.encrypt("RSA-OAEP", pair.publicKey, zeros(128)), "OperationError", "RSA-OAEP failed encrypt/decrypt.");
  assert.equal((await subtle.exportKey("jwk", pair.publicKey)).alg, "RSA-OAEP");
  const wrapped = await subtle.wrapKey("raw", await hmacKey(), pair.publicKey, "RSA-OAEP");
  const back = await subtle.unwrapKey("raw", wrapped, pair.privateKey, "RSA-OAEP", HMAC, true, ["sign"]);
  assert.equal(hex(await subtle.exportKey("raw", back)), "6b6579");
});

test("RSA refuses what it must", async () => {
  const make = (changes, usages = ["sign"]) => () => subtle.generateKey({ name: "RSA-PSS", modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256", ...changes }, true, usages);
  await assert.rejects(make({ modulusLength: 0 }), "OperationError", "modulusLength must be greater than zero (requested 0).");
  await assert.rejects(make({ modulusLength: 129 }), "OperationError", "The modulus length must be a multiple of 8 and between 256 and 16k, but 129 was requested.");
  await assert.rejects(make({ publicExponent: new Uint8Array([5]) }), "OperationError", 'The "publicExponent" must be either 3 or 65537, but got 5.');
  await assert.rejects(make({ publicExponent: undefined }), "TypeError", 'Missing field "publicExponent" in "algorithm".');
  await assert.rejects(make({ hash: undefined }), "TypeError", 'Missing field "hash" in "algorithm".');
  await assert.rejects(make({ modulusLength: 1032 }), "OperationError", "Can't generate key: RSA key size is required to be a multiple of 128");
  await assert.rejects(make({}, ["encrypt"]), "SyntaxError", 'Attempt to generate RSA-PSS key with invalid usage "encrypt".');
  await assert.rejects(() => subtle.generateKey({ name: "RSA-RAW" }, true, ["sign"]), "NotSupportedError", 'Unrecognized key generation algorithm "RSA-RAW" requested.');
  const load = (format, data) => () => subtle.importKey(format, data, { name: "RSA-PSS", hash: "SHA-1" }, true, ["sign"]);
  await assert.rejects(load("raw", zeros(3)), "NotSupportedError", 'Unrecognized key import format "raw".');
  await assert.rejects(load("pkcs8", zeros(3)), "DataError", "Invalid PKCS8 input.");
  await assert.rejects(load("jwk", { kty: "RSA" }), "SyntaxError", 'Attempt to import public RSA-PSS key with invalid usage "sign".');
});

test("checksums of DigestStream", async () => {
  for (const [name, expected] of [["crc32", "cbf43926"], ["crc32c", "e3069283"], ["crc64nvme", "ae8b14860a799888"]]) {
    const stream = new crypto.DigestStream(name);
    const writer = stream.getWriter();
    await writer.write("1234");
    await writer.write("56789");
    await writer.close();
    const digest = new Uint8Array(await stream.digest);
    assert.equal([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""), expected);
  }
  await assert.rejects(crypto.subtle.digest("crc32", new Uint8Array(1)), "NotSupportedError");
});
