// MIMEType and MIMEParams of node:util.
//
// Fidelity: workerd's messages, and its `set`, which leaves a parameter that is there as it is.
import host from "dodev:host";

const TOKEN = /^[!#$%&'*+\-.^_`|~\w\\]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\u{10ffff}]*$/u;
const PARAMETER = /;\s?([^=;]+)=(?:"((?:\\.|[^"\\])*)"|([^;"]*))/gy;

let mapOf;

/** The parameters of a MIMEType, in order. */
export class MIMEParams {
  #values = new Map();

  static {
    mapOf = (params) => params.#values;
  }

  delete(name) {
    this.#values.delete(`${name}`.toLowerCase());
  }
  get(name) {
    return this.#values.get(`${name}`.toLowerCase()) ?? null;
  }
  has(name) {
    return this.#values.has(`${name}`.toLowerCase());
  }
  set(name, value) {
    name = `${name}`.toLowerCase();
    value = `${value}`;
    if (!TOKEN.test(name) || !VALUE.test(value)) throw new TypeError("Not a valid MIME parameter");
    if (!this.#values.has(name)) this.#values.set(name, value);
  }
  entries() {
    return this.#values.entries();
  }
  keys() {
    return this.#values.keys();
  }
  values() {
    return this.#values.values();
  }
  toString() {
    const written = (value) => (value !== "" && TOKEN.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`);
    return [...this.#values].map(([name, value]) => `${name === "boundary" ? " " : ""}${name}=${written(value)}`).join(";");
  }
  [Symbol.iterator]() {
    return this.#values.entries();
  }
}

/** A media type taken apart. */
export class MIMEType {
  #type;
  #subtype;
  #params = new MIMEParams();

  constructor(input) {
    const normal = host.mimeType(`${input}`);
    if (normal === undefined) throw new TypeError(`Not a valid MIME type: ${input}`);
    const [, type, subtype, rest] = /^([^/]+)\/([^;]+)(.*)$/su.exec(normal);
    this.#type = type;
    this.#subtype = subtype;
    for (const [, name, quoted, plain] of rest.matchAll(PARAMETER)) {
      mapOf(this.#params).set(name, quoted === undefined ? plain : quoted.replace(/\\(.)/gs, "$1"));
    }
  }
  get type() {
    return this.#type;
  }
  set type(value) {
    if (!TOKEN.test(value)) throw new TypeError("Not a valid MIME type");
    this.#type = `${value}`.toLowerCase();
  }
  get subtype() {
    return this.#subtype;
  }
  set subtype(value) {
    if (!TOKEN.test(value)) throw new TypeError("Not a valid MIME subtype");
    this.#subtype = `${value}`.toLowerCase();
  }
  get essence() {
    return `${this.#type}/${this.#subtype}`;
  }
  get params() {
    return this.#params;
  }
  toString() {
    const params = `${this.#params}`;
    return params === "" ? this.essence : `${this.essence};${params}`;
  }
  toJSON() {
    return this.toString();
  }
}
