// Namespaces of Durable Objects and the ids that they make.
import host from "dodev:host";
import { makeStub } from "dodev:workers/stub";

let make;
const secret = Symbol();

function required(method, value, count) {
  if (count === 0) {
    throw new TypeError(
      `Failed to execute '${method}' on 'DurableObjectNamespace': parameter 1 is not of type 'string'.`,
    );
  }
  return `${value}`;
}

function illegal(what) {
  return new TypeError(`Illegal ${what}`);
}

export class DurableObjectId {
  #namespace;
  #hex;

  constructor(key, namespace, hex, name) {
    if (key !== secret) throw illegal("constructor");
    this.#namespace = namespace;
    this.#hex = hex;
    if (name !== undefined) Object.defineProperty(this, "name", { value: name, enumerable: true });
  }

  toString() {
    return this.#hex;
  }

  equals(other) {
    if (!(#hex in Object(other))) {
      throw new TypeError(
        "Failed to execute 'equals' on 'DurableObjectId': parameter 1 is not of type 'DurableObjectId'.",
      );
    }
    return this.#hex === other.#hex;
  }

  static {
    make = {
      isId: (value) => typeof value === "object" && value !== null && #hex in value,
      hexOf: (id) => id.#hex,
    };
  }
}

/** Whether `value` is an id, and its digits. */
export const { isId, hexOf } = make;

/** An id of the namespace numbered `namespace`. */
export function makeId(namespace, hex, name) {
  return new DurableObjectId(secret, namespace, hex, name);
}

export class DurableObjectNamespace {
  #number;

  constructor(key, number) {
    if (key !== secret) throw illegal("constructor");
    this.#number = number;
  }

  newUniqueId(options) {
    if (options?.jurisdiction !== undefined && options.jurisdiction !== null) refuseJurisdiction();
    return makeId(this.#number, host.newUniqueId(this.#number));
  }

  idFromName(name) {
    name = required("idFromName", name, arguments.length);
    return makeId(this.#number, host.idFromName(this.#number, name), name);
  }

  idFromString(text) {
    text = required("idFromString", text, arguments.length);
    return makeId(this.#number, host.idFromString(this.#number, text));
  }

  get(id, options) {
    if (!isId(id)) {
      throw new TypeError(
        "Failed to execute 'get' on 'DurableObjectNamespace': parameter 1 is not of type 'DurableObjectId'.",
      );
    }
    const retry = checkOptions("get", options);
    const hex = hexOf(id);
    return makeStub(this.#number, id, hex, retry);
  }

  getByName(name, options) {
    name = required("getByName", name, arguments.length);
    const retry = checkOptions("getByName", options);
    const hex = host.idFromName(this.#number, name);
    return makeStub(this.#number, makeId(this.#number, hex, name), hex, retry);
  }

  jurisdiction(name) {
    if (name === undefined || name === null) return this;
    refuseJurisdiction();
  }
}

function refuseJurisdiction() {
  // Fidelity: the local platform has none either, and says so.
  throw new Error("Jurisdiction restrictions are not implemented in workerd.");
}

/** Checks the options of a stub; gives its limits of retries as one number, 0 for the platform's own. */
function checkOptions(method, options) {
  if (options === undefined || options === null) return 0;
  if (typeof options !== "object" && typeof options !== "function") {
    throw new TypeError(
      `Failed to execute '${method}' on 'DurableObjectNamespace': parameter 2 is not of type 'GetDurableObjectOptions'.`,
    );
  }
  if (options.routingMode !== undefined && options.routingMode !== "primary-only") {
    throw new RangeError(`unknown routingMode: ${options.routingMode}`);
  }
  const { retry } = options;
  return retry === undefined || retry === null ? 0 : packRetry(retry);
}

// Fidelity: ranges and texts observed with workerd 1.20261117.1; what is absent has its documented default.
function packRetry(retry) {
  if (typeof retry !== "object" && typeof retry !== "function") {
    throw wrongOption("retry", "GetDurableObjectOptions", "RetryOptions");
  }
  const { maxRetries, timeoutMs } = retry;
  for (const [name, value] of [["maxRetries", maxRetries], ["timeoutMs", timeoutMs]]) {
    if (value !== undefined && typeof value !== "number") throw wrongOption(name, "RetryOptions", "number");
  }
  const retries = inRange("maxRetries", maxRetries ?? 4, 0, 10);
  const withinMs = inRange("timeoutMs", timeoutMs ?? 10_000, 500, 60_000);
  return (retries + 1) * 65_536 + withinMs;
}

function wrongOption(name, owner, type) {
  return new TypeError(
    `Incorrect type for the '${name}' field on '${owner}': the provided value is not of type '${type}'.`,
  );
}

function inRange(name, value, min, max) {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`retry.${name} must be an integer between ${min} and ${max}`);
}

for (const [type, name] of [
  [DurableObjectId, "DurableObjectId"],
  [DurableObjectNamespace, "DurableObjectNamespace"],
]) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
}

/** The namespace numbered `number` in the host's list. */
export function makeNamespace(number) {
  return new DurableObjectNamespace(secret, number);
}
