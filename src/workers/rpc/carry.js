// What RPC carries beside data: each kind is taken apart into data, or into what the host carries.
import host from "dodev:host";
import { AbortSignal, abortSignal, follow, isSignal, makeSignal } from "dodev:web/abort";
import { Blob, File, bytesOfBlob, isBlob } from "dodev:web/blob";
import { Cloudflare } from "dodev:web/cloudflare";
import { DOMException } from "dodev:web/dom_exception";
import {
  describeHeaders,
  describeRequest,
  describeResponse,
  isHeaders,
  reviveHeaders,
  reviveRequest,
  reviveResponse,
} from "dodev:web/fetch";
import { platformClass } from "dodev:web/interface";
import { isRequest } from "dodev:web/fetch/request";
import { isResponse } from "dodev:web/fetch/response";
import { isReadableStream, readAllBytes, takeOrigin, whenGone } from "dodev:web/streams";
import { isWritableLocked, isWritableStream } from "dodev:web/streams/writable";
import { isLocked } from "dodev:web/streams/readable";
import { refusalOfEngine, refusesReferences } from "dodev:web/structured_clone";
import { Reference, RpcTarget, importOf, isPlain, makeStub } from "dodev:workers/rpc/references";
import { pipeOfReadable, receivedReadable, receivedWritable, sinkOf } from "dodev:workers/rpc/streams";

/** Kinds of what is carried; the first four are the host's business too (`carrier.rs`). */
const EXPORT = 0;
const STUB = 1;
const READER = 2;
const WRITER = 3;
const OBJECT = 4;
const SERVICE = 5;
const REQUEST = 6;
const RESPONSE = 7;
const HEADERS = 8;
const SIGNAL = 9;
const BLOB = 10;
const CLASS = 11;
const DOM_EXCEPTION = 12;

/** What classes of stubs, which this module does not know, say about themselves; by kind how to make them again. */
const revivers = [];

/** Registers the kind of stubs numbered `kind`: `revive` makes one of what its `describe` method gave. */
export function carries(kind, revive) {
  revivers[kind] = revive;
}
export { CLASS, OBJECT, SERVICE };

/** What tells a class of objects from other values, and says what it is. */
let describeClass;
/** What tells the entries of `ctx.exports` that are classes from other functions, and gives their type's name. */
let loopbackType;

/** Sets both. */
export function carriesClasses(describe, typeOfLoopback) {
  describeClass = describe;
  loopbackType = typeOfLoopback;
}

/** Whether props are looked at: what lives only as long as a session is refused. */
let inProps = false;

/** Throws if `props` hold what cannot be kept: only data and stubs of objects and services can. */
export function checkProps(props) {
  inProps = true;
  try {
    host.checkCarried(props);
  } finally {
    inProps = false;
  }
}

/** Fidelity: texts observed with workerd 1.20261117.1. */
function checkProp(object, handler) {
  if (handler instanceof Reference) {
    if (handler.loopback !== undefined) throw notSerializable(handler.loopback);
    if (importOf(handler) !== undefined) throw cloneError("Remote RPC references can only be serialized for RPC.");
  } else if (object instanceof RpcTarget) {
    throw cloneError("Remote RPC references can only be serialized for RPC.");
  } else if (typeof object === "function" && loopbackType(object) === undefined) {
    throw cloneError(`${object} could not be cloned.`);
  }
}

/** The pipe of a body that nobody has touched: it goes on as it is. */
class Pipe {
  constructor(id) {
    this.id = id;
  }
}

function notSerializable(type) {
  return cloneError(`Could not serialize object of type "${type}". This type does not support serialization.`);
}

function cloneError(message) {
  return new DOMException(message, "DataCloneError");
}

function notCloned(what) {
  return `${what} could not be cloned.`;
}

// Fidelity: observed with wrangler 4.164.0.
refusesReferences((object, handler, stored) => {
  let type = typeof object === "function" ? loopbackType(object) : undefined;
  if (handler instanceof Reference) {
    if (stored && handler.refusal !== undefined) return handler.refusal;
    if (importOf(handler) !== undefined) {
      return stored ? "RpcStub cannot be serialized in this context." : notCloned("#<RpcStub>");
    }
    type = handler.typeName ?? handler.loopback;
    if (type === undefined) return "ServiceStub cannot be serialized in this context.";
  }
  if (type === undefined) return undefined;
  return stored ? notSerializable(type).message : notCloned(`#<${type}>`);
});

/** What callers may reach of `object`: of targets what their class has, of others what they have themselves. */
function reach(object) {
  if (object instanceof RpcTarget) return "class";
  return typeof object === "function" || isPlain(object) ? "itself" : undefined;
}

/** Throws unless `copy`, which `dup()` of `object` gave, can take its place. */
function checkDuplicate(copy, object, handler) {
  if (handler !== undefined) {
    if (reach(copy) === reach(object)) return;
    throw cloneError(
      "Couldn't create a stub for the Proxy because it has a dup() method which did not return the same underlying type " +
        "(RpcTarget or Function) as the Proxy itself represents. Either remove the dup() method or make sure it returns an RpcTarget.",
    );
  }
  if (typeof object === "function") {
    if (typeof copy === "function") return;
    throw cloneError(
      "Couldn't create a stub for the function because it has a dup() method which did not return another function. " +
        "Either remove the dup() method or make sure it returns a function.",
    );
  }
  if (copy instanceof RpcTarget) return;
  throw cloneError(
    "Couldn't create a stub for the RcpTarget because it has a dup() method which did not return another RpcTarget. " +
      "Either remove the dup() method or make sure it returns an RpcTarget.",
  );
}

/** What travels for `object`, whose calls are answered here: of an argument what its method `dup()` gives, for the caller goes on with its own. */
function describeExport(object, handler, isResult) {
  if (isResult || Cloudflare.compatibilityFlags.rpc_params_dup_stubs !== true) return [EXPORT, object];
  const { dup } = object;
  if (typeof dup !== "function") return [EXPORT, object];
  const copy = Reflect.apply(dup, object, []);
  checkDuplicate(copy, object, handler);
  return [EXPORT, copy];
}

/** A Proxy of the program's own: what it stands for stays here. */
function describeProxy(object, handler, isResult) {
  if (isPlain(object)) return describeExport(object, handler, isResult);
  throw cloneError(
    "Proxy could not be serialized because it is not a valid RPC receiver type. The Proxy must emulate either a " +
      "plain object or an RpcTarget, as indicated by the Proxy's prototype chain.",
  );
}

const LOCKED = "The ReadableStream has been locked to a reader.";

/** Fidelity: observed with wrangler 4.164.0: a body that was read is a stream that its reader has. */
function requireFresh(message) {
  if (message.bodyUsed) throw new TypeError(LOCKED);
}

function describeReadable(stream) {
  if (isLocked(stream)) throw new TypeError(LOCKED);
  const origin = takeOrigin(stream);
  return [READER, typeof origin === "number" ? origin : pipeOfReadable(stream, origin)];
}

function describeWritable(stream) {
  if (platformClass(stream) === "DigestStream") throw notSerializable("DigestStream");
  if (isWritableLocked(stream)) throw new TypeError("This WritableStream is currently locked to a writer.");
  return [WRITER, sinkOf(stream)];
}

function withCarriedBody(description) {
  const { body } = description;
  if (typeof body === "number") description.body = new Pipe(body);
  return description;
}

/** Throws unless the Worker has switched on that signals are carried. */
function requireSignals() {
  if (Cloudflare.compatibilityFlags.enable_abortsignal_rpc !== true) {
    throw cloneError("AbortSignal serialization is not enabled.");
  }
}

function describeSignal(signal, isResult) {
  requireSignals();
  if (signal.aborted) return [SIGNAL, { aborted: true, reason: signal.reason }];
  // The reason travels through a pipe when there is one; a signal that is never aborted leaves it open.
  const [writer, reader] = host.newPipe();
  if (isResult) {
    // Whoever got it as a result may see it aborted after that, as long as it holds it.
    const { promise, resolve } = Promise.withResolvers();
    follow(signal, () => resolve());
    whenGone(writer, async () => resolve(), true);
    host.waitUntil(promise);
  }
  follow(signal, (reason) => {
    host.bodyWrite(writer, host.cloneToBytes(reason));
    host.bodyEnd(writer);
  });
  return [SIGNAL, { aborted: false, trigger: new Pipe(reader) }];
}

function reviveSignal({ aborted, reason, trigger }) {
  if (aborted) return AbortSignal.abort(reason);
  const signal = makeSignal();
  readAllBytes(trigger).then(
    (bytes) => abortSignal(signal, host.cloneFromBytes(bytes)),
    // The sender is gone: nobody can abort it any more.
    () => {},
  );
  return signal;
}

/**
 * What the host writes for an object that is no data: `[kind, value]`, or undefined for what is not carried.
 * `handler` is its handler if it is a Proxy, `isResult` whether a call returns it.
 */
host.entry("describe", (object, handler, isResult) => {
  if (inProps) checkProp(object, handler);
  if (handler instanceof Reference) {
    const stub = importOf(handler);
    if (stub === undefined) {
      const type = handler.typeName ?? handler.loopback;
      if (type !== undefined) throw notSerializable(type);
      return handler.describe?.();
    }
    return [STUB, [stub, Cloudflare.compatibilityFlags.rpc_params_dup_stubs !== true]];
  }
  if (typeof object === "function" || object instanceof RpcTarget) {
    const owner = loopbackType(object);
    if (owner !== undefined) throw notSerializable(owner);
    return describeExport(object, handler, isResult);
  }
  if (handler !== undefined) return describeProxy(object, handler, isResult);
  if (object instanceof Pipe) return [READER, object.id];
  if (isReadableStream(object)) return describeReadable(object);
  if (isWritableStream(object)) return describeWritable(object);
  if (isResponse(object)) {
    requireFresh(object);
    const description = withCarriedBody(describeResponse(object));
    if (description.webSocket) throw notSerializable("WebSocket");
    return [RESPONSE, description];
  }
  if (isRequest(object)) {
    requireFresh(object);
    const { fetcher, ...description } = describeRequest(object);
    if (isSignal(description.signal)) requireSignals();
    return [REQUEST, withCarriedBody(description)];
  }
  if (isHeaders(object)) return [HEADERS, describeHeaders(object)];
  if (isSignal(object)) return describeSignal(object, isResult);
  const described = describeClass(object);
  if (described !== undefined) return [CLASS, described];
  if (isBlob(object)) {
    if (object instanceof File) throw notSerializable("File");
    return [BLOB, { type: object.type, bytes: bytesOfBlob(object) }];
  }
  if (object instanceof DOMException) return [DOM_EXCEPTION, { name: object.name, message: object.message }];
  const refusal = refusalOfEngine(object);
  if (refusal !== undefined) throw cloneError(refusal);
  return undefined;
});

revivers[STUB] = makeStub;
revivers[EXPORT] = makeStub;
revivers[READER] = receivedReadable;
revivers[WRITER] = receivedWritable;
revivers[REQUEST] = reviveRequest;
revivers[RESPONSE] = reviveResponse;
revivers[HEADERS] = reviveHeaders;
revivers[SIGNAL] = reviveSignal;
revivers[DOM_EXCEPTION] = ({ name, message }) => new DOMException(message, name);
revivers[BLOB] = ({ type, bytes }) => new Blob([bytes], { type });

/** Makes again what `describe` took apart. */
host.entry("revive", (kind, value) => revivers[kind](value));
