// Responses to `data:` URLs, which need no server.
//
// Fidelity: workerd's `api/data-url.c++`: base64 is read leniently, what is outside of its alphabet is passed over.
import host from "dodev:host";
import { Response } from "dodev:web/fetch/response";

const WHITE = /^[\t\n\r ]+|[\t\n\r ]+$/g;

function percentDecode(text) {
  const bytes = [];
  for (let i = 0; i < text.length; i++) {
    const digits = text.slice(i + 1, i + 3);
    if (text[i] === "%" && /^[0-9a-f]{2}$/i.test(digits)) {
      bytes.push(Number.parseInt(digits, 16));
      i += 2;
    } else {
      bytes.push(text.charCodeAt(i));
    }
  }
  return Uint8Array.from(bytes);
}

function fromBase64(bytes) {
  let text = String.fromCharCode(...bytes.filter((byte) => /[A-Za-z0-9+/]/.test(String.fromCharCode(byte))));
  // A last character alone makes no byte.
  if (text.length % 4 === 1) text = text.slice(0, -1);
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** The response to `method` for the normal form `url` of a `data:` URL; undefined if it has no comma. */
export function dataResponse(method, url) {
  const text = url.slice("data:".length).split("#", 1)[0];
  const comma = text.indexOf(",");
  if (comma === -1) return undefined;
  let type = text.slice(0, comma).replace(WHITE, "");
  let data = percentDecode(text.slice(comma + 1));
  const semicolon = type.lastIndexOf(";");
  if (semicolon !== -1 && type.slice(semicolon + 1).replace(WHITE, "").toLowerCase() === "base64") {
    type = type.slice(0, semicolon).replace(WHITE, "");
    data = fromBase64(data);
  }
  if (type.startsWith(";")) type = `text/plain${type}`;
  const headers = { "content-type": host.mimeType(type) ?? "text/plain;charset=US-ASCII" };
  return new Response(method === "GET" ? data : null, { statusText: "OK", headers });
}
