// HTTP messages on their way between JavaScript and the host.
import host from "dodev:host";
import {
  Request,
  cfText,
  incomingRequest,
  pumpToHost,
  reviveResponse,
  takeRequest,
  takeResponse as take,
} from "dodev:web/fetch";
import { follow, isDefaultReason, isSignal } from "dodev:web/abort";
import { breakStream, moveStream, streamFromPipe } from "dodev:web/streams";
import { expectedLength } from "dodev:web/streams/readable";
import { LOST, retryable } from "dodev:web/webidl";
import { returnSocket, socketOf } from "dodev:web/web_socket";
import { endingOf } from "dodev:workers/entry/answered";

export const receiveRequest = incomingRequest;

/** A body as the host takes it: a stream becomes a pipe, which `pump` fills while the host reads it. */
function toHost(body, pump) {
  if (typeof body !== "object" || body === null || !(body instanceof ReadableStream)) return body;
  const length = expectedLength(body);
  const [writer, reader] = length === undefined ? host.newPipe() : host.sizedPipe(length);
  host.waitUntil(pump(body, writer));
  return reader;
}

const lost = () => retryable(LOST);

// Fidelity: observed with wrangler 4.164.0: the request of a body that fails ends as if it were whole; who sent it is told.
const pumpRequest = (body, pipe) => pumpToHost(body, pipe, lost, true);

/** What the host needs of a response: [status, statusText, headers, body, webSocket, packed]. */
export function takeResponse(response) {
  const parts = take(response);
  if (parts === undefined) {
    throw new TypeError("Incorrect type for Promise: the Promise did not resolve to 'Response'.");
  }
  if (parts[0] === 0) {
    throw new TypeError("Return value from serve handler must not be an error response (like Response.error())");
  }
  const whenLeft = endingOf(response);
  const body = parts[3];
  parts[3] = toHost(body, (stream, pipe) => {
    // What the stream does when it is asked comes after the answer, which waits for commits.
    const pumped = pumpToHost(stream, pipe, undefined, false, host.whenCommitted());
    return whenLeft === undefined ? pumped : pumped.finally(whenLeft);
  });
  if (parts[4] !== null) parts[4] = returnSocket(parts[4]);
  // One that only passes through leaves at a time of its own.
  else if (whenLeft !== undefined && body === parts[3] && typeof body !== "number") whenLeft();
  return parts;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const UPGRADE = "upgrade";

/** Where a response of this status and with these fields sends its client, if it does. */
function locationOf(status, headers) {
  if (!REDIRECTS.has(status)) return undefined;
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === "location") return headers[i + 1];
  return undefined;
}

/** Whether a request with these fields asks for a WebSocket, which they say in one way from now on. */
function asksForSocket(headers) {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i].length !== UPGRADE.length || headers[i].toLowerCase() !== UPGRADE) continue;
    if (headers[i + 1].toLowerCase() !== "websocket") return false;
    headers[i + 1] = "websocket";
    return true;
  }
  return false;
}

/** Leaves `body` unread. */
function leave(body) {
  if (typeof body === "number") host.bodyCancel(body);
  else if (body instanceof ReadableStream) moveStream(body);
}

/**
 * What a fetch rejects with that was aborted for `reason`.
 *
 * Deviation: the platform marks its own reasons as `retryable`.
 */
function reasonOfAbort(reason) {
  return isDefaultReason(reason) ? reason : host.retold(reason);
}

/** What `answer` gives, or the reason of `signal` as soon as it is aborted. */
function unlessAborted(signal, answer) {
  const { promise: aborted, reject } = Promise.withResolvers();
  const unfollow = follow(signal, (reason) => reject(reasonOfAbort(reason)));
  aborted.catch(() => {});
  return Promise.race([answer, aborted]).finally(unfollow);
}

let redirects;
let outbound;

/** The request that `fetch(input, init)` makes. */
function requestOf(input, init) {
  if (init !== undefined || !(input instanceof Request)) return new Request(input, init);
  if (input.bodyUsed) throw new TypeError("Cannot reconstruct a Request with a used body.");
  return input;
}

/** `url` without its fragment, which is nobody's business but the caller's. */
function withoutFragment(url) {
  const end = url.indexOf("#");
  return end === -1 ? url : url.slice(0, end);
}

/** `url` as who answers sees it: without a user's name. */
function withoutUser(url) {
  return url.includes("@") ? url.replace(/^(https?:\/\/)[^/?]*@/, "$1") : url;
}

/**
 * Hands a request to `send` (method, URL, headers, body, `cf` as JSON if there is one) and gives the response that it
 * promises, after redirects if the request follows them.
 *
 * Fidelity: observed with wrangler 4.164.0: what is left out of URLs, other protocols than HTTP's, and a response to `HEAD` without a body.
 */
export async function sendRequest(send, input, init) {
  const request = requestOf(input, init);
  const about = cfText(request);
  const described = takeRequest(request);
  described.body ??= null;
  // Whatever its method: it is a GET without a body.
  const forSocket = asksForSocket(described.headers);
  if (forSocket) {
    leave(described.body);
    described.body = null;
  }
  const watched = isSignal(described.signal) ? described.signal : undefined;
  for (let count = 0; ; count++) {
    watched?.throwIfAborted();
    const { method, headers, body } = described;
    if (!described.url.startsWith("http:") && !described.url.startsWith("https:")) {
      outbound ??= host.lazy("dodev:web/fetch/outbound");
      return outbound.withoutServer(method, described.url);
    }
    const url = withoutFragment(described.url);
    const sent = send(forSocket ? "GET" : method, withoutUser(url), headers, toHost(body, pumpRequest), about);
    const answer = await (watched === undefined ? sent : unlessAborted(watched, sent));
    const location = described.redirect === "follow" ? locationOf(answer[0], answer[2]) : undefined;
    if (location === undefined) {
      const webSocket = answer[4] === undefined ? null : socketOf(answer[4]);
      const [status, statusText, fields, content] = answer;
      const redirected = count > 0;
      const isBare = method === "HEAD";
      if (isBare && typeof content === "number") host.bodyCancel(content);
      let source = isBare ? null : content;
      if (watched !== undefined && typeof source === "number") {
        const unfollow = follow(watched, (reason) => {
          host.bodyCancel(content);
          breakStream(source, reasonOfAbort(reason));
        });
        source = streamFromPipe(content, undefined, undefined, unfollow);
      }
      const description = { status, statusText, headers: fields, body: source, webSocket, url, redirected };
      return reviveResponse(description, true);
    }
    if (typeof answer[3] === "number") host.bodyCancel(answer[3]);
    redirects ??= host.lazy("dodev:web/fetch/redirect");
    Object.assign(described, redirects.redirected(described, answer[0], location, count));
  }
}
