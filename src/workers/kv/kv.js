// Workers KV: what `env` holds for an entry of `kv_namespaces`, and for the files of `site`. Loaded when a Worker has one.
//
// Fidelity: the binding checks some things itself (workerd's `src/workerd/api/kv.c++`), the service behind it others, which
// it tells by a status; the words are those of wrangler 4.164.0, recorded in `fixtures/kv`.
import host from "dodev:host";
import { Response } from "dodev:web/fetch";
import { illegalInvocation, shape, wrongArgument } from "dodev:web/interface";
import { isReadableStream } from "dodev:web/streams";
import { isObject, toInt } from "dodev:web/webidl";

const NAME = "KvNamespace";
const MAKE = Symbol("make");
const { parse, stringify } = JSON;
const { isView } = ArrayBuffer;
const { now } = Date;
const encoder = new TextEncoder();

const KEY_BYTES_MAX = 512;
const METADATA_BYTES_MAX = 1024;
const VALUE_BYTES_MAX = 25 * 1024 * 1024;
const LIST_MAX = 1000;
const BULK_MAX = 100;
const CACHE_SECONDS_MIN = 30;
const SECONDS_MIN = 60;
const TYPES = new Set(["text", "arrayBuffer", "json", "stream"]);

/** What the service behind the binding answers to `method` with `status`. */
function failure(method, status, message) {
  return new Error(`KV ${method} failed: ${status} ${message}`);
}

function textOf(value) {
  if (typeof value === "symbol") throw new TypeError("Cannot convert a Symbol value to a string");
  return `${value}`;
}

/** Bytes of `text` in UTF-8 if they are more than `max`, otherwise 0. The host encodes it later; counting is the exception. */
function bytesBeyond(text, max) {
  if (3 * text.length <= max) return 0;
  // A lone surrogate counts as the three bytes that it would take, as many as its replacement has.
  const bytes = host.utf8Length(text);
  return bytes > max ? bytes : 0;
}

function checkLength(method, key) {
  const bytes = bytesBeyond(key, KEY_BYTES_MAX);
  if (bytes > 0) {
    throw failure(method, 414, `UTF-8 encoded length of ${bytes} exceeds key length limit of ${KEY_BYTES_MAX}.`);
  }
}

function checkKey(method, key) {
  if (key === "") throw new TypeError("Key name cannot be empty.");
  if (key === "." || key === "..") throw new TypeError(`"${key}" is not allowed as a key name.`);
  checkLength(method, key);
  if (!key.isWellFormed()) throw failure(method, 400, "Could not URL-decode key name");
}

/** The members of `options`, a text or a dictionary, for reading. */
function readOptions(options) {
  if (options === undefined || options === null) return {};
  if (!isObject(options)) return { type: textOf(options) };
  const { cacheTtl, type } = options;
  return {
    cacheTtl: cacheTtl === undefined ? undefined : toInt(cacheTtl),
    type: type === undefined ? undefined : textOf(type),
  };
}

function checkCacheTtl(method, cacheTtl) {
  if (cacheTtl === undefined || cacheTtl >= CACHE_SECONDS_MIN) return;
  throw failure(method, 400, `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ${CACHE_SECONDS_MIN}.`);
}

async function getOne(id, key, options) {
  checkKey("GET", key);
  const { type = "text", cacheTtl } = readOptions(options);
  checkCacheTtl("GET", cacheTtl);
  const found = await host.workersKvGet(id, key, type === "text" || type === "json", now());
  if (found === undefined) return { value: null, metadata: null, cacheStatus: null };
  if (!TYPES.has(type)) {
    throw new TypeError('Unknown response type. Possible types are "text", "arrayBuffer", "json", and "stream".');
  }
  let [value, metadata] = found;
  if (type === "json") value = parse(value);
  else if (type === "stream") value = new Response(value).body;
  return { value, metadata: metadata === undefined ? null : parse(metadata), cacheStatus: null };
}

async function getMany(id, keys, options, withMetadata) {
  const { type, cacheTtl } = readOptions(options);
  const refuse = (status, message) => failure("GET_BULK", status, message);
  if (type && type !== "text" && type !== "json") {
    throw refuse(400, `"${type}" is not a valid type. Use "json" or "text"`);
  }
  if (keys.length > BULK_MAX) throw refuse(400, `You can request a maximum of ${BULK_MAX} keys`);
  if (keys.length < 1) throw refuse(400, "You must request a minimum of 1 key");
  for (const key of keys) {
    if (key === "") throw refuse(400, "Key names must not be empty");
    if (key === "." || key === "..") throw refuse(400, `Illegal key name "${key}". Please use a different name.`);
    checkLength("GET_BULK", key);
    checkCacheTtl("GET_BULK", cacheTtl);
  }
  const found = parse(await host.workersKvGetAll(id, keys, now()));
  const values = {};
  let size = 0;
  keys.forEach((key, index) => {
    if (found[index] === null) {
      values[key] = null;
      return;
    }
    let [value, metadata] = found[index];
    size += value.length;
    if (type === "json") {
      try {
        value = parse(value);
      } catch {
        throw refuse(400, "At least one of the requested keys corresponds to a non-json value");
      }
    }
    values[key] = withMetadata && value !== null ? { value, metadata: metadata === null ? null : parse(metadata) } : value;
  });
  if (size > VALUE_BYTES_MAX) throw refuse(413, "Total size of request exceeds the limit of 25MB");
  // Fidelity: names that are indices are passed over.
  return new Map(Object.entries(values).filter(([key]) => !isIndex(key)));
}

function isIndex(key) {
  const number = Number(key);
  return Number.isInteger(number) && number >= 0 && number < 2 ** 32 - 1 && String(number) === key;
}

/** The first argument of `get` and its kin: a key or a list of them. */
function keysOf(method, given, name) {
  if (given === 0) throw wrongArgument(NAME, method, 1, "string or Array");
  return Array.isArray(name) ? name.map(textOf) : textOf(name);
}

async function read(id, method, withMetadata, args) {
  const keys = keysOf(method, args.length, args[0]);
  if (typeof keys !== "string") return getMany(id, keys, args[1], withMetadata);
  const found = await getOne(id, keys, args[1]);
  return withMetadata ? found : found.value;
}

function keyOf(method, args) {
  if (args.length === 0) throw wrongArgument(NAME, method, 1, "string");
  return textOf(args[0]);
}

/** What `put` was given, as a text or bytes. */
async function valueOf(value) {
  if (value instanceof ArrayBuffer || isView(value)) return value;
  if (!isReadableStream(value)) {
    throw new TypeError("KV put() accepts only strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams as values.");
  }
  const parts = [];
  const reader = value.getReader();
  for (let size = 0; ; ) {
    const { done, value: part } = await reader.read();
    if (done) break;
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    size += bytes.byteLength;
    if (size > VALUE_BYTES_MAX) {
      reader.cancel().catch(() => {});
      throw tooLarge(size);
    }
    parts.push(bytes);
  }
  return new Blob(parts).arrayBuffer();
}

function tooLarge(size) {
  return failure("PUT", 413, `Value length of ${size} exceeds limit of ${VALUE_BYTES_MAX}.`);
}

/** When an entry ends, in ms since 1970; `undefined` if never. */
function endOf({ expiration, expirationTtl }) {
  const refuse = (message) => failure("PUT", 400, message);
  const seconds = Math.floor(now() / 1000);
  if (expirationTtl !== undefined) {
    const ttl = toInt(expirationTtl);
    if (ttl <= 0) throw refuse(`Invalid expiration_ttl of ${ttl}. Please specify integer greater than 0.`);
    if (ttl < SECONDS_MIN) {
      throw refuse(`Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least ${SECONDS_MIN}.`);
    }
    return (seconds + ttl) * 1000;
  }
  if (expiration === undefined) return undefined;
  const end = toInt(expiration);
  if (end <= seconds) {
    throw refuse(
      `Invalid expiration of ${end}. Please specify integer greater than the current number of seconds since the UNIX epoch.`,
    );
  }
  if (end < seconds + SECONDS_MIN) {
    throw refuse(`Invalid expiration of ${end}. Expiration times must be at least ${SECONDS_MIN} seconds in the future.`);
  }
  return end * 1000;
}

function metadataOf(metadata) {
  if (metadata === undefined || metadata === null) return undefined;
  const text = stringify(metadata);
  if (text === undefined) throw failure("PUT", 500, "Internal Server Error");
  const bytes = bytesBeyond(text, METADATA_BYTES_MAX);
  if (bytes > 0) {
    throw failure("PUT", 413, `Metadata length of ${bytes} exceeds limit of ${METADATA_BYTES_MAX}.`);
  }
  return text;
}

/** A bucket has no id. */
function checkWrites(id, method) {
  if (id === undefined) throw failure(method, 405, `Cannot ${method.toLowerCase()}() with Workers Sites namespace`);
}

async function write(id, args) {
  const key = keyOf("put", args);
  if (args.length < 2) throw wrongArgument(NAME, "put", 2, "string or Object");
  const [, given, settings] = args;
  let value = isObject(given) ? given : textOf(given);
  const options = settings === undefined || settings === null ? {} : settings;
  if (!isObject(options)) throw wrongArgument(NAME, "put", 3, "PutOptions");
  checkKey("PUT", key);
  checkWrites(id, "PUT");
  const end = endOf(options);
  const metadata = metadataOf(options.metadata);
  if (isObject(value)) value = await valueOf(value);
  const size = typeof value === "string" ? bytesBeyond(value, VALUE_BYTES_MAX) : value.byteLength;
  if (size > VALUE_BYTES_MAX) throw tooLarge(size);
  await host.workersKvPut(id, key, value, metadata, end, now());
}

async function remove(id, args) {
  const key = keyOf("delete", args);
  checkKey("DELETE", key);
  checkWrites(id, "DELETE");
  await host.workersKvDelete(id, key);
}

/** A cursor is the last key in base 64; what is none is read as far as it goes. */
function afterOf(cursor) {
  const digits = cursor.replace(/[^A-Za-z0-9+/_-]/g, "").replaceAll("-", "+").replaceAll("_", "/");
  const whole = digits.length % 4 === 1 ? digits.slice(0, -1) : digits;
  return new TextDecoder().decode(Uint8Array.from(atob(whole), (byte) => byte.charCodeAt(0)));
}

function cursorAfter(key) {
  return btoa(String.fromCharCode(...encoder.encode(key)));
}

async function list(id, options) {
  if (options === undefined || options === null) options = {};
  if (!isObject(options)) throw wrongArgument(NAME, "list", 1, "ListOptions");
  const { limit, prefix, cursor } = options;
  let most = limit === undefined ? 0 : toInt(limit);
  if (most <= 0) most = LIST_MAX;
  if (most > LIST_MAX) {
    throw failure("GET", 400, `Invalid key_count_limit of ${most}. Please specify an integer less than ${LIST_MAX}.`);
  }
  const begin = prefix === undefined || prefix === null ? "" : textOf(prefix);
  checkLength("GET", begin);
  const after = cursor === undefined || cursor === null ? "" : afterOf(textOf(cursor));
  const { keys, more } = parse(await host.workersKvList(id, begin, after, most, now()));
  return more
    ? { keys, list_complete: false, cursor: cursorAfter(keys.at(-1).name), cacheStatus: null }
    : { keys, list_complete: true, cacheStatus: null };
}

class KvNamespace {
  #id;

  constructor(caller, id) {
    if (caller !== MAKE) throw new TypeError("Illegal constructor");
    this.#id = id;
  }

  static #use(namespace) {
    if (typeof namespace !== "object" || namespace === null || !(#id in namespace)) throw illegalInvocation();
    return namespace.#id;
  }

  get(...args) {
    return read(KvNamespace.#use(this), "get", false, args);
  }

  list(options) {
    return list(KvNamespace.#use(this), options);
  }

  put(...args) {
    return write(KvNamespace.#use(this), args);
  }

  getWithMetadata(...args) {
    return read(KvNamespace.#use(this), "getWithMetadata", true, args);
  }

  delete(...args) {
    return remove(KvNamespace.#use(this), args);
  }
}
shape(KvNamespace);

/** The namespace `id`; without one it is the Worker's bucket. */
export function makeKvNamespace(id) {
  return new KvNamespace(MAKE, id);
}
