// The Response class. One made from a string holds no headers object and no stream until somebody asks.
import host from "dodev:host";
import { TAKEN, TEXT_TYPE, extract, extractedType, forkBody, inherit, makerOfBody, takeBody } from "dodev:web/fetch/body";
import { cloneCf } from "dodev:web/fetch/cf";
import { HEADERS_INIT_TYPE, isImmutable, listFrom, lookUp, makeHeaders, rawList } from "dodev:web/headers";
import { SOURCE, ownerOfNew, requireOwn } from "dodev:web/owner";
import { isWebSocket } from "dodev:web/web_socket";
import {
  badArgument,
  badConstruction,
  badField,
  illegal,
  isObject,
  nativeText,
  publish,
  toInt,
  usv,
} from "dodev:web/webidl";

const DICTIONARY = "InitializerDict";
const NULL_BODY = "Response with null body status (101, 204, 205, or 304) cannot have a body.";
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Marks the constructor call of a response that gets its parts afterwards. */
const BARE = Symbol("bare");

let isResponse;
let makeResponse;
let take;
let describe;
// Private methods would brand every response and check it at each call: these are functions instead.
let listOf;
let apply;
let imitate;

function hasNullBody(status) {
  return status === 101 || status === 204 || status === 205 || status === 304;
}

/** What is rarely set on a response. Without a `statusText` the usual one of its status is sent, with an empty one none is. */
function rareOf() {
  return {
    statusText: undefined,
    webSocket: null,
    cf: undefined,
    encodeBody: "automatic",
    url: "",
    redirected: false,
    type: "default",
  };
}

function withType(list, type) {
  if (type === null) return list;
  for (let i = 0; i < list.length; i += 2) if (list[i] === "content-type") return list;
  list.push("content-type", type);
  return list;
}

function checkStatusText(text) {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) throw new TypeError("Invalid statusText");
}

/** An HTTP response. */
export class Response {
  #source = null;
  /** Who made the source. */
  #maker = 0;
  #status = 200;
  /** undefined, a content type that is all there is, the flat list of headers, or a Headers object. */
  #headers;
  #rare;

  constructor(body, init) {
    if (init === undefined && typeof body === "string") {
      this.#source = body.toWellFormed();
      this.#maker = ownerOfNew();
      this.#headers = TEXT_TYPE;
      return;
    }
    if (init !== undefined && init !== null) {
      if (init === BARE) return;
      if (!isObject(init)) badConstruction("Response", 2, "InitializerDict or Response");
      if (isResponse(init)) imitate(this, init);
      else apply(this, init);
    }
    if (body === null || body === undefined) return;
    const source = extract(body);
    if (init !== undefined && hasNullBody(this.#status)) {
      const empty = typeof source === "string" ? source === "" : source.byteLength === 0;
      if (!empty) throw new TypeError(NULL_BODY);
      return;
    }
    this.#source = source;
    this.#maker = makerOfBody(source);
    if (extractedType !== null) {
      if (this.#headers === undefined) this.#headers = extractedType;
      else withType(this.#headers, extractedType);
    }
  }

  static {
    listOf = (self) => {
      const headers = self.#headers;
      if (headers === undefined) return (self.#headers = []);
      if (typeof headers === "string") return (self.#headers = ["content-type", headers]);
      return Array.isArray(headers) ? headers : rawList(headers);
    };
    apply = (self, init) => {
      const { status, statusText, headers, cf, webSocket, encodeBody } = init;
      if (status !== undefined) self.#status = toInt(status);
      if (statusText !== undefined) (self.#rare ??= rareOf()).statusText = nativeText(statusText);
      if (encodeBody !== undefined) {
        const text = usv(encodeBody);
        if (text !== "manual" && text !== "automatic") throw new TypeError(`encodeBody: unexpected value: ${text}`);
        (self.#rare ??= rareOf()).encodeBody = text;
      }
      if (headers !== undefined) {
        const list = listFrom(headers);
        if (list === undefined) badField("headers", DICTIONARY, HEADERS_INIT_TYPE);
        self.#headers = list;
      }
      if (cf !== undefined) {
        if (!isObject(cf)) badField("cf", DICTIONARY, "Object");
        (self.#rare ??= rareOf()).cf = cloneCf(cf);
      }
      if (webSocket !== undefined && webSocket !== null) {
        if (!isWebSocket(webSocket)) badField("webSocket", DICTIONARY, "WebSocket");
        (self.#rare ??= rareOf()).webSocket = webSocket;
        if (self.#status !== 101) throw new RangeError("Responses with a WebSocket must have status code 101.");
      } else if (self.#status < 200 || self.#status > 599) {
        throw new RangeError(
          "Responses may only be constructed with status codes in the range 200 to 599, inclusive.",
        );
      }
      if (statusText !== undefined) checkStatusText(self.#rare.statusText);
    };
    imitate = (self, response) => {
      self.#status = response.#status;
      self.#headers = listOf(response).slice();
      const rare = response.#rare;
      if (rare !== undefined) {
        const { statusText, webSocket, encodeBody } = rare;
        self.#rare = { ...rareOf(), statusText, webSocket, encodeBody, cf: cloneCf(rare.cf) };
      }
      if (self.#status === 0) {
        throw new RangeError(
          "Responses may only be constructed with status codes in the range 200 to 599, inclusive.",
        );
      }
    };
    isResponse = (value) => isObject(value) && #status in value;
    makeResponse = (status, headers, immutable, body, rare) => {
      const response = new Response(null, BARE);
      response.#status = status;
      response.#headers = immutable ? makeHeaders(headers, true) : headers;
      response.#rare = rare;
      response.#source = body;
      if (body !== null) response.#maker = ownerOfNew();
      return response;
    };
    take = (response) => {
      if (!isResponse(response)) return undefined;
      const headers = response.#headers;
      const list =
        typeof headers === "string" ? ["content-type", headers] : headers === undefined ? [] : listOf(response);
      let body = response.#source;
      if (typeof body === "string") {
        requireOwn(response.#maker, SOURCE);
        response.#source = TAKEN;
      } else if (body !== null) body = takeBody(response);
      const rare = response.#rare;
      return rare === undefined
        ? [response.#status, undefined, list, body, null]
        : [response.#status, rare.statusText, list, body, rare.webSocket, rare.encodeBody === "manual"];
    };
    describe = (response) => ({
      status: response.#status,
      headers: listOf(response).slice(),
      ...(response.#rare ?? rareOf()),
      body: takeBody(response),
    });
    inherit(Response, {
      owns: isResponse,
      get: (response) => response.#source,
      set: (response, source) => {
        response.#source = source;
      },
      type: (response) => lookUp(listOf(response), "content-type"),
      maker: (response) => response.#maker,
    });
  }

  static error() {
    return makeResponse(0, [], true, null, { ...rareOf(), type: "error" });
  }

  static redirect(url, status = 302) {
    if (arguments.length === 0) badArgument("redirect", "Response", 1, "string");
    const code = toInt(status);
    if (!REDIRECTS.has(code)) {
      throw new RangeError(
        `${code} is not a redirect status code. It must be one of: 301, 302, 303, 307, or 308.`,
      );
    }
    const text = usv(url);
    const href = host.urlParse(text);
    if (href === undefined) throw new TypeError(`Unable to parse URL: ${text}`);
    ownerOfNew();
    return makeResponse(code, ["location", href], true, null, undefined);
  }

  static json(data, init) {
    if (arguments.length === 0) badArgument("json", "Response", 1, "Value");
    const text = `${JSON.stringify(data)}`;
    const response = new Response(null, init);
    if (hasNullBody(response.#status)) throw new TypeError(NULL_BODY);
    withType(listOf(response), "application/json");
    response.#source = text;
    response.#maker = ownerOfNew();
    return response;
  }

  clone() {
    if (this === undefined || !(#status in this)) illegal();
    const rare = this.#rare;
    if (rare !== undefined && rare.webSocket !== null) {
      throw new TypeError("Cannot clone a response to a WebSocket handshake.");
    }
    const list = listOf(this).slice();
    const immutable = !Array.isArray(this.#headers) && isImmutable(this.#headers);
    const copy = rare === undefined ? undefined : { ...rare, cf: cloneCf(rare.cf) };
    return makeResponse(this.#status, list, immutable, forkBody(this), copy);
  }

  get status() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#status;
  }

  get statusText() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.statusText ?? "";
  }

  get headers() {
    if (this === undefined || !(#status in this)) illegal();
    const headers = this.#headers;
    if (typeof headers === "object" && !Array.isArray(headers)) return headers;
    return (this.#headers = makeHeaders(listOf(this), false));
  }

  get ok() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#status >= 200 && this.#status < 300;
  }

  get redirected() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.redirected ?? false;
  }

  get url() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.url ?? "";
  }

  get webSocket() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.webSocket ?? null;
  }

  get cf() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.cf;
  }

  get type() {
    if (this === undefined || !(#status in this)) illegal();
    return this.#rare?.type ?? "default";
  }
}
publish(Response);

/** `[status, statusText, flat headers, body, webSocket, packed already]` of a response; the body is taken away. */
export { describe, isResponse, makeResponse, rareOf, take };
