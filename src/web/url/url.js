// URL and URLSearchParams. A URL is its normal text; components are cut out of it when somebody asks.
import host from "dodev:host";
import { badArgument, badConstruction, illegal, publish, usv } from "dodev:web/webidl";
import { URLSearchParams, linkedParams, resetParams, setTextOf, textOf } from "dodev:web/url/search_params";

const { urlChange, urlOrigin, urlParse, urlPath } = host;

/** Where the authority of `href` starts behind its scheme: the index, or -1 without authority. */
function authorityStart(href) {
  const colon = href.indexOf(":");
  return href.startsWith("//", colon + 1) ? colon + 3 : -1;
}

/** The index behind everything before the fragment, then behind everything before the query. */
function beforeHash(href) {
  const hash = href.indexOf("#");
  return hash === -1 ? href.length : hash;
}

function beforeQuery(href) {
  const end = beforeHash(href);
  const question = href.indexOf("?");
  return question === -1 || question > end ? end : question;
}

function pathStart(href, pathEnd) {
  const authority = authorityStart(href);
  if (authority !== -1) {
    const slash = href.indexOf("/", authority);
    return slash === -1 || slash > pathEnd ? pathEnd : slash;
  }
  const start = href.indexOf(":") + 1;
  // A path that starts with two slashes is written behind "/." where there is no authority.
  return href.startsWith("/.//", start) ? start + 2 : start;
}

/** `user:password`, without its "@"; empty if there is none. */
function credentials(href) {
  const start = authorityStart(href);
  if (start === -1) return "";
  const at = href.indexOf("@", start);
  return at === -1 || at > pathStart(href, beforeQuery(href)) ? "" : href.slice(start, at);
}

function hostOf(href) {
  let start = authorityStart(href);
  if (start === -1) return "";
  const end = pathStart(href, beforeQuery(href));
  const at = href.indexOf("@", start);
  if (at !== -1 && at < end) start = at + 1;
  return href.slice(start, end);
}

/** The index of the colon before the port, -1 if there is no port. */
function portColon(hostText) {
  const colon = hostText.lastIndexOf(":");
  return colon === -1 || hostText.indexOf("]", colon) !== -1 ? -1 : colon;
}

// Private methods would brand every URL and check it at each call: these are functions instead.
let read;
let write;

function change(url, component, value) {
  write(url, urlChange(read(url), component, usv(value)));
}

/** The text that was parsed last: a request's URL is parsed by every layer of a program that looks at it. */
let lastText;
let lastHref;
let lastPath;

function parse(url, base) {
  const href = base === undefined ? urlParse(usv(url)) : urlParse(usv(url), usv(base));
  if (href === undefined) throw new TypeError("Invalid URL string.");
  if (base === undefined && typeof url === "string") {
    lastText = url;
    lastHref = href;
    lastPath = undefined;
  }
  return href;
}

/** A parsed URL. */
export class URL {
  /** The text, until `searchParams` was asked for: then they hold the current one. */
  #href;
  #params;

  constructor(url, base) {
    if (url === undefined && arguments.length === 0) badConstruction("URL", 1, "USVString");
    this.#href = base === undefined && url === lastText ? lastHref : parse(url, base);
  }

  static {
    read = (url) => (url.#params === undefined ? url.#href : textOf(url.#params));
    write = (url, href) => {
      if (url.#params === undefined) url.#href = href;
      else setTextOf(url.#params, href);
    };
  }

  static canParse(url, base) {
    if (arguments.length === 0) badArgument("canParse", "URL", 1, "USVString");
    return (base === undefined ? urlParse(usv(url)) : urlParse(usv(url), usv(base))) !== undefined;
  }

  static parse(url, base) {
    if (arguments.length === 0) badArgument("parse", "URL", 1, "USVString");
    return URL.canParse(url, base) ? new URL(url, base) : null;
  }

  static createObjectURL() {
    throw new Error("URL.createObjectURL() is not implemented");
  }

  static revokeObjectURL() {
    throw new Error("URL.revokeObjectURL() is not implemented");
  }

  get origin() {
    if (this === undefined || !(#href in this)) illegal();
    const href = read(this);
    if (!href.startsWith("http:") && !href.startsWith("https:")) return urlOrigin(href);
    return `${href.slice(0, href.indexOf(":") + 3)}${hostOf(href)}`;
  }

  get href() {
    if (this === undefined || !(#href in this)) illegal();
    return read(this);
  }

  set href(value) {
    if (this === undefined || !(#href in this)) illegal();
    const href = urlParse(usv(value));
    if (href === undefined) {
      throw new TypeError(
        "Failed to set the 'href' property on 'URL': the provided value is not of type 'valid URL string'.",
      );
    }
    write(this, href);
    if (this.#params !== undefined) resetParams(this.#params, this.search);
  }

  get protocol() {
    if (this === undefined || !(#href in this)) illegal();
    const href = read(this);
    return href.slice(0, href.indexOf(":") + 1);
  }

  set protocol(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "protocol", value);
  }

  get username() {
    if (this === undefined || !(#href in this)) illegal();
    const text = credentials(read(this));
    const colon = text.indexOf(":");
    return colon === -1 ? text : text.slice(0, colon);
  }

  set username(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "username", value);
  }

  get password() {
    if (this === undefined || !(#href in this)) illegal();
    const text = credentials(read(this));
    const colon = text.indexOf(":");
    return colon === -1 ? "" : text.slice(colon + 1);
  }

  set password(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "password", value);
  }

  get host() {
    if (this === undefined || !(#href in this)) illegal();
    return hostOf(read(this));
  }

  set host(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "host", value);
  }

  get hostname() {
    if (this === undefined || !(#href in this)) illegal();
    const text = hostOf(read(this));
    const colon = portColon(text);
    return colon === -1 ? text : text.slice(0, colon);
  }

  set hostname(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "hostname", value);
  }

  get port() {
    if (this === undefined || !(#href in this)) illegal();
    const text = hostOf(read(this));
    const colon = portColon(text);
    return colon === -1 ? "" : text.slice(colon + 1);
  }

  set port(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "port", value);
  }

  get pathname() {
    if (this === undefined || !(#href in this)) illegal();
    const href = read(this);
    return href === lastHref ? (lastPath ??= pathOf(href)) : pathOf(href);
  }

  set pathname(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "pathname", value);
  }

  get search() {
    if (this === undefined || !(#href in this)) illegal();
    const href = read(this);
    const query = href.slice(beforeQuery(href), beforeHash(href));
    return query === "?" ? "" : query;
  }

  set search(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "search", value);
    if (this.#params !== undefined) resetParams(this.#params, this.search);
  }

  get hash() {
    if (this === undefined || !(#href in this)) illegal();
    const href = read(this);
    const hash = href.slice(beforeHash(href));
    return hash === "#" ? "" : hash;
  }

  set hash(value) {
    if (this === undefined || !(#href in this)) illegal();
    change(this, "hash", value);
  }

  get searchParams() {
    if (this === undefined || !(#href in this)) illegal();
    const params = this.#params;
    // A URL knows its params, which hold its text; a reference back would wait for the garbage collector.
    return params === undefined ? (this.#params = linkedParams(this.#href)) : params;
  }

  toJSON() {
    if (this === undefined || !(#href in this)) illegal();
    return read(this);
  }

  toString() {
    if (this === undefined || !(#href in this)) illegal();
    return read(this);
  }
}
publish(URL);

/** The path of a normal URL, for callers that have no need of an object. */
export function pathOf(href) {
  const path = urlPath(href);
  if (path !== undefined) return path;
  const end = beforeQuery(href);
  return href.slice(pathStart(href, end), end);
}

export { URLSearchParams };
