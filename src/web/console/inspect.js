// `inspect`: any value as text for developers, in the form that Node.js made usual.
//
// Bounded in depth, in items per collection, in characters per string and as a whole. Getters of user
// objects are not called; those of platform objects are, since they are what there is to see.
import host from "dodev:host";
import { showError } from "dodev:web/console/errors";
import { braces, columns, quote, showKey, showSymbol } from "dodev:web/console/layout";
import { describeObject } from "dodev:web/console/objects";

const DEFAULTS = {
  breakLength: 80,
  depth: 2,
  maxArrayLength: 100,
  maxStringLength: 10_000,
  showHidden: false,
};

// Most characters of one inspected value, and most properties shown of one object.
const TEXT_MAX = 100_000;
const KEYS_MAX = 500;
// So many levels of nesting may share one line.
const LEVELS_PER_LINE = 3;

const CUSTOM = Symbol.for("nodejs.util.inspect.custom");
const { proxyTarget } = host;
const { apply, ownKeys } = Reflect;
const { getOwnPropertyDescriptor } = Object;

/** `value` as text. Options as in Node.js: depth, breakLength, maxArrayLength, maxStringLength, showHidden. */
export function inspect(value, options) {
  const given = {};
  for (const key in options) if (options[key] !== undefined) given[key] = options[key];
  const inspector = new Inspector({ ...DEFAULTS, ...given });
  return inspector.show(value, 0);
}
inspect.custom = CUSTOM;

const finders = [];

/** `find` gives the object that is shown for a value, or undefined for those that it does not know. */
export function standsIn(find) {
  finders.push(find);
}

function standIn(value) {
  for (const find of finders) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return value;
}

/** One run of `inspect`: its options and what it has met so far. */
class Inspector {
  constructor(options) {
    for (const key of ["depth", "maxArrayLength", "maxStringLength"]) {
      if (options[key] === null) options[key] = Infinity;
    }
    this.options = options;
    this.indent = 0;
    this.left = TEXT_MAX;
    // Depth of the object that was described last.
    this.deepest = 0;
    this.path = [];
    this.circular = new Map();
  }

  /** `value`, which is nested `depth` levels deep. */
  show(value, depth) {
    const text = this.#showAny(value, depth);
    this.left -= text.includes("\n") ? 0 : text.length;
    return text;
  }

  #showAny(value, depth) {
    switch (typeof value) {
      case "string":
        return this.#showString(value);
      case "number":
        return Object.is(value, -0) ? "-0" : `${value}`;
      case "bigint":
        return `${value}n`;
      case "symbol":
        return showSymbol(value);
      case "object":
        return value === null ? "null" : this.#showObject(value, depth);
      case "function":
        return this.#showObject(value, depth);
      default:
        return `${value}`;
    }
  }

  #showString(text) {
    const { breakLength, maxStringLength } = this.options;
    let rest = "";
    if (text.length > maxStringLength) {
      const more = text.length - maxStringLength;
      text = text.slice(0, maxStringLength);
      rest = `... ${more} more character${more === 1 ? "" : "s"}`;
    }
    if (text.length > 16 && text.length > breakLength - this.indent - 4 && text.includes("\n")) {
      const lines = text.split(/(?<=\n)/).map(quote);
      return lines.join(` +\n${" ".repeat(this.indent + 2)}`) + rest;
    }
    return quote(text) + rest;
  }

  #showObject(value, depth) {
    if (this.left <= 0) return "...";
    value = standIn(value);
    const target = unwrap(value);
    if (target === undefined) return "<Revoked Proxy>";
    if (target === null) return "Proxy([Function])";
    if (target !== value) return `Proxy(${this.show(target, depth)})`;
    const custom = this.#showCustom(value, depth);
    if (custom !== undefined) return custom;
    if (this.path.includes(value)) {
      let index = this.circular.get(value);
      if (index === undefined) this.circular.set(value, (index = this.circular.size + 1));
      return `[Circular *${index}]`;
    }
    const description = describeObject(value, this);
    const { collapsed, items, keys } = description;
    if (depth > this.options.depth && (items !== undefined || keys.length > 0)) return collapsed;
    if (items !== undefined || keys.length > 0) this.deepest = depth;
    this.path.push(value);
    let text;
    try {
      text = this.#showDescribed(value, description, depth);
    } catch (error) {
      if (!(error instanceof RangeError) && error?.name !== "InternalError") throw error;
      text = "[Too deeply nested to show]";
    } finally {
      this.path.pop();
    }
    const reference = this.circular.get(value);
    return reference === undefined ? text : `<ref *${reference}> ${text}`;
  }

  #showDescribed(value, { base, prefix, open, close, items, keys, grouped, error }, depth) {
    let head = prefix;
    if (error) head = showError(value, this);
    else if (base !== undefined) head = prefix + base;
    let parts = this.nested(() => [...(items?.(depth + 1) ?? []), ...this.#properties(value, keys, depth + 1)]);
    if (parts.length === 0 && (error || base !== undefined)) return head;
    let isGrouped = false;
    if (grouped && parts.length > 6) {
      const rows = columns(parts, this.options.breakLength - this.indent, grouped.numbers, grouped.rest(parts));
      isGrouped = rows !== parts;
      parts = rows;
    }
    const start = error || base !== undefined ? `${head} {` : `${prefix}${open}`;
    return braces(parts, start, error || base !== undefined ? "}" : close, {
      indent: this.indent,
      width: this.options.breakLength,
      shallow: this.deepest - depth < LEVELS_PER_LINE,
      grouped: isGrouped,
    });
  }

  /** Runs `show` two columns further to the right. */
  nested(show) {
    this.indent += 2;
    try {
      return show();
    } finally {
      this.indent -= 2;
    }
  }

  #properties(value, keys, depth) {
    const parts = [];
    for (const [index, key] of keys.entries()) {
      if (index === KEYS_MAX || this.left <= 0) {
        parts.push(`... ${keys.length - index} more propert${keys.length - index === 1 ? "y" : "ies"}`);
        break;
      }
      parts.push(this.property(value, key, depth));
    }
    return parts;
  }

  /** The own property `key` of `value`, as `key: value`. */
  property(value, key, depth) {
    const descriptor = getOwnPropertyDescriptor(value, key) ?? { value: undefined, enumerable: true };
    const name = showKey(key, descriptor.enumerable);
    return `${name}: ${this.#propertyValue(descriptor, depth)}`;
  }

  #propertyValue(descriptor, depth) {
    const { get, set } = descriptor;
    if (get !== undefined) return set !== undefined ? "[Getter/Setter]" : "[Getter]";
    if (set !== undefined) return "[Setter]";
    return this.show(descriptor.value, depth);
  }

  #showCustom(value, depth) {
    let custom;
    try {
      custom = value[CUSTOM];
    } catch {
      return undefined;
    }
    if (typeof custom !== "function" || custom === inspect) return undefined;
    const left = this.options.depth - depth;
    const shown = apply(custom, value, [left, { ...this.options, depth: left, stylize: (text) => `${text}` }, inspect]);
    if (shown === value) return undefined;
    if (typeof shown !== "string") return this.show(shown, depth);
    return shown.replaceAll("\n", `\n${" ".repeat(this.indent)}`);
  }

  /** The keys of `value` that are shown: enumerable ones, or all if hidden ones were asked for. */
  keys(value) {
    const all = ownKeys(value);
    if (this.options.showHidden) return all;
    return all.filter((key) => getOwnPropertyDescriptor(value, key)?.enumerable);
  }
}

// The object behind a proxy, however many lie in between: no trap runs. `undefined` if it was revoked,
// `null` if it is a function that cannot be reached.
function unwrap(value) {
  for (;;) {
    const target = proxyTarget(value);
    if (target === value || target === undefined || target === null) return target;
    value = target;
  }
}
