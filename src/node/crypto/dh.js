// Diffie-Hellman of node:crypto: over numbers modulo a prime, and over curves (ECDH).
//
// Fidelity: workerd's `src/node/internal/crypto_dh.ts`, `src/workerd/api/crypto/dh.c++` and `src/workerd/api/node/crypto.c++` for
// groups, checks and words.
import host from "dodev:host";
import { Buffer } from "dodev:node/buffer";
import { bytesOf, show } from "dodev:node/crypto/input";
import { makePrime, toBytes, toNumber } from "dodev:node/crypto/primes";
import { needInteger, needString, notEmulated, wrongType, wrongValue } from "dodev:node/errors";

const ciphers = host.ciphers();
const { isView } = ArrayBuffer;
const INT_MAX = 2 ** 31 - 1;

/** What the check of a prime and its generator says. */
const NOT_PRIME = 1;
const NOT_SAFE = 2;
const UNCHECKED_GENERATOR = 4;
const UNSUITABLE_GENERATOR = 8;

/** Bits of the groups of RFC 3526 and the constants of their primes. */
const GROUPS = {
  modp14: [2048n, 124_476n], modp15: [3072n, 1_690_314n], modp16: [4096n, 240_904n], modp17: [6144n, 929_484n],
  modp18: [8192n, 4_743_158n],
};

/** The arc tangent of 1/`by`, in units of 2^-`bits`. */
function arcTangent(by, bits) {
  let term = (1n << bits) / by;
  let sum = term;
  const square = by * by;
  for (let n = 3n, sign = -1n; term !== 0n; n += 2n, sign = -sign) {
    term /= square;
    sum += sign * (term / n);
  }
  return sum;
}

/** The prime of a group, as RFC 3526 defines it from the digits of pi. */
function groupPrime(bits, constant) {
  const guard = 64n;
  const pi = (4n * (4n * arcTangent(5n, bits + guard) - arcTangent(239n, bits + guard))) >> guard;
  return (1n << bits) - (1n << (bits - 64n)) - 1n + (1n << 64n) * ((pi >> 130n) + constant);
}

const primes = new Map();

const isMemory = (value) => isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
const isEncoding = (value) => value === "buffer" || Buffer.isEncoding(value);
const NUMERAL = "one of type number or string or an instance of ArrayBuffer, Buffer, TypedArray, or DataView";

/** A generator with its prime: a number's bytes, and what the check says of them. */
class Parameters {
  #verified;

  constructor(prime, generator) {
    Object.assign(this, { prime, generator, modulus: toNumber(prime), publicKey: undefined, privateKey: undefined });
  }

  get verifyError() {
    this.#verified ??= this.#check();
    return this.#verified;
  }

  #check() {
    const generator = toNumber(this.generator);
    let found = 0;
    if (generator === 2n) found = this.modulus % 24n === 11n ? 0 : UNSUITABLE_GENERATOR;
    else if (generator === 5n) found = [3n, 7n].includes(this.modulus % 10n) ? 0 : UNSUITABLE_GENERATOR;
    else found = UNCHECKED_GENERATOR;
    if (!ciphers.isPrime(this.prime, 0)) return found | NOT_PRIME;
    return ciphers.isPrime(toBytes(this.modulus >> 1n), 0) ? found : found | NOT_SAFE;
  }

  generate() {
    if (this.privateKey === undefined) {
      const random = toNumber(host.randomBytes(this.prime.length));
      this.privateKey = toBytes(2n + (random % (this.modulus - 3n)));
    }
    this.publicKey = this.power(this.generator, this.privateKey);
  }

  power(base, exponent) {
    const found = new Uint8Array(ciphers.power(base, exponent, this.prime));
    return found.length === 0 ? new Uint8Array(1) : found;
  }

  secret(other) {
    const number = toNumber(other);
    const failed = (why) => new RangeError(`DiffieHellman computeSecret() failed: Supplied key is too ${why}`);
    if (number <= 1n) throw failed("small");
    if (number >= this.modulus - 1n) throw failed("large");
    if (this.privateKey === undefined) throw new Error("DiffieHellman computeSecret() failed: error computing shared secret");
    const padded = new Uint8Array(this.prime.length);
    const secret = this.power(other, this.privateKey);
    padded.set(secret, padded.length - secret.length);
    return padded;
  }
}

const PARAMETERS = Symbol("parameters");

function given(bytes, name) {
  if (bytes === undefined) throw new Error(`No ${name} key`);
  return bytes;
}

const copy = (bytes, encoding) => show(Buffer.from(bytes), encoding);

const shared = {
  generateKeys(encoding) {
    this[PARAMETERS].generate();
    return copy(this[PARAMETERS].publicKey, encoding);
  },
  computeSecret(key, inputEncoding, outputEncoding) {
    return copy(this[PARAMETERS].secret(bytesOf(key, "key", inputEncoding)), outputEncoding);
  },
  getPrime(encoding) {
    return copy(this[PARAMETERS].prime, encoding);
  },
  getGenerator(encoding) {
    return copy(this[PARAMETERS].generator, encoding);
  },
  getPublicKey(encoding) {
    return copy(given(this[PARAMETERS].publicKey, "public"), encoding);
  },
  getPrivateKey(encoding) {
    return copy(given(this[PARAMETERS].privateKey, "private"), encoding);
  },
};

function hide(object, parameters) {
  Object.defineProperty(object, PARAMETERS, { value: parameters });
}

/** A prime of `bits` bits that suits a generator. */
function primeFor(bits, generator) {
  const [step, rest] = generator === 2n ? [24, 11] : generator === 5n ? [10, 3] : [4, 3];
  const made = bits < 6 ? undefined : makePrime(bits, true, step, rest);
  if (made === undefined) throw new Error("DiffieHellman init failed: could not generate parameters");
  return new Uint8Array(made);
}

export function DiffieHellman(sizeOrKey, keyEncoding, generator, generatorEncoding) {
  if (!(this instanceof DiffieHellman)) return new DiffieHellman(sizeOrKey, keyEncoding, generator, generatorEncoding);
  if (typeof sizeOrKey !== "number" && typeof sizeOrKey !== "string" && !isMemory(sizeOrKey)) {
    throw wrongType("sizeOrKey", NUMERAL, sizeOrKey);
  }
  if (typeof sizeOrKey === "number") needInteger(sizeOrKey, "sizeOrKey", -(2 ** 31), INT_MAX);
  if (keyEncoding && !isEncoding(keyEncoding)) [keyEncoding, generator, generatorEncoding] = ["utf8", keyEncoding, generator];
  let bytes = Uint8Array.of(2);
  if (typeof generator === "number" && generator !== 0) {
    needInteger(generator, "generator", -(2 ** 31), INT_MAX);
    if (generator < 2) throw new RangeError("DiffieHellman init failed: generator too small");
    bytes = toBytes(BigInt(generator));
  } else if (typeof generator === "string" && generator !== "") {
    bytes = bytesOf(generator, "generator", generatorEncoding);
  } else if (generator) {
    if (!isMemory(generator)) throw wrongType("generator", NUMERAL, generator);
    bytes = bytesOf(generator, "generator");
  }
  const prime = typeof sizeOrKey === "number" ? primeFor(sizeOrKey, toNumber(bytes)) : bytesOf(sizeOrKey, "sizeOrKey", keyEncoding);
  if ((prime.at(-1) & 1) === 0) throw new Error("DiffieHellman init failed: Invalid DH prime generated");
  hide(this, new Parameters(new Uint8Array(prime), new Uint8Array(bytes)));
}

Object.assign(DiffieHellman.prototype, shared, {
  setPublicKey(key, encoding) {
    this[PARAMETERS].publicKey = new Uint8Array(bytesOf(key, "key", encoding));
    return this;
  },
  setPrivateKey(key, encoding) {
    this[PARAMETERS].privateKey = new Uint8Array(bytesOf(key, "key", encoding));
    return this;
  },
});

export function DiffieHellmanGroup(name) {
  if (!(this instanceof DiffieHellmanGroup)) return new DiffieHellmanGroup(name);
  if (!Object.hasOwn(GROUPS, name)) {
    const known = Object.keys(GROUPS).join(", ");
    throw new Error(`Failed to init DiffieHellmanGroup: invalid group. Only groups {${known}} are supported.`);
  }
  if (!primes.has(name)) primes.set(name, toBytes(groupPrime(...GROUPS[name])));
  hide(this, new Parameters(primes.get(name), Uint8Array.of(2)));
}
Object.assign(DiffieHellmanGroup.prototype, shared);

for (const Class of [DiffieHellman, DiffieHellmanGroup]) {
  Object.defineProperty(Class.prototype, "verifyError", {
    get() {
      return this[PARAMETERS].verifyError;
    },
    enumerable: true,
    configurable: true,
  });
}

export const createDiffieHellman = (...args) => new DiffieHellman(...args);
export const createDiffieHellmanGroup = (name) => new DiffieHellmanGroup(name);
export const getDiffieHellman = (name) => new DiffieHellmanGroup(name);

/** OpenSSL's names of curves → those of Web Crypto. */
const CURVES = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };
/** What the platform's library knows but does not compute with. */
const UNKNOWN = new Set(["secp256k1", "secp160r1", "secp192k1", "sect571r1", "brainpoolP256r1"]);
const FORMATS = ["compressed", "uncompressed", "hybrid"];

function curveOf(name) {
  needString(name, "curveName");
  if (name === "secp224r1") throw notEmulated(`the curve "${name}" of crypto`);
  if (UNKNOWN.has(name)) throw new Error("Failed to create key using named curve");
  if (!Object.hasOwn(CURVES, name)) throw new Error("Invalid curve");
  return CURVES[name];
}

/** The point in the uncompressed form. */
function pointOf(curve, bytes) {
  const found = ciphers.point(curve, bytes);
  if (found === undefined) throw new Error("Failed to set point");
  return new Uint8Array(found);
}

function formed(point, format) {
  const sign = point.at(-1) & 1;
  if (format === "compressed") return Uint8Array.of(2 + sign, ...point.subarray(1, (point.length + 1) / 2));
  // Fidelity: the platform's library does not write it.
  if (format === "hybrid") throw new Error("Failed to get public key length");
  return point;
}

function needFormat(format) {
  if (!FORMATS.includes(format)) throw wrongValue("format", format, `must be one of: ${FORMATS.map((each) => `'${each}'`).join(", ")}`);
}

function keyBytes(key, name, encoding) {
  if (typeof key === "string") return Buffer.from(key, encoding);
  if (!isView(key)) throw wrongType(name, "of type string or an instance of Buffer, TypedArray, or DataView", key);
  return new Uint8Array(key.buffer, key.byteOffset, key.byteLength);
}

function needEncoding(encoding, name) {
  if (encoding !== undefined && encoding !== null) needString(encoding, name);
}

const told = (bytes, encoding) => (typeof encoding === "string" ? Buffer.from(bytes).toString(encoding) : Buffer.from(bytes));

const CURVE = Symbol("curve");

export function ECDH(curveName) {
  if (!(this instanceof ECDH)) return new ECDH(curveName);
  Object.defineProperty(this, CURVE, { value: { name: curveOf(curveName), secret: undefined } });
}

Object.assign(ECDH.prototype, {
  generateKeys(encoding, format) {
    needEncoding(encoding, "encoding");
    if (format !== undefined && format !== null) needFormat(format);
    this[CURVE].secret = new Uint8Array(ciphers.curveKey(this[CURVE].name));
    return this.getPublicKey(encoding, format ?? undefined);
  },
  computeSecret(otherPublicKey, inputEncoding, outputEncoding) {
    const bytes = keyBytes(otherPublicKey, "otherPublicKey", inputEncoding);
    needEncoding(inputEncoding, "inputEncoding");
    needEncoding(outputEncoding, "outputEncoding");
    const { name, secret } = this[CURVE];
    if (secret === undefined) throw new Error("Invalid keypair");
    return told(ciphers.agree(name, secret, pointOf(name, bytes)), outputEncoding);
  },
  getPrivateKey(encoding) {
    needEncoding(encoding, "encoding");
    const { secret } = this[CURVE];
    if (secret === undefined) throw new Error("Failed to get ECDH private key");
    return told(secret.subarray(Math.max(secret.findIndex((byte) => byte !== 0), 0)), encoding);
  },
  getPublicKey(encoding, format = "uncompressed") {
    needEncoding(encoding, "encoding");
    needFormat(format);
    const { name, secret } = this[CURVE];
    if (secret === undefined) throw new Error("Failed to get ECDH public key");
    return told(formed(new Uint8Array(ciphers.publicOf(name, secret)), format), encoding);
  },
  setPrivateKey(key, encoding) {
    needEncoding(encoding, "encoding");
    const scalar = ciphers.scalar(this[CURVE].name, keyBytes(key, "key", encoding));
    if (scalar === undefined) throw new Error("Private key is not valid for specified curve.");
    this[CURVE].secret = new Uint8Array(scalar);
  },
});

ECDH.convertKey = function (key, curve, inputEncoding, outputEncoding, format = "uncompressed") {
  const bytes = keyBytes(key, "key", inputEncoding);
  needString(curve, "curve");
  needEncoding(inputEncoding, "inputEncoding");
  needEncoding(outputEncoding, "outputEncoding");
  needFormat(format);
  if (bytes.length === 0) return told(bytes, outputEncoding);
  return told(formed(pointOf(curveOf(curve), bytes), format), outputEncoding);
};

export const createECDH = (curveName) => new ECDH(curveName);
