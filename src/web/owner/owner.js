// What belongs to one request or object is refused to others.
//
// Fidelity: workerd's `io/io-own.h`; which objects it checks, and the names of their types, was observed with wrangler
// 4.164.0 (`fixtures/other-requests`).
import host from "dodev:host";

/** The name of the platform's type behind readable streams and bodies. */
export const SOURCE = "ReadableStreamSource>";
/** The same for writable streams and for ends of WebSockets. */
export const SINK = "Writable";
export const SOCKET = "Native";

const running = new Float64Array(host.owner);

/** Who owns what is made now: a number, 0 outside any event. */
export function owner() {
  return running[0];
}

/**
 * The same for what belongs to a request or object. Throws the platform's error while a Worker's modules are evaluated; called
 * for nothing but that where something is done that needs a request.
 */
export function ownerOfNew() {
  const own = running[0];
  if (own === 0) host.requireEvent();
  return own;
}

/** Throws unless what `maker` made may be used now; `kind` is the platform's name of its type. */
export function requireOwn(maker, kind) {
  if (maker !== 0 && maker !== running[0]) host.refuseForeign(kind);
}
