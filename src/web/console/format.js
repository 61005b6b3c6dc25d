// What `console.log` makes of its arguments: format specifiers first, then everything else by `inspect`.
import { inspect } from "dodev:web/console/inspect";

// Most characters of one string that is printed as it is.
const STRING_MAX = 100_000;

function showString(text) {
  if (text.length <= STRING_MAX) return text;
  return `${text.slice(0, STRING_MAX)}... ${text.length - STRING_MAX} more characters`;
}

function showAsText(value) {
  switch (typeof value) {
    case "string":
      return showString(value);
    case "number":
    case "bigint":
      return inspect(value);
    case "object":
      // Objects that bring their own words are asked for them.
      if (value !== null && !hasOwnWords(value)) return inspect(value, { depth: 0 });
      break;
    default:
  }
  try {
    return showString(String(value));
  } catch {
    return inspect(value, { depth: 0 });
  }
}

function hasOwnWords(value) {
  try {
    if (value instanceof Error || value instanceof Date) return false;
    const { toString } = value;
    return typeof toString === "function" && toString !== Object.prototype.toString && toString !== Array.prototype.toString;
  } catch {
    return false;
  }
}

function showNumber(value, convert) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol" || (typeof value === "object" && value !== null)) return "NaN";
  const number = convert(value);
  return Object.is(number, -0) ? "-0" : `${number}`;
}

function showJson(value) {
  try {
    return `${JSON.stringify(value)}`;
  } catch (error) {
    if (/circular/i.test(error?.message)) return "[Circular]";
    throw error;
  }
}

const SPECIFIERS = {
  s: showAsText,
  d: (value) => showNumber(value, Number),
  i: (value) => showNumber(value, Number.parseInt),
  f: (value) => (typeof value === "symbol" ? "NaN" : showNumber(value, Number.parseFloat)),
  j: showJson,
  o: (value) => inspect(value, { showHidden: true, depth: 4 }),
  O: (value) => inspect(value),
  c: () => "",
};

/** The text of a list of arguments; `options` are those of `inspect`. */
export function format(args, options) {
  if (args.length === 0) return "";
  const [first] = args;
  if (args.length === 1) return typeof first === "string" ? showString(first) : inspect(first, options);
  let next = 0;
  let text = "";
  if (typeof first === "string") {
    next = 1;
    text = showString(first).replace(/%([sdifjoOc%])/g, (found, letter) => {
      if (letter === "%") return "%";
      return next < args.length ? SPECIFIERS[letter](args[next++]) : found;
    });
  }
  for (let i = next; i < args.length; i++) {
    const shown = typeof args[i] === "string" ? showString(args[i]) : inspect(args[i], options);
    text += i === 0 ? shown : ` ${shown}`;
  }
  return text;
}
