// crypto.subtle: arguments are checked here, in the platform's order and words. Loaded when first used.
import host from "dodev:host";
import { error, hashOf, isBuffer, isObject, nameOf, toInt } from "dodev:web/crypto/algorithms";
import { exportKey, generateKey, importKey, moduleOf, partsOf, secretOf } from "dodev:web/crypto/keys";
import { derivedBits } from "dodev:web/crypto/symmetric";
import { encode } from "dodev:web/encoding";
import { illegalConstructor, illegalInvocation, shape, wrongArgument, wrongField } from "dodev:web/interface";

export { CryptoKey } from "dodev:web/crypto/keys";

const MAKE = Symbol("make");
const wrong = (name, position, type) => wrongArgument("SubtleCrypto", name, position, type);
const parametersOf = (algorithm) => (isObject(algorithm) ? algorithm : {});

function checkBuffer(name, position, value) {
  if (!isBuffer(value)) throw wrong(name, position, "BufferSource");
}

function checkKey(name, position, value) {
  if (secretOf(value) === undefined) throw wrong(name, position, "CryptoKey");
}

// Checks that `key` is for `algorithm` and `usage`; returns the function `method` of the module that knows it.
function operation(method, algorithm, position, dictionary, key, usage) {
  const name = nameOf(algorithm, () => wrong(usage, position, `string or ${dictionary}`));
  const parts = partsOf(key);
  if (name.toUpperCase() !== parts.name.toUpperCase()) {
    throw error(
      "InvalidAccessError",
      `Requested algorithm "${name}" does not match this CryptoKey's algorithm "${parts.name}".`,
    );
  }
  if (!parts.usages.includes(usage)) {
    throw error("InvalidAccessError", `Requested key usage "${usage}" does not match any usage listed in this CryptoKey.`);
  }
  return moduleOf(parts.name)[method];
}

async function digest(algorithm, data) {
  if (algorithm === undefined || algorithm === null) throw wrong("digest", 1, "string or HashAlgorithm");
  checkBuffer("digest", 2, data);
  return host.digest(hashOf(algorithm), data);
}

async function crypt(method, algorithm, key, data) {
  checkKey(method, 2, key);
  checkBuffer(method, 3, data);
  const run = operation(method, algorithm, 1, "EncryptAlgorithm", key, method);
  return run(key, parametersOf(algorithm), data);
}

async function sign(algorithm, key, data) {
  checkKey("sign", 2, key);
  checkBuffer("sign", 3, data);
  const run = operation("sign", algorithm, 1, "SignAlgorithm", key, "sign");
  return run(key, parametersOf(algorithm), data);
}

async function verify(algorithm, key, signature, data) {
  checkKey("verify", 2, key);
  checkBuffer("verify", 3, signature);
  checkBuffer("verify", 4, data);
  const run = operation("verify", algorithm, 1, "SignAlgorithm", key, "verify");
  return run(key, parametersOf(algorithm), signature, data);
}

function checkPublic(algorithm) {
  const key = algorithm?.public;
  if (key !== undefined && secretOf(key) === undefined) throw wrongField("DeriveKeyAlgorithm", "public", "CryptoKey");
}

async function deriveBits(algorithm, key, length) {
  checkKey("deriveBits", 2, key);
  checkPublic(algorithm);
  const bits = length === null || length === undefined ? null : toInt(length);
  if (bits < 0) throw new TypeError("deriveBits length must be an unsigned long integer.");
  const run = operation("deriveBits", algorithm, 1, "DeriveKeyAlgorithm", key, "deriveBits");
  return run(key, parametersOf(algorithm), bits);
}

async function deriveKey(algorithm, key, derived, extractable, usages) {
  checkKey("deriveKey", 2, key);
  checkPublic(algorithm);
  const name = nameOf(derived, () => wrong("deriveKey", 3, "string or ImportKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("deriveKey", 5, "Array");
  const run = operation("deriveBits", algorithm, 1, "DeriveKeyAlgorithm", key, "deriveKey");
  const secret = run(key, parametersOf(algorithm), derivedBits(name, parametersOf(derived)));
  return importKey("raw", secret, name, parametersOf(derived), !!extractable, [...usages]);
}

async function importAny(format, data, algorithm, extractable, usages) {
  if (!isBuffer(data) && !isObject(data)) throw wrong("importKey", 2, "BufferSource or JsonWebKey");
  const name = nameOf(algorithm, () => wrong("importKey", 3, "string or ImportKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("importKey", 5, "Array");
  return importKey(`${format}`, data, name, parametersOf(algorithm), !!extractable, [...usages]);
}

async function generate(algorithm, extractable, usages) {
  const name = nameOf(algorithm, () => wrong("generateKey", 1, "string or GenerateKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("generateKey", 3, "Array");
  return generateKey(name, parametersOf(algorithm), !!extractable, [...usages]);
}

async function exportAny(format, key) {
  checkKey("exportKey", 2, key);
  return exportKey(`${format}`, key);
}

async function wrapKey(format, key, wrappingKey, algorithm) {
  checkKey("wrapKey", 2, key);
  checkKey("wrapKey", 3, wrappingKey);
  const run = operation("wrap", algorithm, 4, "EncryptAlgorithm", wrappingKey, "wrapKey");
  const exported = exportKey(`${format}`, key);
  const bytes = exported instanceof ArrayBuffer ? exported : encode(JSON.stringify(exported));
  return run(wrappingKey, parametersOf(algorithm), bytes);
}

async function unwrapKey(format, wrapped, unwrappingKey, algorithm, derived, extractable, usages) {
  checkBuffer("unwrapKey", 2, wrapped);
  checkKey("unwrapKey", 3, unwrappingKey);
  const name = nameOf(derived, () => wrong("unwrapKey", 5, "string or ImportKeyAlgorithm"));
  if (!isObject(usages)) throw wrong("unwrapKey", 7, "Array");
  const run = operation("unwrap", algorithm, 4, "EncryptAlgorithm", unwrappingKey, "unwrapKey");
  let data = run(unwrappingKey, parametersOf(algorithm), wrapped);
  if (format === "jwk") {
    data = JSON.parse(host.decodeUtf8(data, false, true));
    if (!isObject(data) || data.kty === undefined) {
      throw error("DataError", 'Missing "kty" field or corrupt JSON unwrapping key?');
    }
  }
  return importKey(`${format}`, data, name, parametersOf(derived), !!extractable, [...usages]);
}

export class SubtleCrypto {
  #brand;
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }
  encrypt(algorithm, key, data) {
    if (!isSubtle(this)) throw illegalInvocation();
    return crypt("encrypt", algorithm, key, data);
  }
  decrypt(algorithm, key, data) {
    if (!isSubtle(this)) throw illegalInvocation();
    return crypt("decrypt", algorithm, key, data);
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
    return wrapKey(format, key, wrappingKey, algorithm);
  }
  unwrapKey(format, wrapped, unwrappingKey, algorithm, derived, extractable, usages) {
    if (!isSubtle(this)) throw illegalInvocation();
    return unwrapKey(format, wrapped, unwrappingKey, algorithm, derived, extractable, usages);
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
