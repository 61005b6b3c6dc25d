// Groups: what instances share. The host has the numbers, a group's object here has the values: functions that WebAssembly
// calls, values that it holds, and the one object that stands for each function, memory, table and global.
//
// Only objects of JavaScript's refer to each other here, so the engine's collector sees every cycle through WebAssembly.
import host from "dodev:host";
import { errorOf } from "dodev:web/wasm/errors";
import { WeakRef } from "dodev:web/weak_ref";

const { apply, getPrototypeOf } = Reflect;
const { defineProperty } = Object;
const asIntN = BigInt.asIntN;

/** Exported functions → their group and number. */
const exported = new WeakMap();

/** `value` as WebAssembly's 64 bits. */
function toBigInt(value) {
  if (typeof value === "number" || value === undefined || value === null || typeof value === "symbol") {
    throw new TypeError(`Cannot convert ${String(value)} to a BigInt`);
  }
  return asIntN(64, value);
}

/** A new group. */
export function newGroup() {
  const group = {
    handle: host.wasmGroup(),
    refs: [],
    /** JavaScript's functions that WebAssembly calls. */
    called: [],
    /** Numbers of functions that stand for JavaScript's → these. */
    hosted: new Map(),
    /** Functions of other groups → the numbers that they have here. */
    bridges: new Map(),
    functions: new Map(),
    objects: new Map(),
    numberOf: (value) => numberIn(group, value),
    functionOf: (number) => functionOf(group, number),
    toBigInt,
  };
  return group;
}

let shared;

/** The group of what JavaScript makes itself, for as long as any of it is left. */
export function sharedGroup() {
  let group = shared?.deref();
  if (group === undefined) {
    group = newGroup();
    shared = new WeakRef(group);
  }
  return group;
}

/** Where an exported function belongs; nothing for other values. */
export const groupOf = (value) => (typeof value === "function" ? exported.get(value)?.group : undefined);

/** The number of an exported function in `group`; -1 for other values. */
export function numberIn(group, value) {
  const known = typeof value === "function" ? exported.get(value) : undefined;
  if (known === undefined) return -1;
  if (known.group === group) return known.number;
  let number = group.bridges.get(value);
  if (number === undefined) {
    number = host.wasmBridge(group, known.group, known.number, group.called.push(value) - 1);
    group.bridges.set(value, number);
    group.hosted.set(number, value);
  }
  return number;
}

/** The number of a function for import `at` of `module` that calls JavaScript's `callable`. */
export function hostedFunction(group, module, at, callable) {
  const number = host.wasmImportFunction(group, module, at, group.called.push(callable) - 1);
  group.hosted.set(number, callable);
  return number;
}

/** The one function object for `number`; `index` is what it is called by, if its own module does not say. */
export function functionOf(group, number, index) {
  let found = group.functions.get(number);
  if (found !== undefined) return found;
  const callable = group.hosted.get(number);
  if (callable !== undefined && exported.has(callable)) return callable;
  const [own, length] = host.wasmFunction(group, number);
  const name = `${callable === undefined ? own : (index ?? own)}`;
  const call =
    callable === undefined
      ? (values) => run(group, number, values)
      : (values) => {
          const value = apply(callable, undefined, host.wasmConvert(group, number, values, false));
          const count = host.wasmFunction(group, number)[2];
          const list = count > 1 ? listOf(value, count) : [value];
          const given = host.wasmConvert(group, number, list, true);
          return count > 1 ? given : given[0];
        };
  found = {
    [name](...values) {
      return call(values);
    },
  }[name];
  defineProperty(found, "length", { value: length });
  group.functions.set(number, found);
  exported.set(found, { group, number });
  return found;
}

/** The one object for memory, table or global `number`, made by `make` when it is first asked for. */
export function objectOf(group, kind, number, make) {
  const key = `${kind}${number}`;
  let found = group.objects.get(key);
  if (found === undefined) {
    found = make(group, number);
    group.objects.set(key, found);
  }
  return found;
}

let pausePrototype;

/** Whether the host gave `value` instead of a result. */
export function isPause(group, value) {
  if (typeof value !== "object" || value === null) return false;
  pausePrototype ??= getPrototypeOf(group.handle);
  return getPrototypeOf(value) === pausePrototype;
}

/** Calls WebAssembly's function `number`, and JavaScript's functions where it calls them. */
export function run(group, number, values) {
  let result = host.wasmCall(group, number, values);
  while (isPause(group, result)) {
    const [what, given, count] = host.wasmPause(group, result);
    if (typeof what === "string") throw errorOf(what, given);
    let value = apply(group.called[what], undefined, given);
    if (count > 1) value = listOf(value, count);
    result = host.wasmResume(group, result, value);
  }
  return result;
}

function listOf(value, count) {
  if (value === null || value === undefined || typeof value[Symbol.iterator] !== "function") {
    throw new TypeError("multi-return value must be iterable");
  }
  const list = [...value];
  if (list.length !== count) throw new TypeError("multi-return length mismatch");
  return list;
}
