// The Headers class: a flat list of lower-case names and values, fetched from the host at first use.
import host from "dodev:host";
import {
  badArgument,
  badConstruction,
  entriesOf,
  flatPairs,
  hidden,
  illegal,
  isObject,
  keysOf,
  publish,
  usv,
  valuesOf,
} from "dodev:web/webidl";

const INIT_TYPE = "Headers or Sequence or object";
const NAMES_MAX = 512;
/** Most values that are remembered, and the longest of them. */
const VALUES_MAX = 512;
const VALUE_MAX = 64;

/** Spellings of header names seen so far → lower case. */
const names = new Map();
/** Short values seen so far → without surrounding white space. */
const values = new Map();

function lowerName(name) {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = usv(name);
  const lower = host.headerName(text);
  if (lower === undefined) throw new TypeError("Invalid header name.");
  if (names.size >= NAMES_MAX) names.clear();
  if (typeof name === "string") names.set(name, lower);
  return lower;
}

function cleanValue(value) {
  const known = values.get(value);
  if (known !== undefined) return known;
  const clean = host.headerValue(usv(value));
  if (clean === undefined) throw new TypeError("Invalid header value.");
  if (clean.length <= VALUE_MAX && typeof value === "string") {
    if (values.size >= VALUES_MAX) values.clear();
    values.set(value, clean);
  }
  return clean;
}

function append(list, name, value) {
  const clean = cleanValue(value);
  list.push(lowerName(name), clean);
}

/** The combined value of a lower-case name in a flat list, null if there is none. */
export function lookUp(list, name) {
  let found = null;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) found = found === null ? list[i + 1] : `${found}, ${list[i + 1]}`;
  }
  return found;
}

function remove(list, name) {
  let kept = 0;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] !== name) {
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
  }
  list.length = kept;
}

/** Sorted by name, values of one name combined; each `set-cookie` stays alone. */
function displayed(list) {
  const cookies = [];
  const combined = new Map();
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i];
    if (name === "set-cookie") cookies.push(name, list[i + 1]);
    else combined.set(name, combined.has(name) ? `${combined.get(name)}, ${list[i + 1]}` : list[i + 1]);
  }
  const sorted = [...combined.keys()];
  if (cookies.length > 0) sorted.push("set-cookie");
  sorted.sort();
  const out = [];
  for (const name of sorted) {
    if (name === "set-cookie") for (const item of cookies) out.push(item);
    else out.push(name, combined.get(name));
  }
  return out;
}

let rawList;
let makeHeaders;
let isHeaders;
let isImmutable;

/** HTTP headers; names are case-insensitive. */
export class Headers {
  /** The flat list, or the host's handle of a request whose headers nobody looked at yet. */
  #list;
  #immutable = false;

  constructor(init) {
    this.#list = init === undefined ? [] : listFrom(init);
    if (this.#list === undefined) badConstruction("Headers", 1, INIT_TYPE);
  }

  static {
    isHeaders = (value) => isObject(value) && #list in value;
    rawList = (headers) => headers.#read();
    makeHeaders = (list, immutable) => {
      const headers = new Headers();
      headers.#list = list;
      headers.#immutable = immutable;
      return headers;
    };
    isImmutable = (headers) => headers.#immutable;
  }

  #read() {
    const list = this.#list;
    if (Array.isArray(list)) return list;
    return (this.#list = host.requestHeaders(list));
  }

  #write() {
    if (this.#immutable) throw new TypeError("Can't modify immutable headers.");
    return this.#read();
  }

  get(name) {
    if (this === undefined || !(#list in this)) illegal();
    return lookUp(this.#read(), lowerName(name));
  }

  getAll(name) {
    if (this === undefined || !(#list in this)) illegal();
    if (arguments.length === 0) badArgument("getAll", "Headers", 1, "string");
    if (usv(name).toLowerCase() !== "set-cookie") {
      throw new TypeError('getAll() can only be used with the header name "Set-Cookie".');
    }
    return this.getSetCookie();
  }

  getSetCookie() {
    if (this === undefined || !(#list in this)) illegal();
    const list = this.#read();
    const cookies = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === "set-cookie") cookies.push(list[i + 1]);
    return cookies;
  }

  has(name) {
    if (this === undefined || !(#list in this)) illegal();
    const list = this.#read();
    const lower = lowerName(name);
    for (let i = 0; i < list.length; i += 2) if (list[i] === lower) return true;
    return false;
  }

  set(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    if (arguments.length < 2) badArgument("set", "Headers", arguments.length + 1, "string");
    const list = this.#write();
    const clean = cleanValue(value);
    const lower = lowerName(name);
    replace(list, lower, clean);
  }

  append(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    if (arguments.length < 2) badArgument("append", "Headers", arguments.length + 1, "string");
    append(this.#write(), name, value);
  }

  delete(name) {
    if (this === undefined || !(#list in this)) illegal();
    if (arguments.length === 0) badArgument("delete", "Headers", 1, "string");
    remove(this.#write(), lowerName(name));
  }

  forEach(callback, thisArg) {
    if (this === undefined || !(#list in this)) illegal();
    if (typeof callback !== "function") badArgument("forEach", "Headers", 1, "function");
    const list = displayed(this.#read());
    for (let i = 0; i < list.length; i += 2) callback.call(thisArg, list[i + 1], list[i], this);
  }

  entries() {
    if (this === undefined || !(#list in this)) illegal();
    return entriesOf(displayed(this.#read()));
  }

  keys() {
    if (this === undefined || !(#list in this)) illegal();
    return keysOf(displayed(this.#read()));
  }

  values() {
    if (this === undefined || !(#list in this)) illegal();
    return valuesOf(displayed(this.#read()));
  }
}
publish(Headers);
hidden(Headers.prototype, Symbol.iterator, Headers.prototype.entries);

function replace(list, name, value) {
  let placed = false;
  let kept = 0;
  for (let i = 0; i < list.length; i += 2) {
    if (list[i] === name) {
      if (placed) continue;
      placed = true;
      list[kept] = name;
      list[kept + 1] = value;
    } else {
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
    }
    kept += 2;
  }
  list.length = kept;
  if (!placed) list.push(name, value);
}

/** A new flat list made from anything that the Headers constructor takes, `undefined` for other things. */
export function listFrom(init) {
  if (!isObject(init)) return undefined;
  if (isHeaders(init)) return rawList(init).slice();
  const list = [];
  if (typeof init[Symbol.iterator] === "function") {
    const pairs = flatPairs(init, () => {
      throw new TypeError(
        "To initialize a Headers object from a sequence, each inner sequence must have exactly two elements.",
      );
    });
    for (let i = 0; i < pairs.length; i += 2) append(list, pairs[i], pairs[i + 1]);
  } else {
    for (const name of Object.keys(init)) append(list, name, init[name]);
  }
  return list;
}

/** Type names for the message when headers are neither of the accepted kinds. */
export const HEADERS_INIT_TYPE = INIT_TYPE;

/** The Headers over a flat list (kept, not copied) or over a request handle of the host. */
export { makeHeaders, rawList, isHeaders, isImmutable };
