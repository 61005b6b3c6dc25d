// Where requests and responses enter and leave an isolate; the global fetch().
import host from "dodev:host";
import { Request, cfText, describe, incomingRequest, makeRequest } from "dodev:web/fetch/request";
import { Response, describe as describeResponse, makeResponse, rareOf, take } from "dodev:web/fetch/response";
import { Headers, isHeaders, isImmutable, lookUp, makeHeaders, rawList } from "dodev:web/headers";
import { cancelReader, drainNext, readerOf, whenGone } from "dodev:web/streams";

let outbound;

/** The global fetch(). */
export function fetch(input, init) {
  outbound ??= host.lazy("dodev:web/fetch/outbound");
  return outbound.fetchOutside(input, init, arguments.length);
}
Object.defineProperty(fetch, "length", { value: 0 });

/**
 * Takes a response apart for the host: `[status, statusText, flat headers, body, webSocket, packed]`.
 * `packed` says that the body is in its content coding already; without it, it is not.
 * The body is null, a string, an ArrayBuffer, a pipe id, or a ReadableStream for `pumpToHost`.
 * Throws the platform's TypeError if the body was used.
 */
export const takeResponse = take;

/**
 * Reads `stream` to its end into the pipe `pipe` of the host. Fulfils when all is written or the reader is gone. When the stream
 * fails, the reader is told, or with `quiet` finds the end. A reader that goes cancels the stream with `lost()` as the reason.
 * Nothing is read before `start` if it is given.
 *
 * Fidelity: observed with wrangler 4.164.0, see `fixtures/rpc-streams`.
 */
export async function pumpToHost(stream, pipe, lost, quiet = false, start = undefined) {
  const reader = readerOf(stream);
  whenGone(pipe, () => cancelReader(reader, lost?.()));
  if (start !== undefined) await start;
  for (;;) {
    let bytes;
    try {
      bytes = await drainNext(reader);
    } catch (error) {
      if (quiet) host.bodyEnd(pipe);
      else host.bodyBreak(pipe, error);
      cancelReader(reader, error).catch(() => {});
      throw error;
    }
    if (bytes === undefined) break;
    try {
      const full = host.bodyWrite(pipe, bytes);
      if (full !== undefined) await full;
    } catch {
      // Nobody reads any more, which may be told here first.
      return cancelReader(reader, lost?.()).catch(() => {});
    }
  }
  host.bodyEnd(pipe);
}

/** All parts of a request, its body taken away. */
export function describeRequest(request) {
  return { ...describe(request), cf: request.cf };
}

/** The same for the one who is to answer it: with the header fields that follow from its `cache`; `cf` is `cfText`'s. */
export function takeRequest(request) {
  const description = describe(request);
  if (description.cache === undefined) return description;
  const { headers } = description;
  for (const name of ["cache-control", "pragma"]) {
    if (lookUp(headers, name) === null) headers.push(name, "no-cache");
  }
  return description;
}

/** The request of a description made by `describeRequest`. */
export function reviveRequest(description) {
  const { method, url, headers, body, ...rest } = description;
  const rare = { fetcher: null, ...rest };
  return makeRequest(method, url, headers, body ?? null, rare);
}

/** The response of a description made by `describeResponse`; its headers are immutable if `immutable`. */
export function reviveResponse(description, immutable = false) {
  const { status, headers, body, ...rest } = description;
  return makeResponse(status, headers, immutable, body ?? null, { ...rareOf(), ...rest });
}

/** Headers as a flat list. */
export function describeHeaders(headers) {
  return { headers: rawList(headers).slice(), immutable: isImmutable(headers) };
}

/** The headers of a description made by `describeHeaders`. */
export function reviveHeaders({ headers, immutable }) {
  return makeHeaders(headers, immutable);
}

export { Headers, Request, Response, cfText, describeResponse, incomingRequest, isHeaders };
