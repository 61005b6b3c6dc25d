// What user code imports from "cloudflare:durable-objects".
//
// Fidelity: exports, results and texts observed with workerd 1.20261117.1.

import { mark } from "dodev:workers/durable_objects/marks";
import { onHibernate as handlerKey } from "dodev:workers/farewell";

/** Marks methods that may be called again although an earlier attempt may have reached the object. */
export function retryable(...methods) {
  for (const method of methods) {
    if (typeof method !== "function") throw new TypeError("retryable() accepts only functions.");
  }
  for (const method of methods) mark(method);
}

/** Key of a handler that is behind an experimental flag; `undefined` without it. */
export const onHibernate = handlerKey();
