// Gives our classes the shape of the platform's: enumerable members of length 0, a string tag, and the
// platform's words for wrong receivers and wrong arguments. It checks no arguments itself.
const { defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Object;
const { ownKeys } = Reflect;

// A class carries these beside its static members.
const OF_FUNCTIONS = new Set(["constructor", "length", "name", "prototype"]);

/** Makes the members of a class or a prototype enumerable, and functions of length 0. */
export function expose(holder) {
  for (const key of ownKeys(holder)) {
    if (typeof key !== "string" || OF_FUNCTIONS.has(key)) continue;
    const { value } = getOwnPropertyDescriptor(holder, key);
    if (typeof value === "function") defineProperty(value, "length", { value: 0 });
    defineProperty(holder, key, { enumerable: true });
  }
}

/** The names of the platform's classes by their prototypes. */
const platform = new WeakMap();

/** Notes that `Class` is the platform's. */
export function notePlatformClass(Class) {
  platform.set(Class.prototype, Class.name);
}

const shown = new WeakMap();

/** Notes that values with the prototype `prototype`, which are the engine's on the platform, are not cloned, and show as `text`. */
export function noteUncloned(prototype, text) {
  shown.set(prototype, text);
}

/** How `object` shows if it was noted so; undefined for others. */
export function shownUncloned(object) {
  return shown.get(getPrototypeOf(object));
}

/** The platform's class that `object` is an instance of, by its name; undefined for other objects. */
export function platformClass(object) {
  for (let type = getPrototypeOf(object); type !== null; type = getPrototypeOf(type)) {
    const name = platform.get(type);
    if (name !== undefined) return name;
  }
  return undefined;
}

/** Objects that stand for the shapes of others. */
const shapes = [];

/**
 * Keeps what the engine knows of objects of `Class` that get the properties `names` in this order: it forgets shapes that no
 * object has, and would make each step anew with each object.
 */
export function keepShapes(Class, names) {
  for (let count = 0; count <= names.length; count++) {
    const step = Object.create(Class.prototype);
    for (const name of names.slice(0, count)) step[name] = undefined;
    shapes.push(step);
  }
}

/** Shapes the members of `Class`, its statics included, and returns it. */
export function shape(Class) {
  notePlatformClass(Class);
  expose(Class.prototype);
  expose(Class);
  defineProperty(Class, "length", { value: 0 });
  defineProperty(Class.prototype, Symbol.toStringTag, {
    value: Class.name,
    writable: true,
    configurable: true,
  });
  return Class;
}

/** Adds read-only numbers to a class and to its prototype, as `Event.AT_TARGET`. */
export function constants(Class, values) {
  for (const name in values) {
    const descriptor = { value: values[name], enumerable: true, configurable: true };
    defineProperty(Class, name, descriptor);
    defineProperty(Class.prototype, name, descriptor);
  }
}

/** A method was called on an object of another class. */
export function illegalInvocation() {
  return new TypeError(
    "Illegal invocation: function called with incorrect `this` reference. " +
      "See https://developers.cloudflare.com/workers/observability/errors/#illegal-invocation-errors for details.",
  );
}

/** A class without a public constructor was constructed. */
export function illegalConstructor() {
  return new TypeError("Illegal constructor");
}

/** Argument `position`, counted from 1, of the method `name` of `owner` is not a `type`. */
export function wrongArgument(owner, name, position, type) {
  return new TypeError(
    `Failed to execute '${name}' on '${owner}': parameter ${position} is not of type '${type}'.`,
  );
}

/** The same for the constructor of `owner`. */
export function wrongConstruction(owner, position, type) {
  return new TypeError(
    `Failed to construct '${owner}': constructor parameter ${position} is not of type '${type}'.`,
  );
}

/** The member `field` of the dictionary `owner` is not a `type`. */
export function wrongField(owner, field, type) {
  return new TypeError(
    `Incorrect type for the '${field}' field on '${owner}': the provided value is not of type '${type}'.`,
  );
}
