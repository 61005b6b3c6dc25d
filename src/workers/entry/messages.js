// HTTP messages on their way between JavaScript and the host.
import host from "dodev:host";
import { Request, describeRequest, incomingRequest, pumpToHost, reviveResponse, takeResponse as take } from "dodev:web/fetch";
import { returnSocket, socketOf } from "dodev:web/web_socket";

import { isResponse } from "dodev:web/fetch/response";

export const receiveRequest = incomingRequest;

/** A body as the host takes it: a stream becomes a pipe that is filled while the host reads it. */
function toHost(body) {
  if (typeof body !== "object" || !(body instanceof ReadableStream)) return body;
  const [writer, reader] = host.newPipe();
  host.waitUntil(pumpToHost(body, writer));
  return reader;
}

/** What the host needs of a response: [status, statusText, headers, body, webSocket, packed]. */
export function takeResponse(response) {
  if (!isResponse(response)) {
    throw new TypeError("Incorrect type for Promise: the Promise did not resolve to 'Response'.");
  }
  const parts = take(response);
  parts[3] = toHost(parts[3]);
  if (parts[4] !== null) parts[4] = returnSocket(parts[4]);
  return parts;
}

/** Hands a request to `send` (method, URL, headers, body) and gives the response that it promises. */
export async function sendRequest(send, input, init) {
  const request = init === undefined && input instanceof Request ? input : new Request(input, init);
  const { method, url, headers, body } = describeRequest(request);
  const answer = await send(method, url, headers, toHost(body ?? null));
  const webSocket = answer[4] === undefined ? null : socketOf(answer[4]);
  return reviveResponse(
    { status: answer[0], statusText: answer[1], headers: answer[2], body: answer[3], webSocket },
    true,
  );
}
