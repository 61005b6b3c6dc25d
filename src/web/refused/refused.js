// APIs of the platform that dodev does not emulate: each says so by name when it is used, and none when
// it is only looked at, so that packages which ask what there is can be imported.
const { defineProperty } = Object;

function refusal(name) {
  return new Error(`dodev does not emulate ${name} yet`);
}

/** A class that cannot be constructed; `instanceof` works. */
function refusedClass(name, shown = name) {
  const Class = {
    [name]: class {
      constructor() {
        throw refusal(shown);
      }
    },
  }[name];
  defineProperty(Class.prototype, Symbol.toStringTag, { value: name, configurable: true });
  return Class;
}

function refusedFunction(name, shown) {
  const refuse = {
    [name]() {
      throw refusal(shown);
    },
  };
  return refuse[name];
}

function hide(object, tag) {
  for (const name of Object.keys(object)) defineProperty(object, name, { enumerable: false });
  return defineProperty(object, Symbol.toStringTag, { value: tag, configurable: true });
}

class CompileError extends Error {
  get name() {
    return "CompileError";
  }
}

// Fidelity: code that is not part of the Worker is never compiled, here and there.
const disallowed = (name) =>
  new CompileError(`WebAssembly.${name}(): Wasm code generation disallowed by embedder`);
const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

/** A function that gives a promise and compiles: bytes are refused as there, modules as not emulated. */
function refusedCompiler(name) {
  const refuse = {
    async [name](source) {
      throw isBytes(source) ? disallowed(name) : refusal(`WebAssembly.${name}`);
    },
  };
  return refuse[name];
}

const wasm = (name) => [name, refusedClass(name, `WebAssembly.${name}`)];
export const WebAssembly = hide(
  {
    ...Object.fromEntries(["Module", "Instance", "Memory", "Table", "Global", "Tag", "Exception"].map(wasm)),
    CompileError,
    LinkError: class LinkError extends Error {},
    RuntimeError: class RuntimeError extends Error {},
    compile: refusedCompiler("compile"),
    instantiate: refusedCompiler("instantiate"),
    validate: refusedFunction("validate", "WebAssembly.validate"),
  },
  "WebAssembly",
);
