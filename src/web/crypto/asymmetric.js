// What RSA and the curves share: pairs, JSON Web Keys, and keys in DER.
import host from "dodev:host";
import { checkUsages, error, fromBase64Url } from "dodev:web/crypto/algorithms";

export const ciphers = host.ciphers();

const PRIVATE = ["decrypt", "sign", "unwrapKey", "deriveKey", "deriveBits"];
const PUBLIC = ["encrypt", "verify", "wrapKey"];

const both = (usages, others) => usages.filter((usage) => others.includes(usage));

/** The usages of a new pair: those of its private and of its public key. */
export function splitUsages(name, usages, allowed) {
  const checked = checkUsages(usages, allowed, `generate ${name} key`);
  return [both(checked, PRIVATE), both(checked, PUBLIC)];
}

/** The bytes of the member `field` of a JSON Web Key. */
export function number(jwk, field, message) {
  const bytes = fromBase64Url(jwk[field]);
  if (bytes === undefined) throw error("DataError", message);
  return bytes;
}

/** What a JSON Web Key of the algorithm must say it is for. */
function usesOf(name) {
  if (name === "RSA-OAEP") return ["enc", "encrypt", "wrapKey"];
  return name === "ECDH" || name === "X25519" ? ["enc", "unused", "unused"] : ["sig", "sign", "verify"];
}

const CONSISTENT =
  'A JSON Web Key should have either a Public Key Use parameter ("use") or a Key Operations parameter ("key_ops"); ' +
  "otherwise, the parameters must be consistent with each other. ";

function checkPurpose(name, { use, key_ops }, usages) {
  const [expected, first, second] = usesOf(name);
  if (usages.length > 0 && use !== undefined && use !== expected) {
    throw error(
      "DataError",
      'Asymmetric "jwk" key import with usages requires a JSON Web Key with Public Key Use parameter "use" ' +
        `("${use}") equal to "sig".`,
    );
  }
  if (key_ops === undefined) return;
  const operations = [...key_ops];
  if (new Set(operations).size !== operations.length) {
    throw error("DataError", 'A JSON Web Key\'s Key Operations parameter ("key_ops") must not contain duplicates.');
  }
  if (use !== undefined) {
    if (use !== expected) {
      const message = `Asymmetric "jwk" import requires a JSON Web Key with Public Key Use "use" ("${use}") equal to "${expected}".`;
      throw error("DataError", message);
    }
    for (const operation of operations.sort()) {
      if (first === "unused") {
        throw error(
          "DataError",
          `${CONSISTENT}For public ${name} keys, there are no valid usages,so keys with a non-empty "key_ops" ` +
            "parameter are not allowed.",
        );
      }
      if (operation !== first && operation !== second) {
        throw error(
          "DataError",
          `${CONSISTENT}A Public Key Use for ${name} would allow a Key Operations array with only "${first}" and/or ` +
            `"${second}" values (not "${operation}").`,
        );
      }
    }
  }
  if (usages.some((usage) => !operations.includes(usage))) {
    throw error(
      "DataError",
      'All specified key usages must be present in the JSON Web Key\'s Key Operations parameter ("key_ops").',
    );
  }
}

/**
 * Imports a key that is not raw: `{ kind, secret, type, usages }`, `kind` being `RSA` or the name of a curve.
 * `readJwk` gives kind and secret of a JSON Web Key.
 */
export function importAny(name, format, data, usages, allowed, readJwk) {
  if (format === "jwk") {
    const type = data.d === undefined ? "public" : "private";
    // A public key of ECDH is used for nothing.
    const mask = type === "private" ? PRIVATE : PUBLIC;
    const checked = checkUsages(usages, both(allowed, mask), `import ${type} ${name} key`);
    if (type === "private" && data.oth !== undefined) {
      throw error("NotSupportedError", "Multi-prime private keys not supported.");
    }
    checkPurpose(name, data, usages);
    return { ...readJwk(data, type), type, usages: checked };
  }
  const isPrivate = format === "pkcs8";
  const shown = isPrivate ? "PKCS8" : "SPKI";
  const found = ciphers.readDer(isPrivate, data);
  if (found === undefined) throw error("DataError", `Invalid ${shown} input.`);
  if (found.left > 0) throw error("DataError", `Invalid ${found.left} trailing bytes after ${shown} input.`);
  const type = isPrivate ? "private" : "public";
  const checked = checkUsages(usages, both(allowed, isPrivate ? PRIVATE : PUBLIC), `import ${type} ${name} key`);
  return { kind: found.kind, secret: new Uint8Array(found.key), type, usages: checked };
}

/** The key in DER; `undefined` if `format` is none. */
export function exportDer(format, kind, type, secret) {
  const wanted = { pkcs8: "private", spki: "public" }[format];
  if (wanted === undefined) return undefined;
  if (type !== wanted) {
    const message = `Asymmetric ${format} export requires ${wanted} key (not "${type}").`;
    throw error("InvalidAccessError", message);
  }
  return ciphers.writeDer(wanted === "private", kind, secret);
}

export function cannotExport(name, format) {
  return error("InvalidAccessError", `Cannot export "${name}" in "${format}" format.`);
}

export function needType(type, wanted, message) {
  if (type !== wanted) throw error("InvalidAccessError", message);
}

export const SIGNING = "Asymmetric signing requires a private key.";
export const VERIFYING = "Asymmetric verification requires a public key.";
