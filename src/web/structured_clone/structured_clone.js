// structuredClone: checks its arguments; copying is the host's work.
import host from "dodev:host";
import { isSignal } from "dodev:web/abort";
import { Blob, bytesOfBlob } from "dodev:web/blob";
import { DOMException } from "dodev:web/dom_exception";
import { isResponse } from "dodev:web/fetch/response";
import { platformClass, wrongArgument } from "dodev:web/interface";
import { isReadableStream } from "dodev:web/streams";
import { isLinear } from "dodev:web/wasm/guard";

const { apply } = Reflect;
const { toString } = Object.prototype;
const WASM_KINDS = /^\[object WebAssembly\.(Global|Instance|Memory|Module|Table)\]$/;

const OWNER = "ServiceWorkerGlobalScope";

// Numbers of the platform's types in its serialization.
const DOM_EXCEPTION = 8;
const BLOB = 15;
const CLONED_THERE = new Set(["File", "Headers", "Request"]);

/** Fidelity: a compiled module is taken apart but not put together again; what is made of one is not cloned at all. */
function refusalOf(shown) {
  const kind = WASM_KINDS.exec(shown)?.[1];
  if (kind === "Module") throw new Error("Unable to deserialize cloned data.");
  return kind === undefined ? undefined : `#<${kind}> could not be cloned.`;
}

/**
 * What is written for `object`, which has a class: the number of its type and its parts, texts and buffers. A text alone
 * says why it is not cloned; undefined is the answer for classes that are not the platform's.
 *
 * Deviation: the platform clones Headers and Request into storage.
 */
host.entry("disassemble", (object) => {
  const type = platformClass(object);
  if (type === undefined) return refusalOf(`${apply(toString, object, [])}`);
  if (type === "DOMException") return [DOM_EXCEPTION, object.name, object.message, `${object.stack}`];
  if (type === "Blob") return [BLOB, object.type, bytesOfBlob(object)];
  if (isSignal(object)) return "AbortSignal serialization is not enabled.";
  if (isReadableStream(object) || (isResponse(object) && object.body)) {
    return "ReadableStream can only be serialized for RPC.";
  }
  const ours = CLONED_THERE.has(type) ? " (dodev clones it only for RPC)" : "";
  return `Could not serialize object of type "${type}". This type does not support serialization.${ours}`;
});

/** The object of the type `type` with these parts; undefined for a type that is not known here. */
host.entry("assemble", (type, ...parts) => {
  switch (type) {
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

export function structuredClone(value, options) {
  if (arguments.length === 0) throw wrongArgument(OWNER, "structuredClone", 1, "Value");
  if (options === undefined || options === null) return host.structuredClone(value);
  if (typeof options !== "object") throw wrongArgument(OWNER, "structuredClone", 2, "StructuredCloneOptions");
  const { transfer } = options;
  if (transfer === undefined) return host.structuredClone(value);
  const buffers = new Set(transfer);
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("Object is not transferable");
    if (isLinear(buffer)) throw new DOMException("Object is not transferable.", "DataCloneError");
  }
  const copy = host.structuredClone(value);
  // What was transferred is gone here; the copy holds its bytes.
  for (const buffer of buffers) buffer.transfer();
  return copy;
}
