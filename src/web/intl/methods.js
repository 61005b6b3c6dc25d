// The methods of numbers, dates, strings and arrays that speak a locale's language. They load Intl when they are called.
//
// Fidelity: ECMA-402 19, with V8's words.
import host from "dodev:host";

const { defineProperty } = Object;
const { apply } = Reflect;
const { getTime } = Date.prototype;
const { valueOf: numberOf } = Number.prototype;
const { valueOf: bigIntOf } = BigInt.prototype;

let loaded;
/** The module of Intl, loaded once. */
export const intl = () => (loaded ??= host.lazy("dodev:web/intl"));

function define(prototype, methods, length) {
  for (const name in methods) {
    const value = methods[name];
    if (value.length !== length) defineProperty(value, "length", { value: length });
    defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

function primitive(read, value, name) {
  try {
    return apply(read, value, []);
  } catch {
    throw new TypeError(`${name}.prototype.toLocaleString requires that 'this' be a ${name}`);
  }
}

function timeOf(date, method) {
  try {
    return apply(getTime, date, []);
  } catch {
    const shown = typeof date === "object" && date !== null ? `#<${date.constructor?.name || "Object"}>` : String(date);
    throw new TypeError(`Method Date.prototype.${method} called on incompatible receiver ${shown}`);
  }
}

function text(value, method) {
  if (value === undefined || value === null) throw new TypeError(`String.prototype.${method} called on null or undefined`);
  return `${value}`;
}

define(Number.prototype, {
  toLocaleString(locales, options) {
    return intl().numberToText(primitive(numberOf, this, "Number"), locales, options);
  },
}, 0);
define(BigInt.prototype, {
  toLocaleString(locales, options) {
    return intl().numberToText(primitive(bigIntOf, this, "BigInt"), locales, options);
  },
}, 0);
define(Date.prototype, {
  toLocaleString(locales, options) {
    return intl().dateToText(timeOf(this, "toLocaleString"), locales, options, "any", "all");
  },
  toLocaleDateString(locales, options) {
    return intl().dateToText(timeOf(this, "toLocaleDateString"), locales, options, "date", "date");
  },
  toLocaleTimeString(locales, options) {
    return intl().dateToText(timeOf(this, "toLocaleTimeString"), locales, options, "time", "time");
  },
}, 0);
define(String.prototype, {
  localeCompare(that, locales, options) {
    return intl().compareTexts(text(this, "localeCompare"), `${that}`, locales, options);
  },
}, 1);
define(String.prototype, {
  toLocaleUpperCase(locales) {
    const own = text(this, "toLocaleUpperCase");
    return locales === undefined ? own.toUpperCase() : intl().changeCase(own, locales, true);
  },
  toLocaleLowerCase(locales) {
    const own = text(this, "toLocaleLowerCase");
    return locales === undefined ? own.toLowerCase() : intl().changeCase(own, locales, false);
  },
}, 0);

const elements = {
  toLocaleString(locales, options) {
    if (this === undefined || this === null) throw new TypeError("Cannot convert undefined or null to object");
    const list = Object(this);
    const length = Math.min(Math.max(Math.trunc(Number(list.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
    let result = "";
    for (let at = 0; at < length; at++) {
      if (at > 0) result += ",";
      const element = list[at];
      if (element !== undefined && element !== null) result += element.toLocaleString(locales, options);
    }
    return result;
  },
};
define(Array.prototype, elements, 0);
define(Object.getPrototypeOf(Uint8Array).prototype, elements, 0);
