// ECDSA, ECDH, Ed25519 and X25519. Loaded with the first such key.
import host from "dodev:host";
import { checkUsages, copyBytes, error, hashOf, need, toBase64Url } from "dodev:web/crypto/algorithms";
import {
  SIGNING, VERIFYING, cannotExport, ciphers, exportDer, importAny, needType, number, splitUsages,
} from "dodev:web/crypto/asymmetric";
import { makeKey, partsOf, secretOf } from "dodev:web/crypto/keys";

const NIST = { "P-256": "ES256", "P-384": "ES384", "P-521": "ES512" };
const DERIVE = ["deriveKey", "deriveBits"];
const SIGN = ["sign", "verify"];

const usagesOf = (name) => (name === "ECDH" || name === "X25519" ? DERIVE : SIGN);

/** The curve of the algorithm `name` with its parameters. */
function curveOf(name, algorithm) {
  if (name === "X25519" || name === "Ed25519") return name;
  const asked = `${need(algorithm, "namedCurve")}`;
  if (name === "NODE-ED25519") {
    if (asked !== name) throw error("NotSupportedError", `EDDSA curve "${asked}" isn't supported.`);
    return "Ed25519";
  }
  if (NIST[asked.toUpperCase()] === undefined) {
    throw error("NotSupportedError", `Unrecognized or unimplemented EC curve "${asked}" requested.`);
  }
  return asked.toUpperCase();
}

function curveKey(name, curve, type, secret, extractable, usages) {
  const shown = { name };
  if (name === "NODE-ED25519") shown.namedCurve = name;
  else if (curve in NIST) shown.namedCurve = curve;
  return makeKey(new Uint8Array(secret), { name, curve, type, extractable, usages }, shown);
}

export function generateKey(name, algorithm, extractable, usages) {
  const [ofPrivate, ofPublic] = splitUsages(name, usages, usagesOf(name));
  const curve = curveOf(name, algorithm);
  const secret = ciphers.curveKey(curve);
  return {
    publicKey: curveKey(name, curve, "public", ciphers.publicOf(curve, secret), true, ofPublic),
    privateKey: curveKey(name, curve, "private", secret, extractable, ofPrivate),
  };
}

export function importKey(name, format, data, algorithm, extractable, usages) {
  const curve = curveOf(name, algorithm);
  if (format === "raw") {
    const allowed = usagesOf(name) === SIGN ? ["verify"] : [];
    const checked = checkUsages(usages, allowed, `import public ${name} key`);
    return curveKey(name, curve, "public", readRaw(curve, copyBytes(data)), extractable, checked);
  }
  const read = curve in NIST ? (jwk, type) => readEc(name, curve, jwk, type) : (jwk, type) => readPlain(curve, jwk, type);
  const { kind, secret, type, usages: checked } = importAny(name, format, data, usages, usagesOf(name), read);
  if (kind !== curve) throw mismatch(name, curve, kind, algorithm);
  return curveKey(name, curve, type, secret, extractable, checked);
}

function mismatch(name, curve, kind, algorithm) {
  if (!(curve in NIST)) return error("DataError", `Input was not an ${curve} key.`);
  const isEc = kind in NIST;
  if (name === "ECDH" && !isEc) return error("DataError", "Input was not an EC public key nor a DH key.");
  if (!isEc) return error("DataError", "Input was not an EC key.");
  const comma = name === "ECDH" ? "," : "";
  return error(
    "DataError",
    `"algorithm.namedCurve" "${algorithm.namedCurve}"${comma} does not match the curve specified by the input key data.`,
  );
}

function readRaw(curve, raw) {
  if (curve in NIST) {
    const point = ciphers.point(curve, raw);
    if (point === undefined) throw error("DataError", `Failed to import raw EC key data${whyNoPoint(curve, raw)}`);
    return point;
  }
  if (raw.length === 32) return raw;
  throw error("DataError", `${curve} raw keys must be exactly 32-bytes (provided ${raw.length}).`);
}

const COORDINATE_BYTES = { "P-256": 32, "P-384": 48, "P-521": 66 };

// Which of the three ways a point was wrong.
function whyNoPoint(curve, raw) {
  const size = COORDINATE_BYTES[curve];
  // Fidelity: one full stop is the platform's text, the other its list's.
  if (raw[0] === 4 && raw.length === 2 * size + 1) return ": Point is not on curve..";
  const compressed = (raw[0] === 2 || raw[0] === 3) && raw.length === size + 1;
  return raw.length === 0 || compressed ? "." : ": Invalid point encoding..";
}

function readEc(name, curve, jwk, type) {
  if (`${jwk.kty}` !== "EC") {
    throw error(
      "DataError",
      `Elliptic curve "jwk" key import requires a JSON Web Key with Key Type parameter "kty" ("${jwk.kty}") equal to "EC".`,
    );
  }
  const { alg } = jwk;
  if (name === "ECDSA" && alg !== undefined) {
    if (!Object.values(NIST).includes(alg)) {
      throw error(
        "NotSupportedError",
        `Unrecognized or unimplemented algorithm "${alg}" listed in JSON Web Key Algorithm parameter.`,
      );
    }
    if (alg !== NIST[curve]) {
      throw error("DataError", `JSON Web Key Algorithm parameter "alg" ("${alg}") does not match requested curve.`);
    }
  }
  const x = number(jwk, "x", 'Invalid EC key in JSON Web Key; missing "x".');
  const y = number(jwk, "y", 'Invalid EC key in JSON Web Key; missing "y".');
  const point = ciphers.point(curve, x, y);
  if (point === undefined) {
    throw error(
      "OperationError",
      'Invalid EC key; public key coordinates "x" and "y" are invalid: Point is not on curve..',
    );
  }
  if (type === "public") return { kind: curve, secret: point };
  const message = 'Invalid EC key in JSON Web Key; missing or invalid private key component ("d").';
  const secret = ciphers.scalar(curve, number(jwk, "d", message));
  if (secret === undefined) {
    throw error("OperationError", 'Invalid EC key; private key component "d" is invalid.');
  }
  if (!host.equalBytes(ciphers.publicOf(curve, secret), point)) {
    throw error("DataError", "Invalid EC key in JSON Web Key.");
  }
  return { kind: curve, secret };
}

function readPlain(curve, jwk, type) {
  if (`${jwk.kty}` !== "OKP") {
    throw error(
      "DataError",
      `${curve} "jwk" key imports requires a JSON Web Key with Key Type parameter "kty" ("${jwk.kty}") equal to "OKP".`,
    );
  }
  const { crv, alg } = jwk;
  if (crv === undefined) throw error("DataError", `Missing field "crv" for ${curve} key.`);
  if (crv !== curve) throw error("NotSupportedError", `Only ${curve} is supported but "${crv}" was requested.`);
  if (curve === "Ed25519" && alg !== undefined && alg !== "EdDSA") {
    throw error(
      "DataError",
      `JSON Web Key Algorithm parameter "alg" ("${alg}") does not match requested Ed25519 curve.`,
    );
  }
  const start = `Invalid ${curve} key in JSON`;
  const x = number(jwk, "x", `${start} WebKey; missing or invalid public key component ("x").`);
  if (x.length !== 32) throw error("DataError", `Invalid length ${x.length} for public key`);
  if (type === "public") return { kind: curve, secret: x };
  const d = number(jwk, "d", `${start} Web Key; missing or invalid private key component ("d").`);
  if (d.length !== 32) throw error("DataError", `Invalid length ${d.length} for private key`);
  return { kind: curve, secret: d };
}

export function exportKey(format, key) {
  const { name, curve, type, usages } = partsOf(key);
  const secret = secretOf(key);
  const der = exportDer(format, curve, type, secret);
  if (der !== undefined) return der;
  if (format === "jwk") return writeJwk(name, curve, type, secret, usages);
  if (format !== "raw") throw cannotExport(name, format);
  if (type === "public") return secret.slice().buffer;
  const what = curve in NIST ? "elliptic curve" : name;
  throw error("InvalidAccessError", `Raw export of ${what} keys is only allowed for public keys.`);
}

function writeJwk(name, curve, type, secret, usages) {
  const isPrivate = type === "private";
  const point = isPrivate ? new Uint8Array(ciphers.publicOf(curve, secret)) : secret;
  const jwk = { kty: curve in NIST ? "EC" : "OKP", key_ops: [...usages] };
  if (name === "Ed25519") jwk.alg = "EdDSA";
  jwk.ext = true;
  jwk.crv = curve;
  if (curve in NIST) {
    const size = (point.length - 1) / 2;
    jwk.x = toBase64Url(point.subarray(1, 1 + size));
    jwk.y = toBase64Url(point.subarray(1 + size));
  } else jwk.x = toBase64Url(point);
  if (isPrivate) jwk.d = toBase64Url(secret);
  return jwk;
}

const NO_HASH =
  'Missing "hash" in AlgorithmIdentifier. (ECDSA requires that the hash algorithm be specified at call time rather ' +
  "than on the key. This differs from other WebCrypto algorithms for historical reasons.)";

// What is signed: the message itself, or its hash.
function signed(curve, algorithm, data) {
  if (curve === "Ed25519") return data;
  if (algorithm.hash === undefined) throw new TypeError(NO_HASH);
  return host.digest(hashOf(algorithm.hash), data);
}

export function sign(key, algorithm, data) {
  const { type, curve } = partsOf(key);
  needType(type, "private", SIGNING);
  return ciphers.curveSign(curve, secretOf(key), signed(curve, algorithm, data));
}

export function verify(key, algorithm, signature, data) {
  const { name, type, curve } = partsOf(key);
  needType(type, "public", VERIFYING);
  if (curve === "Ed25519" && signature.byteLength !== 64) {
    throw error("OperationError", `Invalid ${name} signature length ${signature.byteLength}`);
  }
  return ciphers.curveVerify(curve, secretOf(key), signature, signed(curve, algorithm, data));
}

export function deriveBits(key, algorithm, bits) {
  const { name, type, curve } = partsOf(key);
  needType(type, "private", `The deriveBits operation is only valid for a private key, not "${type}".`);
  const other = need(algorithm, "public", "derivedKeyParams");
  const parts = partsOf(other);
  needType(parts.type, "public", `The provided key has type "${parts.type}", not "public"`);
  if (parts.name !== name) {
    throw error(
      "InvalidAccessError",
      parts.curve in NIST === curve in NIST && parts.curve !== undefined
        ? `Private key for derivation is using "${name}" while public key is using "${parts.name}".`
        : `Base ${name} private key cannot be used to derive a key from a peer ${parts.name} public key`,
    );
  }
  if (parts.curve !== curve) {
    throw error(
      "InvalidAccessError",
      `Private key for derivation is using curve "${curve}" while public key is using "${parts.curve}".`,
    );
  }
  const shared = new Uint8Array(ciphers.agree(curve, secretOf(key), secretOf(other)));
  const most = shared.length * 8;
  const length = bits ?? most;
  if (length > most) {
    const message = `Derived key length (${length} bits) is too long (should be at most ${most} bits).`;
    throw error("OperationError", message);
  }
  if (name === "X25519" && shared.every((byte) => byte === 0)) {
    throw error("OperationError", "Failed to derive EDDH key: public key routines INVALID_PEER_KEY.");
  }
  const result = shared.slice(0, Math.ceil(length / 8));
  if (length % 8 !== 0) result[result.length - 1] &= 0xff << (8 - (length % 8));
  return result.buffer;
}
