// Requests that were answered: what is left of their bodies cannot be read any more.
//
// Fidelity: texts and cases observed with workerd 1.20261117.1. A body that is being read as a whole when the answer leaves is
// read to its end.
import { endBody, hasBody } from "dodev:web/fetch/request";
import { settled } from "dodev:workers/rpc/receive";

const SENT = "Can't read from request stream after response has been sent.";
const THREW = "Can't read from request stream after responding with an exception.";

/** The request that a response answers, where it has a body, and whether there was any. */
const requests = new WeakMap();
let any = false;

function note(request, response) {
  if (typeof response === "object" && response !== null) {
    requests.set(response, request);
    any = true;
  }
  return response;
}

function failed(request, error) {
  endBody(request, THREW);
  throw error;
}

/** What `call` gives, which handles `request`. */
export function answered(request, call) {
  if (!hasBody(request)) return call();
  let result;
  try {
    result = settled(call());
  } catch (error) {
    failed(request, error);
  }
  if (!(result instanceof Promise)) return note(request, result);
  return result.then((response) => note(request, response), (error) => failed(request, error));
}

/** What is to be called when `response` has left; undefined for most. */
export function endingOf(response) {
  const request = any ? requests.get(response) : undefined;
  return request && (() => endBody(request, SENT));
}
