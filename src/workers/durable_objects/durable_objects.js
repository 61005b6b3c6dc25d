// What user code imports from "cloudflare:durable-objects".
//
// Fidelity: exports, results and texts observed with workerd 1.20261117.1.

/**
 * Marks methods that may be called again although an earlier attempt may have reached the object. Calls that are lost
 * here never reached it, so they are made again whether or not their method is marked.
 */
export function retryable(...methods) {
  for (const method of methods) {
    if (typeof method !== "function") throw new TypeError("retryable() accepts only functions.");
  }
}

/** Key of a handler that is behind an experimental flag. */
export const onHibernate = undefined;
