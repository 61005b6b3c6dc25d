// node:crypto's keys: KeyObject, what keys are read from and written as, and new ones.
//
// Fidelity: Node.js's documentation of `crypto`. Encrypted keys, certificates, DSA and DH are refused by name.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { bytesOf, later } from "dodev:node/crypto/input";
import { needInteger, needObject, needString, nodeError, notEmulated, wrongType, wrongValue } from "dodev:node/errors";
import { CryptoKey, partsOf, secretOf } from "dodev:web/crypto/keys";

const ciphers = host.ciphers();
const { isView } = ArrayBuffer;
const bytes = (buffer) => new Uint8Array(buffer);

/** OpenSSL's names of curves → the Web's. */
const CURVES = new Map([
  ["prime256v1", "P-256"], ["P-256", "P-256"], ["secp256r1", "P-256"],
  ["secp384r1", "P-384"], ["P-384", "P-384"],
  ["secp521r1", "P-521"], ["P-521", "P-521"],
]);
const OPENSSL = { "P-256": "prime256v1", "P-384": "secp384r1", "P-521": "secp521r1" };
const OIDS = { "P-256": "06082a8648ce3d030107", "P-384": "06052b81040022", "P-521": "06052b81040023" };
const FIELD_BYTES = { "P-256": 32, "P-384": 48, "P-521": 66 };

/** The Web's name of the curve that OpenSSL calls `name`. */
export function curveOf(name) {
  needString(name, "options.namedCurve");
  const found = CURVES.get(name);
  if (found === undefined) throw new Error("Invalid or unsupported curve");
  return found;
}

const MAKE = Symbol("make");
let partsOfKey;

export class KeyObject {
  #parts;

  constructor(token, parts) {
    if (token !== MAKE) throw wrongValue("type", token);
    this.#parts = parts;
  }

  static {
    partsOfKey = (key) => (key !== null && typeof key === "object" && #parts in key ? key.#parts : undefined);
  }

  /** The key of a CryptoKey. */
  static from(key) {
    if (!(key instanceof CryptoKey)) throw wrongType("key", "an instance of CryptoKey", key);
    const { type, name, curve } = partsOf(key);
    const kind = type === "secret" ? "secret" : name.startsWith("RSA") ? "RSA" : curve;
    return make(type, kind, secretOf(key).slice());
  }

  get type() {
    return this.#parts.type;
  }

  get symmetricKeySize() {
    return this.type === "secret" ? this.#parts.secret.length : undefined;
  }

  get asymmetricKeyType() {
    const { type, kind } = this.#parts;
    if (type === "secret") return undefined;
    if (kind === "RSA") return "rsa";
    return kind in OPENSSL ? "ec" : kind.toLowerCase();
  }

  get asymmetricKeyDetails() {
    const { type, kind, secret } = this.#parts;
    if (type === "secret") return undefined;
    if (kind in OPENSSL) return { namedCurve: OPENSSL[kind] };
    if (kind !== "RSA") return {};
    const [n, e] = ciphers.rsaNumbers(type === "private", secret).map(bytes);
    const publicExponent = e.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    return { modulusLength: n.length * 8 - Math.clz32(n[0]) + 24, publicExponent };
  }

  equals(other) {
    const parts = partsOfKey(other);
    if (parts === undefined) throw wrongType("otherKeyObject", "an instance of KeyObject", other);
    const { type, kind, secret } = this.#parts;
    return type === parts.type && kind === parts.kind && host.equalBytes(secret, parts.secret);
  }

  export(options) {
    const { type, secret } = this.#parts;
    if (options !== undefined) needObject(options, "options");
    if (options?.format === "jwk") return writeJwk(this.#parts);
    if (type === "secret") {
      const format = options?.format;
      if (format !== undefined && format !== "buffer") throw wrongValue("options.format", format);
      return Buffer.from(secret);
    }
    if (options?.type === undefined) throw new TypeError("Missing type option");
    return encode(this.#parts, options);
  }

  toCryptoKey(algorithm, extractable, usages) {
    const { type, secret } = this.#parts;
    const format = type === "secret" ? "raw" : type === "public" ? "spki" : "pkcs8";
    const data = type === "secret" ? secret : der(this.#parts, format);
    return host.lazy("dodev:web/crypto/keys").importKey(format, data, algorithm.name ?? algorithm, algorithm, extractable, usages);
  }

  get [Symbol.toStringTag]() {
    return "KeyObject";
  }
}

export class SecretKeyObject extends KeyObject {}
export class PublicKeyObject extends KeyObject {}
export class PrivateKeyObject extends KeyObject {}
const CLASSES = { secret: SecretKeyObject, public: PublicKeyObject, private: PrivateKeyObject };

/** A key: `type` secret, public or private, `kind` RSA or a curve, `secret` its bytes. */
function make(type, kind, secret) {
  return new CLASSES[type](MAKE, { type, kind, secret: bytes(secret) });
}

export { partsOfKey };

const publicOf = ({ kind, secret }) => make("public", kind, ciphers.publicOf(kind, secret));

const unreadable = (wanted) => new Error(`Failed to parse ${wanted} key`);
const wrongKind = (type, expected) =>
  nodeError(Error, "ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE", `Invalid key object type ${type}, expected ${expected}.`);
const KEY_TYPES = "of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, or Object";
const LABELS = /-----BEGIN ([A-Z0-9 ]+)-----\r?\n?([\s\S]*?)-----END \1-----/g;

/** The key in PEM, or `undefined`. */
function readPem(text) {
  for (const [, label, body] of text.matchAll(LABELS)) {
    if (label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(body)) throw notEmulated("encrypted keys of crypto");
    if (label === "CERTIFICATE") throw notEmulated("certificates as keys of crypto");
    const found = readDer(Buffer.from(body, "base64"), label);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The key in DER; `label` is its name in PEM. */
function readDer(data, label) {
  if (label === "RSA PUBLIC KEY") return ciphers.rsaNumbers(false, data).length === 0 ? undefined : make("public", "RSA", data);
  if (!["PUBLIC KEY", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].includes(label)) return undefined;
  const isPrivate = label !== "PUBLIC KEY";
  const found = ciphers.readDer(isPrivate, data);
  return found === undefined || found.left > 0 ? undefined : make(isPrivate ? "private" : "public", found.kind, found.key);
}

const DER_LABELS = { spki: "PUBLIC KEY", pkcs8: "PRIVATE KEY", sec1: "EC PRIVATE KEY" };

/** Reads what programs give as an asymmetric key, private or public, whichever it is. */
function readAny(input, wanted) {
  if (partsOfKey(input) !== undefined) return input;
  if (input instanceof CryptoKey) return KeyObject.from(input);
  if (typeof input === "string" || isView(input) || input instanceof ArrayBuffer) {
    const found = readPem(typeof input === "string" ? input : Buffer.from(bytesOf(input, "key")).toString("latin1"));
    if (found === undefined) throw unreadable(wanted);
    return found;
  }
  if (input === null || typeof input !== "object") {
    throw wrongType("options.key", KEY_TYPES, input?.key);
  }
  const { key, format, type, encoding } = input;
  if (format === "jwk") return readJwk(key);
  if (partsOfKey(key) !== undefined || key instanceof CryptoKey) return readAny(key, wanted);
  if (format === undefined || format === "pem") return readAny(bytesOf(key, "key.key", encoding), wanted);
  if (format !== "der") throw wrongValue("key.format", format);
  const pkcs1 = wanted === "public" ? "RSA PUBLIC KEY" : "RSA PRIVATE KEY";
  const label = type === "pkcs1" ? pkcs1 : DER_LABELS[type];
  if (label === undefined) throw wrongValue("key.type", type);
  const found = readDer(bytesOf(key, "key.key", encoding), label);
  if (found === undefined) throw unreadable(wanted);
  return found;
}

/** What `input` says, as a private key. */
export function privateKeyOf(input) {
  const key = readAny(input, "private");
  if (key.type === "private") return key;
  if (key === input || key === input?.key) throw wrongKind(key.type, "private");
  throw unreadable("private");
}

/** What `input` says, as a public key; that of a private key is derived. */
export function publicKeyOf(input) {
  const key = readAny(input, "public");
  if (key.type === "private") return publicOf(partsOfKey(key));
  if (key.type === "public") return key;
  throw wrongKind(key.type, "private or public");
}

export function createSecretKey(key, encoding) {
  return make("secret", "secret", bytesOf(key, "key", encoding).slice());
}

export const createPrivateKey = (input) => {
  if (partsOfKey(input) !== undefined) throw wrongType("options.key", KEY_TYPES, input);
  return privateKeyOf(input);
};

export const createPublicKey = (input) => {
  const type = partsOfKey(input)?.type;
  if (type === "public" || type === "secret") {
    throw wrongKind(type, "private");
  }
  return publicKeyOf(input);
};

/** The bytes of a secret key, however it is given. */
export function secretBytes(key, name, encoding) {
  if (key instanceof CryptoKey) return secretOf(key);
  const parts = partsOfKey(key);
  if (parts === undefined) return bytesOf(key, name, encoding);
  if (parts.type === "secret") return parts.secret;
  throw wrongKind(parts.type, "secret");
}


function field(jwk, name) {
  if (typeof jwk[name] !== "string") throw wrongType(`key.${name}`, "of type string", jwk[name]);
  return Buffer.from(jwk[name], "base64url");
}

function readJwk(jwk) {
  needObject(jwk, "key.key");
  const type = jwk.d === undefined ? "public" : "private";
  const number = (name) => field(jwk, name);
  let kind;
  let secret;
  if (jwk.kty === "RSA") {
    kind = "RSA";
    secret = type === "public"
      ? ciphers.rsaPublic(number("n"), number("e"))
      : ciphers.rsaPrivate(number("n"), number("e"), number("d"), number("p"), number("q"));
  } else if (jwk.kty === "EC") {
    kind = curveOf(jwk.crv);
    const point = ciphers.point(kind, number("x"), number("y"));
    secret = type === "public" || point === undefined ? point : ciphers.scalar(kind, number("d"));
  } else if (jwk.kty === "OKP") {
    kind = jwk.crv;
    if (kind !== "Ed25519" && kind !== "X25519") throw notEmulated(`the curve "${kind}" of crypto`);
    secret = type === "public" ? number("x") : number("d");
    if (secret.length !== 32) secret = undefined;
  } else {
    throw new Error(`JWK ${type} key import is not implemented for this key type`);
  }
  if (secret === undefined) throw new Error(`Failed to import ${type} key`);
  return make(type, kind, secret);
}

const base64url = (buffer) => Buffer.from(buffer).toString("base64url");

function writeJwk({ type, kind, secret }) {
  if (type === "secret") return { kty: "oct", ext: true, k: base64url(secret) };
  const isPrivate = type === "private";
  if (kind === "RSA") {
    const [n, e, d, p, q, dp, dq, qi] = ciphers.rsaNumbers(isPrivate, secret).map(base64url);
    return isPrivate ? { kty: "RSA", n, e, d, p, q, dp, dq, qi } : { kty: "RSA", n, e };
  }
  const point = isPrivate ? bytes(ciphers.publicOf(kind, secret)) : secret;
  const size = FIELD_BYTES[kind];
  const jwk = size === undefined
    ? { kty: "OKP", ...(kind === "Ed25519" && { alg: "EdDSA" }), crv: kind, x: base64url(point) }
    : { kty: "EC", crv: kind, x: base64url(point.subarray(1, 1 + size)), y: base64url(point.subarray(1 + size)) };
  if (isPrivate) jwk.d = base64url(secret);
  return jwk;
}

/** A value of DER. */
function value(tag, ...contents) {
  const inner = Buffer.concat(contents);
  const length = inner.length < 128 ? [inner.length] : inner.length < 256 ? [0x81, inner.length] : [0x82, inner.length >> 8, inner.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), inner]);
}

function writeSec1({ kind, secret }) {
  const point = value(0x03, Buffer.from([0]), bytes(ciphers.publicOf(kind, secret)));
  const parts = [value(0x02, Buffer.from([1])), value(0x04, secret), value(0xa0, Buffer.from(OIDS[kind], "hex")), value(0xa1, point)];
  return value(0x30, ...parts);
}

/** The key's bytes in the container `type`. */
function der(parts, type) {
  const isPrivate = parts.type === "private";
  if (type === "pkcs1" && parts.kind === "RSA") return Buffer.from(parts.secret);
  if (type === "sec1" && isPrivate && parts.kind in OPENSSL) return writeSec1(parts);
  if (type === (isPrivate ? "pkcs8" : "spki")) return Buffer.from(ciphers.writeDer(isPrivate, parts.kind, parts.secret));
  if (type === "pkcs1" || (type === "sec1" && isPrivate)) {
    const what = type === "pkcs1" ? "RSA" : "EC";
    throw nodeError(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS", `The selected key encoding ${type} can only be used for ${what} keys.`);
  }
  throw new Error("Failed to export key");
}

function encode(parts, { format, type, cipher, passphrase }) {
  if (cipher !== undefined || passphrase !== undefined) throw notEmulated("encrypted keys of crypto");
  if (format !== "pem" && format !== "der") throw wrongValue("options.format", format);
  const data = der(parts, type);
  if (format === "der") return data;
  const half = parts.type === "private" ? "PRIVATE KEY" : "PUBLIC KEY";
  const label = type === "pkcs1" ? `RSA ${half}` : type === "sec1" ? `EC ${half}` : half;
  const lines = data.toString("base64").match(/.{1,64}/g).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function newPair(type, options) {
  needString(type, "type");
  if (type === "rsa") {
    needObject(options, "options");
    const { modulusLength, publicExponent = 65_537 } = options;
    needInteger(modulusLength, "options.modulusLength", 0, 2 ** 32 - 1);
    if (publicExponent !== 3 && publicExponent !== 65_537) throw notEmulated(`RSA keys of the exponent ${publicExponent} of crypto`);
    if (modulusLength > ciphers.privateModulusMax) throw notEmulated(`RSA keys of more than ${ciphers.privateModulusMax} bits of crypto`);
    if (modulusLength < 512 || modulusLength % 128 !== 0) throw notEmulated(`RSA keys of ${modulusLength} bits of crypto`);
    return ["RSA", ciphers.rsaKey(modulusLength, publicExponent)];
  }
  const kind = { ed25519: "Ed25519", x25519: "X25519" }[type] ?? (type === "ec" ? curveOf(options?.namedCurve) : undefined);
  if (kind !== undefined) return [kind, ciphers.curveKey(kind)];
  if (["rsa-pss", "dsa", "dh", "ed448", "x448"].includes(type)) throw notEmulated(`${type} keys of crypto`);
  throw wrongValue("type", type, "must be one of: 'rsa', 'ec', 'ed25519', 'x25519', 'dh'");
}

export function generateKeyPairSync(type, options) {
  const [kind, secret] = newPair(type, options);
  const privateKey = make("private", kind, secret);
  const publicKey = publicOf(partsOfKey(privateKey));
  const encoded = (key, encoding) => (encoding === undefined ? key : key.export(encoding));
  return {
    publicKey: encoded(publicKey, options?.publicKeyEncoding),
    privateKey: encoded(privateKey, options?.privateKeyEncoding),
  };
}

export function generateKeyPair(type, options, callback) {
  if (typeof options === "function") [options, callback] = [undefined, options];
  later((error, pair) => callback(error, pair?.publicKey, pair?.privateKey), () => generateKeyPairSync(type, options));
}
Object.defineProperty(generateKeyPair, Symbol.for("nodejs.util.promisify.custom"), {
  value: async (type, options) => generateKeyPairSync(type, options),
});

export function generateKeySync(type, options) {
  needString(type, "type");
  needObject(options, "options");
  const { length } = options;
  if (type === "aes") {
    if (![128, 192, 256].includes(length)) throw wrongValue("options.length", length, "must be one of: 128, 192, 256");
  } else if (type === "hmac") {
    needInteger(length, "options.length", 8, 2 ** 31 - 1);
  } else {
    throw wrongValue("type", type, "must be one of: 'aes', 'hmac'");
  }
  return make("secret", "secret", host.randomBytes(Math.floor(length / 8)));
}

export const generateKey = (type, options, callback) => later(callback, () => generateKeySync(type, options));

/** The secret that the owners of both keys share. */
export function diffieHellman(options) {
  needObject(options, "options");
  const [mine, other] = [privateKeyOf(options.privateKey), publicKeyOf(options.publicKey)].map(partsOfKey);
  if (mine.kind !== other.kind || mine.kind === "RSA" || mine.kind === "Ed25519") {
    throw nodeError(Error, "ERR_CRYPTO_INCOMPATIBLE_KEY", "Incompatible key types for Diffie-Hellman");
  }
  return Buffer.from(ciphers.agree(mine.kind, mine.secret, other.secret));
}
