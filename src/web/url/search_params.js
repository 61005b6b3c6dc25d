// URLSearchParams: a flat list of names and values, parsed at first use and written back to its URL.
import host from "dodev:host";
import {
  badArgument,
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

const { queryOf, queryParse, querySerialize, urlChange } = host;

/** Marks the constructor call for the params of a URL. */
const LINKED = Symbol("linked");

let resetParams;
let textOf;
let setTextOf;
// Private methods would brand every object and check it at each call: these are functions instead.
let read;
let changed;

function listFrom(init) {
  if (!isObject(init)) {
    const text = usv(init);
    return text.startsWith("?") ? text.slice(1) : text;
  }
  if (typeof init[Symbol.iterator] === "function") {
    const list = flatPairs(init, () => {
      throw new TypeError("Invalid URL search params sequence.");
    });
    return list.map(usv);
  }
  const list = [];
  for (const key of Object.keys(init)) {
    const name = usv(key);
    const value = usv(init[key]);
    // Only names with lone surrogates become equal.
    const at = name === key ? -1 : list.findIndex(isAmong(name));
    if (at === -1) list.push(name, value);
    else list[at + 1] = value;
  }
  return list;
}

/** Tells an item of a flat list that is a name, and this one. */
const isAmong = (name) => (item, i) => i % 2 === 0 && item === name;

function need(count, method, given) {
  if (given < count) badArgument(method, "URLSearchParams", given + 1, "USVString");
}

/** The query of a URL as a list of pairs. */
export class URLSearchParams {
  /** The flat list; where it was not asked for yet, the text that it will be parsed from, or nothing where that is the URL. */
  #list;
  /** The text of the URL that it belongs to, if any. */
  #href;

  constructor(init, href) {
    if (init === LINKED) this.#href = href;
    else this.#list = init === undefined ? [] : listFrom(init);
  }

  static {
    textOf = (params) => params.#href;
    setTextOf = (params, href) => {
      params.#href = href;
    };
    read = (params) => {
      const list = params.#list;
      if (list === undefined) return (params.#list = queryOf(params.#href));
      return typeof list === "string" ? (params.#list = queryParse(list)) : list;
    };
    changed = (params) => {
      const href = params.#href;
      if (href !== undefined) params.#href = urlChange(href, "search", querySerialize(params.#list));
    };
    // The list keeps its identity, so that iterators follow the URL.
    resetParams = (params, search) => {
      const list = read(params);
      const fresh = queryParse(search.slice(1));
      list.length = 0;
      for (const item of fresh) list.push(item);
    };
  }

  get size() {
    if (this === undefined || !(#list in this)) illegal();
    return read(this).length / 2;
  }

  append(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    need(2, "append", arguments.length);
    read(this).push(usv(name), usv(value));
    changed(this);
  }

  delete(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "delete", arguments.length);
    const list = read(this);
    name = usv(name);
    if (value !== undefined) value = usv(value);
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) continue;
      list[kept] = list[i];
      list[kept + 1] = list[i + 1];
      kept += 2;
    }
    list.length = kept;
    changed(this);
  }

  get(name) {
    if (this === undefined || !(#list in this)) illegal();
    if (typeof name !== "string") name = usv(name);
    let list = this.#list;
    if (typeof list !== "object") list = read(this);
    const { length } = list;
    for (let i = 0; i < length; i += 2) if (list[i] === name) return list[i + 1];
    if (length === 0 || name.isWellFormed()) return null;
    // Those in the list are.
    const at = list.findIndex(isAmong(name.toWellFormed()));
    return at === -1 ? null : list[at + 1];
  }

  getAll(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "getAll", arguments.length);
    const list = read(this);
    name = usv(name);
    const found = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) found.push(list[i + 1]);
    return found;
  }

  has(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    const list = read(this);
    name = usv(name);
    if (value !== undefined) value = usv(value);
    for (let i = 0; i < list.length; i += 2) {
      if (list[i] === name && (value === undefined || list[i + 1] === value)) return true;
    }
    return false;
  }

  set(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    need(2, "set", arguments.length);
    const list = read(this);
    name = usv(name);
    value = usv(value);
    let placed = false;
    let kept = 0;
    for (let i = 0; i < list.length; i += 2) {
      const match = list[i] === name;
      if (match && placed) continue;
      list[kept] = list[i];
      list[kept + 1] = match ? value : list[i + 1];
      placed ||= match;
      kept += 2;
    }
    list.length = kept;
    if (!placed) list.push(name, value);
    changed(this);
  }

  sort() {
    if (this === undefined || !(#list in this)) illegal();
    const list = read(this);
    const pairs = [];
    for (let i = 0; i < list.length; i += 2) pairs.push([list[i], list[i + 1]]);
    pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    for (let i = 0; i < pairs.length; i++) [list[2 * i], list[2 * i + 1]] = pairs[i];
    changed(this);
  }

  entries() {
    if (this === undefined || !(#list in this)) illegal();
    return entriesOf(read(this));
  }

  keys() {
    if (this === undefined || !(#list in this)) illegal();
    return keysOf(read(this));
  }

  values() {
    if (this === undefined || !(#list in this)) illegal();
    return valuesOf(read(this));
  }

  forEach(callback, thisArg) {
    if (this === undefined || !(#list in this)) illegal();
    if (typeof callback !== "function") badArgument("forEach", "URLSearchParams", 1, "function");
    const list = read(this);
    for (let i = 0; i < list.length; i += 2) callback.call(thisArg, list[i + 1], list[i], this);
  }

  toString() {
    if (this === undefined || !(#list in this)) illegal();
    return querySerialize(read(this));
  }
}
publish(URLSearchParams);
hidden(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);

/** Params that follow and change a URL's text. */
export function linkedParams(href) {
  return new URLSearchParams(LINKED, href);
}

/** New contents for such params; their URL's text, and a new one for it. */
export { resetParams, setTextOf, textOf };
