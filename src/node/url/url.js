// node:url: the standard's URLs, and files' names as URLs.
//
// Fidelity: Node.js's documentation of `url`. The older parser is built on the standard one where that accepts
// the text, so it differs for texts that are no URLs by the standard.
import { posix } from "dodev:node/path";
import * as querystring from "dodev:node/querystring";
import { needString, nodeError, notEmulated, wrongType } from "dodev:node/errors";
import { URL as URL_, URLSearchParams as URLSearchParams_ } from "dodev:web/url";

export const URL = URL_;
export const URLSearchParams = URLSearchParams_;
export const URLPattern = globalThis.URLPattern;

export function fileURLToPath(value) {
  if (typeof value === "string") value = new URL(value);
  else if (!(value instanceof URL)) throw wrongType("path", "of type string or an instance of URL", value);
  if (value.protocol !== "file:") throw nodeError(TypeError, "ERR_INVALID_URL_SCHEME", "The URL must be of scheme file");
  if (value.hostname !== "") {
    throw nodeError(TypeError, "ERR_INVALID_FILE_URL_HOST", 'File URL host must be "localhost" or empty on linux');
  }
  if (/%2f/i.test(value.pathname)) {
    throw nodeError(TypeError, "ERR_INVALID_FILE_URL_PATH", "File URL path must not include encoded / characters");
  }
  return decodeURIComponent(value.pathname);
}

export function fileURLToPathBuffer() {
  throw notEmulated("url.fileURLToPathBuffer()");
}

export function pathToFileURL(path) {
  needString(path, "path");
  let resolved = posix.resolve(path);
  if (path.endsWith("/") && !resolved.endsWith("/")) resolved += "/";
  const escaped = { "%": "%25", "\\": "%5C", "\n": "%0A", "\r": "%0D", "\t": "%09", "?": "%3F", "#": "%23" };
  return new URL(`file://${resolved.replace(/[%\\\n\r\t?#]/g, (character) => escaped[character])}`);
}

/** What `http.request` takes, made of a URL. */
export function urlToHttpOptions(url) {
  if (!(url instanceof URL)) throw wrongType("url", "an instance of URL", url);
  const { hash, host: _, hostname, href, origin: __, password, pathname, port, protocol, search, username } = url;
  const options = {
    protocol,
    hostname: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    hash,
    search,
    pathname,
    path: `${pathname}${search}`,
    href,
  };
  if (port !== "") options.port = Number(port);
  if (username || password) options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return options;
}

export function domainToASCII(domain) {
  return URL.parse(`ws://${domain}`)?.hostname ?? "";
}

export function domainToUnicode() {
  throw notEmulated("url.domainToUnicode()");
}

const PARTS = ["protocol", "slashes", "auth", "host", "port", "hostname", "hash", "search", "query", "pathname", "path", "href"];

// Callable without `new` in older code.
export function Url() {
  for (const part of PARTS) this[part] = null;
}
Url.prototype.parse = function (text, parseQuery, slashesDenoteHost) {
  return Object.assign(this, parse(text, parseQuery, slashesDenoteHost));
};
Url.prototype.format = function () {
  return format(this);
};
Url.prototype.resolve = function (relative) {
  return resolve(format(this), relative);
};
Url.prototype.resolveObject = function (relative) {
  return parse(this.resolve(relative));
};

export function parse(text, parseQuery = false, slashesDenoteHost = false) {
  if (text instanceof Url) return text;
  needString(text, "url");
  const found = new Url();
  const match = text.trim().match(/^([a-z][a-z0-9.+-]*:)?(\/\/)?([^]*)$/i);
  let [, protocol, slashes, rest] = match;
  if (slashes !== undefined && protocol === undefined && !slashesDenoteHost) {
    rest = `//${rest}`;
    slashes = undefined;
  }
  if (protocol !== undefined) found.protocol = protocol.toLowerCase();
  if (slashes !== undefined) {
    found.slashes = true;
    const end = rest.search(/[/?#]/);
    let authority = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? "" : rest.slice(end);
    const at = authority.lastIndexOf("@");
    if (at >= 0) {
      found.auth = decodeURIComponent(authority.slice(0, at));
      authority = authority.slice(at + 1);
    }
    const port = authority.match(/:(\d*)$/);
    if (port !== null) {
      if (port[1] !== "") found.port = port[1];
      authority = authority.slice(0, port.index);
    }
    const hostname = authority.toLowerCase();
    found.hostname = hostname.startsWith("[") ? hostname.slice(1, -1) : domainToASCII(hostname) || hostname;
    found.host = `${hostname.startsWith("[") ? hostname : found.hostname}${found.port === null ? "" : `:${found.port}`}`;
    if (rest === "" && /^(https?|ftp|wss?|file):$/.test(found.protocol ?? "")) rest = "/";
  }
  const hash = rest.indexOf("#");
  if (hash >= 0) {
    found.hash = rest.slice(hash);
    rest = rest.slice(0, hash);
  }
  const question = rest.indexOf("?");
  if (question >= 0) {
    found.search = rest.slice(question);
    found.query = rest.slice(question + 1);
    rest = rest.slice(0, question);
  }
  if (parseQuery) {
    found.search ??= "";
    found.query = querystring.parse(found.query ?? "");
  }
  if (rest !== "") found.pathname = rest.replace(/[\s"<>^`{|}]/g, (character) => encodeURIComponent(character));
  if (found.pathname !== null || found.search) found.path = `${found.pathname ?? ""}${found.search ?? ""}`;
  found.href = format(found);
  return found;
}

export function format(value, options) {
  if (typeof value === "string") value = parse(value);
  if (value instanceof URL) return formatStandard(value, options);
  if (value === null || typeof value !== "object") {
    throw wrongType("urlObject", "one of type object or string", value);
  }
  let protocol = value.protocol ?? "";
  if (protocol !== "" && !protocol.endsWith(":")) protocol += ":";
  const auth = value.auth ? `${encodeURIComponent(value.auth).replace(/%3A/i, ":")}@` : "";
  let host = "";
  if (value.host) host = auth + value.host;
  else if (value.hostname) {
    const name = value.hostname.includes(":") ? `[${value.hostname}]` : value.hostname;
    host = `${auth}${name}${value.port ? `:${value.port}` : ""}`;
  }
  let pathname = value.pathname ?? "";
  const withSlashes = value.slashes || (/^(https?|ftp|wss?|file):$/.test(protocol) && host !== "");
  if (withSlashes) {
    host = `//${host}`;
    if (pathname !== "" && !pathname.startsWith("/")) pathname = `/${pathname}`;
  }
  let search = value.search ?? "";
  if (search === "" && value.query !== null && typeof value.query === "object") search = querystring.stringify(value.query);
  if (search !== "" && !search.startsWith("?")) search = `?${search}`;
  let hash = value.hash ?? "";
  if (hash !== "" && !hash.startsWith("#")) hash = `#${hash}`;
  const escaped = (text, wrong) => text.replace(wrong, (character) => encodeURIComponent(character));
  return protocol + host + escaped(pathname, /[?#]/g) + search.replaceAll("#", "%23") + hash;
}

function formatStandard(url, { auth = true, fragment = true, search = true, unicode = false } = {}) {
  if (unicode) throw notEmulated("url.format() with unicode");
  const copy = new URL(url);
  if (!auth) copy.username = copy.password = "";
  if (!fragment) copy.hash = "";
  if (!search) copy.search = "";
  return copy.href;
}

export function resolve(from, to) {
  const base = new URL(from, "resolve://");
  const found = new URL(to, base);
  if (found.protocol !== "resolve:") return found.href;
  return `${found.pathname}${found.search}${found.hash}`;
}

export function resolveObject(from, to) {
  return parse(resolve(from, to));
}

export default {
  URL, URLPattern, URLSearchParams, Url, domainToASCII, domainToUnicode, fileURLToPath, fileURLToPathBuffer, format, parse,
  pathToFileURL, resolve, resolveObject, urlToHttpOptions,
};
