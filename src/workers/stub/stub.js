// Stubs: the caller's side of an object. Every name that is not the stub's own is a method of the object.
import host from "dodev:host";
import { keepShapes } from "dodev:web/interface";
import { ownerOfNew, requireOwn } from "dodev:web/owner";
import { makeId } from "dodev:workers/namespace";
import { OBJECT, carries } from "dodev:workers/rpc/carry";
import { follows, referenceOf, tagged } from "dodev:workers/rpc/references";
import { Fetcher } from "dodev:workers/service";

const NAMES = ["name", "id"];

/** The object `id` of a namespace; its place in the host's tables is looked up at the first call. */
class ObjectReference {
  constructor(namespace, id, hex) {
    this.namespace = namespace;
    this.id = id;
    this.hex = hex;
    this.maker = ownerOfNew();
  }
  connect() {
    requireOwn(this.maker, this.kind);
    const { address } = this;
    return address < 0 ? (this.address = host.objectAddress(this.namespace, this.hex, this.id.name)) : address;
  }
  call(path, args) {
    return host.callObject(this.connect(), this.retry, path, args);
  }
  request(...request) {
    return host.fetchObject([this.connect(), this.retry], ...request);
  }
  names() {
    return NAMES;
  }
  valueOf(name) {
    return name === "id" ? this.id : this.id.name;
  }
  describe() {
    requireOwn(this.maker, this.kind);
    return [OBJECT, [this.namespace, this.hex, this.id.name]];
  }
}
follows(ObjectReference);
/** The platform's type behind it. */
ObjectReference.prototype.kind = "OutgoingFactory";
/** Its place and how often it broke before, once that was looked up. */
ObjectReference.prototype.address = -1;
/** Limits of retries, where they are not the platform's own. */
ObjectReference.prototype.retry = 0;
keepShapes(ObjectReference, ["namespace", "id", "hex", "maker", "address"]);

/** The same, as it arrives by RPC: it has no properties of its own. */
class ReceivedReference extends ObjectReference {
  names() {
    return [];
  }
}
ReceivedReference.prototype.kind = "SubrequestChannel";

function objectOf(stub) {
  const object = referenceOf(stub);
  if (!(object instanceof ObjectReference)) throw new TypeError("Illegal invocation");
  return object;
}

/** The class of stubs, under the name that the platform shows. */
const Stub = class DurableObject extends Fetcher {
  get id() {
    return objectOf(this).id;
  }

  get name() {
    return objectOf(this).id.name;
  }
};
tagged(Stub, "DurableObject");
const target = Object.create(Stub.prototype);

/** A stub of the object `id` of the namespace numbered `namespace`; `retry` is 0 for the platform's own limits. */
export function makeStub(namespace, id, hex, retry) {
  const reference = new ObjectReference(namespace, id, hex);
  if (retry !== 0) reference.retry = retry;
  return new Proxy(target, reference);
}

const receivedTarget = Object.create(Fetcher.prototype);

// Fidelity: workerd 1.20261117.1 gives a stub that was passed on as a Fetcher, without `id` and `name`.
carries(
  OBJECT,
  ([namespace, hex, name]) =>
    new Proxy(receivedTarget, new ReceivedReference(namespace, makeId(hex, name), hex)),
);
