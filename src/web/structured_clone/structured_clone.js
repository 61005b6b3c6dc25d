// structuredClone: checks its arguments; copying is the host's work.
import host from "dodev:host";
import { isSignal } from "dodev:web/abort";
import { Blob, bytesOfBlob } from "dodev:web/blob";
import { DOMException } from "dodev:web/dom_exception";
import { Request, describe as describeRequest, isRequest } from "dodev:web/fetch/request";
import { Response, describe as describeResponse, isResponse } from "dodev:web/fetch/response";
import { isHeaders, isImmutable, makeHeaders, rawList } from "dodev:web/headers";
import { platformClass, shownUncloned, wrongArgument } from "dodev:web/interface";
import { isReadableStream } from "dodev:web/streams";
import { isLinear } from "dodev:web/wasm/guard";

const OWNER = "ServiceWorkerGlobalScope";

// Numbers of the platform's types in its serialization.
const HEADERS = 4;
const REQUEST = 5;
const RESPONSE = 6;
const DOM_EXCEPTION = 8;
const BLOB = 15;

// Whether headers may be changed.
const IMMUTABLE = 0;
const FREE = 3;

/** The platform's classes with words of their own. */
const REFUSALS = {
  KvNamespace: "A KV namespace binding cannot be serialized.",
  RpcTarget: "Remote RPC references can only be serialized for RPC.",
  WritableStream: "WritableStream can only be serialized for RPC.",
};

/**
 * Why an instance of a class that is the engine's on the platform is not cloned; undefined for all others.
 *
 * Fidelity: a compiled module is taken apart but not put together again.
 */
export function refusalOfEngine(object) {
  const tag = object[Symbol.toStringTag];
  const shown = shownUncloned(object);
  if (shown !== undefined) return `${shown} could not be cloned.`;
  if (tag === "WebAssembly.Module") throw new Error("Unable to deserialize cloned data.");
  if (typeof tag !== "string" || !/^(Intl|WebAssembly)\./.test(tag)) return undefined;
  const name = tag === "Intl.Locale" ? `[object ${tag}]` : `#<${tag.slice(tag.indexOf(".") + 1)}>`;
  return `${name} could not be cloned.`;
}

/** The dictionary that would make this request; its names and their order are the platform's. */
function initOfRequest(request) {
  const { redirect, cache, signal, encodeResponseBody } = describeRequest(request);
  return {
    method: request.method === "GET" ? undefined : request.method,
    headers: request.headers,
    body: null,
    redirect: redirect === "manual" ? redirect : undefined,
    fetcher: undefined,
    cf: request.cf,
    cache,
    integrity: undefined,
    signal,
    encodeResponseBody: encodeResponseBody === "manual" ? encodeResponseBody : undefined,
  };
}

function initOfResponse(response) {
  const { status, statusText, cf, webSocket, encodeBody } = describeResponse(response);
  return {
    status: status === 200 ? undefined : status,
    statusText: statusText || undefined,
    headers: response.headers,
    cf,
    webSocket: webSocket ?? undefined,
    encodeBody: encodeBody === "manual" ? encodeBody : undefined,
  };
}

/**
 * What is written for `object`, which has a class: the number of its type and its parts: numbers, texts, buffers, and values
 * as arrays of one; of headers, whether they may be changed and the flat list. A text alone says why it is not cloned; undefined is the answer for classes that are not the
 * platform's.
 *
 * Deviation: names of header fields are in lower case.
 */
host.entry("disassemble", (object) => {
  const type = platformClass(object);
  if (type === undefined) return refusalOfEngine(object);
  if (type === "DOMException") return [DOM_EXCEPTION, object.name, object.message, `${object.stack}`];
  if (type === "Blob") return [BLOB, object.type, bytesOfBlob(object)];
  if (isHeaders(object)) return [HEADERS, isImmutable(object) ? IMMUTABLE : FREE, ...rawList(object)];
  if (isSignal(object)) return "AbortSignal serialization is not enabled.";
  const request = isRequest(object);
  if (isReadableStream(object) || ((request || isResponse(object)) && object.body)) {
    return "ReadableStream can only be serialized for RPC.";
  }
  if (request) return [REQUEST, object.url, [initOfRequest(object)]];
  if (isResponse(object)) return [RESPONSE, [null], [initOfResponse(object)]];
  return REFUSALS[type] ?? notSerializable(object.constructor.name);
});

function notSerializable(type) {
  return `Could not serialize object of type "${type}". This type does not support serialization.`;
}

let refusalOfReference = () => undefined;

/** `refuse` says why a function, or a Proxy with its handler, is not cloned, or stored; undefined where it has no words of its own. */
export function refusesReferences(refuse) {
  refusalOfReference = refuse;
}

host.entry("refusal", (...refused) => refusalOfReference(...refused));

/** The object of the type `type` with these parts; undefined for a type that is not known here. */
host.entry("assemble", (type, ...parts) => {
  switch (type) {
    case HEADERS:
      return makeHeaders(parts.slice(1), parts[0] === IMMUTABLE);
    case REQUEST:
      return new Request(parts[0], parts[1]);
    case RESPONSE:
      return parts[1]?.status === 0 ? Response.error() : new Response(parts[0], parts[1]);
    case DOM_EXCEPTION: {
      const [name, message, stack] = parts;
      const exception = new DOMException(message, name);
      Object.defineProperty(exception, "stack", { value: stack, writable: true, configurable: true });
      return exception;
    }
    case BLOB:
      return new Blob([parts[1]], { type: parts[0] });
  }
});

/** A deep copy, with errors as the compatibility date asks for. */
export function copyOf(value) {
  return host.structuredClone(value, Cloudflare.compatibilityFlags.enhanced_error_serialization !== false);
}

export function structuredClone(value, options) {
  if (arguments.length === 0) throw wrongArgument(OWNER, "structuredClone", 1, "Value");
  if (options === undefined || options === null) return copyOf(value);
  if (typeof options !== "object") throw wrongArgument(OWNER, "structuredClone", 2, "StructuredCloneOptions");
  const { transfer } = options;
  if (transfer === undefined) return copyOf(value);
  const buffers = new Set(transfer);
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("Object is not transferable");
    if (isLinear(buffer)) throw new DOMException("Object is not transferable.", "DataCloneError");
  }
  const copy = copyOf(value);
  // What was transferred is gone here; the copy holds its bytes.
  for (const buffer of buffers) buffer.transfer();
  return copy;
}
