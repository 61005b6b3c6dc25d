// What every part of Intl builds on: locale data, lists of locales, options, classes' shapes.
//
// Fidelity: ECMA-402 9 (locale and parameter negotiation), with V8's words where something is wrong.
import host from "dodev:host";

export const ops = host.intl();
const { apply, ownKeys } = Reflect;
const { defineProperty, getOwnPropertyDescriptor, keys } = Object;

function overlay(base, over) {
  for (const key of keys(over)) {
    const value = over[key];
    if (value === null) delete base[key];
    else if (typeof value === "object" && typeof base[key] === "object") overlay(base[key], value);
    else base[key] = value;
  }
  return base;
}

const read = new Map();

/** What CLDR's `section` says of a data locale. */
export function data(section, locale) {
  const key = `${section}:${locale}`;
  let found = read.get(key);
  if (found === undefined) {
    const [base, over] = ops.data(section, locale);
    found = base === undefined ? {} : JSON.parse(base);
    if (over !== undefined) overlay(found, JSON.parse(over));
    read.set(key, found);
  }
  return found;
}

export const supplemental = (name) => data("supplemental", name);
export const core = supplemental("core");

/** Which locales a service knows: the bits of the data's table. */
export const DATES = 16;
export const NUMBERS = 8;
export const COLLATION = 4;
export const PLURALS = 2;
export const NAMES = 1;

// Language tags.

export function canonicalTag(tag) {
  const canonical = /^[A-Za-z]{2,3}(-|$)|^[A-Za-z]{5,8}(-|$)/.test(tag) ? ops.canonicalTag(tag) : undefined;
  if (canonical === undefined) throw new RangeError(`Invalid language tag: ${tag}`);
  return canonical;
}

/** Tag of a value that may be an `Intl.Locale`; set by its module. */
export const localeTag = { of: () => undefined };

/** CanonicalizeLocaleList */
export function canonicalList(locales) {
  if (locales === undefined) return [];
  if (typeof locales === "string") return [canonicalTag(locales)];
  const tag = localeTag.of(locales);
  if (tag !== undefined) return [tag];
  if (locales === null) throw new TypeError("Cannot convert undefined or null to object");
  const object = Object(locales);
  const length = Math.min(Math.max(Math.trunc(Number(object.length)) || 0, 0), Number.MAX_SAFE_INTEGER);
  const seen = [];
  for (let at = 0; at < length; at++) {
    if (!(at in object)) continue;
    const value = object[at];
    if (typeof value !== "string" && (typeof value !== "object" || value === null)) {
      throw new TypeError("Language ID should be string or object.");
    }
    const canonical = localeTag.of(value) ?? canonicalTag(`${value}`);
    if (!seen.includes(canonical)) seen.push(canonical);
  }
  return seen;
}

/** Parts of a canonical tag: without extensions, and the keywords of `-u-`. */
export function splitTag(tag) {
  const parts = tag.split("-");
  const keywords = new Map();
  const attributes = [];
  let end = parts.findIndex((part, at) => at > 0 && part.length === 1);
  if (end < 0) end = parts.length;
  let at = parts.findIndex((part, index) => index >= end && part === "u");
  const privateUse = parts.indexOf("x", 1);
  if (at >= 0 && (privateUse < 0 || at < privateUse)) {
    let key;
    for (at += 1; at < parts.length && parts[at].length > 1; at++) {
      if (parts[at].length === 2) keywords.set((key = parts[at]), "");
      else if (key === undefined) attributes.push(parts[at]);
      else keywords.set(key, keywords.get(key) === "" ? parts[at] : `${keywords.get(key)}-${parts[at]}`);
    }
  }
  return { base: parts.slice(0, end).join("-"), keywords, attributes, rest: parts.slice(end) };
}

// The name under which the table has a tag: `zh-Hant` has `zh-TW`, `en` has `en-US`.
function tableName(tag) {
  if (core.supported[tag] !== undefined) return tag;
  const full = ops.maximize(tag);
  if (full === undefined) return undefined;
  const [language, script, region] = full.split("-");
  const candidates = [full, `${language}-${script}`, `${language}-${region}`, language];
  return candidates.find((name) => core.supported[name] !== undefined && ops.maximize(name) === full);
}

const known = (tag, mask) => (core.supported[tableName(tag)] & mask) !== 0;

/** The longest prefix of a tag without extensions that is known. */
function bestAvailable(tag, mask) {
  const parts = tag.split("-");
  for (; parts.length > 0; parts.pop()) {
    const candidate = parts.join("-");
    if (known(candidate, mask)) return candidate;
  }
  return undefined;
}

/** The locale whose data a locale without extensions uses. */
export const dataTag = (base) => dataLocale(bestAvailable(base, 31) ?? "en");

function dataLocale(locale) {
  return tableName(locale) ?? tableName(bestAvailable(locale, 31)) ?? "en";
}

/**
 * ResolveLocale: `{ locale, data, <key>: value }`; `wanted` are values of options by key, `valid(key, value, data)` says
 * which are supported.
 */
export function resolveLocale(requested, mask, relevant, wanted, valid) {
  let locale = "en-US";
  let keywords = new Map();
  for (const tag of requested) {
    const parts = splitTag(tag);
    const found = bestAvailable(parts.base, mask);
    if (found === undefined) continue;
    locale = found;
    keywords = parts.keywords;
    break;
  }
  const result = { locale, data: dataLocale(locale) };
  let added = "";
  for (const key of relevant) {
    let value;
    let addition = "";
    if (keywords.has(key)) {
      const asked = keywords.get(key);
      if (valid(key, asked === "" ? "true" : asked, result.data)) {
        value = asked === "" ? "true" : asked;
        addition = asked === "" || asked === "true" ? `-${key}` : `-${key}-${asked}`;
      }
    }
    const option = wanted[key];
    if (option !== undefined && option !== value && valid(key, option, result.data)) {
      value = option;
      addition = "";
    }
    result[key] = value;
    added += addition;
  }
  if (added !== "") result.locale = `${locale}-u${added}`;
  return result;
}

// Options.

export function coerceOptions(options, name) {
  if (options === undefined) return Object.create(null);
  if (options === null) throw new TypeError(`${name} called on null or undefined`);
  return Object(options);
}

export function objectOptions(options) {
  if (options === undefined) return Object.create(null);
  if (typeof options !== "object" && typeof options !== "function") throw new TypeError("invalid_argument");
  if (options === null) throw new TypeError("invalid_argument");
  return options;
}

export function stringOption(options, property, allowed, fallback, service) {
  const value = options[property];
  if (value === undefined) return fallback;
  const text = `${value}`;
  if (allowed !== undefined && !allowed.includes(text)) {
    throw new RangeError(`Value ${text} out of range for ${service} options property ${property}`);
  }
  return text;
}

export function booleanOption(options, property, fallback) {
  const value = options[property];
  return value === undefined ? fallback : Boolean(value);
}

export function checkedNumber(value, least, most, fallback, property) {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!(number >= least && number <= most)) throw new RangeError(`${property} value is out of range.`);
  return Math.floor(number);
}

export const numberOption = (options, property, least, most, fallback) =>
  checkedNumber(options[property], least, most, fallback, property);

export function matcher(options, service) {
  return stringOption(options, "localeMatcher", ["lookup", "best fit"], "best fit", service);
}

const TYPE = /^[A-Za-z0-9]{3,8}(-[A-Za-z0-9]{3,8})*$/;

/** An option that is a keyword's type, in lower case. */
export function typeOption(options, property) {
  const value = options[property];
  if (value === undefined) return undefined;
  const text = `${value}`;
  if (!TYPE.test(text)) throw new RangeError(`Invalid ${property} : ${text}`);
  return text.toLowerCase();
}

// Classes.

const shown = (value) =>
  typeof value === "object" && value !== null
    ? `#<${value.constructor?.name || "Object"}>`
    : typeof value === "string"
      ? value
      : String(value);

export const incompatible = (method, receiver) =>
  new TypeError(`Method ${method} called on incompatible receiver ${shown(receiver)}`);

/** What an object of a class keeps, by object. */
export class Slots {
  #map = new WeakMap();
  constructor(name) {
    this.name = name;
  }
  set(object, value) {
    this.#map.set(object, value);
  }
  has(object) {
    return this.#map.has(object);
  }
  get(object, method, full = false) {
    const found = this.#map.get(object);
    if (found === undefined) throw incompatible(full ? method : `${this.name}.prototype.${method}`, object);
    return found;
  }
}

export function requireNew(target, name) {
  if (target === undefined) throw new TypeError(`Constructor ${name} requires 'new'`);
}

/** Gives a constructor its methods and accessors as the specification wants them. */
export function shapeClass(Class, name, methods, mask = undefined) {
  const { prototype } = Class;
  defineProperty(Class, "prototype", { writable: false });
  for (const key of ownKeys(methods)) {
    const found = getOwnPropertyDescriptor(methods, key);
    defineProperty(prototype, key, { ...found, enumerable: false });
  }
  defineProperty(prototype, "constructor", { value: Class, writable: true, configurable: true, enumerable: false });
  defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  if (mask !== undefined) {
    const { supportedLocalesOf } = {
      supportedLocalesOf(locales, options = undefined) {
        const requested = canonicalList(locales);
        if (options !== undefined) matcher(coerceOptions(options, "Object"), name);
        return requested.filter((tag) => bestAvailable(splitTag(tag).base, mask) !== undefined);
      },
    };
    defineProperty(supportedLocalesOf, "length", { value: 1 });
    defineProperty(Class, "supportedLocalesOf", { value: supportedLocalesOf, writable: true, configurable: true });
  }
}

/** Plain objects of parts from pairs. */
export const toParts = (pairs) => pairs.map(([type, value]) => ({ type, value }));
export const joined = (pairs) => {
  let text = "";
  for (const [, value] of pairs) text += value;
  return text;
};

// Numbering systems.

export const isNumbering = (name) => core.digits[name] !== undefined;

/** Adjoining parts of one type are one. */
export function pushPart(parts, type, value) {
  if (value === "") return;
  const last = parts.at(-1);
  if (last !== undefined && last[0] === type && type === "literal") last[1] += value;
  else parts.push([type, value]);
}

/** Digits of ASCII in another numbering system. */
export function inDigits(text, system) {
  if (system === "latn") return text;
  const digits = [...core.digits[system]];
  let result = "";
  for (const unit of text) result += unit >= "0" && unit <= "9" ? digits[unit] : unit;
  return result;
}

/** Splits `{0} of {1}` into literals and numbers. */
export function splitPattern(pattern) {
  return pattern.split(/(\{\d\})/).filter((part) => part !== "").map((part) => (/^\{\d\}$/.test(part) ? Number(part[1]) : part));
}

export { apply };
