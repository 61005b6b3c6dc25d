// atob and btoa.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { wrongArgument } from "dodev:web/interface";

const { decodeBase64, encodeBase64 } = host;

export function atob(data) {
  if (arguments.length === 0) throw wrongArgument("ServiceWorkerGlobalScope", "atob", 1, "string");
  const text = decodeBase64(`${data}`.toWellFormed());
  if (text !== undefined) return text;
  throw new DOMException(
    "atob() called with invalid base64-encoded data. (Only whitespace, '+', '/', alphanumeric ASCII, and up " +
      "to two terminal '=' signs when the input data length is divisible by 4 are allowed.)",
    "InvalidCharacterError",
  );
}

export function btoa(data) {
  if (arguments.length === 0) throw wrongArgument("ServiceWorkerGlobalScope", "btoa", 1, "String");
  const text = encodeBase64(`${data}`.toWellFormed());
  if (text !== undefined) return text;
  throw new DOMException(
    "btoa() can only operate on characters in the Latin1 (ISO/IEC 8859-1) range.",
    "InvalidCharacterError",
  );
}
