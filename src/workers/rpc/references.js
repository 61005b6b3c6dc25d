// Stubs, promises and properties of RPC: values on which every name is a method of somebody else.
//
// Each is a Proxy whose handler holds what it stands for; all proxies of a class share one target, so that
// `typeof`, tag and prototype are right. `host.handlerOf` finds the handler without running any trap.
import host from "dodev:host";
import { standsIn } from "dodev:web/console/inspect";
import { expose, illegalInvocation, keepShapes, notePlatformClass, wrongArgument } from "dodev:web/interface";
import { owner, requireOwn } from "dodev:web/owner";

const MAKE = Symbol("make");

/** Longest path of properties, in names. */
const DEPTH_MAX = 64;

/** Whether a property's name is an array index: those are not names of methods. */
function isIndex(name) {
  const code = name.charCodeAt(0);
  return code >= 48 && code <= 57 && `${name >>> 0}` === name;
}

/** Whether the engine asks for a method named so, which the platform's engine looks for beside the names of others. */
function isHidden(name) {
  return name === "toJSON" && host.isStringifying();
}

/**
 * What every reference does; `call` of the classes that follow sends a call along a path of names. Two are made for
 * each call, so these classes follow it by `follows` and not by `extends`, whose constructors are slow.
 */
export class Reference {
  /** The value for a name that the class itself does not have. Were there a method `then`, every stub would pass for a promise. */
  member(name) {
    // Only what stands before a colon begins with a digit.
    if (name === "then" || (name < ":" && isIndex(name)) || isHidden(name)) return undefined;
    return new Proxy(propertyTarget, new PropertyReference(this, name));
  }

  /** Promise of what the call at `path` returns; errors never come synchronously. */
  start(path, args) {
    try {
      return this.call(path, args);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Names of own properties beside those that user code set. */
  names() {
    return [];
  }

  get(target, name, receiver) {
    const { own } = this;
    if (own !== undefined && Object.hasOwn(own, name)) return own[name];
    return typeof name === "symbol" || name in target ? Reflect.get(target, name, receiver) : this.member(name);
  }
  set(_target, name, value) {
    (this.own ??= {})[name] = value;
    return true;
  }
  deleteProperty(_target, name) {
    return this.own === undefined || delete this.own[name];
  }
  has(target, name) {
    return name in target || (typeof name === "string" && name !== "then");
  }
  ownKeys() {
    const { own } = this;
    return own === undefined ? this.names() : [...new Set([...this.names(), ...Reflect.ownKeys(own)])];
  }
  getOwnPropertyDescriptor(_target, name) {
    const { own } = this;
    const found = own === undefined ? undefined : Object.getOwnPropertyDescriptor(own, name);
    if (found !== undefined || !this.names().includes(name)) return found && { ...found, configurable: true };
    return { value: this.valueOf(name), writable: false, enumerable: true, configurable: true };
  }
  // The target is shared: nothing may change it, so that nothing can be defined for good.
  defineProperty(_target, name, descriptor) {
    return descriptor.configurable === true && Reflect.defineProperty((this.own ??= {}), name, descriptor);
  }
  preventExtensions() {
    return false;
  }
  setPrototypeOf() {
    return false;
  }
  apply(_target, _self, args) {
    return makePromise(this.start(undefined, args));
  }
  construct() {
    throw new TypeError("RPC stubs are not constructors.");
  }
}

/** Properties that user code set. */
Reference.prototype.own = undefined;

/** The id of the object that answers, where there is one. */
Reference.prototype.hex = undefined;

/** Makes `Class` a class of references. */
export function follows(Class, Base = Reference) {
  Object.setPrototypeOf(Class.prototype, Base.prototype);
}

/** The handler behind `value` if it is a reference. */
export function referenceOf(value) {
  if (typeof value !== "function" && (typeof value !== "object" || value === null)) return undefined;
  const handler = host.handlerOf(value);
  return handler instanceof Reference ? handler : undefined;
}

// Consoles show a reference as an object of its class.
standsIn((value) => {
  const handler = referenceOf(value);
  if (handler === undefined) return undefined;
  const prototype = Object.getPrototypeOf(value);
  const shown = Object.create(prototype);
  // Its tag is another name than the one that is shown.
  Object.defineProperty(shown, Symbol.toStringTag, { value: prototype.constructor.name });
  for (const name of handler.ownKeys()) Object.defineProperty(shown, name, handler.getOwnPropertyDescriptor(value, name));
  return shown;
});

function receiver(value, Handler) {
  const handler = referenceOf(value);
  if (!(handler instanceof Handler)) throw illegalInvocation();
  return handler;
}

/** A function of class `Class` for proxies that can be called, without properties of its own. */
export function callableTarget(Class) {
  const target = () => {};
  delete target.name;
  delete target.length;
  return Object.setPrototypeOf(target, Class.prototype);
}

/** Gives the class of references `Class` its tag. */
export function tagged(Class, tag) {
  Object.defineProperty(Class.prototype, Symbol.toStringTag, { value: tag, configurable: true });
  return Class;
}

function notFunction(name, owner) {
  return wrongArgument(owner, name, 1, "Function");
}

/** A stub of an export elsewhere. */
class StubReference {
  constructor(handle) {
    this.import = handle;
  }
  call(path, args) {
    return host.callImport(this.import, path, args);
  }
}
follows(StubReference);

/** Whether `value` is a plain object: one whose prototype is Object's. */
export function isPlain(value) {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

export class RpcTarget {}
notePlatformClass(RpcTarget);
tagged(RpcTarget, "JsRpcTarget");

export class RpcStub {
  constructor(target) {
    if (typeof target !== "function" && (typeof target !== "object" || target === null)) {
      throw new TypeError("Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'.");
    }
    const wraps = typeof target === "function" || target instanceof RpcTarget || isPlain(target);
    const reference = referenceOf(target);
    if (!wraps || (reference !== undefined && !(reference instanceof StubReference))) {
      throw new TypeError("RpcStubs can only wrap plain objects, functions, and RpcTarget derivatives.");
    }
    return makeStub(host.importTarget(target));
  }
  dup() {
    return makeStub(host.dupImport(receiver(this, StubReference).import));
  }
  [Symbol.dispose]() {
    host.dropImport(receiver(this, StubReference).import);
  }
}
tagged(RpcStub, "JsRpcStub");
expose(RpcStub.prototype);
const stubTarget = callableTarget(RpcStub);

/** A stub of what `handle` refers to. */
export function makeStub(handle) {
  return new Proxy(stubTarget, new StubReference(handle));
}

/** The import behind `value` if it is a stub. */
export function importOf(handler) {
  return handler instanceof StubReference ? handler.import : undefined;
}

/** The promised result of a call; calls of its members are sent when it is there. */
class PromiseReference {
  constructor(promise, hex) {
    this.promise = promise;
    this.hex = hex;
    this.maker = owner();
  }
  // Nearly every promise is awaited: the short way there.
  get(target, name, receiver) {
    if (name !== "then" || this.own !== undefined) return Reference.prototype.get.call(this, target, name, receiver);
    const { promise } = this;
    return (fulfilled, rejected) => {
      if (typeof fulfilled !== "function") throw notFunction("then", "JsRpcPromise");
      return promise.then(fulfilled, rejected);
    };
  }
  call(path, args) {
    // Anybody may await it, but only its maker follows it.
    requireOwn(this.maker, "TraceContextParent");
    // Later changes of the arguments do not count.
    const packed = args === undefined ? undefined : host.packArguments(args);
    if (this.disposed) throw new Error("RPC promise used after being disposed.");
    const [state, value] = host.promiseState(this.promise);
    if (state !== "fulfilled") return this.promise.then((value) => follow(value, path, packed, this.hex));
    // What came already is asked at once: it may be disposed next.
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) {
      throw new TypeError("Can't pipeline on RPC that did not return an object.");
    }
    return Promise.resolve(follow(value, path, packed, this.hex));
  }
}

follows(PromiseReference);
PromiseReference.prototype.typeName = "RpcPromise";
PromiseReference.prototype.disposed = false;
keepShapes(PromiseReference, ["promise", "hex", "maker"]);

export class RpcPromise {
  constructor(key) {
    if (key !== MAKE) throw new TypeError("Illegal constructor");
  }
  then(fulfilled, rejected) {
    if (typeof fulfilled !== "function") throw notFunction("then", "JsRpcPromise");
    return receiver(this, PromiseReference).promise.then(fulfilled, rejected);
  }
  catch(rejected) {
    if (typeof rejected !== "function") throw notFunction("catch", "JsRpcPromise");
    return receiver(this, PromiseReference).promise.catch(rejected);
  }
  finally(done) {
    return receiver(this, PromiseReference).promise.finally(done);
  }
  [Symbol.dispose]() {
    const handler = receiver(this, PromiseReference);
    handler.disposed = true;
    handler.promise.then((value) => value?.[Symbol.dispose]?.(), () => {});
  }
}
tagged(RpcPromise, "JsRpcPromise");
expose(RpcPromise.prototype);
const promiseTarget = callableTarget(RpcPromise);

/** The reference for a call whose result is `promise`. */
export function makePromise(promise) {
  return new Proxy(promiseTarget, new PromiseReference(promise));
}

/** A property of a reference: call it, go on along it, or await it to read it. */
class PropertyReference {
  constructor(base, path) {
    this.base = base;
    this.path = path;
  }
  call(path, args) {
    if (path === undefined) return this.base.call(this.path, args);
    return this.base.call([].concat(this.path, path), args);
  }
  member(name) {
    if (isIndex(name) || isHidden(name)) return undefined;
    if (this.depth >= DEPTH_MAX) {
      throw new TypeError(`RPC pipelined property path is too deep (max ${DEPTH_MAX}).`);
    }
    const property = new PropertyReference(this.base, [].concat(this.path, name));
    property.depth = this.depth + 1;
    return new Proxy(propertyTarget, property);
  }
  apply(_target, _self, args) {
    let promise;
    try {
      promise = this.base.call(this.path, args);
    } catch (error) {
      promise = Promise.reject(error);
    }
    return new Proxy(promiseTarget, new PromiseReference(promise, this.base.hex));
  }
}
follows(PropertyReference);
PropertyReference.prototype.typeName = "RpcProperty";
PropertyReference.prototype.depth = 1;
keepShapes(PropertyReference, ["base", "path"]);

export class RpcProperty {
  constructor(key) {
    if (key !== MAKE) throw new TypeError("Illegal constructor");
  }
  // Awaiting a property reads it.
  then(fulfilled, rejected) {
    if (typeof fulfilled !== "function") throw notFunction("then", "JsRpcProperty");
    return receiver(this, PropertyReference).start(undefined, undefined).then(fulfilled, rejected);
  }
  catch(rejected) {
    if (typeof rejected !== "function") throw notFunction("catch", "JsRpcProperty");
    return receiver(this, PropertyReference).start(undefined, undefined).catch(rejected);
  }
  finally(done) {
    return receiver(this, PropertyReference).start(undefined, undefined).finally(done);
  }
}
tagged(RpcProperty, "JsRpcProperty");
expose(RpcProperty.prototype);
const propertyTarget = callableTarget(RpcProperty);

/** The error for a name that the receiver does not offer. */
export function missing(name) {
  return new TypeError(`The RPC receiver does not implement the method "${name}".`);
}

/** Names that are methods of nothing over RPC. */
export const RESERVED = new Set(["dup", "constructor"]);

/** The error for a name that is no method over RPC. */
export function refused(name) {
  return new TypeError(`'${name}' is a reserved method and cannot be called over RPC.`);
}

/** As if the callee, the object `hex` if it is one, had thrown it: what is followed here is its result. */
function remote(error, hex) {
  error.remote = true;
  if (hex !== undefined) error.durableObjectId = hex;
  return error;
}

/**
 * Goes along `path` from the result of a call, and calls what it finds there with the packed arguments. What lies
 * behind a stub is the business of that stub's owner.
 */
function follow(value, path, packed, hex) {
  const names = path === undefined ? [] : typeof path === "string" ? [path] : path;
  let at = value;
  for (let i = 0; i <= names.length; i++) {
    const reference = referenceOf(at);
    if (reference !== undefined && (i < names.length || packed !== undefined)) {
      return reference.call(names.slice(i), packed);
    }
    if (i === names.length) break;
    if (RESERVED.has(names[i])) throw remote(refused(names[i]), hex);
    if (!isPlain(at) || !Object.hasOwn(at, names[i])) {
      throw remote(missing(names[i > 0 && (typeof at !== "object" || at === null) ? i - 1 : i]), hex);
    }
    at = at[names[i]];
  }
  if (packed !== undefined) throw remote(new TypeError(`"${names.join(".") || "(this)"}" is not a function.`), hex);
  return at;
}

const NOTHING_TO_DISPOSE = { value: () => {}, writable: true, configurable: true };

/** What the host gives to objects that a call returned, where nothing came with them. */
host.entry("nothingToDispose", NOTHING_TO_DISPOSE.value);

/** Makes what a call returned disposable, and with it the stubs whose imports are `handles`. */
host.entry("disposable", (value, handles) => {
  const reference = referenceOf(value);
  if (reference !== undefined) {
    // Those of RPC stubs stand in their class.
    if (!(reference instanceof StubReference)) Object.defineProperty(value, Symbol.dispose, NOTHING_TO_DISPOSE);
    return value;
  }
  const disposer =
    handles === undefined
      ? NOTHING_TO_DISPOSE
      : { value: () => handles.forEach(host.dropImport), writable: true, configurable: true };
  return Object.defineProperty(value, Symbol.dispose, disposer);
});

/** Takes from a plain object that is returned what its receiver is to call when it disposes it, as a target. */
host.entry("takeDisposer", (value) => {
  if (!isPlain(value)) return undefined;
  const dispose = value[Symbol.dispose];
  if (dispose === undefined) return undefined;
  Reflect.deleteProperty(value, Symbol.dispose);
  if (typeof dispose !== "function" || dispose === NOTHING_TO_DISPOSE.value) return undefined;
  return { [Symbol.dispose]: () => dispose.call(value) };
});
