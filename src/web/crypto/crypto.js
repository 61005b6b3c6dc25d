// The global `crypto`.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { illegalConstructor, illegalInvocation, shape, wrongArgument } from "dodev:web/interface";

const MAKE = Symbol("make");
const RANDOM_MAX_BYTES = 65_536;
const { isView } = ArrayBuffer;
const { apply } = Reflect;
const kindOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag).get;

let loaded;
let digestStream;

/** What `crypto.subtle` is made of: large, and most requests do without, so loaded when first used. */
export function subtleModule() {
  loaded ??= host.lazy("dodev:web/crypto/subtle");
  return loaded;
}

export class Crypto {
  #brand;
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }
  get subtle() {
    if (!(#brand in this)) throw illegalInvocation();
    return subtleModule().subtle;
  }
  getRandomValues(view) {
    if (!(#brand in this)) throw illegalInvocation();
    if (!isView(view)) throw wrongArgument("Crypto", "getRandomValues", 1, "ArrayBufferView");
    // A DataView has no kind.
    if (!/int/i.test(apply(kindOf, view, []) ?? "")) {
      throw new DOMException(
        "ArrayBufferView argument to getRandomValues() must be an integer-typed view.",
        "TypeMismatchError",
      );
    }
    const { buffer, byteLength, byteOffset } = view;
    if (byteLength > RANDOM_MAX_BYTES) {
      throw new DOMException(
        `getRandomValues() only accepts buffers of size <= 64K but provided ${byteLength} bytes.`,
        "QuotaExceededError",
      );
    }
    new Uint8Array(buffer, byteOffset, byteLength).set(new Uint8Array(host.randomBytes(byteLength)));
    return view;
  }
  randomUUID() {
    if (!(#brand in this)) throw illegalInvocation();
    return host.randomUuid();
  }
  // Rare, and built on streams: loaded when first used.
  get DigestStream() {
    digestStream ??= host.lazy("dodev:web/crypto/digest_stream").DigestStream;
    return digestStream;
  }
}
shape(Crypto);

export const crypto = new Crypto(MAKE);
