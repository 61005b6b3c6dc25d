// What user code imports from "cloudflare:email". Messages can be made; the bindings that send them say
// themselves that they are not emulated.

export class EmailMessage {
  #from;
  #to;

  constructor(from, to, raw) {
    if (arguments.length < 3) {
      throw new TypeError("Failed to construct 'EmailMessage': constructor parameters 1 to 3 are required.");
    }
    this.#from = String(from);
    this.#to = String(to);
    // Bytes that can be read once: they belong to the message from here on.
    Object.defineProperty(this, "raw", { value: raw });
  }

  get from() {
    return this.#from;
  }

  get to() {
    return this.#to;
  }
}
