// What a redirect makes of a request. Loaded when the first one is met.
//
// Fidelity: workerd's `api/http.c++` for messages and for what changes.
import { Cloudflare } from "dodev:web/cloudflare";

const REDIRECTS_MAX = 20;
const ONE_TIME_BODY =
  "A request with a one-time-use body (it was initialized from a stream, not a buffer) encountered a redirect " +
  "requiring the body to be retransmitted. To avoid this error in the future, construct this request from a " +
  "buffer-like body initializer.";

const isReplayable = (body) => body === null || typeof body === "string" || body instanceof ArrayBuffer;

/** The value of the field `wanted` in a flat list. */
export function header(headers, wanted) {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === wanted) return headers[i + 1];
  return undefined;
}

function without(headers, names) {
  const kept = [];
  for (let i = 0; i < headers.length; i += 2) if (!names.includes(headers[i])) kept.push(headers[i], headers[i + 1]);
  return kept;
}

/**
 * The request that follows `{ method, url, headers, body }` when it was answered with `status` and `location`, after
 * `count` redirects.
 */
export function redirected({ method, url, headers, body }, status, location, count) {
  if (count === REDIRECTS_MAX) throw new TypeError("Too many redirects.");
  const target = URL.parse(location, url);
  if (target === null) throw new TypeError("Invalid Location header; unable to follow redirect.");
  if ((status === 303 && method !== "GET" && method !== "HEAD") || (status < 303 && method === "POST")) {
    method = "GET";
    body = null;
    headers = without(headers, ["content-encoding", "content-language", "content-length", "content-location", "content-type"]);
  } else if (!isReplayable(body)) {
    throw new TypeError(ONE_TIME_BODY);
  }
  const strips = Cloudflare.compatibilityFlags.strip_authorization_on_cross_origin_redirect !== false;
  if (strips && target.origin !== new URL(url).origin) headers = without(headers, ["authorization"]);
  // A fragment is inherited.
  if (target.hash === "") target.hash = new URL(url).hash;
  return { method, url: target.href, headers, body };
}
