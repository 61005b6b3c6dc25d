// Stubs: the caller's side of an object. Every name that is not the stub's own is a method of the object.
import host from "dodev:host";
import { ownerOfNew, requireOwn } from "dodev:web/owner";
import { makeId } from "dodev:workers/namespace";
import { OBJECT, carries } from "dodev:workers/rpc/carry";
import { Reference, follows, referenceOf, tagged } from "dodev:workers/rpc/references";
import { Fetcher } from "dodev:workers/service";

const NAMES = ["name", "id"];

/** The object `id` of a namespace; its place in the host's tables is looked up at the first call. */
class ObjectReference {
  constructor(namespace, id, hex, retry) {
    this.namespace = namespace;
    this.id = id;
    this.hex = hex;
    this.retry = retry;
    this.slot = -1;
    this.ticket = 0;
    this.maker = ownerOfNew();
  }
  connect() {
    requireOwn(this.maker, this.kind);
    if (this.slot < 0) {
      this.slot = host.objectSlot(this.namespace, this.hex, this.id.name);
      this.ticket = host.objectBreaks(this.slot) + this.retry * 2 ** 32;
    }
    return this.slot;
  }
  call(path, args) {
    return host.callObject(this.connect(), this.ticket, path, args);
  }
  request(...request) {
    return host.fetchObject([this.connect(), this.ticket], ...request);
  }
  member(name) {
    return name === "then" ? undefined : Reference.prototype.member.call(this, name);
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

/** The same, as it arrives by RPC: it has no properties of its own. */
class ReceivedReference {
  constructor(namespace, id, hex) {
    this.namespace = namespace;
    this.id = id;
    this.hex = hex;
    this.retry = 0;
    this.slot = -1;
    this.ticket = 0;
    this.maker = ownerOfNew();
  }
  names() {
    return [];
  }
}
follows(ReceivedReference, ObjectReference);
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

  connect() {
    throw new Error("dodev does not emulate connect() of a Durable Object stub yet");
  }
};
tagged(Stub, "DurableObject");
const target = Object.create(Stub.prototype);

/** A stub of the object `id` of the namespace numbered `namespace`; `retry` is 0 for the platform's own limits. */
export function makeStub(namespace, id, hex, retry = 0) {
  return new Proxy(target, new ObjectReference(namespace, id, hex, retry));
}

const receivedTarget = Object.create(Fetcher.prototype);

// Fidelity: workerd 1.20261117.1 gives a stub that was passed on as a Fetcher, without `id` and `name`.
carries(
  OBJECT,
  ([namespace, hex, name]) =>
    new Proxy(receivedTarget, new ReceivedReference(namespace, makeId(namespace, hex, name), hex)),
);
