// Modules that can be imported but are not emulated: whatever is called says so, with its name.
import { notEmulated } from "dodev:node/errors";

/** A function, class or object called `name` that refuses to be used. */
function refuse(module, name, isObject) {
  const fail = () => {
    throw notEmulated(`${module}.${name}${isObject ? "" : "()"}`);
  };
  if (!isObject) {
    // A class may be extended and looked at; constructing it is using it.
    return Object.defineProperty(function () { fail(); }, "name", { value: name });
  }
  return new Proxy(Object.create(null), {
    get: (target, key) => (typeof key === "symbol" || key === "then" || key === "toJSON" ? target[key] : fail()),
    set: fail,
    has: fail,
  });
}

/**
 * The module `module`, whose functions and classes are `functions` and whose objects are `objects`: names
 * separated by spaces. `known` are the members that are what they are in Node.js.
 */
export function absent(module, functions, objects = "", known = {}) {
  const made = {};
  for (const name of functions.split(" ")) if (name !== "") made[name] = refuse(module, name, false);
  for (const name of objects.split(" ")) if (name !== "") made[name] = refuse(module, name, true);
  return Object.assign(made, known);
}
