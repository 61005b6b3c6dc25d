// The classes of errors, and the errors for what JavaScript hands over.

function errorClass(name) {
  const Class = {
    [name]: class extends Error {
      constructor(message, options) {
        super(message, options);
      }
    },
  }[name];
  Object.defineProperty(Class, "length", { value: 1 });
  for (const [key, value] of [["name", name], ["message", ""]]) {
    Object.defineProperty(Class.prototype, key, { value, writable: true, configurable: true });
  }
  return Class;
}

export const CompileError = errorClass("CompileError");
export const LinkError = errorClass("LinkError");
export const RuntimeError = errorClass("RuntimeError");

const CLASSES = { LinkError, RuntimeError, RangeError };

/** The error of the host's that `name` and `message` describe. */
export const errorOf = (name, message) => new CLASSES[name](message);

/** What dodev lacks. */
export const refusal = (name) => new Error(`dodev does not emulate ${name} yet`);

/** Throws unless `value` is an object. */
export function needObject(value, message) {
  if ((typeof value !== "object" || value === null) && typeof value !== "function") throw new TypeError(message);
}

const UINT32_MAX = 0xffffffff;

/** `value` as an unsigned number of 32 bits; `what` begins the messages. */
export function toUint32(value, what) {
  let number = NaN;
  if (typeof value !== "bigint" && typeof value !== "symbol") number = +value;
  if (!Number.isFinite(number)) throw new TypeError(`${what} must be convertible to a valid number`);
  number = Math.trunc(number);
  if (number < 0) throw new TypeError(`${what} must be non-negative`);
  if (number > UINT32_MAX) throw new TypeError(`${what} must be in the unsigned long range`);
  return number + 0;
}

/** `initial` and `maximum` of a descriptor, where `max` bounds both. */
export function limitsOf(descriptor, context, max, maximumMax) {
  const { initial: first, minimum } = descriptor;
  const given = first === undefined ? minimum : first;
  if (given === undefined) throw new TypeError(`${context}: Property 'initial' is required`);
  const initial = toUint32(given, `${context}: Property 'initial'`);
  if (initial > max) {
    throw new RangeError(`${context}: Property 'initial': value ${initial} is above the upper bound ${max}`);
  }
  let { maximum } = descriptor;
  if (maximum !== undefined) {
    maximum = toUint32(maximum, `${context}: Property 'maximum'`);
    const bound = (side, limit) =>
      new RangeError(`${context}: Property 'maximum': value ${maximum} is ${side} bound ${limit}`);
    if (maximum < initial) throw bound("below the lower", initial);
    if (maximum > maximumMax) throw bound("above the upper", maximumMax);
  }
  return { initial, maximum };
}
