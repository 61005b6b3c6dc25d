// Requests to the world outside: signals, and redirects (`redirect.js`). The host sends one request and gives one response.
//
// Fidelity: workerd's `api/http.c++` for messages and for what a redirect changes. Loaded when first used.
import host from "dodev:host";
import { follow, isSignal } from "dodev:web/abort";
import { dataResponse } from "dodev:web/fetch/data_url";
import { Request, pumpToHost, reviveResponse, takeRequest } from "dodev:web/fetch";
import { ownerOfNew } from "dodev:web/owner";
import { header, redirected } from "dodev:web/fetch/redirect";
import { expectedLength } from "dodev:web/streams/readable";
import { LOST, badArgument, retryable } from "dodev:web/webidl";
import { socketOf } from "dodev:web/web_socket";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** A body as the host takes it; a stream is read while the host sends it. */
function toHost(body) {
  if (!(body instanceof ReadableStream)) return body;
  const length = expectedLength(body);
  const [writer, reader] = length === undefined ? host.newPipe() : host.sizedPipe(length);
  host.waitUntil(pumpToHost(body, writer).catch(() => {}));
  return reader;
}

function lost(reason) {
  return retryable(LOST, { cause: new Error(reason) });
}

/** One request and its response, or the reason of `signal` as soon as it is aborted. */
async function exchange(method, url, headers, body, signal) {
  const [number, finished] = host.fetchOutside(method, url, headers, toHost(body));
  let failure;
  if (signal === undefined) {
    failure = await finished;
  } else {
    const { promise: aborted, reject } = Promise.withResolvers();
    // It stays in force while the body is read.
    const unfollow = follow(signal, (reason) => {
      host.abortOutside(number);
      reject(reason);
    });
    aborted.catch(() => {});
    try {
      failure = await Promise.race([finished, aborted]);
    } finally {
      if (failure !== undefined) unfollow();
    }
  }
  if (failure === undefined) return host.takeOutside(number);
  if (failure.startsWith("dodev ")) throw new Error(failure);
  throw lost(failure);
}

/** The body in the pipe `pipe`, which breaks off with the reason when `signal` is aborted. */
function abortable(pipe, signal) {
  let unfollow;
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      unfollow = follow(signal, (reason) => controller.error(reason));
    },
    async pull(controller) {
      const chunk = await host.bodyRead(pipe);
      if (signal.aborted) return;
      if (chunk === null) {
        unfollow();
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        controller.enqueue(new Uint8Array(chunk));
      }
    },
    cancel() {
      unfollow();
      host.bodyCancel(pipe);
    },
  });
}

function check(url) {
  const { protocol } = new URL(url);
  if (protocol !== "http:" && protocol !== "https:") throw new TypeError(`Fetch API cannot load: ${url}`);
}

/** The response to a request that no server need be asked for; undefined if one must be, and throws if none can be. */
export function withoutServer(method, url) {
  const response = url.startsWith("data:") ? dataResponse(method, url) : undefined;
  if (response === undefined) check(url);
  return response;
}

/**
 * Asks the server at `url` for a WebSocket; gives the number of its end and the protocol that was chosen.
 * Rejects with what the platform's constructor reports. `onStart` is given what breaks the attempt off.
 */
export async function openSocket(url, protocols, onStart) {
  // Goes no further if the compatibility date is before compression.
  const headers = ["upgrade", "websocket", "sec-websocket-extensions", "permessage-deflate"];
  if (protocols !== undefined) headers.push("sec-websocket-protocol", protocols);
  const [number, finished] = host.fetchOutside("GET", url, headers, null);
  onStart(() => host.abortOutside(number));
  const failure = await finished;
  if (failure !== undefined) throw lost(failure);
  const [status, , fields, body, id] = host.takeOutside(number);
  if (id === undefined) {
    if (typeof body === "number") host.bodyCancel(body);
    throw new TypeError(
      "Failed to establish the WebSocket connection: expected server to reply with HTTP status code 101 " +
        `(switching protocols), but received ${status} instead.`,
    );
  }
  return [id, header(fields, "sec-websocket-protocol") ?? null, header(fields, "sec-websocket-extensions") ?? null];
}

/** `fetch()`, called with `count` arguments. */
export async function fetchOutside(input, init, count) {
  if (count === 0) badArgument("fetch", "ServiceWorkerGlobalScope", 1, "Request or string");
  ownerOfNew();
  const request = new Request(input, init);
  let { method, url, headers, redirect, signal, body } = takeRequest(request);
  body ??= null;
  const response = withoutServer(method, url);
  if (response !== undefined) return response;
  if (host.fetchOutside === undefined) throw new Error(`dodev does not emulate fetch() here: ${url}`);
  if (!isSignal(signal)) signal = undefined;
  signal?.throwIfAborted();
  for (let count = 0; ; count++) {
    const parts = await exchange(method, url, headers, body, signal);
    const [status, statusText, fields, content] = parts;
    const location = header(fields, "location");
    if (redirect !== "follow" || !REDIRECTS.has(status) || location === undefined) {
      const source = signal !== undefined && typeof content === "number" ? abortable(content, signal) : content;
      const webSocket = parts[4] === undefined ? null : socketOf(parts[4]);
      const description = { status, statusText, headers: fields, body: source, url, redirected: count > 0, webSocket };
      return reviveResponse(description, true);
    }
    if (typeof content === "number") host.bodyCancel(content);
    ({ method, url, headers, body } = redirected({ method, url, headers, body }, status, location, count));
    check(url);
  }
}
