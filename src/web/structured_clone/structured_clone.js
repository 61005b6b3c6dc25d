// structuredClone: checks its arguments; copying is the host's work.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { wrongArgument } from "dodev:web/interface";
import { isLinear } from "dodev:web/wasm/guard";

const OWNER = "ServiceWorkerGlobalScope";

export function structuredClone(value, options) {
  if (arguments.length === 0) throw wrongArgument(OWNER, "structuredClone", 1, "Value");
  if (options === undefined || options === null) return host.structuredClone(value);
  if (typeof options !== "object") throw wrongArgument(OWNER, "structuredClone", 2, "StructuredCloneOptions");
  const { transfer } = options;
  if (transfer === undefined) return host.structuredClone(value);
  const buffers = [...transfer];
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) throw new TypeError("Object is not transferable");
    if (isLinear(buffer)) throw new DOMException("Object is not transferable.", "DataCloneError");
  }
  const copy = host.structuredClone(value);
  // What was transferred is gone here; the copy holds its bytes.
  for (const buffer of buffers) buffer.transfer();
  return copy;
}
