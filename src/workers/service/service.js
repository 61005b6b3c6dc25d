// Services: the caller's side of entry points of the Worker. Every name that is not the service's own is a method.
import host from "dodev:host";
import { expose, illegalInvocation, wrongArgument } from "dodev:web/interface";
import { owner, requireOwn } from "dodev:web/owner";
import { sendRequest } from "dodev:workers/entry/messages";
import { propsIn } from "dodev:workers/facets/classes";
import { SERVICE, carries, checkProps } from "dodev:workers/rpc/carry";
import { Reference, callableTarget, follows, referenceOf, tagged } from "dodev:workers/rpc/references";

/** Where the numbers of Workers' assets begin. */
const ASSETS = 65536;

/** The entry point `name` (undefined: the default one) of the Worker numbered `worker`, called with `props`. */
class ServiceReference {
  constructor(worker, name, props) {
    this.callee = [worker, name, props];
  }
  call(path, args) {
    this.check();
    return host.callEntrypoint(this.callee, path, args);
  }
  request(...request) {
    this.check();
    return host.fetchEntrypoint(this.callee, ...request);
  }
  /** Bindings and entries of `ctx.exports` are anybody's. */
  check() {}
  describe() {
    this.check();
    return [SERVICE, this.callee];
  }
}
follows(ServiceReference);

/** The static assets of a Worker, which have methods of their own. */
class AssetsReference extends ServiceReference {
  call(path, args) {
    const { methods } = host.lazy("dodev:workers/service/assets");
    if (!Array.isArray(args) || !Object.hasOwn(methods, path)) return super.call(path, args);
    this.check();
    return methods[path](this, ...args);
  }
}
follows(AssetsReference, ServiceReference);

/** The same, as it arrives by RPC: it belongs to who received it. */
class ReceivedReference {
  constructor(worker, name, props) {
    this.callee = [worker, name, props];
    this.maker = owner();
  }
  check() {
    requireOwn(this.maker, "SubrequestChannel");
  }
}
follows(ReceivedReference, ServiceReference);

/** A stub of a service or of an object. */
export class Fetcher {
  constructor() {
    throw new TypeError("Illegal constructor");
  }

  fetch(input, init) {
    if (arguments.length === 0) throw wrongArgument("Fetcher", "fetch", 1, "Request or string");
    if (typeof init !== "object" && typeof init !== "function" && init !== undefined) {
      throw wrongArgument("Fetcher", "fetch", 2, "RequestInitializerDict or Request");
    }
    const reference = referenceOf(this);
    if (typeof reference?.request !== "function") throw illegalInvocation();
    return sendRequest((...request) => reference.request(...request), input, init);
  }

  connect() {
    if (arguments.length === 0) throw wrongArgument("Fetcher", "connect", 1, "SocketAddress or string");
    throw new Error("dodev does not emulate connect() of services yet");
  }
}
tagged(Fetcher, "Fetcher");
expose(Fetcher.prototype);
const target = Object.create(Fetcher.prototype);

/** A stub of the entry point `name` of the Worker numbered `worker`; `props` is what it finds in `ctx.props`. */
export function makeService(worker, name, props) {
  const Kind = worker < ASSETS ? ServiceReference : AssetsReference;
  return new Proxy(target, new Kind(worker, name, props));
}

const LoopbackServiceStub = class LoopbackServiceStub extends Fetcher {};
tagged(LoopbackServiceStub, "LoopbackServiceStub");
const loopbackTarget = callableTarget(LoopbackServiceStub);

/** An entry of `ctx.exports`: the service without props, and a function that gives it some. */
class LoopbackReference {
  constructor(name) {
    this.callee = [host.worker, name, undefined];
  }
  apply(_target, _self, args) {
    const [worker, name] = this.callee;
    const props = propsIn("LoopbackServiceStub", args);
    if (props !== undefined) checkProps(props);
    return makeService(worker, name, props);
  }
}

follows(LoopbackReference, ServiceReference);
LoopbackReference.prototype.loopback = "LoopbackServiceStub";

/** The entry of `ctx.exports` for the entry point `name`. */
export function makeLoopback(name) {
  return new Proxy(loopbackTarget, new LoopbackReference(name));
}

carries(SERVICE, ([worker, name, props]) => new Proxy(target, new ReceivedReference(worker, name, props)));
