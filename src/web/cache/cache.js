// caches: what is stored, for how long, and how a stored response answers a request. Loaded when first used.
//
// Fidelity: https://developers.cloudflare.com/workers/runtime-apis/cache/, with what wrangler's local cache does
// about freshness: a response that is not fresh for any time is not found again. Vary is not looked at.
import host from "dodev:host";
import { multipartOf, rangesOf } from "dodev:web/cache/ranges";
import { Request, Response } from "dodev:web/fetch";
import { illegalConstructor, illegalInvocation, shape, wrongArgument } from "dodev:web/interface";
import { ownerOfNew } from "dodev:web/owner";

const MAKE = Symbol("make");
const { parse, stringify } = JSON;
const { now } = Date;

function toRequest(method, args) {
  const [input] = args;
  if (args.length === 0) throw wrongArgument("Cache", method, 1, "Request or string");
  return input instanceof Request ? input : new Request(input);
}

/** What a request is found by: its key for caches if it has one, its address otherwise. */
function keyOf(request) {
  const key = request.cf?.cacheKey;
  if (key !== undefined) return `${key}`;
  const url = new URL(request.url);
  url.hash = "";
  return url.href;
}

/** Whether the request's path is a key of Workers Sites: its file may change at any time, and nothing of it is kept. */
function isOfSite(request) {
  return new URL(request.url).pathname.startsWith("/$__MINIFLARE_SITES__$/");
}

function notImplemented(owner, name) {
  return new Error(`Failed to execute '${name}' on '${owner}': the method is not implemented.`);
}

/** The directives of Cache-Control: names in small letters → their values, `true` without one. */
function directivesOf(headers) {
  const directives = new Map();
  for (const [, name, quoted, plain] of (headers.get("cache-control") ?? "").matchAll(/([^\s,=]+)(?:\s*=\s*(?:"([^"]*)"|([^,\s]*)))?/g)) {
    directives.set(name.toLowerCase(), quoted ?? plain ?? true);
  }
  return directives;
}

const secondsOf = (value) => (/^\d+$/.test(value) ? Number(value) : 0);
/** Statuses that may be stored when nothing says so. */
const STORABLE = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]);
/** Share of the time since the last change for which a response counts as fresh. */
const HEURISTIC = 0.1;

/** Until when a response is fresh, in ms since 1970; `undefined` if it must not be stored. */
function freshUntil(request, response, directives) {
  const { headers } = response;
  const isShown = directives.has("public") || directives.has("s-maxage") || directives.has("max-age");
  if (directives.has("no-store")) return undefined;
  const isPrivate = directives.has("private") && directives.get("private") !== "set-cookie";
  if (isPrivate || (headers.has("set-cookie") && directives.get("private") !== "set-cookie")) return undefined;
  if (request.headers.has("authorization") && !directives.has("public") && !directives.has("s-maxage") && !directives.has("must-revalidate")) {
    return undefined;
  }
  if (!isShown && !headers.has("expires") && !STORABLE.has(response.status)) return undefined;
  return now() + lifetime(headers, directives) - secondsOf(headers.get("age") ?? "") * 1000;
}

function lifetime(headers, directives) {
  if (directives.has("no-cache") || headers.get("vary") === "*") return 0;
  for (const name of ["s-maxage", "max-age"]) {
    if (directives.has(name)) return secondsOf(directives.get(name)) * 1000;
  }
  const date = headers.has("date") ? Date.parse(headers.get("date")) : now();
  const expires = headers.get("expires");
  if (expires !== null) return Math.max(0, Date.parse(expires) - date) || 0;
  const modified = Date.parse(headers.get("last-modified") ?? "");
  return modified < date ? (date - modified) * HEURISTIC : 0;
}

const etagOf = (value) => /^(?:W\/)?"(.*)"$/.exec(value.trim())?.[1];

/** Whether the request asks for something else than what it has. */
function isUnchanged(request, headers) {
  const wanted = request.headers.get("if-none-match");
  if (wanted !== null) {
    const etag = etagOf(headers.get("etag") ?? "");
    if (etag === undefined) return false;
    return wanted.trim() === "*" || wanted.split(",").some((one) => etagOf(one) === etag);
  }
  const since = Date.parse(request.headers.get("if-modified-since") ?? "");
  return Date.parse(headers.get("last-modified") ?? "") <= since;
}

/** An answer with the usual reason: that of the response is not kept. */
function respond(body, status, headers) {
  return new Response(body, { status, statusText: host.usualReason(status), headers });
}

function answer(request, { status, headers: list }, body) {
  const headers = new Headers(list);
  headers.set("cf-cache-status", "HIT");
  if (!headers.has("content-length")) headers.set("content-length", `${body.byteLength}`);
  if (isUnchanged(request, headers)) return respond(null, 304, headers);
  const asked = status === 200 ? request.headers.get("range") : null;
  const ranges = asked === null ? [] : rangesOf(asked, body.byteLength);
  if (ranges === undefined) {
    const refused = { "cf-cache-status": "HIT", "content-range": `bytes */${body.byteLength}` };
    return respond(null, 416, refused);
  }
  if (ranges.length === 0) {
    const empty = status === 204 || status === 205;
    return respond(empty ? null : body, status, headers);
  }
  if (ranges.length > 1) {
    const { type, parts } = multipartOf(ranges, body, headers.get("content-type") ?? "application/octet-stream");
    const whole = host.concatBytes(parts);
    headers.set("content-type", type);
    headers.set("content-length", `${whole.byteLength}`);
    return respond(whole, 206, headers);
  }
  const [[start, end]] = ranges;
  headers.set("content-range", `bytes ${start}-${end}/${body.byteLength}`);
  headers.set("content-length", `${end - start + 1}`);
  return respond(body.slice(start, end + 1), 206, headers);
}

export class Cache {
  #name;

  constructor(token, name) {
    if (token !== MAKE) throw illegalConstructor();
    this.#name = name;
  }
  add() {
    throw notImplemented("Cache", "add");
  }
  addAll() {
    throw notImplemented("Cache", "addAll");
  }
  async delete(...args) {
    const request = toRequest("delete", args);
    ownerOfNew();
    if (request.method !== "GET" && !args[1]?.ignoreMethod) return false;
    return host.cacheDelete(this.#name, keyOf(request));
  }
  async match(...args) {
    const request = toRequest("match", args);
    ownerOfNew();
    if (request.method !== "GET" && !args[1]?.ignoreMethod) return undefined;
    const key = keyOf(request);
    const entry = host.cacheRead(this.#name, key);
    if (entry === undefined) return undefined;
    const head = parse(entry.head);
    if (head.until > now()) return answer(request, head, entry.body);
    host.cacheDelete(this.#name, key);
    return undefined;
  }
  async put(...args) {
    const request = toRequest("put", args);
    const [, response] = args;
    if (!(response instanceof Response)) throw wrongArgument("Cache", "put", 2, "Response");
    if (response.type === "error") throw new TypeError("Cache is unable to store an error response");
    if (request.method !== "GET") throw new TypeError("Cannot cache response to non-GET request.");
    if (response.status === 206) {
      throw new TypeError("Cannot cache response to a range request (206 Partial Content).");
    }
    if (response.headers.get("vary")?.includes("*")) {
      throw new TypeError("Cannot cache response with 'Vary: *' header.");
    }
    if (response.status === 304) {
      console.warn(
        "Ignoring attempt to Cache.put() a 304 status response. 304 responses are not meaningful to cache, and a " +
          "potential source of bugs. Consider validating that the response status is meaningful to cache before " +
          "calling Cache.put().",
      );
      return;
    }
    if (response.webSocket) throw new TypeError("Cannot cache WebSocket upgrade response.");
    const directives = directivesOf(response.headers);
    const until = isOfSite(request) ? undefined : freshUntil(request, response, directives);
    const { status } = response;
    const headers = [...response.headers].filter(([name]) => name !== "set-cookie");
    const body = await response.arrayBuffer();
    const key = keyOf(request);
    if (until === undefined || until <= now()) host.cacheDelete(this.#name, key);
    else host.cacheWrite(this.#name, key, stringify({ until, status, headers }), body);
  }
  matchAll() {
    throw notImplemented("Cache", "matchAll");
  }
  keys() {
    throw notImplemented("Cache", "keys");
  }
}
shape(Cache);

export class CacheStorage {
  #default;

  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
    const made = new Cache(MAKE, "default");
    this.#default = made;
    Object.defineProperty(this, "default", { value: made, enumerable: true, configurable: true });
  }
  async open(...args) {
    if (!(#default in this)) throw illegalInvocation();
    if (args.length === 0) throw wrongArgument("CacheStorage", "open", 1, "string");
    return new Cache(MAKE, `name ${args[0]}`);
  }
  delete() {
    throw notImplemented("CacheStorage", "delete");
  }
  match() {
    throw notImplemented("CacheStorage", "match");
  }
  has() {
    throw notImplemented("CacheStorage", "has");
  }
  keys() {
    throw notImplemented("CacheStorage", "keys");
  }
}
shape(CacheStorage);

export const caches = new CacheStorage(MAKE);
