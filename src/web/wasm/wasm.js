// `WebAssembly`: the namespace, `Module` and `Instance`.
//
// Fidelity: the JavaScript API's specification, with V8's texts and what workerd forbids: code is made of bytes only while the
// top level of a Worker is evaluated.
import host from "dodev:host";
import { CompileError, LinkError, RuntimeError, refusal } from "dodev:web/wasm/errors";
import { mayCompile } from "dodev:web/wasm/guard";
import { instanceExports } from "dodev:web/wasm/link";
import { Global, Memory, Table, finish } from "dodev:web/wasm/objects";

const { defineProperty } = Object;

const isBytes = (value) =>
  value instanceof ArrayBuffer || value instanceof SharedArrayBuffer || ArrayBuffer.isView(value);

/** The first argument of `Module` when the host makes one: a handle follows. */
const OWN = Symbol("made by the host");

/** The handle of the module that `bytes` are. */
function compiled(bytes, context) {
  if (!mayCompile()) throw new CompileError(`${context}: Wasm code generation disallowed by embedder`);
  if (!isBytes(bytes)) throw new TypeError(`${context}: Argument 0 must be a buffer source`);
  const made = host.wasmModule(host.wasmFile(bytes));
  if (typeof made === "string") throw new CompileError(`${context}: ${made}`);
  return made;
}

class CompiledModule {
  #handle;

  constructor(bytes, handle) {
    this.#handle = bytes === OWN ? handle : compiled(bytes, "WebAssembly.Module()");
  }

  static exports(module) {
    return host.wasmExports(handleOf(module, "Module.exports")).map(([name, kind]) => ({ name, kind }));
  }

  static imports(module) {
    const imports = host.wasmImports(handleOf(module, "Module.imports"));
    return imports.map(([from, name, kind]) => ({ module: from, name, kind }));
  }

  static customSections(module, name) {
    const handle = handleOf(module, "Module.customSections");
    if (name === undefined) {
      throw new TypeError("WebAssembly.Module.customSections(): Argument 1 is required");
    }
    return host.wasmCustomSections(handle, String(name));
  }

  static handle(value) {
    return typeof value === "object" && value !== null && #handle in value ? value.#handle : undefined;
  }
}
const { handle: findHandle } = CompiledModule;
delete CompiledModule.handle;
const Module = finish("Module", CompiledModule, []);

function handleOf(module, name) {
  const handle = findHandle(module);
  if (handle === undefined) throw new TypeError(`WebAssembly.${name}(): Argument 0 must be a WebAssembly.Module`);
  return handle;
}

/** The module that the `file` of the bundle is, which is called `name`. */
export function moduleOf(file, name) {
  const made = host.wasmModule(file);
  // The name begins with a hash where the bundler gave one.
  if (typeof made === "string") throw new CompileError(`${name.replace(/^[0-9a-f]{16,64}-/, "")}: ${made}`);
  return new CompiledModule(OWN, made);
}

class ModuleInstance {
  #exports;

  constructor(module, imports, made) {
    if (module === OWN) {
      this.#exports = made;
      return;
    }
    this.#exports = instanceExports(handleOf(module, "Instance"), imports, "WebAssembly.Instance()");
  }

  get exports() {
    if (!(#exports in this)) {
      throw new TypeError("WebAssembly.Instance.exports(): Receiver is not a WebAssembly.Instance");
    }
    return this.#exports;
  }
}
const Instance = finish("Instance", ModuleInstance, ["exports"]);

const functions = {
  async compile(bytes) {
    return new CompiledModule(OWN, compiled(bytes, "WebAssembly.compile()"));
  },
  validate(bytes) {
    if (!isBytes(bytes)) throw new TypeError("WebAssembly.validate(): Argument 0 must be a buffer source");
    return host.wasmValidate(bytes);
  },
  async instantiate(source, imports) {
    const context = "WebAssembly.instantiate()";
    const handle = findHandle(source);
    if (handle !== undefined) {
      return new ModuleInstance(OWN, undefined, instanceExports(handle, imports, context));
    }
    if ((typeof source !== "object" || source === null) && typeof source !== "function") {
      throw new TypeError(`${context}: Argument 0 must be a buffer source or a WebAssembly.Module object`);
    }
    const made = compiled(source, context);
    const instance = new ModuleInstance(OWN, undefined, instanceExports(made, imports, context));
    return { module: new CompiledModule(OWN, made), instance };
  },
};

const refuse = (name) =>
  finish(
    name,
    class {
      constructor() {
        throw refusal(`WebAssembly.${name}`);
      }
    },
    [],
  );

const classes = {
  Module,
  Instance,
  Table,
  Memory,
  Global,
  Tag: refuse("Tag"),
  Exception: refuse("Exception"),
  CompileError,
  LinkError,
  RuntimeError,
};

export const WebAssembly = { ...functions };
defineProperty(WebAssembly.instantiate, "length", { value: 1 });
for (const [name, value] of Object.entries(classes)) {
  defineProperty(WebAssembly, name, { value, writable: true, configurable: true });
}
// Only modules that import it can use it, and these are refused with the exceptions that it is for.
const JSTag = Object.create(classes.Tag.prototype);
defineProperty(WebAssembly, "JSTag", { value: JSTag, writable: true, configurable: true });
defineProperty(WebAssembly, Symbol.toStringTag, { value: "WebAssembly", configurable: true });
