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
    checkOptions(options);
    const hex = hexOf(id);
    return makeStub(this.#number, id, hex);
  }

  getByName(name, options) {
    name = required("getByName", name, arguments.length);
    checkOptions(options);
    const hex = host.idFromName(this.#number, name);
    return makeStub(this.#number, makeId(this.#number, hex, name), hex);
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

function checkOptions(options) {
  if (options === undefined || options === null) return;
  if (options.routingMode !== undefined && options.routingMode !== "primary-only") {
    throw new RangeError(`unknown routingMode: ${options.routingMode}`);
  }
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
