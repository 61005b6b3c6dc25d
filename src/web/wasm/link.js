// Making an instance: its imports are checked and brought into one group, its exports become objects.
import host from "dodev:host";
import { LinkError, errorOf, needObject, refusal } from "dodev:web/wasm/errors";
import { functionOf, groupOf, hostedFunction, isPause, newGroup, numberIn } from "dodev:web/wasm/groups";
import { placeOf, wrapped } from "dodev:web/wasm/objects";

const { create, defineProperty, freeze } = Object;

/** The exports of a new instance of `module`; `context` begins the messages. */
export function instanceExports(module, imports, context) {
  const wanted = host.wasmImports(module);
  const values = read(wanted, imports, context);
  const group = groupFor(wanted, values);
  const numbers = wanted.map((want, at) => {
    const error = (words) => new LinkError(`${context}: Import #${at} "${want[0]}" "${want[1]}": ${words}`);
    return LINKERS[want[2]](group, values[at], want, { module, at, context, error });
  });
  const made = host.wasmInstantiate(group, module, numbers);
  if (isPause(group, made)) {
    const [name, message] = host.wasmPause(group, made);
    throw errorOf(name, `${context}: ${message}`);
  }
  const exports = create(null);
  for (const [name, kind, number, index] of made) {
    const value = kind === "function" ? functionOf(group, number, index) : wrapped(group, kind, number);
    defineProperty(exports, name, { value, enumerable: true });
  }
  freeze(exports);
  // It may be one of JavaScript's.
  if (made.start !== undefined) functionOf(group, made.start)();
  return exports;
}

function read(wanted, imports, context) {
  if (imports !== undefined) needObject(imports, `${context}: Argument 1 must be an object`);
  if (wanted.length > 0 && imports === undefined) {
    throw new TypeError(`${context}: Imports argument must be present and must be an object`);
  }
  return wanted.map(([module, name], at) => {
    const from = imports[module];
    needObject(from, `${context}: Import #${at} "${module}": module is not an object or function`);
    return from[name];
  });
}

/** The group that the imports belong to; a new one if they belong to none. */
function groupFor(wanted, values) {
  let group;
  wanted.forEach(([, , kind, , mutable], at) => {
    if (kind === "function") return;
    const place = placeOf(kind, values[at]);
    if (place === undefined || place.group === group) return;
    // A constant can be copied.
    if (kind === "global" && !mutable) return;
    if (group !== undefined) {
      throw refusal("WebAssembly instances whose imported memories, tables and globals come from instances that share nothing");
    }
    group = place.group;
  });
  for (const value of group === undefined ? values : []) {
    group ??= groupOf(value) ?? placeOf("global", value)?.group;
  }
  return group ?? newGroup();
}

const LINKERS = {
  function(group, value, _, { module, at, error }) {
    if (typeof value !== "function") throw error("function import requires a callable");
    if (groupOf(value) === undefined) return hostedFunction(group, module, at, value);
    const number = numberIn(group, value);
    if (!host.wasmImportMatches(group, module, at, number)) {
      throw error("imported function does not match the expected type");
    }
    return number;
  },

  table(_, value, [, , , kind, minimum, maximum], { at, context, error }) {
    const place = placeOf("table", value);
    if (place === undefined) throw error("table import requires a WebAssembly.Table");
    const [size, limit, element] = host.wasmTable(place.group, place.number);
    if (element !== kind) throw error("imported table does not match the expected type");
    const start = `${context}: table import ${at}`;
    if (size < minimum) throw new LinkError(`${start} is smaller than initial ${minimum}, got ${size}`);
    if (maximum !== undefined) {
      if (limit === undefined) throw new LinkError(`${start} has no maximum length; required: ${maximum}`);
      if (limit > maximum) {
        // Fidelity: V8 writes this one in hexadecimal.
        const words = `has a larger maximum size ${limit.toString(16)} than the module's declared maximum`;
        throw new LinkError(`${start} ${words} ${maximum}`);
      }
    }
    return place.number;
  },

  memory(_, value, [, , , minimum, maximum], { error }) {
    const place = placeOf("memory", value);
    if (place === undefined) throw error("memory import must be a WebAssembly.Memory object");
    const [pages, limit] = host.wasmMemory(place.group, place.number);
    if (pages < minimum) {
      throw error(`memory import has ${pages} pages which is smaller than the declared initial of ${minimum}`);
    }
    if (maximum !== undefined) {
      // Fidelity: the number is what V8 says whatever the maximum is.
      if (limit === undefined) throw error("memory import has no maximum limit, expected at most 4294967295");
      if (limit > maximum) {
        const words = `memory import has a larger maximum size ${limit} than the module's declared maximum`;
        throw error(`${words} ${maximum}`);
      }
    }
    return place.number;
  },

  global(group, value, [, , , type, mutable], { error }) {
    const place = placeOf("global", value);
    if (place !== undefined) {
      const [own, isMutable] = host.wasmGlobal(place.group, place.number);
      if (isMutable !== mutable) throw error("imported global does not match the expected mutability");
      if (own !== type) throw error("imported global does not match the expected type");
      if (place.group === group) return place.number;
      return host.wasmNewGlobal(group, type, false, host.wasmGlobalGet(place.group, place.number));
    }
    if (mutable) throw error("imported mutable global must be a WebAssembly.Global object");
    const fits =
      type === "externref" ||
      (type === "anyfunc" && (value === null || groupOf(value) !== undefined)) ||
      (type === "i64" ? typeof value === "bigint" : typeof value === "number" && type !== "anyfunc" && type !== "v128");
    if (!fits) {
      throw error(
        type === "anyfunc"
          ? 'imported funcref global must be null or WebAssembly function ("function") object'
          : "global import must be a number, valid Wasm reference, or WebAssembly.Global object",
      );
    }
    return host.wasmNewGlobal(group, type, false, value);
  },
};
