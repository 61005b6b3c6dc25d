// The signal of a request that came from outside: aborted when its client goes away before it has the whole answer.
//
// Fidelity: workerd's `src/workerd/api/http.c++` and its tests `request-signal-*`: only with the flag `enable_request_signal`
// (from 2026-11-17), with these words; and what such a request is sent on to does not hear of it without
// `request_signal_passthrough`.
import host from "dodev:host";
import { abortSignal, makeSignal } from "dodev:web/abort";
import { Cloudflare } from "dodev:web/cloudflare";
import { DOMException } from "dodev:web/dom_exception";

const ofClients = new WeakSet();

/** The signal of the request with this handle of the host's. */
export function clientSignal(handle) {
  const signal = makeSignal();
  if (Cloudflare.compatibilityFlags.enable_request_signal === true) {
    ofClients.add(signal);
    watch(signal, handle);
  }
  return signal;
}

function watch(signal, handle) {
  const gone = host.clientGone(handle);
  if (gone === true) abortSignal(signal, new DOMException("The client has disconnected", "AbortError"));
  // It is known when the promise is fulfilled, with nothing.
  else if (gone instanceof Promise) gone.then(() => watch(signal, handle));
}

/** Whether what is sent on hears of `signal`; without one, whether it would hear of a client's. */
export function isPassedOn(signal) {
  if (signal !== undefined && !ofClients.has(signal)) return true;
  return Cloudflare.compatibilityFlags.request_signal_passthrough === true;
}
