// node:crypto's keys, signatures and ciphers; answers recorded from workerd.
import { Buffer } from "node:buffer";
import crypto from "node:crypto";

const RSA = `-----BEGIN PRIVATE KEY-----
MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQC9IaGVhxOIwDzf
UbljvkwvNT/aVUJk2z1jZHPTKzN2/3bLwUiODTMXOmDa4LOjzKM9Gj6K4zm3ksq9
4xEb1cQ7z4U8VAJSV8SXhKA4R87EgsjU3z8QIze73k6ERDS8Ytl3r2GYJBvVkfbD
x4h4+8b+UYCfC61Qsnw9E84ufMAoZvR3uxlRVcZqZcZzX1cjYJcCdWIU+TQ0tMbo
i+g936T7XibXS4FRcxwJKU0r1EDzKQTk4sTkHz26a4ZZqOEcMHoLn/+8Cvgd2pYm
0IBy1M9lfKYrD7DxAWKrMWq2E+Vf/BLMvdOGDNkIqVTz8gTAF4bXUdAf5ooVxFl8
tEYvTGpTAgMBAAECgf9s+HOhM7KNmDV6dhva3EoI6SVhJr6aXbeBDN+vS7TbW1WX
EEY9kl1dhMVJVy4psj5bdkOSwlj+7BTkU3AIGaJ205pwp/aueuNKaZ/mzXjUwIX2
IKq1IZV7KRsUGjhIUqv5yZLxldxzsSX8p3p6Opbs8Qiqmo/BbxUmG8MwBbCxlaDC
//68M+4J3IiUgbyOHZI03FZxsW5mtIOLe5kUlpTYjPLiEFxKFOhIREQ6i+yWvgLd
4q6OHZMsiaaFII3a5cXZOkx6bdMe1o3NrVWQXqtBWCvmzTPyBqipmo3yPYYWRigs
hIbwprztazoFMDxZIVSF1b2TaS3Ip8tBc3KuoZUCgYEA+Q2zPIOIvHsMxShWpm1i
51YHd3DbKBdHJFQivtbK3qTEgRUiOf4ZWNu7NqL2zWOgp1K7hRiBz1WXQKq8/BI/
m5jWqjnvlYz8pFIAN7LfOm6xxdmpB5JinKtWdTzgN/bYiLHjFkjCwUijX8Ph8R3f
JHf30OiM1i+kF6Ba6B7eldcCgYEAwmgSsr3WTFYcIl7sXwfSE8dzC/TE4W3lidj4
99QZs1xyFdHCdLSk61UL8To4TgKpKwyxJP8qqAilt0OzW/UymXcf26jDNjjv3aBY
ShEtlZ1i3ifLJQktx2hnKlKB1MLfbY7WDSZqwpHCAJMjl3mqn7hytL2YnCFsfQZy
Lhq0h+UCgYBiJc8DwwZI2OlAbVQwhB0c858/p78GPp4vp+SFdpo+QYqbIBv75LJS
fU17C5/dcyylpAn4Op81eRKBTofpgruEcyftr6VGN2h8zT/+s0Qbf/IY+V0OedbY
zQDmdNYb1/CfdhL6/jOZ/ik8HTLWVaJReeG0d2DBK8cr9Gq+3SN0wwKBgQCOn2uY
Vk1xk3rwfFNNJJ+qgxiUHO6Ts9xCVTvSFXkFbT0FZO4UULLtM2efgebs1Gbnflg3
nDvfKvjoinJ7dFe63vowXI9aqErRfWFIdXHL4bs24FrYwPMk6CNHmWBGhvEDn1bK
LvUD6Ys6gLgL2OakZt1AXBgp8xt0XdZGnLD1QQKBgQCHu9hnO1C+LCZx1wsoZkFC
r+NVGy/oRxKB0MlxP2uGWMzasHfQb93MiLMx3qcwG8noWD2hVZXiUdcSRBY8timV
4BWFNj/Om9LXCrfGBVo5qB8U1bZn62H5RXe/bFyhKspE4kjuWVc8j7+kFbyaAcSd
YAEXXnwcvhHQWUAhjwgogA==
-----END PRIVATE KEY-----
`;
const EC = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFnPlwhwuFBtmlGnH
/XUVVesWexeaspax2J/bz1UULmehRANCAAQwaXNKiPZ452S3ERWg9t98EZL+6m2p
dSvxdakYe4ccnexTD6MMoHv0JgkpPXo+ftNOUYsXFmRpTdXfV5AbJ1gi
-----END PRIVATE KEY-----
`;
const ED = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHTpCieNn2A8RNZ/agobUQJxlh27KF3g4m27nQ8OqE8X
-----END PRIVATE KEY-----
`;
const KEY = Buffer.alloc(32, 1);
const IV = Buffer.alloc(16, 2);
const X = Buffer.from("x");
const fails = (run, message, name = "Error") => assert.throws(run, name, message);

test("keys are read and written", async () => {
  const [rsa, ec, ed] = [RSA, EC, ED].map((pem) => crypto.createPrivateKey(pem));
  assert.deepEqual([rsa.type, rsa.asymmetricKeyType, rsa.asymmetricKeyDetails.modulusLength, rsa.asymmetricKeyDetails.publicExponent], ["private", "rsa", 2048, 65537n]);
  assert.deepEqual([ec.asymmetricKeyType, ec.asymmetricKeyDetails.namedCurve, ed.asymmetricKeyType], ["ec", "prime256v1", "ed25519"]);
  for (const [key, pem] of [[rsa, RSA], [ec, EC], [ed, ED]]) {
    assert.equal(key.export({ type: "pkcs8", format: "pem" }), pem);
    const other = crypto.createPublicKey(pem);
    assert.ok(crypto.createPublicKey(other.export({ type: "spki", format: "pem" })).equals(other));
    assert.ok(crypto.createPublicKey({ key: other.export({ type: "spki", format: "der" }), format: "der", type: "spki" }).equals(other));
    assert.ok(crypto.createPrivateKey({ key: key.export({ format: "jwk" }), format: "jwk" }).equals(key));
  }
  for (const [key, type] of [[rsa, "pkcs1"], [ec, "sec1"]]) assert.ok(crypto.createPrivateKey(key.export({ type, format: "pem" })).equals(key));
  const secret = crypto.createSecretKey("abc", "utf8");
  assert.deepEqual([secret.type, secret.symmetricKeySize, secret.export().toString(), secret.export({ format: "jwk" }).k], ["secret", 3, "abc", "YWJj"]);
  assert.equal(crypto.createHmac("sha256", crypto.createSecretKey("k", "utf8")).update("x").digest("hex"), "c38edc8815c8489f64738978f44008f8596345545f0baa68ef6fcf5c53e57189");
  const made = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]);
  assert.equal(crypto.KeyObject.from(made).symmetricKeySize, 64);
});

test("what is no key", () => {
  fails(() => crypto.createPrivateKey("nope"), "Failed to parse private key");
  fails(() => crypto.createPublicKey("nope"), "Failed to parse public key");
  fails(() => crypto.createPrivateKey(crypto.createPublicKey(EC).export({ type: "spki", format: "pem" })), "Failed to parse private key");
  assert.throws(() => crypto.sign("sha256", X, crypto.createPublicKey(EC)), { code: "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE" }, "Invalid key object type public, expected private.");
  fails(() => crypto.createPublicKey({ key: { kty: "nope" }, format: "jwk" }), "JWK public key import is not implemented for this key type");
  fails(() => crypto.createPrivateKey(RSA).export({ type: "spki", format: "pem" }), "Failed to export key");
  fails(() => crypto.createPrivateKey(RSA).export({ type: "sec1", format: "pem" }), "The selected key encoding sec1 can only be used for EC keys.");
});

test("signatures", () => {
  const { constants, sign, verify } = crypto;
  for (const [key, hash] of [[RSA, "sha256"], [EC, "sha256"], [EC, "sha512"], [ED, null]]) {
    const signature = sign(hash, X, key);
    assert.deepEqual([verify(hash, X, key, signature), verify(hash, Buffer.from("y"), key, signature), verify(hash, X, key, signature.subarray(1))], [true, false, false]);
  }
  assert.equal(sign(null, X, ED).toString("hex").slice(0, 20), "c6a356e4bdab03f9ef3b");
  assert.equal(sign("sha256", X, RSA).toString("hex").slice(0, 40), "2464873df75490ae281066be0c96fc91c0758851");
  assert.deepEqual([sign("sha256", X, EC)[0], sign("sha256", X, { key: EC, dsaEncoding: "ieee-p1363" }).length], [48, 64]);
  const signer = crypto.createSign("RSA-SHA256").update("a");
  signer.write("b");
  signer.end();
  const signed = signer.sign(RSA, "base64");
  assert.equal(signed.slice(0, 20), "dtu5ny0uBxP8G8Hj8UmQ");
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const salted = sign("sha256", X, { key: RSA, padding, saltLength: 20 });
  const open = crypto.createPublicKey(RSA).export({ type: "spki", format: "pem" });
  assert.ok(verify("sha256", X, { key: open, padding }, salted) && verify("sha256", X, { key: open, padding, saltLength: 20 }, salted));
  assert.ok(crypto.createVerify("RSA-SHA256").update("ab").verify(open, signed, "base64"));
  fails(() => crypto.createSign("nope"), "Unknown digest: nope");
  assert.equal(crypto.privateDecrypt(RSA, crypto.publicEncrypt(RSA, Buffer.from("hey"))).toString(), "hey");
});

test("ciphers in pieces", () => {
  const expected = {
    "aes-256-cbc": "f9c8dd62f58f8836f8f4f81e70e3b5bd281e841f585290f1bcff9c315556715e1b12b324d65fb8b721a35d14a47ec846",
    "aes-256-ctr": "0acb7e9f4b9f9d7fa28102c264751cc8d2daa723e84efe1a3c5f39bf83d1c50176659590761155c00ba2271bfa1d",
    "aes-256-gcm": "6fb3a5252577b68aa4bbcbbf2bd0b5c5d5c2a6989cc6fa06aaf0978c0f8c0308000869401a18d4983059259ee850",
  };
  for (const [name, sealed] of Object.entries(expected)) {
    const isGcm = name.endsWith("gcm");
    const iv = isGcm ? IV.subarray(0, 12) : IV;
    const cipher = crypto.createCipheriv(name, KEY, iv);
    if (isGcm) cipher.setAAD(Buffer.from("aad"));
    const text = cipher.update("hello ", "utf8", "hex") + cipher.update("w".repeat(40), "utf8", "hex") + cipher.final("hex");
    assert.equal(text, sealed);
    const decipher = crypto.createDecipheriv(name, KEY, iv);
    if (isGcm) {
      const tag = cipher.getAuthTag();
      assert.equal(tag.toString("hex"), "e2844bdc987be3c3deee272e7ae8c8de");
      decipher.setAAD(Buffer.from("aad")).setAuthTag(tag);
    }
    const parts = [decipher.update(sealed.slice(0, 22), "hex", "utf8"), decipher.update(sealed.slice(22), "hex", "utf8"), decipher.final("utf8")];
    assert.equal(parts.join(""), `hello ${"w".repeat(40)}`);
  }
  const long = crypto.createCipheriv("aes-256-gcm", KEY, IV);
  assert.equal(long.update("abc", "utf8", "hex") + long.update("def", "utf8", "hex") + long.final("hex"), "1154f42ebaa7");
  assert.equal(long.getAuthTag().toString("hex"), "ee243dd720963124e5797ba2b42dfb96");
});

test("what ciphers refuse", () => {
  const open = (name, iv, size, tag) => () => {
    const decipher = crypto.createDecipheriv(name, KEY, iv);
    if (tag) decipher.setAuthTag(tag);
    decipher.update(Buffer.alloc(size));
    decipher.final();
  };
  fails(open("aes-256-cbc", IV, 32), "Authentication failed");
  fails(open("aes-256-gcm", IV.subarray(0, 12), 5, Buffer.alloc(16)), "Authentication failed");
  fails(open("aes-256-gcm", IV.subarray(0, 12), 5), "No auth tag provided");
  fails(open("aes-256-gcm", IV.subarray(0, 12), 5, Buffer.alloc(5)), "Invalid authentication tag length");
  fails(() => crypto.createCipheriv("nope", KEY, IV), "Unknown or unsupported cipher: nope");
  fails(() => crypto.createCipheriv("aes-256-cbc", KEY.subarray(1), IV), "Invalid key length");
  fails(() => crypto.createCipheriv("aes-256-cbc", KEY, IV.subarray(1)), "Invalid initialization vector");
  const done = crypto.createCipheriv("aes-256-cbc", KEY, IV);
  done.final();
  fails(() => done.final(), "Cipher/decipher context has already been finalized");
  fails(() => crypto.createCipheriv("aes-256-gcm", KEY, IV).getAuthTag(), "Auth tag is only available once cipher context has been finalized");
});

test("scrypt and new keys", () => {
  assert.equal(crypto.scryptSync("pw", "salt", 32).toString("hex"), "c0b515908e61334cae6d6003c00be60e2e675878c9ac8ba282e1d70c335d3012");
  fails(() => crypto.scryptSync("pw", "salt", 32, { N: 3 }), "Scrypt failed");
  const { publicKey, privateKey } = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  assert.deepEqual([publicKey.type, privateKey.asymmetricKeyDetails.namedCurve], ["public", "prime256v1"]);
  const [a, b] = [crypto.generateKeyPairSync("x25519"), crypto.generateKeyPairSync("x25519")];
  const agree = (mine, other) => crypto.diffieHellman({ privateKey: mine.privateKey, publicKey: other.publicKey });
  assert.ok(agree(a, b).equals(agree(b, a)));
  assert.equal(crypto.generateKeySync("aes", { length: 256 }).symmetricKeySize, 32);
});
