// crypto.subtle: arguments are checked here, in the platform's order and words.
import host from "dodev:host";
import { error, hashOf, isBuffer, isObject, nameOf, need, needBytes, refuse } from "dodev:web/crypto/algorithms";
import { checkData, exportKey, generateKey, hmacBits, importKey, partsOf, secretOf } from "dodev:web/crypto/keys";
import { illegalConstructor, illegalInvocation, shape, wrongArgument } from "dodev:web/interface";

// Fidelity: Cloudflare's servers refuse more rounds of PBKDF2 than this; workerd alone does not.
const ITERATIONS_MAX = 100_000;

const MAKE = Symbol("make");
const wrong = (name, position, type) => wrongArgument("SubtleCrypto", name, position, type);

function checkBuffer(name, position, value) {
  if (!isBuffer(value)) throw wrong(name, position, "BufferSource");
}

function checkKey(name, position, value) {
  if (secretOf(value) === undefined) throw wrong(name, position, "CryptoKey");
}

// Checks that `key` is for `algorithm` and `usage`; returns the algorithm's name in capitals.
function checkUse(method, algorithm, key, usage) {
  const name = nameOf(algorithm, () => wrong(method, 1, "string or Algorithm"));
  const parts = partsOf(key);
  if (name.toUpperCase() !== parts.name) {
    throw error(
      "InvalidAccessError",
      `Requested algorithm "${name}" does not match this CryptoKey's algorithm "${parts.name}".`,
    );
  }
  if (!parts.usages.includes(usage)) {
    throw error("InvalidAccessError", `Requested key usage "${usage}" does not match any usage listed in this CryptoKey.`);
  }
  return parts.name;
}

function unsupported(name, method) {
  return error("NotSupportedError", `The ${method} operation is not implemented for "${name}".`);
}

async function digest(algorithm, data) {
  if (algorithm === undefined || algorithm === null) throw wrong("digest", 1, "string or HashAlgorithm");
  checkBuffer("digest", 2, data);
  return host.digest(hashOf(algorithm), data);
}

async function sign(algorithm, key, data) {
  checkKey("sign", 2, key);
  checkBuffer("sign", 3, data);
  const name = checkUse("sign", algorithm, key, "sign");
  if (name !== "HMAC") throw unsupported(name, "sign");
  return host.hmac(partsOf(key).hash, secretOf(key), data);
}

async function verify(algorithm, key, signature, data) {
  checkKey("verify", 2, key);
  checkBuffer("verify", 3, signature);
  checkBuffer("verify", 4, data);
  const name = checkUse("verify", algorithm, key, "verify");
  if (name !== "HMAC") throw unsupported(name, "verify");
  return host.equalBytes(host.hmac(partsOf(key).hash, secretOf(key), data), signature);
}

// Fidelity: workerd names the dictionary in messages about a member of the wrong type.
const DICTIONARY = "DeriveKeyAlgorithm";

function derive(algorithm, key, bits) {
  const { name } = partsOf(key);
  const hash = hashOf(need(algorithm, "hash"));
  const salt = needBytes(algorithm, "salt", DICTIONARY);
  const info = name === "HKDF" ? needBytes(algorithm, "info", DICTIONARY) : undefined;
  const iterations = name === "PBKDF2" ? Math.trunc(Number(need(algorithm, "iterations"))) : undefined;
  if (bits === null || bits === undefined) {
    throw error("OperationError", `${name} cannot derive a key with null length.`);
  }
  if (bits % 8 !== 0) {
    throw error(
      "OperationError",
      `${name} requires a derived key length that is a multiple of eight (requested ${bits}).`,
    );
  }
  const length = bits / 8;
  if (name === "HKDF") {
    const derived = host.hkdf(hash, secretOf(key), salt, info, length);
    if (derived === undefined) throw error("OperationError", "HKDF deriveBits failed.");
    return derived;
  }
  if (!(iterations > 0)) {
    throw error("OperationError", `PBKDF2 requires a positive iteration count (requested ${iterations}).`);
  }
  if (iterations > ITERATIONS_MAX) {
    throw error(
      "NotSupportedError",
      `Pbkdf2 failed: iteration counts above ${ITERATIONS_MAX} are not supported (requested ${iterations}).`,
    );
  }
  return host.pbkdf2(hash, secretOf(key), salt, iterations, length);
}

async function deriveBits(algorithm, key, length) {
  checkKey("deriveBits", 2, key);
  checkUse("deriveBits", algorithm, key, "deriveBits");
  return derive(algorithm, key, length);
}

async function deriveKey(algorithm, key, derived, extractable, usages) {
  checkKey("deriveKey", 2, key);
  checkUse("deriveKey", algorithm, key, "deriveKey");
  const name = nameOf(derived, () => wrong("deriveKey", 3, "string or ImportKeyAlgorithm"));
  refuse(name.toUpperCase());
  const bits = name.toUpperCase() === "HMAC" ? hmacBits(derived) : null;
  const secret = derive(algorithm, key, bits);
  return importKey("raw", secret, name, isObject(derived) ? derived : {}, !!extractable, [...usages]);
}

async function importAny(format, data, algorithm, extractable, usages) {
  if (!isBuffer(data) && !isObject(data)) throw wrong("importKey", 2, "BufferSource or JsonWebKey");
  const name = nameOf(algorithm, () => wrong("importKey", 3, "string or ImportKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("importKey", 5, "Array");
  checkData(`${format}`, data);
  return importKey(`${format}`, data, name, isObject(algorithm) ? algorithm : {}, !!extractable, [...usages]);
}

async function generate(algorithm, extractable, usages) {
  const name = nameOf(algorithm, () => wrong("generateKey", 1, "string or GenerateKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("generateKey", 3, "Array");
  return generateKey(name, isObject(algorithm) ? algorithm : {}, !!extractable, [...usages]);
}

async function exportAny(format, key) {
  checkKey("exportKey", 2, key);
  return exportKey(`${format}`, key);
}

// Encryption and wrapping need algorithms that dodev does not have: keys for them cannot exist.
async function refuseWith(method, algorithm, key, usage) {
  checkKey(method, 2, key);
  const name = checkUse(method, algorithm, key, usage);
  throw unsupported(name, method);
}

async function refuseWrapping(method, algorithm) {
  const name = nameOf(algorithm, () => wrong(method, 3, "string or EncryptAlgorithm"));
  refuse(name.toUpperCase());
  throw unsupported(name, method);
}

export class SubtleCrypto {
  #brand;
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }
  encrypt(algorithm, key) {
    if (!isSubtle(this)) throw illegalInvocation();
    return refuseWith("encrypt", algorithm, key, "encrypt");
  }
  decrypt(algorithm, key) {
    if (!isSubtle(this)) throw illegalInvocation();
    return refuseWith("decrypt", algorithm, key, "decrypt");
  }
  sign(algorithm, key, data) {
    if (!isSubtle(this)) throw illegalInvocation();
    return sign(algorithm, key, data);
  }
  verify(algorithm, key, signature, data) {
    if (!isSubtle(this)) throw illegalInvocation();
    return verify(algorithm, key, signature, data);
  }
  digest(algorithm, data) {
    if (!isSubtle(this)) throw illegalInvocation();
    return digest(algorithm, data);
  }
  generateKey(algorithm, extractable, usages) {
    if (!isSubtle(this)) throw illegalInvocation();
    return generate(algorithm, extractable, usages);
  }
  deriveKey(algorithm, key, derived, extractable, usages) {
    if (!isSubtle(this)) throw illegalInvocation();
    return deriveKey(algorithm, key, derived, extractable, usages);
  }
  deriveBits(algorithm, key, length) {
    if (!isSubtle(this)) throw illegalInvocation();
    return deriveBits(algorithm, key, length);
  }
  importKey(format, data, algorithm, extractable, usages) {
    if (!isSubtle(this)) throw illegalInvocation();
    return importAny(format, data, algorithm, extractable, usages);
  }
  exportKey(format, key) {
    if (!isSubtle(this)) throw illegalInvocation();
    return exportAny(format, key);
  }
  wrapKey(format, key, wrappingKey, algorithm) {
    if (!isSubtle(this)) throw illegalInvocation();
    return refuseWrapping("wrapKey", algorithm);
  }
  unwrapKey(format, wrapped, unwrappingKey, algorithm) {
    if (!isSubtle(this)) throw illegalInvocation();
    return refuseWrapping("unwrapKey", algorithm);
  }
  timingSafeEqual(a, b) {
    if (!isSubtle(this)) throw illegalInvocation();
    checkBuffer("timingSafeEqual", 1, a);
    checkBuffer("timingSafeEqual", 2, b);
    if (a.byteLength !== b.byteLength) throw new TypeError("Input buffers must have the same byte length.");
    return host.equalBytes(a, b);
  }
  static {
    SubtleCrypto.isSubtle = (value) => isObject(value) && #brand in value;
  }
}

const { isSubtle } = SubtleCrypto;
delete SubtleCrypto.isSubtle;
shape(SubtleCrypto);

export const subtle = new SubtleCrypto(MAKE);
