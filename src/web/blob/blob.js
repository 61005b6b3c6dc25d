// Blob and File: immutable bytes with a media type.
import host from "dodev:host";
import { streamFromBytes } from "dodev:web/streams";
import { badConstruction, illegal, isObject, publish, usv } from "dodev:web/webidl";

const { concatBytes, utf8Decode } = host;
const BARE = Symbol("bare");

let bytesOfBlob;
let isBlob;
let fill;
let makeBlob;
let makeFile;

function typeFrom(value) {
  const type = usv(value);
  return /^[\x20-\x7e]*$/.test(type) ? type.toLowerCase() : "";
}

function bytesFrom(parts, name) {
  if (!Array.isArray(parts)) badConstruction(name, 1, "Array");
  const pieces = parts.map((part) => {
    if (isBlob(part)) return bytesOfBlob(part);
    if (part instanceof ArrayBuffer) {
      if (part.resizable) throw new TypeError("Cannot create a Blob with a resizable ArrayBuffer");
      return part;
    }
    return ArrayBuffer.isView(part) ? part : usv(part);
  });
  return concatBytes(pieces);
}

function checkOptions(options, name, index) {
  if (options === undefined || options === null) return {};
  if (!isObject(options)) badConstruction(name, index, "Options");
  if (options.endings !== undefined) {
    throw new Error("The 'endings' field on 'Options' is not implemented.");
  }
  return options;
}

/** Relative index of `slice`, clamped. */
function clamp(value, size, fallback) {
  if (value === undefined) return fallback;
  const index = Math.trunc(Number(value)) || 0;
  return index < 0 ? Math.max(size + index, 0) : Math.min(index, size);
}

/** Immutable bytes. */
export class Blob {
  /** An ArrayBuffer that nobody else holds. */
  #bytes;
  #type = "";

  constructor(parts, options) {
    if (parts === BARE) return;
    const { type } = checkOptions(options, "Blob", 2);
    this.#bytes = parts === undefined ? new ArrayBuffer(0) : bytesFrom(parts, "Blob");
    if (type !== undefined) this.#type = typeFrom(type);
  }

  static {
    isBlob = (value) => isObject(value) && #bytes in value;
    makeBlob = (bytes, type) => fill(new Blob(BARE), bytes, type);
    bytesOfBlob = (blob) => blob.#bytes;
    fill = (blob, bytes, type) => {
      blob.#bytes = bytes;
      blob.#type = type;
      return blob;
    };
  }

  get size() {
    if (this === undefined || !(#bytes in this)) illegal();
    return this.#bytes.byteLength;
  }

  get type() {
    if (this === undefined || !(#bytes in this)) illegal();
    return this.#type;
  }

  slice(start, end, type) {
    if (this === undefined || !(#bytes in this)) illegal();
    const size = this.#bytes.byteLength;
    const from = clamp(start, size, 0);
    const to = Math.max(clamp(end, size, size), from);
    return fill(new Blob(BARE), this.#bytes.slice(from, to), type === undefined ? "" : typeFrom(type));
  }

  async arrayBuffer() {
    if (this === undefined || !(#bytes in this)) illegal();
    return this.#bytes.slice(0);
  }

  async bytes() {
    if (this === undefined || !(#bytes in this)) illegal();
    return new Uint8Array(this.#bytes.slice(0));
  }

  async text() {
    if (this === undefined || !(#bytes in this)) illegal();
    return utf8Decode(this.#bytes, true);
  }

  stream() {
    if (this === undefined || !(#bytes in this)) illegal();
    return streamFromBytes(this.#bytes.slice(0));
  }
}
publish(Blob);

/** A Blob with a name. */
export class File extends Blob {
  #name;
  #lastModified;

  constructor(parts, name, options) {
    if (parts === BARE) {
      super(BARE);
      return;
    }
    if (arguments.length < 2) badConstruction("File", 2, "string");
    if (!Array.isArray(parts)) badConstruction("File", 1, "Array");
    const { type, lastModified } = checkOptions(options, "File", 3);
    super(BARE);
    fill(this, bytesFrom(parts, "File"), type === undefined ? "" : typeFrom(type));
    this.#name = usv(name);
    this.#lastModified = lastModified === undefined ? Date.now() : Math.trunc(Number(lastModified)) || 0;
  }

  static {
    makeFile = (bytes, name, type) => {
      const file = fill(new File(BARE), bytes, type);
      file.#name = name;
      file.#lastModified = Date.now();
      return file;
    };
  }

  get name() {
    if (this === undefined || !(#name in this)) illegal();
    return this.#name;
  }

  get lastModified() {
    if (this === undefined || !(#name in this)) illegal();
    return this.#lastModified;
  }
}
publish(File);

/** The buffer behind a blob (not a copy); whether a value is one; a blob and a file of a buffer that the caller gives away. */
export { bytesOfBlob, isBlob, makeBlob, makeFile };
