// Diffie-Hellman, primes and the rarer hashes of node:crypto.
import { Buffer } from "node:buffer";
import crypto, { createDiffieHellman, createECDH, createHash, getDiffieHellman } from "node:crypto";

const small = () => createDiffieHellman(Buffer.from("17", "hex"), 5);

test("Diffie-Hellman over a prime", () => {
  const [one, other] = [small(), small()];
  one.setPrivateKey("06", "hex");
  other.setPrivateKey(Buffer.from([15]));
  assert.deepEqual([one.generateKeys("hex"), other.generateKeys("hex")], ["08", "13"]);
  assert.equal(one.computeSecret(other.getPublicKey(), undefined, "hex"), "02");
  assert.equal(other.computeSecret("08", "hex", "hex"), "02");
  assert.deepEqual([one.getPrime("hex"), one.getGenerator("hex"), one.getPrivateKey("hex"), one.verifyError], ["17", "05", "06", 0]);
  const made = createDiffieHellman(128);
  made.generateKeys();
  assert.equal(made.getPrime().length, 16);
  assert.deepEqual([made.verifyError, made.getGenerator("hex")], [0, "02"]);
});

test("what Diffie-Hellman refuses", () => {
  for (const [run, name, message] of [
    [() => createDiffieHellman(), "TypeError", 'The "sizeOrKey" argument must be one of type number or string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView. Received undefined'],
    [() => createDiffieHellman(1), "Error", "DiffieHellman init failed: could not generate parameters"],
    [() => createDiffieHellman(Buffer.from([0x17]), 1), "RangeError", "DiffieHellman init failed: generator too small"],
    [() => createDiffieHellman(Buffer.from([0x16]), 2), "Error", "DiffieHellman init failed: Invalid DH prime generated"],
    [() => small().getPrivateKey(), "Error", "No private key"],
    [() => small().getPublicKey(), "Error", "No public key"],
    [() => small().computeSecret(Buffer.from([1])), "RangeError", "DiffieHellman computeSecret() failed: Supplied key is too small"],
    [() => small().computeSecret(Buffer.from([0x20])), "RangeError", "DiffieHellman computeSecret() failed: Supplied key is too large"],
    [() => small().computeSecret("13", "hex"), "Error", "DiffieHellman computeSecret() failed: error computing shared secret"],
    [() => getDiffieHellman("modp5"), "Error", "Failed to init DiffieHellmanGroup: invalid group. Only groups {modp14, modp15, modp16, modp17, modp18} are supported."],
  ]) assert.throws(run, name, message);
  const check = (prime, generator) => createDiffieHellman(Buffer.from([prime]), generator).verifyError;
  assert.deepEqual([check(0x17, 2), check(0x17, 3), check(0x1d, 2), check(0x0b, 2)], [8, 4, 10, 0]);
});

test("groups", () => {
  const sum = (name) => createHash("sha256").update(getDiffieHellman(name).getPrime()).digest("hex");
  assert.equal(sum("modp14"), "d66436f79bbd6b2e38c0ffbd079be904d2641415e2e67140e09448be9a60890e");
  assert.equal(sum("modp15"), "48cf8b092fbce4359d9871abf74f98e25b6163379eaa15cd9087e800c6d1c55c");
  const group = getDiffieHellman("modp14");
  assert.deepEqual([group.verifyError, group.getGenerator("hex"), typeof group.setPrivateKey], [8, "02", "undefined"]);
  assert.equal(group.generateKeys().length, 256);
});

test("ECDH", () => {
  for (const curve of ["prime256v1", "secp384r1", "secp521r1"]) {
    const [one, other] = [createECDH(curve), createECDH(curve)];
    one.generateKeys();
    other.generateKeys();
    assert.equal(one.computeSecret(other.getPublicKey(), null, "hex"), other.computeSecret(one.getPublicKey("hex", "compressed"), "hex", "hex"));
  }
  const fixed = createECDH("prime256v1");
  fixed.setPrivateKey("0102", "hex");
  assert.deepEqual([fixed.getPrivateKey("hex"), fixed.getPublicKey("hex", "compressed")], ["0102", "03bb5ea3db0af5021109c7d19522dfb7a7749065d4e590859a6ee298ba48c456d2"]);
  assert.equal(crypto.ECDH.convertKey(fixed.getPublicKey(), "prime256v1", null, "hex", "compressed"), fixed.getPublicKey("hex", "compressed"));
  const generated = createECDH("prime256v1");
  generated.generateKeys();
  for (const [run, name, message] of [
    [() => createECDH("nope"), "Error", "Invalid curve"],
    [() => createECDH("secp256k1"), "Error", "Failed to create key using named curve"],
    [() => createECDH("prime256v1").getPublicKey(), "Error", "Failed to get ECDH public key"],
    [() => createECDH("prime256v1").getPrivateKey(), "Error", "Failed to get ECDH private key"],
    [() => createECDH("prime256v1").computeSecret("04", "hex"), "Error", "Invalid keypair"],
    [() => generated.computeSecret("04aa", "hex"), "Error", "Failed to set point"],
    [() => generated.getPublicKey("hex", "hybrid"), "Error", "Failed to get public key length"],
    [() => createECDH("prime256v1").setPrivateKey(Buffer.alloc(32)), "Error", "Private key is not valid for specified curve."],
    [() => generated.generateKeys("hex", "x"), "TypeError", "The argument 'format' must be one of: 'compressed', 'uncompressed', 'hybrid'. Received 'x'"],
  ]) assert.throws(run, name, message);
});

test("primes", async () => {
  const primes = [2n, 3n, 4n, 7n, 9n, 2n ** 61n - 1n, 2n ** 127n - 1n, 0n, 1n].map((number) => crypto.checkPrimeSync(number));
  assert.deepEqual(primes, [true, true, false, true, false, true, true, false, false]);
  const prime = crypto.generatePrimeSync(32);
  assert.ok(prime instanceof ArrayBuffer && prime.byteLength === 4 && crypto.checkPrimeSync(prime));
  const safe = crypto.generatePrimeSync(48, { bigint: true, safe: true });
  assert.ok(crypto.checkPrimeSync(safe) && crypto.checkPrimeSync((safe - 1n) / 2n));
  assert.equal(crypto.generatePrimeSync(40, { bigint: true, add: 12n, rem: 11n }) % 12n, 11n);
  assert.equal(await new Promise((resolve) => crypto.checkPrime(13n, (error, is) => resolve(is))), true);
  assert.equal(await new Promise((resolve) => crypto.generatePrime(16, (error, made) => resolve(made.byteLength))), 2);
  assert.throws(() => crypto.checkPrimeSync("x"), { code: "ERR_INVALID_ARG_TYPE" }, `The "candidate" argument must be of type bigint or an instance of ArrayBuffer, TypedArray, Buffer, or DataView. Received type string ('x')`);
  assert.throws(() => crypto.checkPrimeSync(-1n), { code: "ERR_OUT_OF_RANGE" }, 'The value of "candidate" is out of range. It must be >= 0. Received -1n');
  assert.throws(() => crypto.generatePrimeSync(0), { code: "ERR_OUT_OF_RANGE" });
  assert.throws(() => crypto.generatePrimeSync(32, { add: 12n }), "RangeError", "Invalid values for add and rem");
});

test("rarer hashes", () => {
  const sum = (name) => createHash(name).update("a").digest("hex");
  assert.equal(sum("sha224"), "abd37534c7d9a2efb9465de931cd7055ffdb8879563ae98078d6d6d5");
  assert.equal(sum("RSA-SHA224"), sum("sha224"));
  assert.equal(sum("sha512-256"), "455e518824bc0601f9fb858ff5c37d417d67c2f8e0df2babe4808858aea830f8");
  assert.equal(crypto.createHmac("sha224", "k").update("a").digest("hex"), "4180557e3d9649993bace5df59d6f50e5d28f06887a8badd69be3ee0");
  assert.equal(crypto.pbkdf2Sync("p", "s", 1, 10, "sha512-256").toString("hex"), "f4436f24cc40ac710e8c");
  assert.throws(() => createHash("sha3-256"), "Error", "Digest method not supported");
  assert.throws(() => crypto.pbkdf2Sync("p", "s", 1, 10, "nope"), "TypeError", "Invalid Pbkdf2 digest: nope.");
  assert.throws(() => crypto.hkdfSync("nope", "k", "s", "i", 10), "TypeError", "Invalid Hkdf digest: nope");
  assert.ok(crypto.getHashes().includes("sha224") && crypto.getCurves().includes("prime256v1"));
});

test("encrypting with a private key", () => {
  const { privateKey, publicKey } = crypto.generateKeyPairSync("rsa", { modulusLength: 1024 });
  const sealed = crypto.privateEncrypt(privateKey, Buffer.from("hi"));
  assert.equal(sealed.length, 128);
  assert.equal(crypto.publicDecrypt(publicKey, sealed).toString(), "hi");
  assert.throws(() => crypto.publicDecrypt(publicKey, Buffer.alloc(128)), "Error");
});
