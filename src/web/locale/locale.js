// `toLocaleString` and its kin of numbers and dates, in the one locale that is emulated: American English.
//
// Fidelity: what V8 prints for `en-US` in UTC, the platform's only time zone. Everything that needs more of
// Intl is refused by name.
const { prototype: dates } = Date;
const { defineProperty } = Object;
const { apply } = Reflect;
const { getTime } = dates;
const { valueOf: numberOf } = Number.prototype;
const { valueOf: bigIntOf } = BigInt.prototype;

function refuse(method, what) {
  return new Error(`dodev does not emulate ${method}() with ${what} yet`);
}

function check(method, locales, options, allowed) {
  const wanted = locales === undefined || Array.isArray(locales) ? (locales ?? []) : [locales];
  for (const locale of wanted) if (`${locale}` !== "en-US" && `${locale}` !== "en") throw refuse(method, `the locale "${locale}"`);
  for (const key in options ?? {}) {
    if (options[key] !== undefined && !allowed(key, options[key])) throw refuse(method, `the option "${key}"`);
  }
}

const group = (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ",");

function define(prototype, name, method) {
  const value = { [name]: method }[name];
  defineProperty(value, "length", { value: 0 });
  defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
}

define(Number.prototype, "toLocaleString", function (locales, options) {
  const value = apply(numberOf, this, []);
  const known = ["maximumFractionDigits", "minimumFractionDigits", "useGrouping"];
  check("Number.prototype.toLocaleString", locales, options, (key) => known.includes(key));
  if (Number.isNaN(value)) return "NaN";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (!Number.isFinite(value)) return `${sign}∞`;
  const least = options?.minimumFractionDigits ?? 0;
  const most = options?.maximumFractionDigits ?? Math.max(3, least);
  if (!(least >= 0 && most <= 100 && least <= most)) throw new RangeError("maximumFractionDigits value is out of range.");
  // Digits of large numbers are all there is.
  const size = Math.abs(value);
  const text = size >= 1e21 ? `${BigInt(size)}` : rounded(size, most);
  let [whole, fraction = ""] = text.split(".");
  fraction = fraction.replace(/0+$/, "").padEnd(least, "0");
  if (options?.useGrouping !== false) whole = group(whole);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
});

// Rounds the decimal digits that the number prints as, halves away from zero, as Intl does.
function rounded(size, digits) {
  const text = `${size}`;
  const [whole, fraction = ""] = text.includes("e") ? size.toFixed(100).split(".") : text.split(".");
  if (fraction.length <= digits) return `${whole}.${fraction}`;
  let all = BigInt(whole + fraction.slice(0, digits));
  if (fraction[digits] >= "5") all += 1n;
  const padded = `${all}`.padStart(digits + 1, "0");
  return digits === 0 ? padded : `${padded.slice(0, -digits)}.${padded.slice(-digits)}`;
}

define(BigInt.prototype, "toLocaleString", function (locales, options) {
  const value = apply(bigIntOf, this, []);
  check("BigInt.prototype.toLocaleString", locales, options, () => false);
  return value < 0n ? `-${group(`${-value}`)}` : group(`${value}`);
});

const isUtc = (key, value) => key === "timeZone" && /^(utc|gmt|etc\/utc)$/i.test(`${value}`);

const day = (date) => `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`;

function time(date) {
  const hours = date.getUTCHours();
  const rest = [date.getUTCMinutes(), date.getUTCSeconds()].map((part) => `${part}`.padStart(2, "0"));
  return `${hours % 12 || 12}:${rest.join(":")} ${hours < 12 ? "AM" : "PM"}`;
}

for (const [name, show] of [
  ["toLocaleDateString", day],
  ["toLocaleTimeString", time],
  ["toLocaleString", (date) => `${day(date)}, ${time(date)}`],
]) {
  define(dates, name, function (locales, options) {
    const value = apply(getTime, this, []);
    check(`Date.prototype.${name}`, locales, options, isUtc);
    if (Number.isNaN(value)) return "Invalid Date";
    const date = new Date(value);
    if (date.getUTCFullYear() < 1) throw refuse(`Date.prototype.${name}`, "years before 1");
    return show(date);
  });
}
