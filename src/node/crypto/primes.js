// Prime numbers of node:crypto.
//
// Fidelity: Node.js's documentation of `crypto.generatePrime` and `crypto.checkPrime`; workerd's
// `src/workerd/api/crypto/prime.c++` for the remainders that it takes, and its words.
import host from "dodev:host";
import { bytesOf, later } from "dodev:node/crypto/input";
import { needFunction, needInteger, needObject, outOfRange, wrongType } from "dodev:node/errors";

const { isPrime, prime } = host.ciphers();
const INT_MAX = 2 ** 31 - 1;
/** Steps and remainders of Diffie-Hellman's generators: no others are taken. */
const STEPS = new Map([[12n, 11n], [24n, 23n], [60n, 59n]]);
/** Beyond it finding one takes minutes, and cannot be ended. */
const BITS_MAX = 4096;
const SAFE_BITS_MAX = 512;

export function toNumber(bytes) {
  let hex = "";
  for (const byte of new Uint8Array(bytes)) hex += byte.toString(16).padStart(2, "0");
  return hex === "" ? 0n : BigInt(`0x${hex}`);
}

/** The bytes of a number of 0 or more. */
export function toBytes(number) {
  const hex = number.toString(16);
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`;
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

const isMemory = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;

function needNumeral(value, name) {
  if (typeof value === "bigint") {
    if (value < 0n) throw outOfRange(name, ">= 0", value);
    return value;
  }
  if (isMemory(value)) return toNumber(bytesOf(value, name));
  throw wrongType(name, "of type bigint or an instance of ArrayBuffer, TypedArray, Buffer, or DataView", value);
}

/** A prime of so many bits as an ArrayBuffer; safe ones are slow to find. */
export function makePrime(bits, safe, step, rest) {
  if (bits > (safe ? SAFE_BITS_MAX : BITS_MAX)) {
    throw new Error(`dodev does not make ${safe ? "safe " : ""}primes of more than ${safe ? SAFE_BITS_MAX : BITS_MAX} bits yet`);
  }
  return step === undefined ? prime(bits, safe) : prime(bits, safe, step, rest);
}

export function generatePrimeSync(size, options = {}) {
  needInteger(size, "size", 1, INT_MAX);
  needObject(options, "options");
  const { safe = false, bigint = false, add, rem } = options;
  for (const [name, value] of [["safe", safe], ["bigint", bigint]]) {
    if (typeof value !== "boolean") throw wrongType(`options.${name}`, "of type boolean", value);
  }
  const step = add === undefined ? undefined : needNumeral(add, "options.add");
  const rest = rem === undefined ? undefined : needNumeral(rem, "options.rem");
  if (step !== undefined && (rest === undefined || STEPS.get(step) !== rest)) throw new RangeError("Invalid values for add and rem");
  const made = makePrime(size, safe, ...(step === undefined ? [] : [Number(step), Number(rest)]));
  if (made === undefined) throw new Error("Error while generating prime");
  return bigint ? toNumber(made) : made;
}

export function generatePrime(size, options, callback) {
  if (typeof options === "function") [options, callback] = [{}, options];
  needInteger(size, "size", 1, INT_MAX);
  needFunction(callback, "callback");
  later(callback, () => generatePrimeSync(size, options));
}

export function checkPrimeSync(candidate, options = {}) {
  const number = needNumeral(candidate, "candidate");
  needObject(options, "options");
  const { checks = 0 } = options;
  needInteger(checks, "options.checks", 0, INT_MAX);
  return isPrime(toBytes(number), Math.min(checks, 1000));
}

export function checkPrime(candidate, options, callback) {
  if (typeof options === "function") [options, callback] = [{}, options];
  needFunction(callback, "callback");
  later(callback, () => checkPrimeSync(candidate, options));
}
