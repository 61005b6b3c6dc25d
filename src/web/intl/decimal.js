// Exact decimal numbers: what a value is, and its digits when rounded.
//
// Fidelity: ECMA-402 16.5.3 FormatNumericToString and its rounding modes, on digits instead of mathematical values.

/** A number as its digits: 0.d1d2… × 10^`point`; no digits is zero. `kind`: "", "nan", "infinity". */
export function decimal(negative, digits, point, kind = "") {
  const zeros = /^0*/.exec(digits)[0].length;
  const kept = digits.slice(zeros).replace(/0+$/, "");
  return { negative, digits: kept, point: kept === "" ? 0 : point - zeros, kind };
}

const special = (kind, negative = false) => ({ negative, digits: "", point: 0, kind });
const LITERAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

function parse(text) {
  const [, sign, whole, fraction = "", exponent = "0"] = LITERAL.exec(text);
  return decimal(sign === "-", whole + fraction, whole.length + Number(exponent));
}

/** ToIntlMathematicalValue */
export function toDecimal(value) {
  const primitive = typeof value === "object" && value !== null ? toPrimitive(value) : value;
  if (typeof primitive === "bigint") return parse(`${primitive}`);
  if (typeof primitive === "string") return ofText(primitive);
  if (typeof primitive === "symbol") throw new TypeError("Cannot convert a Symbol value to a number");
  return ofNumber(Number(primitive));
}

function toPrimitive(value) {
  const exotic = value[Symbol.toPrimitive];
  if (exotic !== undefined && exotic !== null) return exotic.call(value, "number");
  const first = value.valueOf();
  return typeof first === "object" && first !== null ? value.toString() : first;
}

export function ofNumber(number) {
  if (Number.isNaN(number)) return special("nan");
  if (!Number.isFinite(number)) return special("infinity", number < 0);
  const result = parse(`${number}`);
  if (Object.is(number, -0)) result.negative = true;
  return result;
}

function ofText(text) {
  const trimmed = text.trim();
  if (trimmed === "") return decimal(false, "", 0);
  if (/^0[xob]/i.test(trimmed)) {
    try {
      return parse(`${BigInt(trimmed)}`);
    } catch {
      return special("nan");
    }
  }
  if (/^[+-]?Infinity$/.test(trimmed)) return special("infinity", trimmed[0] === "-");
  if (!LITERAL.test(trimmed) || !/\d/.test(trimmed.split(/e/i)[0])) return special("nan");
  const exponent = Number(/e([+-]?\d+)$/i.exec(trimmed)?.[1] ?? 0);
  if (exponent > 400 || exponent < -400) return ofNumber(Number(trimmed));
  return parse(trimmed);
}

export const shifted = (value, by) => (value.digits === "" ? value : { ...value, point: value.point + by });

/** Compares absolute values. */
export function compare(a, b) {
  const size = ({ kind, digits, point }) => (kind === "infinity" ? Infinity : digits === "" ? -Infinity : point);
  if (size(a) !== size(b)) return size(a) < size(b) ? -1 : 1;
  return a.digits === b.digits ? 0 : a.digits < b.digits ? -1 : 1;
}

/** Whether the absolute value grows: `half` is how the rest compares with one half (-1, 0, 1), `rest` whether there is any. */
function goesUp(mode, negative, rest, half, odd) {
  if (!rest) return false;
  switch (mode) {
    case "ceil":
      return !negative;
    case "floor":
      return negative;
    case "expand":
      return true;
    case "trunc":
      return false;
    default:
      if (half !== 0) return half > 0;
  }
  if (mode === "halfCeil") return !negative;
  if (mode === "halfFloor") return negative;
  if (mode === "halfTrunc") return false;
  return mode === "halfExpand" || odd;
}

/** The multiple of `increment` × 10^`magnitude` next to a number. */
export function roundTo(value, magnitude, increment, mode) {
  const kept = value.point - magnitude;
  if (increment === 1 && kept >= value.digits.length) return value;
  const count = Math.max(kept, 0);
  const head = value.digits.slice(0, count).padEnd(count, "0");
  const tail = kept < 0 ? "0".repeat(-kept) + value.digits : value.digits.slice(count);
  let quotient = BigInt(head === "" ? 0 : head);
  let half;
  let rest;
  const tailRest = /[1-9]/.test(tail);
  if (increment === 1) {
    rest = tailRest;
    half = tail === "" || tail[0] < "5" ? -1 : tail[0] > "5" || /[1-9]/.test(tail.slice(1)) ? 1 : 0;
  } else {
    const step = BigInt(increment);
    const over = quotient % step;
    quotient /= step;
    rest = over !== 0n || tailRest;
    half = over * 2n > step ? 1 : over * 2n < step ? -1 : tailRest ? 1 : 0;
  }
  if (goesUp(mode, value.negative, rest, half, quotient % 2n === 1n)) quotient += 1n;
  const digits = `${quotient * BigInt(increment)}`;
  return decimal(value.negative, digits, digits.length + magnitude);
}

/** Digits before and after the point. */
function written(value, least) {
  const { digits, point } = value;
  const whole = point <= 0 ? "0" : digits.slice(0, point).padEnd(point, "0");
  const fraction = point >= digits.length ? "" : "0".repeat(Math.max(-point, 0)) + digits.slice(Math.max(point, 0));
  return { whole, fraction: fraction.padEnd(Math.max(least, 0), "0") };
}

function fixed(value, s) {
  const rounded = roundTo(value, -s.maximumFractionDigits, s.roundingIncrement, s.roundingMode);
  return { rounded, ...written(rounded, s.minimumFractionDigits), magnitude: -s.maximumFractionDigits };
}

function precise(value, s) {
  const magnitude = value.digits === "" ? 1 - s.maximumSignificantDigits : value.point - s.maximumSignificantDigits;
  const rounded = roundTo(value, magnitude, 1, s.roundingMode);
  const size = rounded.digits === "" ? 1 : rounded.point;
  return { rounded, ...written(rounded, s.minimumSignificantDigits - size), magnitude };
}

/** FormatNumericToString of a finite number: `{ rounded, whole, fraction }`. `s` holds the resolved digit options. */
export function digitsOf(value, s) {
  let result;
  if (s.roundingType === "significantDigits") result = precise(value, s);
  else if (s.roundingType === "fractionDigits") result = fixed(value, s);
  else {
    const [a, b] = [precise(value, s), fixed(value, s)];
    const finer = a.magnitude <= b.magnitude;
    result = finer === (s.roundingType === "morePrecision") ? a : b;
  }
  if (s.trailingZeroDisplay === "stripIfInteger" && /^0*$/.test(result.fraction)) result.fraction = "";
  result.whole = result.whole.padStart(s.minimumIntegerDigits, "0");
  return result;
}
