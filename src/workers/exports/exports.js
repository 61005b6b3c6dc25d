// `ctx.exports`: the Worker's own entry points and namespaces, without bindings.
import host from "dodev:host";
import { Cloudflare } from "dodev:web/cloudflare";
import { standsIn } from "dodev:web/console/inspect";
import { worker } from "dodev:workers/env";
import { WorkerEntrypoint } from "dodev:workers/entrypoints";
import { classWithProps, makeClassLoopback, noteLoopback } from "dodev:workers/facets/classes";
import { DurableObjectNamespace, makeNamespace } from "dodev:workers/namespace";
import { callableTarget, tagged } from "dodev:workers/rpc/references";
import { makeLoopback } from "dodev:workers/service";

let made;

function isEntrypoint(value) {
  if (typeof value === "function") return value.prototype instanceof WorkerEntrypoint;
  return typeof value === "object" && value !== null;
}

const LoopbackDurableObjectNamespace = class LoopbackDurableObjectNamespace extends DurableObjectNamespace {};
tagged(LoopbackDurableObjectNamespace, "LoopbackDurableObjectNamespace");

const namespaces = new WeakSet();
standsIn((value) => (namespaces.has(value) ? Object.create(LoopbackDurableObjectNamespace.prototype) : undefined));

/**
 * A namespace that can be called, as the platform's are: called with props it gives the class, for facets.
 */
function callable(namespace, name) {
  const loopback = new Proxy(callableTarget(LoopbackDurableObjectNamespace), {
    apply(_target, _self, args) {
      return classWithProps("LoopbackDurableObjectNamespace", name, args);
    },
    get(target, key, receiver) {
      if (!Object.hasOwn(DurableObjectNamespace.prototype, key) || key === "constructor" || typeof key === "symbol") {
        return Reflect.get(target, key, receiver);
      }
      return namespace[key].bind(namespace);
    },
  });
  namespaces.add(loopback);
  return noteLoopback(loopback, name, "LoopbackDurableObjectNamespace");
}

/** Whether `value` may be a class of Durable Objects: those need not extend the platform's class. */
function isObjectClass(value) {
  return typeof value === "function" && typeof value.prototype === "object";
}

/** The exports of the running Worker that can be called, made when first asked for. */
export function loopback() {
  if (made !== undefined) return made;
  // There are none while the modules are evaluated.
  if (worker.exports === undefined) return {};
  made = {};
  const classes = host.namespaces();
  for (const name of Object.keys(worker.exports)) {
    const number = classes.indexOf(name);
    if (number >= 0) made[name] = callable(makeNamespace(number), name);
    else if (isEntrypoint(worker.exports[name])) made[name] = makeLoopback(name === "default" ? undefined : name);
    else if (isObjectClass(worker.exports[name])) made[name] = makeClassLoopback(name);
  }
  return made;
}

let given;

/** The same for contexts, which have it since the date of `enable_ctx_exports`. */
export function contextExports() {
  if (given !== undefined || Cloudflare.compatibilityFlags.enable_ctx_exports !== true) return given;
  const all = loopback();
  given = made;
  return all;
}
