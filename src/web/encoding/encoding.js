// TextEncoder and TextDecoder. The bytes are handled in Rust; a decoder that keeps state between calls
// is made there only when a stream or another encoding than UTF-8 needs one.
import host from "dodev:host";
import { illegalInvocation, shape, wrongArgument, wrongConstruction } from "dodev:web/interface";

const { decodeUtf8, encodeUtf8, encodeUtf8Into, encodingName, makeDecoder } = host;

export { atob, btoa } from "dodev:web/encoding/base64";

/** UTF-8 bytes of `text`; lone surrogates become U+FFFD. */
export function encode(text) {
  return encodeUtf8(text.isWellFormed() ? text : text.toWellFormed());
}

export class TextEncoder {
  #brand;

  encode(input = "") {
    if (!(#brand in this)) throw illegalInvocation();
    return encode(`${input}`);
  }
  encodeInto(input, buffer) {
    if (!(#brand in this)) throw illegalInvocation();
    if (!(buffer instanceof Uint8Array)) throw wrongArgument("TextEncoder", "encodeInto", 2, "Uint8Array");
    const text = `${input}`;
    const [read, bytes] = encodeUtf8Into(text.isWellFormed() ? text : text.toWellFormed(), buffer.length);
    buffer.set(bytes);
    return { read, written: bytes.length };
  }
  get encoding() {
    if (!(#brand in this)) throw illegalInvocation();
    return "utf-8";
  }
}
shape(TextEncoder);

const { isView } = ArrayBuffer;

export class TextDecoder {
  #encoding;
  #fatal = false;
  #ignoreBOM = false;
  // Decodes the rest of a stream; undefined between streams.
  #stream;

  constructor(label = "utf-8", options) {
    const given = `${label}`;
    label = given.toWellFormed();
    const encoding = encodingName(label);
    if (encoding === undefined) throw new RangeError(`"${host.asText(given)}" is not a valid encoding.`);
    if (options !== undefined) {
      if (options === null || (typeof options !== "object" && typeof options !== "function")) {
        throw wrongConstruction("TextDecoder", 2, "ConstructorOptions");
      }
      this.#fatal = !!options.fatal;
      this.#ignoreBOM = !!options.ignoreBOM;
    }
    this.#encoding = encoding;
  }

  decode(input, options) {
    if (!(#fatal in this)) throw illegalInvocation();
    const stream = !!options?.stream;
    const bytes = input === undefined ? EMPTY : toBytes(input);
    let text;
    if (!stream && this.#stream === undefined && this.#encoding === "utf-8") {
      text = decodeUtf8(bytes, this.#fatal, this.#ignoreBOM);
    } else {
      this.#stream ??= makeDecoder(this.#encoding, this.#fatal, this.#ignoreBOM);
      text = this.#stream(bytes, !stream);
      if (!stream || text === undefined) this.#stream = undefined;
    }
    if (text === undefined) throw new TypeError("Failed to decode input.");
    return text;
  }

  get encoding() {
    if (!(#fatal in this)) throw illegalInvocation();
    return this.#encoding;
  }
  get fatal() {
    if (!(#fatal in this)) throw illegalInvocation();
    return this.#fatal;
  }
  get ignoreBOM() {
    if (!(#fatal in this)) throw illegalInvocation();
    return this.#ignoreBOM;
  }
}
shape(TextDecoder);

const EMPTY = new Uint8Array();

/** The bytes of a buffer or of a view on one, not copied. */
function toBytes(input) {
  if (input instanceof Uint8Array) return input;
  if (isView(input)) return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) return new Uint8Array(input);
  throw wrongArgument("TextDecoder", "decode", 1, "Array");
}
