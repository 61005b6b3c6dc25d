// node:module: there is nothing to load at run time, since a bundle is whole; what asks for it is refused.
import { needString, notEmulated } from "dodev:node/errors";

export const builtinModules = [
  "assert", "assert/strict", "async_hooks", "buffer", "console", "crypto", "diagnostics_channel", "events", "module", "os",
  "path", "path/posix", "path/win32", "process", "querystring", "string_decoder", "timers", "timers/promises", "url", "util",
  "util/types",
];

export function isBuiltin(name) {
  needString(name, "id");
  return builtinModules.includes(name.startsWith("node:") ? name.slice("node:".length) : name);
}

/** Gives a `require` that refuses: packages often make one that they do not use. */
export function createRequire() {
  const require = (name) => {
    throw notEmulated(`require("${name}") by module.createRequire()`);
  };
  require.resolve = (name) => {
    throw notEmulated(`require.resolve("${name}") by module.createRequire()`);
  };
  return require;
}

const refuse = (name) =>
  ({
    [name]() {
      throw notEmulated(`module.${name}()`);
    },
  })[name];

export const enableCompileCache = refuse("enableCompileCache");
export const findPackageJSON = refuse("findPackageJSON");
export const findSourceMap = refuse("findSourceMap");
export const getCompileCacheDir = refuse("getCompileCacheDir");
export const register = refuse("register");
export const registerHooks = refuse("registerHooks");
export const runMain = refuse("runMain");
export const stripTypeScriptTypes = refuse("stripTypeScriptTypes");
export const syncBuiltinESMExports = refuse("syncBuiltinESMExports");

export class SourceMap {
  constructor() {
    throw notEmulated("module.SourceMap");
  }
}

export function Module() {
  throw notEmulated("module.Module");
}

Object.assign(Module, {
  Module, SourceMap, builtinModules, createRequire, enableCompileCache, findPackageJSON, findSourceMap, getCompileCacheDir,
  isBuiltin, register, registerHooks, runMain, stripTypeScriptTypes, syncBuiltinESMExports,
});
export default Module;
