// The global names of Node.js: `Buffer`, `process` and `global`, made when first used.
//
// Evaluated when a Worker's compatibility flags ask for Node.js.
import host from "dodev:host";
import { loaded } from "dodev:node/loaded";

function set(name, value) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
}

for (const [name, module] of [["Buffer", "dodev:node/buffer"], ["process", "dodev:node/process"]]) {
  Object.defineProperty(globalThis, name, {
    get() {
      // Loading the module sets it: a program that imports the module later gets the same one.
      if (loaded[name] === undefined) host.lazy(module);
      set(name, loaded[name]);
      return loaded[name];
    },
    set: (value) => set(name, value),
    configurable: true,
    enumerable: false,
  });
}
set("global", globalThis);
