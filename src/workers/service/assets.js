// The methods that the binding of static assets has besides `fetch()`.
//
// Fidelity: observed with wrangler 4.164.0: paths are names of files, as they are, and what rules say of them does not count. The
// methods take part in no retry and no routing, and their errors come from another Worker.
import { reviveResponse } from "dodev:web/fetch";

/** Where the host answers questions about files; no `fetch()` gets there. */
const NAMED = "dodev-asset:name:";
const TAGGED = "dodev-asset:tag:";
const TAKEN = "dodev-asset:taken:";

const remote = (error) => Object.assign(error, { remote: true });

/** What the host says of `url`, on behalf of the binding `reference`. */
async function ask(reference, method, url, headers = []) {
  const [status, , fields, body] = await reference.request(method, url, headers, null, undefined);
  return reviveResponse({ status, headers: fields, body });
}

function found(response) {
  return {
    readableStream: response.body ?? new Response("").body,
    contentType: response.headers.get("content-type") ?? undefined,
    cacheStatus: "HIT",
  };
}

/** The methods by name, called with the binding first. */
export const methods = {
  async unstable_exists(reference, path) {
    const { status, headers } = await ask(reference, "HEAD", `${NAMED}${path}`);
    return status === 200 ? headers.get("etag").slice(1, -1) : null;
  },
  async unstable_getByPathname(reference, path) {
    const response = await ask(reference, "GET", `${NAMED}${path}`);
    return response.status === 200 ? found(response) : null;
  },
  async unstable_getByETag(reference, tag) {
    const response = await ask(reference, "GET", `${TAGGED}${tag}`);
    if (response.status === 200) return found(response);
    throw remote(new Error(`Requested asset ${tag} exists in the asset manifest but not in the KV namespace.`));
  },
  async unstable_canFetch(reference, request) {
    if (request === undefined || request === null) {
      throw remote(new TypeError(`Cannot read properties of ${request} (reading 'url')`));
    }
    if (!URL.canParse(request.url)) throw remote(new TypeError("Invalid URL string."));
    const response = await ask(reference, request.method, `${TAKEN}${request.url}`, [...request.headers].flat());
    return response.status === 200;
  },
};
