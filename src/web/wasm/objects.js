// `WebAssembly.Memory`, `Table` and `Global`.
import host from "dodev:host";
import { limitsOf, needObject, refusal, toUint32 } from "dodev:web/wasm/errors";
import { numberIn, objectOf, sharedGroup } from "dodev:web/wasm/groups";
import { linear } from "dodev:web/wasm/guard";

const { defineProperty, getOwnPropertyDescriptor } = Object;

/** The first argument of a constructor that only the host calls so: a group and a number follow. */
const OWN = Symbol("made by the host");

const PAGES = 65536;
const ELEMENTS = 10_000_000;
const TYPES = new Set(["i32", "i64", "f32", "f64", "v128", "anyfunc", "externref"]);

const detached = getOwnPropertyDescriptor(ArrayBuffer.prototype, "detached").get;
const isDetached = (buffer) => Reflect.apply(detached, buffer, []);

// Fidelity: V8 begins this one without the function's name for instances.
const mustBeNew = (name) => {
  const context = name === "Instance" ? "" : `WebAssembly.${name}(): `;
  return new TypeError(`${context}WebAssembly.${name} must be invoked with 'new'`);
};

/** Lets a class be called without `new` with V8's words, makes members enumerable and sets its tag. */
export function finish(name, Class, members) {
  for (const member of members) {
    defineProperty(Class.prototype, member, { enumerable: true });
    const { value } = getOwnPropertyDescriptor(Class.prototype, member);
    if (value?.length > 1) defineProperty(value, "length", { value: 1 });
  }
  defineProperty(Class.prototype, Symbol.toStringTag, { value: `WebAssembly.${name}`, configurable: true });
  const Callable = function (...values) {
    if (new.target === undefined) throw mustBeNew(name);
    return Reflect.construct(Class, values, new.target === Callable ? Class : new.target);
  };
  defineProperty(Callable, "name", { value: name });
  defineProperty(Callable, "length", { value: name === "Exception" ? 2 : 1 });
  defineProperty(Callable, "prototype", { value: Class.prototype, writable: false });
  for (const key of Reflect.ownKeys(Class)) {
    if (!["length", "name", "prototype"].includes(key)) {
      defineProperty(Callable, key, { ...getOwnPropertyDescriptor(Class, key), enumerable: true });
    }
  }
  defineProperty(Class.prototype, "constructor", { value: Callable, writable: true, configurable: true });
  return Callable;
}

class LinearMemory {
  #group;
  #number;
  #buffer;

  constructor(descriptor, group, number) {
    if (descriptor === OWN) {
      this.#group = group;
      this.#number = number;
      return;
    }
    const context = "WebAssembly.Memory()";
    needObject(descriptor, `${context}: Argument 0 must be a memory descriptor`);
    const { initial, maximum } = limitsOf(descriptor, context, PAGES, PAGES);
    if (descriptor.shared) throw refusal("shared WebAssembly memories");
    this.#group = sharedGroup();
    this.#number = host.wasmNewMemory(this.#group, initial, maximum);
    if (this.#number === undefined) throw new RangeError(`${context}: could not allocate memory`);
    objectOf(this.#group, "memory", this.#number, () => this);
  }

  grow(delta) {
    const context = "WebAssembly.Memory.grow()";
    if (!(#group in this)) throw new TypeError(`${context}: Receiver is not a WebAssembly.Memory`);
    const by = toUint32(delta, `${context}: Argument 0`);
    const [pages, maximum] = host.wasmMemory(this.#group, this.#number);
    if (pages + by > (maximum ?? Infinity)) throw new RangeError(`${context}: Maximum memory size exceeded`);
    const before = host.wasmGrowMemory(this.#group, this.#number, by, this.#buffer);
    if (before === undefined) throw new RangeError(`${context}: Unable to grow instance memory`);
    return before;
  }

  get buffer() {
    if (!(#group in this)) throw new TypeError("WebAssembly.Memory.buffer: Receiver is not a WebAssembly.Memory");
    if (this.#buffer === undefined || isDetached(this.#buffer)) {
      this.#buffer = host.wasmBuffer(this.#group, this.#number);
      linear.add(this.#buffer);
    }
    return this.#buffer;
  }

  static place(value) {
    return #group in value ? { group: value.#group, number: value.#number } : undefined;
  }
}
const { place: placeOfMemory } = LinearMemory;
delete LinearMemory.place;
export const Memory = finish("Memory", LinearMemory, ["grow", "buffer"]);

const NO_FUNCTION = "function-typed object must be null (if nullable) or a Wasm function object";

class FunctionTable {
  #group;
  #number;

  constructor(descriptor, group, number) {
    if (descriptor === OWN) {
      this.#group = group;
      this.#number = number;
      return;
    }
    const context = "WebAssembly.Table()";
    needObject(descriptor, `${context}: Argument 0 must be a table descriptor`);
    const element = String(descriptor.element);
    if (element !== "anyfunc" && element !== "externref") {
      throw new TypeError(`${context}: Descriptor property 'element' must be a WebAssembly reference type`);
    }
    const { initial, maximum } = limitsOf(descriptor, context, ELEMENTS, 0xffffffff);
    this.#group = sharedGroup();
    const value = group === undefined && arguments.length < 2 ? empty(element) : arguments[1];
    const filled = element === "anyfunc" && value === undefined ? null : value;
    if (element === "anyfunc" && filled !== null && numberIn(this.#group, filled) < 0) {
      const words = "Argument 2 must be undefined or a value of type compatible with the type of the new table";
      throw new TypeError(`${context}: ${words}: ${NO_FUNCTION}.`);
    }
    this.#number = host.wasmNewTable(this.#group, element, initial, maximum, filled);
    if (this.#number === undefined) throw new RangeError(`${context}: could not allocate table`);
    objectOf(this.#group, "table", this.#number, () => this);
  }

  get length() {
    if (!(#group in this)) throw new TypeError("WebAssembly.Table.length: Receiver is not a WebAssembly.Table");
    return host.wasmTable(this.#group, this.#number)[0];
  }

  grow(delta, value) {
    const context = "WebAssembly.Table.grow()";
    if (!(#group in this)) throw new TypeError(`${context}: Receiver is not a WebAssembly.Table`);
    const by = toUint32(delta, `${context}: Argument 0`);
    const [size, maximum, kind] = host.wasmTable(this.#group, this.#number);
    const filled = arguments.length < 2 ? empty(kind) : this.#check(value, kind, `${context}: Argument 1 is invalid`);
    const fits = size + by <= (maximum ?? ELEMENTS);
    const before = fits ? host.wasmGrowTable(this.#group, this.#number, by, filled) : undefined;
    if (before === undefined) throw new RangeError(`${context}: failed to grow table by ${by}`);
    return before;
  }

  set(index, value) {
    const context = "WebAssembly.Table.set()";
    if (!(#group in this)) throw new TypeError(`${context}: Receiver is not a WebAssembly.Table`);
    const [at, kind] = this.#index(index, context);
    const set = arguments.length < 2 ? empty(kind) : this.#check(value, kind, `${context}: Argument 1 is invalid for table`);
    host.wasmTableSet(this.#group, this.#number, at, set);
  }

  get(index) {
    const context = "WebAssembly.Table.get()";
    if (!(#group in this)) throw new TypeError(`${context}: Receiver is not a WebAssembly.Table`);
    const [at] = this.#index(index, context);
    return host.wasmTableGet(this.#group, this.#number, at);
  }

  #index(index, context) {
    const at = toUint32(index, `${context}: Argument 0`);
    const [size, , kind] = host.wasmTable(this.#group, this.#number);
    if (at >= size) {
      const type = kind === "anyfunc" ? "funcref" : kind;
      throw new RangeError(`${context}: invalid address ${at} in ${type} table of size ${size}`);
    }
    return [at, kind];
  }

  #check(value, kind, words) {
    if (kind === "anyfunc" && value !== null && numberIn(this.#group, value) < 0) {
      throw new TypeError(`${words}: ${NO_FUNCTION}`);
    }
    return value;
  }

  static place(value) {
    return #group in value ? { group: value.#group, number: value.#number } : undefined;
  }
}
const { place: placeOfTable } = FunctionTable;
delete FunctionTable.place;
export const Table = finish("Table", FunctionTable, ["length", "grow", "set", "get"]);

/** What stands where no value is given. */
function empty(type) {
  if (type === "externref") return undefined;
  if (type === "anyfunc") return null;
  return type === "i64" ? 0n : 0;
}

class GlobalVariable {
  #group;
  #number;

  constructor(descriptor, group, number) {
    if (descriptor === OWN) {
      this.#group = group;
      this.#number = number;
      return;
    }
    const context = "WebAssembly.Global()";
    needObject(descriptor, `${context}: Argument 0 must be a global descriptor`);
    const mutable = Boolean(descriptor.mutable);
    const type = String(descriptor.value);
    if (!TYPES.has(type)) throw new TypeError(`${context}: Descriptor property 'value' must be a WebAssembly type`);
    if (type === "v128") throw new TypeError(`${context}: A global of type 'v128' cannot be created in JavaScript`);
    this.#group = sharedGroup();
    let value = arguments[1];
    if (value === undefined && (type !== "externref" || arguments.length < 2)) value = empty(type);
    if (type === "anyfunc" && value !== null && numberIn(this.#group, value) < 0) {
      throw new TypeError(`${context}: ${NO_FUNCTION}`);
    }
    this.#number = host.wasmNewGlobal(this.#group, type, mutable, value);
    objectOf(this.#group, "global", this.#number, () => this);
  }

  valueOf() {
    if (!(#group in this)) throw new TypeError("WebAssembly.Global.valueOf(): Receiver is not a WebAssembly.Global");
    return host.wasmGlobalGet(this.#group, this.#number);
  }

  get value() {
    if (!(#group in this)) throw new TypeError("get WebAssembly.Global.value: Receiver is not a WebAssembly.Global");
    return host.wasmGlobalGet(this.#group, this.#number);
  }

  set value(value) {
    const context = "set WebAssembly.Global.value";
    if (!(#group in this)) throw new TypeError(`${context}: Receiver is not a WebAssembly.Global`);
    const [type, mutable] = host.wasmGlobal(this.#group, this.#number);
    // Fidelity: the parenthesis is V8's.
    if (!mutable) throw new TypeError(`${context}): Can't set the value of an immutable global.`);
    if (type === "anyfunc" && value !== null && numberIn(this.#group, value) < 0) {
      throw new TypeError(`${context}: ${NO_FUNCTION}`);
    }
    host.wasmGlobalSet(this.#group, this.#number, value);
  }

  static place(value) {
    return #group in value ? { group: value.#group, number: value.#number } : undefined;
  }
}
const { place: placeOfGlobal } = GlobalVariable;
delete GlobalVariable.place;
export const Global = finish("Global", GlobalVariable, ["valueOf", "value"]);

const PLACES = { memory: placeOfMemory, table: placeOfTable, global: placeOfGlobal };
const CLASSES = { memory: LinearMemory, table: FunctionTable, global: GlobalVariable };

/** Where a memory, table or global belongs; nothing for other values. */
export function placeOf(kind, value) {
  return typeof value === "object" && value !== null ? PLACES[kind](value) : undefined;
}

/** The one object for memory, table or global `number` of `group`. */
export const wrapped = (group, kind, number) =>
  objectOf(group, kind, number, () => new CLASSES[kind](OWN, group, number));
