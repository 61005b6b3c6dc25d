// Classes of Durable Objects as values: `ctx.exports.X` and what it gives when it is called with props.
import host from "dodev:host";
import { wrongField } from "dodev:web/interface";
import { CLASS, carries, carriesClasses } from "dodev:workers/rpc/carry";

const secret = Symbol();
let describe;

export class DurableObjectClass {
  #name;
  #props;

  constructor(key, name, props) {
    if (key !== secret) throw new TypeError("Illegal constructor");
    this.#name = name;
    this.#props = props;
  }

  static {
    describe = (value) =>
      typeof value === "object" && value !== null && #name in value
        ? { name: value.#name, props: value.#props }
        : undefined;
  }
}
Object.defineProperty(DurableObjectClass.prototype, Symbol.toStringTag, {
  value: "DurableObjectClass",
  configurable: true,
});

/** Of the entries of `ctx.exports` that are classes: the class's name and the entry's type. */
const loopbacks = new WeakMap();

/** The class `value` stands for: `{ name, props }`, or undefined. Props are serialized, or undefined. */
export function describeClass(value) {
  const entry = typeof value === "function" ? loopbacks.get(value) : undefined;
  return entry === undefined ? describe(value) : { name: entry.name, props: undefined };
}

/** The entry `loopback` of `ctx.exports`, of type `type`, is the class `name`. */
export function noteLoopback(loopback, name, type) {
  loopbacks.set(loopback, { name, type });
  return loopback;
}

/**
 * The props in the arguments with which the entry of `ctx.exports` of type `owner` is called; undefined for none.
 *
 * Fidelity: the texts observed with workerd 1.20261117.1.
 */
export function propsIn(owner, args) {
  const [options] = args;
  if (args.length > 0 && (options === undefined || options === null)) return undefined;
  if (typeof options !== "object" && typeof options !== "function") {
    throw new TypeError(`Failed to execute '(called as function)' on '${owner}': parameter 1 is not of type 'Options'.`);
  }
  const { props } = options;
  if (props !== undefined && (typeof props !== "object" || props === null) && typeof props !== "function") {
    throw wrongField("Options", "props", "Object");
  }
  return props;
}

/** What a call of an entry of `ctx.exports` for a class gives. */
export function classWithProps(owner, name, args) {
  const props = propsIn(owner, args);
  return new DurableObjectClass(secret, name, props === undefined ? undefined : host.cloneToBytes(props));
}

const LoopbackDurableObjectClass = class LoopbackDurableObjectClass {};
Object.defineProperty(LoopbackDurableObjectClass.prototype, Symbol.toStringTag, {
  value: "LoopbackDurableObjectClass",
  configurable: true,
});

/** The entry of `ctx.exports` for the class `name`, which no namespace has. */
export function makeClassLoopback(name) {
  const loopback = (...args) => classWithProps("LoopbackDurableObjectClass", name, args);
  delete loopback.name;
  delete loopback.length;
  return noteLoopback(Object.setPrototypeOf(loopback, LoopbackDurableObjectClass.prototype), name, "LoopbackDurableObjectClass");
}

carriesClasses((value) => {
  const described = describe(value);
  return described && [described.name, described.props];
}, (value) => loopbacks.get(value)?.type);
carries(CLASS, ([name, props]) => new DurableObjectClass(secret, name, props));
