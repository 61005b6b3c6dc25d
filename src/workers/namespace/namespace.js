// Namespaces of Durable Objects and the ids that they make.
import host from "dodev:host";
import { illegalInvocation, notePlatformClass } from "dodev:web/interface";
import { makeStub } from "dodev:workers/stub";

let make;
let isNamespace;
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
  #jurisdiction;

  constructor(key, namespace, hex, name, jurisdiction) {
    if (key !== secret) throw illegal("constructor");
    this.#namespace = namespace;
    this.#hex = hex;
    this.#jurisdiction = jurisdiction;
    Object.defineProperty(this, "jurisdiction", { value: jurisdiction, enumerable: true });
    Object.defineProperty(this, "name", { value: name, enumerable: true });
  }

  toString() {
    if (!isId(this)) throw illegalInvocation();
    return this.#hex;
  }

  equals(other) {
    if (!isId(this)) throw illegalInvocation();
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
      jurisdictionOf: (id) => id.#jurisdiction,
    };
  }
}

/** Whether `value` is an id, and its digits. */
export const { isId, hexOf } = make;

/** An id of the namespace numbered `namespace`, in the jurisdiction that `hex` says. */
export function makeId(namespace, hex, name) {
  return new DurableObjectId(secret, namespace, hex, name, host.jurisdictionOf(hex));
}

export class DurableObjectNamespace {
  #number;
  #jurisdiction;

  constructor(key, number, jurisdiction) {
    if (key !== secret) throw illegal("constructor");
    this.#number = number;
    this.#jurisdiction = jurisdiction;
  }

  newUniqueId(options) {
    if (!isNamespace(this)) throw illegalInvocation();
    const jurisdiction = known(options?.jurisdiction) ?? this.#jurisdiction;
    if (this.#jurisdiction !== undefined && jurisdiction !== this.#jurisdiction) {
      throw new TypeError(
        `newUniqueId called on a subnamespace of the jurisdiction "${this.#jurisdiction}" with the jurisdiction "${jurisdiction}"`,
      );
    }
    const hex =
      jurisdiction === undefined ? host.newUniqueId(this.#number) : host.newUniqueId(this.#number, jurisdiction);
    return new DurableObjectId(secret, this.#number, hex, undefined, jurisdiction);
  }

  idFromName(name) {
    if (!isNamespace(this)) throw illegalInvocation();
    return this.#named(required("idFromName", name, arguments.length));
  }

  #named(name) {
    const jurisdiction = this.#jurisdiction;
    const hex =
      jurisdiction === undefined
        ? host.idFromName(this.#number, name)
        : host.idFromName(this.#number, name, jurisdiction);
    return new DurableObjectId(secret, this.#number, hex, name, jurisdiction);
  }

  idFromString(text) {
    if (!isNamespace(this)) throw illegalInvocation();
    text = required("idFromString", text, arguments.length);
    const id = makeId(this.#number, host.idFromString(this.#number, text));
    if (this.#jurisdiction !== undefined && make.jurisdictionOf(id) !== this.#jurisdiction) {
      // Fidelity: that it throws is documented, the text is the one of other ids that do not belong here.
      throw new TypeError("Durable Object ID is not valid for this namespace.");
    }
    return id;
  }

  get(id, options) {
    if (!isNamespace(this)) throw illegalInvocation();
    if (!isId(id)) {
      throw new TypeError(
        "Failed to execute 'get' on 'DurableObjectNamespace': parameter 1 is not of type 'DurableObjectId'.",
      );
    }
    if (this.#jurisdiction !== undefined && make.jurisdictionOf(id) !== this.#jurisdiction) {
      // Fidelity: workerd's `src/workerd/api/actor.c++`.
      throw new TypeError("get called on jurisdictional subnamespace with an ID from a different jurisdiction");
    }
    const retry = checkOptions("get", options);
    const hex = hexOf(id);
    return makeStub(this.#number, id, hex, retry);
  }

  getByName(name, options) {
    if (!isNamespace(this)) throw illegalInvocation();
    name = required("getByName", name, arguments.length);
    const retry = checkOptions("getByName", options);
    const id = this.#named(name);
    return makeStub(this.#number, id, hexOf(id), retry);
  }

  jurisdiction(name) {
    if (!isNamespace(this)) throw illegalInvocation();
    return new DurableObjectNamespace(secret, this.#number, known(name));
  }

  static {
    isNamespace = (value) => typeof value === "object" && value !== null && #number in value;
  }
}

// Deviation: wrangler's runtime throws for every jurisdiction; here they are labels, as the platform has them.
function known(jurisdiction) {
  if (jurisdiction === undefined || jurisdiction === null) return undefined;
  jurisdiction = `${jurisdiction}`;
  if (host.isJurisdiction(jurisdiction)) return jurisdiction;
  // Fidelity: what production says of other names is not known; this is what wrangler's runtime says of all.
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

notePlatformClass(DurableObjectId);
notePlatformClass(DurableObjectNamespace);
