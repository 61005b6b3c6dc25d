// The Request class: requests from outside, whose parts are fetched when asked for, and requests that user code makes.
import host from "dodev:host";
import { AbortController, AbortSignal } from "dodev:web/abort";
import { EDGE, checkWishes, cloneCf, readCf, writeCf } from "dodev:web/fetch/cf";
import { Cloudflare } from "dodev:web/cloudflare";
import { HAS_READER, TAKEN, brokenBody, extract, extractedType, forkBody, inherit, isUsed, makerOfBody, moveBody, takeBody } from "dodev:web/fetch/body";
import { HEADERS_INIT_TYPE, isHeaders, isImmutable, listFrom, lookUp, makeHeaders, rawList } from "dodev:web/headers";
import { ownerOfNew } from "dodev:web/owner";
import { breakStream, isReadableStream } from "dodev:web/streams";
import { badConstruction, badField, illegal, isObject, nativeText, publish, usv } from "dodev:web/webidl";

const DICTIONARY = "RequestInitializerDict";
const NO_BODY = "Request with a GET or HEAD method cannot have a body.";
const BAD_REDIRECT =
  'Invalid redirect value, must be one of "follow" or "manual" ("error" won\'t be implemented since it does not make sense at the edge; use "manual" and check the response status code).';

/** The methods that the platform knows. */
const METHODS = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"],
  ...["COPY", "LOCK", "MKCOL", "MOVE", "PROPFIND", "PROPPATCH", "SEARCH", "UNLOCK", "ACL"],
  ...["REPORT", "MKACTIVITY", "CHECKOUT", "MERGE", "MSEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "QUERY"],
]);

/** Modes of caching, and the flag that each needs. */
const CACHE_MODES = new Map([
  ["no-store", "cache_option_enabled"],
  ["no-cache", "cache_no_cache_enabled"],
  ["reload", "cache_reload_enabled"],
]);
/** Methods that may be written in small letters, as the standard says. */
const STANDARD_METHODS = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);

/** Whether the Worker's compatibility date is before that of `flag`. */
const isOff = (flag) => Cloudflare.compatibilityFlags[flag] === false;


/** Few requests are asked for their client's signal. */
let lazyClients;
const clients = () => (lazyClients ??= host.lazy("dodev:web/fetch/client_signal"));

/** Marks the constructor call of a request that gets its parts afterwards. */
const BARE = Symbol("bare");

let makeRequest;
let describe;
let isRequest;
let copyRequest;
let incomingRequest;
let hasBody;
let endBody;
/** The request that was made of another one and has its body. */
const heirs = new WeakMap();
/** The clones of a request whose body is no stream. */
const clones = new WeakMap();
/** The stream from which a request and its clones read. */
const springs = new WeakMap();
// Private methods would brand every request and check it at each call: these are functions instead.
let listOf;
let copyFrom;
let imitate;
let apply;
let more;
let cfOf;
let cfText;
let signalFor;

function methodFrom(value) {
  const text = nativeText(value);
  if (METHODS.has(text)) return text;
  const upper = text.toUpperCase();
  if (METHODS.has(upper) && (STANDARD_METHODS.has(upper) || !isOff("upper_case_all_http_methods"))) return upper;
  throw new TypeError(`Invalid HTTP method string: ${text}`);
}

/** Adds the content type that a body implies, unless `list` has one. */
function implyType(list, type) {
  if (type === null) return;
  for (let i = 0; i < list.length; i += 2) if (list[i] === "content-type") return;
  list.push("content-type", type);
}

/** What is rarely set on a request, so that most requests do without it. */
function rareOf() {
  return {
    redirect: "follow",
    cf: undefined,
    signal: undefined,
    fetcher: null,
    cache: undefined,
    encodeResponseBody: "automatic",
  };
}

/** Shared by all requests that arrive without `cf` until one of them needs its own. */
const INCOMING = Object.freeze({ ...rareOf(), redirect: "manual" });

/** The same for requests from outside of the server, and for copies of them, until somebody looks at `cf`. */
const FROM_OUTSIDE = Object.freeze({ ...INCOMING, unread: EDGE });
const COPIED = Object.freeze({ ...INCOMING });

function copyRare(rare) {
  if (rare === undefined || rare === INCOMING || rare === COPIED) return rare;
  if (rare === FROM_OUTSIDE) return COPIED;
  const { unread, ...others } = rare;
  return { ...others, cf: unread === undefined ? cloneCf(rare.cf) : JSON.parse(unread) };
}

/** An HTTP request. */
export class Request {
  #source = null;
  /** Who made the source. */
  #maker = 0;
  #method = "GET";
  #url;
  /** A Headers object, the flat list for one, or the host's handle. */
  #headers;
  #rare;
  /** The host's handle for a request that came from outside, by which it knows the client. */
  #arrival;

  constructor(input, init) {
    if (input === BARE) return;
    let source = null;
    if (isRequest(input)) {
      const replaced = init !== undefined && init !== null && (isRequest(init) || init.body !== undefined);
      source = copyFrom(this, input, replaced);
    } else {
      const text = usv(input);
      this.#url = host.urlParse(text);
      if (this.#url === undefined) {
        if (arguments.length === 0) badConstruction("Request", 1, "Request or string");
        throw new TypeError(`Invalid URL: ${text}`);
      }
    }
    if (init !== undefined && init !== null) {
      if (!isObject(init)) badConstruction("Request", 2, `${DICTIONARY} or Request`);
      source = isRequest(init) ? imitate(this, init) : apply(this, init, source);
    }
    this.#source = source;
    if (source !== null) this.#maker = makerOfBody(source);
  }

  static {
    listOf = (self) => {
      const headers = self.#headers;
      if (headers === undefined) return (self.#headers = []);
      return Array.isArray(headers) ? headers : rawList(self.headers);
    };
    copyFrom = (self, request, withoutBody) => {
      self.#url = request.#url;
      self.#method = request.#method;
      self.#headers = listOf(request).slice();
      self.#rare = copyRare(request.#rare);
      self.#arrival = request.#arrival;
      if (withoutBody) return null;
      if (isUsed(request.#source)) throw new TypeError("Cannot reconstruct a Request with a used body.");
      const body = moveBody(request);
      if (body !== null) heirs.set(request, self);
      return body;
    };
    /** Takes everything but the URL from another request that stands for a dictionary. */
    imitate = (self, request) => {
      self.#method = request.#method;
      self.#headers = listOf(request).slice();
      self.#rare = copyRare(request.#rare);
      self.#arrival = request.#arrival;
      const body = request.body;
      return body === null ? null : extract(body);
    };
    apply = (self, init, source) => {
      const { method, headers, body, redirect, signal, cf, cache, integrity, fetcher, encodeResponseBody } = init;
      if (integrity !== undefined && usv(integrity) !== "") {
        throw new TypeError(
          "Subrequest integrity checking is not implemented. The integrity option must be either undefined or an empty string.",
        );
      }
      if (method !== undefined) self.#method = methodFrom(method);
      if (headers !== undefined) {
        const list = listFrom(headers);
        if (list === undefined) badField("headers", DICTIONARY, HEADERS_INIT_TYPE);
        self.#headers = list;
      }
      if (fetcher !== undefined) more(self).fetcher = fetcher;
      if (signal !== undefined) {
        if (signal !== null && !(signal instanceof AbortSignal)) badField("signal", DICTIONARY, "AbortSignal");
        self.#arrival = undefined;
        more(self).signal = signal ?? undefined;
      }
      if (cf !== undefined) {
        if (!isObject(cf)) badField("cf", DICTIONARY, "Object");
        checkWishes(cf, cache);
        more(self).cf = cloneCf(cf);
      }
      const bodiless = self.#method === "GET" || self.#method === "HEAD";
      if (body !== undefined && body !== null) {
        source = extract(body);
        if (bodiless) throw new TypeError(NO_BODY);
        implyType(listOf(self), extractedType);
      }
      if (redirect !== undefined) {
        const text = usv(redirect).toLowerCase();
        if (text !== "follow" && text !== "manual") throw new TypeError(BAD_REDIRECT);
        more(self).redirect = text;
      }
      if (cache !== undefined) {
        if (isOff("cache_option_enabled")) {
          throw new Error("The 'cache' field on 'RequestInitializerDict' is not implemented.");
        }
        const flag = CACHE_MODES.get(cache);
        if (flag === undefined || isOff(flag)) throw new TypeError(`Unsupported cache mode: ${usv(cache)}`);
        more(self).cache = cache;
      }
      if (encodeResponseBody !== undefined) {
        const text = usv(encodeResponseBody);
        if (text !== "manual" && text !== "automatic") {
          throw new TypeError(`encodeResponseBody: unexpected value: ${text}`);
        }
        more(self).encodeResponseBody = text;
      }
      if (bodiless && source !== null && (method !== undefined || (body !== undefined && body !== null))) {
        throw new TypeError(NO_BODY);
      }
      return source;
    };
    more = (self) => {
      const rare = self.#rare;
      if (rare === undefined) return (self.#rare = rareOf());
      if (rare === COPIED) return (self.#rare = { ...rare, cf: JSON.parse(EDGE) });
      return Object.isFrozen(rare) ? (self.#rare = { ...rare }) : rare;
    };
    cfOf = (self) => {
      const rare = self.#rare;
      if (rare === undefined || rare === INCOMING) return undefined;
      if (rare !== COPIED && rare.unread === undefined) return rare.cf;
      const own = more(self);
      if (own.unread !== undefined) {
        own.cf = readCf(own.unread);
        own.unread = undefined;
      }
      return own.cf;
    };
    cfText = (self) => {
      const rare = self.#rare;
      if (rare === undefined || rare === INCOMING) return undefined;
      if (rare === COPIED) return EDGE;
      if (rare.unread === undefined) return writeCf(rare.cf, rare.cache);
      return rare.cache === undefined ? rare.unread : writeCf(cfOf(self), rare.cache);
    };
    isRequest = (value) => isObject(value) && #url in value;
    makeRequest = (method, url, headers, body, rare) => {
      const request = new Request(BARE);
      request.#method = method;
      request.#url = url;
      request.#headers = headers;
      request.#rare = rare;
      request.#source = body;
      if (body !== null) request.#maker = ownerOfNew();
      return request;
    };
    /** The signal that ends what is sent on, if there is one. */
    signalFor = (request) => {
      const known = request.#rare?.signal;
      if (request.#arrival === undefined) return known === undefined || clients().isPassedOn(known) ? known : undefined;
      return clients().isPassedOn() ? request.signal : undefined;
    };
    describe = (request) => {
      const rare = request.#rare;
      return {
        method: request.#method,
        url: request.#url,
        headers: listOf(request).slice(),
        redirect: rare?.redirect ?? "follow",
        cache: rare?.cache,
        signal: signalFor(request),
        encodeResponseBody: rare?.encodeResponseBody ?? "automatic",
        body: takeBody(request, HAS_READER),
      };
    };
    inherit(Request, {
      owns: isRequest,
      get: (request) => request.#source,
      set: (request, source) => {
        request.#source = source;
      },
      type: (request) => lookUp(listOf(request), "content-type"),
      maker: (request) => request.#maker,
    });
    incomingRequest = (method, url, headers, body, cf) => {
      const request = new Request(BARE);
      request.#method = method;
      request.#url = url;
      request.#headers = headers;
      request.#arrival = headers;
      request.#source = body;
      if (body !== null) request.#maker = ownerOfNew();
      if (cf === true) request.#rare = FROM_OUTSIDE;
      else request.#rare = cf === undefined ? INCOMING : { ...INCOMING, unread: cf };
      return request;
    };
    hasBody = (request) => request.#source !== null;
    endBody = (request, message) => {
      const error = new TypeError(message);
      const heir = heirs.get(request);
      if (heir !== undefined) endBody(heir, message);
      const spring = springs.get(request);
      if (spring !== undefined) breakStream(spring, error);
      const all = [request, ...(clones.get(request) ?? [])];
      // What one of several clones has read is there for the others.
      if (all.length > 1 && all.some((one) => one.#source === TAKEN)) return;
      for (const one of all) {
        const source = one.#source;
        if (source !== null && source !== TAKEN) one.#source = brokenBody(source, one.#maker, error);
      }
    };
    copyRequest = (request) => {
      const source = typeof request.#source === "number" ? request.body : request.#source;
      const headers = request.headers;
      const copy = makeHeaders(rawList(headers).slice(), isImmutable(headers));
      const rare = request.#rare;
      const body = forkBody(request);
      const clone = makeRequest(request.#method, request.#url, copy, body, copyRare(rare));
      clone.#arrival = request.#arrival;
      if (isReadableStream(body)) springs.set(request, springs.get(request) ?? source);
      else if (body !== null) clones.set(request, [...(clones.get(request) ?? []), clone]);
      return clone;
    };
  }

  clone() {
    if (this === undefined || !(#url in this)) illegal();
    return copyRequest(this);
  }

  get method() {
    if (this === undefined || !(#url in this)) illegal();
    return this.#method;
  }

  get url() {
    if (this === undefined || !(#url in this)) illegal();
    return this.#url;
  }

  get headers() {
    if (this === undefined || !(#url in this)) illegal();
    const headers = this.#headers;
    if (headers === undefined || Array.isArray(headers)) return (this.#headers = makeHeaders(headers ?? [], false));
    // Anything else is the host's handle for what came from outside.
    return isHeaders(headers) ? headers : (this.#headers = makeHeaders(headers, true));
  }

  get redirect() {
    if (this === undefined || !(#url in this)) illegal();
    const rare = this.#rare;
    if (rare !== undefined) return rare.redirect;
    return "follow";
  }

  get fetcher() {
    if (this === undefined || !(#url in this)) illegal();
    return this.#rare?.fetcher ?? null;
  }

  get signal() {
    if (this === undefined || !(#url in this)) illegal();
    const rare = more(this);
    return (rare.signal ??= this.#arrival === undefined ? new AbortController().signal : clients().clientSignal(this.#arrival));
  }

  get cf() {
    if (this === undefined || !(#url in this)) illegal();
    return cfOf(this);
  }

  get integrity() {
    if (this === undefined || !(#url in this)) illegal();
    return "";
  }

  get keepalive() {
    if (this === undefined || !(#url in this)) illegal();
    return false;
  }

  get cache() {
    if (this === undefined || !(#url in this)) illegal();
    return this.#rare?.cache;
  }
}
publish(Request);

/**
 * The request that came from outside.
 * `headers`: handle for `host.requestHeaders`; `body`: null, an ArrayBuffer of all of it, or a pipe id;
 * `cf`: `request.cf` as JSON, or `true` for what the edge knows of a request from outside.
 */
export { incomingRequest };

/** Whether a request has a body, read or not; makes reading what is left of it fail with a message. */
export { endBody, hasBody };

/** `cf` of a request as JSON for the one who is asked, undefined if it has none. */
export { cfText };

/** The parts of a request but `cf`, its body taken away; whether a value is a request; a request of given parts. */
export { describe, isRequest, makeRequest };
