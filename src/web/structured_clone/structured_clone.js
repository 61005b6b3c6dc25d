// structuredClone: checks its arguments; copying is the host's work.
import host from "dodev:host";
import { isSignal } from "dodev:web/abort";
import { isResponse } from "dodev:web/fetch/response";
import { platformClass, wrongArgument } from "dodev:web/interface";
import { isReadableStream } from "dodev:web/streams";

const OWNER = "ServiceWorkerGlobalScope";

const CLONED_THERE = new Set(["Blob", "Headers", "Request"]);

/**
 * Why `object`, which has a class, is not cloned; undefined if its class is not the platform's.
 *
 * Deviation: the platform clones Blob, Headers and Request into storage.
 */
host.entry("uncloneable", (object) => {
  const type = platformClass(object);
  // An exception is an error like others: whether it is cloned depends on their form.
  if (type === undefined || type === "DOMException") return undefined;
  if (isSignal(object)) return "AbortSignal serialization is not enabled.";
  if (isReadableStream(object) || (isResponse(object) && object.body)) {
    return "ReadableStream can only be serialized for RPC.";
  }
  const ours = CLONED_THERE.has(type) ? " (dodev clones it only for RPC)" : "";
  return `Could not serialize object of type "${type}". This type does not support serialization.${ours}`;
});

export function structuredClone(value, options) {
  if (arguments.length === 0) throw wrongArgument(OWNER, "structuredClone", 1, "Value");
  if (options === undefined || options === null) return host.structuredClone(value);
  if (typeof options !== "object") throw wrongArgument(OWNER, "structuredClone", 2, "StructuredCloneOptions");
  const { transfer } = options;
  if (transfer === undefined) return host.structuredClone(value);
  const buffers = [...transfer];
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("Object is not transferable");
  }
  const copy = host.structuredClone(value);
  // What was transferred is gone here; the copy holds its bytes.
  for (const buffer of buffers) buffer.transfer();
  return copy;
}
