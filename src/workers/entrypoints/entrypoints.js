// What user code imports from "cloudflare:workers": base classes of entrypoints and objects, and the
// environment of the running Worker.
import host from "dodev:host";
import { notePlatformClass, wrongConstruction } from "dodev:web/interface";
import { isObject } from "dodev:web/webidl";
import { DurableObjectState } from "dodev:workers/ctx";
import { tracing } from "dodev:workers/ctx/tracing";
import { environment, worker } from "dodev:workers/env";
import { loopback } from "dodev:workers/exports";
import { callable } from "dodev:workers/rpc/receive";
import { RpcPromise, RpcProperty, RpcStub, RpcTarget, tagged } from "dodev:workers/rpc/references";
import { Fetcher } from "dodev:workers/service";

class Entrypoint {
  constructor(ctx, env) {
    this.ctx = ctx;
    this.env = env;
  }
  get [callable]() {
    return true;
  }
}
// The mark is the platform's business: it must not show up among an object's keys.
Object.defineProperty(Entrypoint.prototype, callable, { enumerable: false });

export class DurableObject extends Entrypoint {
  constructor(ctx, env) {
    if (!(ctx instanceof DurableObjectState)) throw wrongConstruction("DurableObjectBase", 1, "DurableObjectState");
    if (!isObject(env)) throw wrongConstruction("DurableObjectBase", 2, "Object");
    super(ctx, env);
  }
}
export class WorkerEntrypoint extends Entrypoint {
  constructor(ctx, env) {
    if (!isObject(ctx)) throw wrongConstruction("WorkerEntrypoint", 1, "Object");
    if (!isObject(env)) throw wrongConstruction("WorkerEntrypoint", 2, "Object");
    super(ctx, env);
  }
}
tagged(DurableObject, "DurableObjectBase");
tagged(WorkerEntrypoint, "WorkerEntrypoint");
notePlatformClass(WorkerEntrypoint);
export { RpcPromise, RpcProperty, RpcStub, RpcTarget };
export { Fetcher as ServiceStub };

const refused = (name) =>
  ({
    [name]: class {
      constructor() {
        throw new Error(`dodev does not emulate ${name} yet`);
      }
    },
  })[name];

export const WorkflowEntrypoint = refused("WorkflowEntrypoint");

/** The environment, usable outside of handlers; reads what the running Worker was given. */
export const env = new Proxy(Object.create(null), {
  get: (_, name) => environment()[name],
  has: (_, name) => name in environment(),
  ownKeys: () => Reflect.ownKeys(environment()),
  getOwnPropertyDescriptor: (_, name) => {
    const found = Object.getOwnPropertyDescriptor(environment(), name);
    return found && { ...found, configurable: true };
  },
  set: () => false,
});

/** The entry points and namespaces of the running Worker, usable outside of handlers. */
export const exports = new Proxy(Object.create(null), {
  get: (_, name) => loopback()[name],
  has: (_, name) => name in loopback(),
  ownKeys: () => Reflect.ownKeys(loopback()),
  getOwnPropertyDescriptor: (_, name) => {
    const found = Object.getOwnPropertyDescriptor(loopback(), name);
    return found && { ...found, configurable: true };
  },
  set: () => false,
});

/** Keeps the running request alive until `promise` is settled. */
export function waitUntil(promise) {
  host.waitUntil(Promise.resolve(promise));
}

/** Runs `fn` while `env` shows `replacement`. */
export function withEnv(replacement, fn) {
  const before = environment();
  worker.env = replacement;
  try {
    return fn();
  } finally {
    worker.env = before;
  }
}

export function withExports() {
  throw new Error("dodev does not emulate withExports() yet");
}

export function withEnvAndExports() {
  throw new Error("dodev does not emulate withEnvAndExports() yet");
}

export function abortIsolate() {
  throw new Error("dodev does not emulate abortIsolate() yet");
}

/** The cache in front of the Worker; outside of the platform there is none, and it has no methods. */
export const cache = Object.freeze(Object.create(null));

export { tracing };
