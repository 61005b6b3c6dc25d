// crypto.DigestStream: a writable stream that hashes what is written to it.
import host from "dodev:host";
import { hashOf, isBuffer } from "dodev:web/crypto/algorithms";
import { encode } from "dodev:web/encoding";
import { shape, wrongConstruction } from "dodev:web/interface";
import { WritableStream } from "dodev:web/streams";

// Fidelity: checksums are known to this class only, in these letters only.
const nameOf = (algorithm) => `${typeof algorithm === "object" ? algorithm.name : algorithm}`;

export class DigestStream extends WritableStream {
  #digest;
  #written = 0n;

  constructor(algorithm) {
    if (algorithm === undefined || algorithm === null) {
      throw wrongConstruction("DigestStream", 1, "string or HashAlgorithm");
    }
    const hash = host.makeChecksum(nameOf(algorithm)) ?? host.makeHash(hashOf(algorithm));
    const { promise, resolve, reject } = Promise.withResolvers();
    // Nobody need look at the digest of a stream that failed.
    promise.catch(() => {});
    super({
      write: (chunk) => {
        const bytes = typeof chunk === "string" ? encode(chunk) : chunk;
        if (!isBuffer(bytes)) {
          const error = new TypeError(
            "DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type " +
              "on its writable side.",
          );
          reject(error);
          throw error;
        }
        hash(bytes);
        this.#written += BigInt(bytes.byteLength);
      },
      close: () => resolve(hash(undefined)),
      abort: (reason) => reject(reason),
    });
    this.#digest = promise;
  }

  get digest() {
    return this.#digest;
  }
  get bytesWritten() {
    return this.#written;
  }
}
shape(DigestStream);
