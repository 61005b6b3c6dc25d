// Namespaces of Durable Objects and the ids that they make.
import host from "dodev:host";
import { expose, illegalInvocation, notePlatformClass } from "dodev:web/interface";
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

/** Its own properties `jurisdiction` and `name` are the host's work: describing them here would take longer than all the rest. */
export class DurableObjectId {
  #hex;

  constructor(key, hex) {
    if (key !== secret) throw illegal("constructor");
    this.#hex = hex;
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
    const isId = (value) => typeof value === "object" && value !== null && #hex in value;
    make = {
      isId,
      hexOf: (value) => (isId(value) ? value.#hex : undefined),
      named: (number, name, jurisdiction) => {
        const id = new DurableObjectId(secret);
        id.#hex = host.nameId(id, number, name, jurisdiction);
        return id;
      },
    };
  }
}

/** Whether `value` is an id; its digits, undefined if it is none. */
export const { isId, hexOf } = make;

/** The id that `name` has in the namespace with this number. */
const namedId = make.named;

/** The id `hex`, in the jurisdiction that it says. */
export function makeId(hex, name) {
  return described(hex, name, host.jurisdictionOf(hex));
}

function described(hex, name, jurisdiction) {
  const id = new DurableObjectId(secret, hex);
  host.describeId(id, jurisdiction, name);
  return id;
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
    return described(hex, undefined, jurisdiction);
  }

  idFromName(name) {
    if (!isNamespace(this)) throw illegalInvocation();
    if (typeof name !== "string") name = required("idFromName", name, arguments.length);
    return namedId(this.#number, name, this.#jurisdiction);
  }

  idFromString(text) {
    if (!isNamespace(this)) throw illegalInvocation();
    text = required("idFromString", text, arguments.length);
    const id = makeId(host.idFromString(this.#number, text));
    if (this.#jurisdiction !== undefined && id.jurisdiction !== this.#jurisdiction) {
      // Fidelity: that it throws is documented, the text is the one of other ids that do not belong here.
      throw new TypeError("Durable Object ID is not valid for this namespace.");
    }
    return id;
  }

  get(id, options) {
    if (!isNamespace(this)) throw illegalInvocation();
    const hex = hexOf(id);
    if (hex === undefined) {
      throw new TypeError(
        "Failed to execute 'get' on 'DurableObjectNamespace': parameter 1 is not of type 'DurableObjectId'.",
      );
    }
    if (this.#jurisdiction !== undefined && id.jurisdiction !== this.#jurisdiction) {
      // Fidelity: workerd's `src/workerd/api/actor.c++`.
      throw new TypeError("get called on jurisdictional subnamespace with an ID from a different jurisdiction");
    }
    return makeStub(this.#number, id, hex, options === undefined ? 0 : checkOptions("get", options));
  }

  getByName(name, options) {
    if (!isNamespace(this)) throw illegalInvocation();
    name = required("getByName", name, arguments.length);
    const retry = checkOptions("getByName", options);
    const id = namedId(this.#number, name, this.#jurisdiction);
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
  expose(type.prototype);
}

/** The namespace numbered `number` in the host's list. */
export function makeNamespace(number) {
  return new DurableObjectNamespace(secret, number);
}

notePlatformClass(DurableObjectId);
notePlatformClass(DurableObjectNamespace);
