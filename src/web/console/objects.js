// What kind of object a value is, and what of it is shown: the part of `inspect` that knows types.
import host from "dodev:host";
import { showKey } from "dodev:web/console/layout";

const { promiseState } = host;
const { apply, ownKeys } = Reflect;
const { getOwnPropertyDescriptor, getPrototypeOf, hasOwn } = Object;
const { isView } = ArrayBuffer;

const TypedArray = getPrototypeOf(Uint8Array);
const typedArrayTag = getOwnPropertyDescriptor(TypedArray.prototype, Symbol.toStringTag).get;
const mapEntries = Map.prototype.entries;
const setValues = Set.prototype.values;
const promisePrototype = Promise.prototype;
const functionText = Function.prototype.toString;

/**
 * Describes `value`, which is an object but no proxy: `prefix` and `open` begin it, `items` shows what it
 * holds beside the properties `keys`. With `base` it is shown without braces if it has no properties.
 */
export function describeObject(value, inspector) {
  const name = constructorName(value);
  const tag = tagOf(value, name);
  const collapsed = `[${name ?? "Object: null prototype"}${tag}]`;
  const found = describeKind(value, name, tag, inspector);
  return { prefix: "", close: "}", collapsed, ...found, keys: found.keys ?? inspector.keys(value) };
}

function describeKind(value, name, tag, inspector) {
  if (typeof value === "function") return describeFunction(value, name, tag, inspector);
  if (Array.isArray(value)) return describeArray(value, name, tag, inspector);
  const typed = apply(typedArrayTag, value, []);
  if (typed !== undefined) return describeTypedArray(value, typed, name, inspector);
  if (isError(value)) return describeError(value, inspector);
  for (const [Class, describe] of KINDS) {
    if (value instanceof Class) {
      try {
        return describe(value, name ?? Class.name, tag, inspector);
      } catch {
        // It only inherits from the class.
      }
    }
  }
  if (promiseState(value) !== undefined) return describePromise(value, name, tag, inspector);
  const platform = platformKeys(value);
  if (platform !== undefined) return describePlatform(value, platform, name, inspector);
  return { open: `${plainPrefix(value, name, tag)}{` };
}

const isError = (value) => value instanceof Error || Error.isError?.(value) === true;

// `Foo [tag] `, or nothing for an ordinary object.
function plainPrefix(value, name, tag) {
  if (isArguments(value)) return "[Arguments] ";
  if (name === undefined) return tag === " [Module]" ? "[Module: null prototype] " : `[Object: null prototype]${tag} `;
  return name === "Object" && tag === "" ? "" : `${name}${tag} `;
}

function isArguments(value) {
  return !hasOwn(value, Symbol.toStringTag) && hasOwn(value, "callee") && Object.prototype.toString.call(value) === "[object Arguments]";
}

function constructorName(value) {
  for (let at = value; at !== null; at = getPrototypeOf(at)) {
    const constructor = ownConstructor(at);
    if (typeof constructor === "function" && constructor.name !== "" && isInstance(value, constructor)) {
      return `${constructor.name}`;
    }
  }
  return undefined;
}

// Promises have a getter, which the engine asks whose they are. No other getter is called.
function ownConstructor(prototype) {
  if (prototype === promisePrototype) return prototype.constructor;
  return getOwnPropertyDescriptor(prototype, "constructor")?.value;
}

function isInstance(value, constructor) {
  try {
    return value instanceof constructor;
  } catch {
    return false;
  }
}

// ` [tag]` where the string tag says something that the class's name does not.
function tagOf(value, name) {
  try {
    const tag = value[Symbol.toStringTag];
    // An enumerable own tag is shown as the property that it is.
    if (getOwnPropertyDescriptor(value, Symbol.toStringTag)?.enumerable) return "";
    return typeof tag === "string" && tag !== "" && tag !== name ? ` [${tag}]` : "";
  } catch {
    return "";
  }
}

function more(count) {
  return `... ${count} more item${count === 1 ? "" : "s"}`;
}

function sized(name, size, plain) {
  return name === plain ? "" : `${name ?? `[${plain}`}(${size})${name === undefined ? ": null prototype]" : ""} `;
}

const isIndex = (key) => typeof key === "string" && /^(0|[1-9]\d*)$/.test(key) && Number(key) < 2 ** 32 - 1;

/** Elements beyond which only they are shown: to list an array's names takes memory for each of them. */
const LISTED_MAX = 10_000;
/** Holes that are counted one by one. */
const HOLES_MAX = 1000;

/** The names of an array's properties that are no elements. */
function otherKeys(value, inspector) {
  const { length } = value;
  const isLong = length > LISTED_MAX && (isView(value) || (hasOwn(value, length - 1) && hasOwn(value, length >> 1)));
  return isLong ? [] : inspector.keys(value).filter((key) => !isIndex(key));
}

/** The first element at `index` or behind it, or the length of the array. */
function nextElement(value, index) {
  const { length } = value;
  const end = Math.min(length, index + HOLES_MAX);
  while (index < end && !hasOwn(value, index)) index++;
  if (index < end || index === length) return index;
  // With so many holes it has few elements for its length.
  const found = ownKeys(value).find((key) => isIndex(key) && Number(key) >= index);
  return found === undefined ? length : Number(found);
}

function describeArray(value, name, tag, inspector) {
  const { length } = value;
  const shown = Math.min(length, inspector.options.maxArrayLength);
  const keys = otherKeys(value, inspector).filter((key) => key !== "length" || inspector.options.showHidden);
  const items = (depth) => {
    const parts = [];
    let index = 0;
    for (; index < length && parts.length < shown && inspector.left > 0; index++) {
      const descriptor = getOwnPropertyDescriptor(value, index);
      if (descriptor === undefined) {
        const next = nextElement(value, index);
        const empty = next - index;
        index = next - 1;
        parts.push(`<${empty} empty item${empty === 1 ? "" : "s"}>`);
      } else if ("value" in descriptor) {
        parts.push(inspector.show(descriptor.value, depth));
      } else {
        parts.push(inspector.property(value, `${index}`, depth).replace(/^.*?: /, ""));
      }
    }
    if (index < length) parts.push(more(length - index));
    return parts;
  };
  return {
    open: `${tag === "" ? sized(name, length, "Array") : `${name ?? "Array"}(${length})${tag} `}[`,
    close: "]",
    collapsed: `[${name ?? "Array"}${tag}]`,
    keys,
    items: length === 0 ? undefined : items,
    grouped: columnsOf(value, length, shown, keys),
  };
}

function columnsOf(value, length, shown, keys) {
  if (keys.length > 0) return undefined;
  const kind = typeof value[0];
  return { numbers: kind === "number" || kind === "bigint", rest: () => length > shown };
}

function describeTypedArray(value, typed, name, inspector) {
  const { length } = value;
  const shown = Math.min(length, inspector.options.maxArrayLength);
  const items = () => {
    const parts = Array.from({ length: shown }, (_, i) => (typeof value[i] === "bigint" ? `${value[i]}n` : show(value[i])));
    if (length > shown) parts.push(more(length - shown));
    return parts;
  };
  const keys = otherKeys(value, inspector);
  return {
    open: `${name === typed || name === undefined ? typed : name}(${length}) [`,
    close: "]",
    collapsed: `[${name ?? typed}]`,
    keys,
    items,
    grouped: keys.length === 0 ? { numbers: true, rest: () => length > shown } : undefined,
  };
}

const show = (number) => (Object.is(number, -0) ? "-0" : `${number}`);

function describeError(value, inspector) {
  const hidden = new Set(["stack", "message"]);
  // Fidelity: what the headline says already is not repeated.
  for (const key of ["name", "code"]) {
    const { value: own } = getOwnPropertyDescriptor(value, key) ?? {};
    if (own !== undefined && (key === "name" || value instanceof globalThis.DOMException)) hidden.add(key);
  }
  const keys = inspector.keys(value).filter((key) => !hidden.has(key));
  for (const key of ["cause", "errors"]) {
    if (hasOwn(value, key) && !keys.includes(key)) keys.push(key);
  }
  return { error: true, open: "{", keys };
}

function describePromise(value, name, tag, inspector) {
  const items = (depth) => {
    const [state, result] = promiseState(value);
    if (state === "pending") return ["<pending>"];
    const text = inspector.show(result, depth);
    return [state === "rejected" ? `<rejected> ${text}` : text];
  };
  return { open: `${name ?? "Promise"}${tag} {`, items };
}

function functionBase(value, name, tag) {
  const text = apply(functionText, value, []);
  const own = getOwnPropertyDescriptor(value, "name")?.value;
  if (text.startsWith("class") && text.endsWith("}")) {
    const parent = getPrototypeOf(value);
    const parentName = typeof parent === "function" ? parent.name : "";
    const heritage = parentName ? ` extends ${parentName}` : parent === null ? " extends null" : "";
    return `[class ${typeof own === "string" && own !== "" ? own : "(anonymous)"}${heritage}]`;
  }
  const kind = name ?? "Function (null prototype)";
  return `[${kind}${typeof own === "string" && own !== "" ? `: ${own}` : " (anonymous)"}]${tag === ` [${kind}]` ? "" : tag}`;
}

function describeFunction(value, name, tag, inspector) {
  const keys = inspector.keys(value).filter((key) => key !== "prototype" || !inspector.options.showHidden);
  const base = functionBase(value, name, tag);
  return { base, open: "{", keys, collapsed: base };
}

function boxed(kind, valueOf) {
  return (value, name, tag, inspector) => {
    const primitive = apply(valueOf, value, []);
    let keys = inspector.keys(value);
    // The characters of a boxed string are no news.
    if (kind === "String") keys = keys.filter((key) => !isIndex(key) && key !== "length");
    const title = name === kind ? kind : `${kind} (${name})`;
    return { base: `[${title}: ${inspector.show(primitive, 0)}]`, open: "{", keys };
  };
}

function describeMap(value, name, tag, inspector) {
  const size = apply(getOwnPropertyDescriptor(Map.prototype, "size").get, value, []);
  const items = (depth) =>
    some(apply(mapEntries, value, []), size, inspector, ([key, held]) => {
      return `${inspector.show(key, depth)} => ${inspector.show(held, depth)}`;
    });
  return { open: `${name}(${size})${tag} {`, items: size === 0 ? undefined : items };
}

function describeSet(value, name, tag, inspector) {
  const size = apply(getOwnPropertyDescriptor(Set.prototype, "size").get, value, []);
  const items = (depth) => some(apply(setValues, value, []), size, inspector, (held) => inspector.show(held, depth));
  return { open: `${name}(${size})${tag} {`, items: size === 0 ? undefined : items };
}

function some(iterator, size, inspector, showOne) {
  const parts = [];
  for (const entry of iterator) {
    if (parts.length >= inspector.options.maxArrayLength || inspector.left <= 0) {
      parts.push(more(size - parts.length));
      break;
    }
    parts.push(showOne(entry));
  }
  return parts;
}

const BYTES_MAX = 50;

function describeBuffer(value, name, tag) {
  const { byteLength } = value;
  const items = () => {
    const bytes = new Uint8Array(value, 0, Math.min(byteLength, BYTES_MAX));
    let text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const rest = byteLength - bytes.length;
    if (rest > 0) text += ` ... ${rest} more byte${rest === 1 ? "" : "s"}`;
    return [`[Uint8Contents]: <${text}>`, `byteLength: ${byteLength}`];
  };
  return { open: `${name}${tag} {`, items };
}

function describeView(value, name, tag, inspector) {
  const items = (depth) =>
    ["byteLength", "byteOffset", "buffer"].map((key) => `${key}: ${inspector.show(value[key], depth)}`);
  return { open: `${name}${tag} {`, items };
}

const { toISOString, getTime } = Date.prototype;

function describeDate(value, name, tag, inspector) {
  const time = apply(getTime, value, []);
  const text = Number.isNaN(time) ? "Invalid Date" : apply(toISOString, value, []);
  return { base: name === "Date" ? text : `${name}${tag} ${text}`, open: "{", keys: inspector.keys(value) };
}

const regExpText = RegExp.prototype.toString;
const regExpSource = getOwnPropertyDescriptor(RegExp.prototype, "source").get;

function describeRegExp(value, name, tag, inspector) {
  if (value === RegExp.prototype) throw new TypeError("not a regular expression");
  apply(regExpSource, value, []);
  const text = apply(regExpText, value, []);
  return { base: name === "RegExp" ? text : `${name}${tag} ${text}`, open: "{", keys: inspector.keys(value) };
}

const unknownItems = (name) => ({ open: `${name} {`, items: () => ["<items unknown>"] });

const KINDS = [
  [Map, describeMap],
  [Set, describeSet],
  [Date, describeDate],
  [RegExp, describeRegExp],
  [ArrayBuffer, describeBuffer],
  [SharedArrayBuffer, describeBuffer],
  [DataView, describeView],
  [WeakSet, (value, name) => unknownItems(name)],
  [WeakMap, (value, name) => unknownItems(name)],
  [Number, boxed("Number", Number.prototype.valueOf)],
  [String, boxed("String", String.prototype.valueOf)],
  [Boolean, boxed("Boolean", Boolean.prototype.valueOf)],
  [BigInt, boxed("BigInt", BigInt.prototype.valueOf)],
  [Symbol, boxed("Symbol", Symbol.prototype.valueOf)],
];

// Keys of the accessors of a platform object's classes, nearest class first; `undefined` for other objects.
// A platform class is native code with a string tag.
function platformKeys(value) {
  const keys = [];
  for (let at = getPrototypeOf(value); at !== null && at !== Object.prototype; at = getPrototypeOf(at)) {
    if (!isPlatform(at)) continue;
    const found = ownKeys(at).filter((key) => {
      const descriptor = getOwnPropertyDescriptor(at, key);
      return typeof key === "string" && descriptor.enumerable && descriptor.get !== undefined;
    });
    keys.push(...found.filter((key) => !keys.includes(key)));
    keys.known = true;
  }
  return keys.known ? keys : undefined;
}

function isPlatform(prototype) {
  if (!hasOwn(prototype, Symbol.toStringTag)) return false;
  const constructor = ownConstructor(prototype);
  return typeof constructor === "function" && apply(functionText, constructor, []).includes("[native code]");
}

function describePlatform(value, keys, name, inspector) {
  const isList = typeof value.entries === "function" && typeof value[Symbol.iterator] === "function";
  if (isList) {
    const entries = [...value];
    const items = (depth) =>
      some(entries, entries.length, inspector, ([key, held]) => {
        return `${inspector.show(key, depth)} => ${inspector.show(held, depth)}`;
      });
    return { open: `${name}(${entries.length}) {`, items };
  }
  const items = (depth) =>
    keys.map((key) => {
      let text;
      try {
        text = inspector.show(value[key], depth);
      } catch (error) {
        text = `<${error}>`;
      }
      return `${showKey(key, true)}: ${text}`;
    });
  return { open: `${name} {`, items };
}
