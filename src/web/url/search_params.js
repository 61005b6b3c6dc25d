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

const { queryParse, querySerialize } = host;

let linkedParams;
let resetParams;

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
  for (const name of Object.keys(init)) list.push(usv(name), usv(init[name]));
  return list;
}

function need(count, method, given) {
  if (given < count) badArgument(method, "URLSearchParams", given + 1, "USVString");
}

/** The query of a URL as a list of pairs. */
export class URLSearchParams {
  /** The flat list, or the text that it will be parsed from. */
  #list;
  /** What it shares with the URL it belongs to, if any, and how to change that URL's query. */
  #place;
  #write;

  constructor(init) {
    this.#list = init === undefined ? [] : listFrom(init);
  }

  static {
    linkedParams = (place, search, write) => {
      const params = new URLSearchParams();
      if (search !== "") params.#list = search.slice(1);
      params.#place = place;
      params.#write = write;
      return params;
    };
    // The list keeps its identity, so that iterators follow the URL.
    resetParams = (params, search) => {
      const list = params.#read();
      const fresh = queryParse(search.slice(1));
      list.length = 0;
      for (const item of fresh) list.push(item);
    };
  }

  #read() {
    const list = this.#list;
    return typeof list === "string" ? (this.#list = queryParse(list)) : list;
  }

  #changed() {
    const place = this.#place;
    if (place !== undefined) this.#write(place, querySerialize(this.#list));
  }

  get size() {
    if (this === undefined || !(#list in this)) illegal();
    return this.#read().length / 2;
  }

  append(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    need(2, "append", arguments.length);
    this.#read().push(usv(name), usv(value));
    this.#changed();
  }

  delete(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "delete", arguments.length);
    const list = this.#read();
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
    this.#changed();
  }

  get(name) {
    if (this === undefined || !(#list in this)) illegal();
    const list = this.#read();
    name = usv(name);
    const { length } = list;
    for (let i = 0; i < length; i += 2) if (list[i] === name) return list[i + 1];
    return null;
  }

  getAll(name) {
    if (this === undefined || !(#list in this)) illegal();
    need(1, "getAll", arguments.length);
    const list = this.#read();
    name = usv(name);
    const found = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === name) found.push(list[i + 1]);
    return found;
  }

  has(name, value) {
    if (this === undefined || !(#list in this)) illegal();
    const list = this.#read();
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
    const list = this.#read();
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
    this.#changed();
  }

  sort() {
    if (this === undefined || !(#list in this)) illegal();
    const list = this.#read();
    const pairs = [];
    for (let i = 0; i < list.length; i += 2) pairs.push([list[i], list[i + 1]]);
    pairs.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
    for (let i = 0; i < pairs.length; i++) [list[2 * i], list[2 * i + 1]] = pairs[i];
    this.#changed();
  }

  entries() {
    if (this === undefined || !(#list in this)) illegal();
    return entriesOf(this.#read());
  }

  keys() {
    if (this === undefined || !(#list in this)) illegal();
    return keysOf(this.#read());
  }

  values() {
    if (this === undefined || !(#list in this)) illegal();
    return valuesOf(this.#read());
  }

  forEach(callback, thisArg) {
    if (this === undefined || !(#list in this)) illegal();
    if (typeof callback !== "function") badArgument("forEach", "URLSearchParams", 1, "function");
    const list = this.#read();
    for (let i = 0; i < list.length; i += 2) callback.call(thisArg, list[i + 1], list[i], this);
  }

  toString() {
    if (this === undefined || !(#list in this)) illegal();
    return querySerialize(this.#read());
  }
}
publish(URLSearchParams);
hidden(URLSearchParams.prototype, Symbol.iterator, URLSearchParams.prototype.entries);

/** Params that follow and change a URL; new contents for such params. */
export { linkedParams, resetParams };
