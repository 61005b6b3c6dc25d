// TextEncoderStream and TextDecoderStream: loaded when first used, since they build on streams.
import { TextDecoder, encode } from "dodev:web/encoding";
import { illegalInvocation, shape } from "dodev:web/interface";
import { TransformStream } from "dodev:web/streams";

export class TextEncoderStream extends TransformStream {
  #brand;
  constructor() {
    // The first half of a character whose second half has not come yet.
    let half = "";
    super({
      transform(chunk, controller) {
        let text = half + `${chunk}`;
        half = "";
        const last = text.charCodeAt(text.length - 1);
        if (last >= 0xd800 && last <= 0xdbff) {
          half = text[text.length - 1];
          text = text.slice(0, -1);
        }
        if (text !== "") controller.enqueue(encode(text));
      },
      flush(controller) {
        if (half !== "") controller.enqueue(encode(half));
      },
    });
  }
  get encoding() {
    if (!(#brand in this)) throw illegalInvocation();
    return "utf-8";
  }
}
shape(TextEncoderStream);

const { isView } = ArrayBuffer;

export class TextDecoderStream extends TransformStream {
  #decoder;
  constructor(label = "utf-8", options) {
    const decoder = new TextDecoder(label, options);
    super({
      transform(chunk, controller) {
        if (!isView(chunk) && !(chunk instanceof ArrayBuffer) && !(chunk instanceof SharedArrayBuffer)) {
          throw new TypeError(
            "This TransformStream is being used as a byte stream, but received a value that is not a BufferSource.",
          );
        }
        const text = decoder.decode(chunk, { stream: true });
        if (text !== "") controller.enqueue(text);
      },
      flush(controller) {
        const text = decoder.decode();
        if (text !== "") controller.enqueue(text);
      },
    });
    this.#decoder = decoder;
  }
  get encoding() {
    if (!(#decoder in this)) throw illegalInvocation();
    return this.#decoder.encoding;
  }
  get fatal() {
    if (!(#decoder in this)) throw illegalInvocation();
    return this.#decoder.fatal;
  }
  get ignoreBOM() {
    if (!(#decoder in this)) throw illegalInvocation();
    return this.#decoder.ignoreBOM;
  }
}
shape(TextDecoderStream);
