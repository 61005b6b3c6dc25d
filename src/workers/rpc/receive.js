// The callee's side of RPC: finding what a call means, and calling it.
//
// Fidelity: workerd `src/workerd/api/worker-rpc.c++`. Of instances only what their classes have may be reached, of
// plain objects and functions only their own properties, of neither what Object.prototype has.
import host from "dodev:host";
import { RESERVED, RpcTarget, isPlain, missing, referenceOf, refused } from "dodev:workers/rpc/references";

/** Marks classes whose instances may be called over RPC. */
export const callable = Symbol("callable");

/** Names that are not methods of objects and entry points. */
export const RESERVED_ENTRY = new Set([
  "fetch", "connect", "alarm", "webSocketMessage", "webSocketClose", "webSocketError", "dup", "constructor",
]);
/** Functions and targets that others may call, by the number of their export. */
const exported = new Map();

function isObject(value) {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

/** The value of `name` that the class of `object` gives it. */
export function classMember(object, name, reserved) {
  if (reserved.has(name)) throw refused(name);
  if (Object.hasOwn(object, name)) throw missing(name);
  const value = object[name];
  if (value === undefined || value === Object.prototype[name]) throw missing(name);
  return value;
}

/** The value of `name` as callers may see it. */
function member(object, name, reserved) {
  const isReference = referenceOf(object) !== undefined;
  // Libraries make targets that can be called: Proxies of functions.
  const isFunction = typeof object === "function" && !(object instanceof RpcTarget);
  if (!isReference && !isFunction && !isPlain(object)) return classMember(object, name, reserved);
  if (reserved.has(name)) throw refused(name);
  if (!isReference && !Object.hasOwn(object, name)) throw missing(name);
  return object[name];
}

/** Whether a path may go on through `object`. */
function isPassable(object) {
  return (
    isPlain(object) || typeof object === "function" || object instanceof RpcTarget || referenceOf(object) !== undefined
  );
}

/** A result that is to be awaited, as a promise: thenables of all kinds are. */
export function settled(result) {
  if (!isObject(result) || result instanceof Promise || typeof result.then !== "function") return result;
  return Promise.resolve(result);
}

/** Calls what lies at the end of `path` from `root` with `args`, or reads it if there are none. */
export function perform(root, path, args, reserved = RESERVED, invoke = Reflect.apply) {
  let value = root;
  let self = root;
  for (let i = 0; i < path.length; i++) {
    if (i > 0) {
      if (!isObject(value) || !isPassable(value)) throw missing(path[i - 1]);
      self = value;
    }
    value = member(self, path[i], reserved);
  }
  if (args === undefined) return settled(value);
  if (typeof value !== "function") throw new TypeError(`"${path.join(".") || "(this)"}" is not a function.`);
  return settled(invoke(value, self, args));
}

host.entry("keepExport", (id, target) => {
  exported.set(id, target);
});

/** The function or target that was exported as `id`. */
export function exportedTarget(id) {
  return exported.get(id);
}

host.entry("dropExport", (id, disposes) => {
  const target = exported.get(id);
  exported.delete(id);
  if (disposes) return target?.[Symbol.dispose]?.();
});
