// node:module: there is nothing to load at run time, since a bundle is whole; what asks for it is refused.
import host from "dodev:host";
import { needString, notEmulated, wrongValue } from "dodev:node/errors";

export const builtinModules = [
  "_http_agent", "_http_client", "_http_common", "_http_incoming", "_http_outgoing", "_http_server", "_stream_duplex",
  "_stream_passthrough", "_stream_readable", "_stream_transform", "_stream_wrap", "_stream_writable", "_tls_common",
  "_tls_wrap", "assert", "assert/strict", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto",
  "dgram", "diagnostics_channel", "dns", "dns/promises", "domain", "events", "fs", "fs/promises", "http", "http2", "https",
  "inspector", "inspector/promises", "module", "net", "os", "path", "path/posix", "path/win32", "perf_hooks", "process",
  "punycode", "querystring", "readline", "readline/promises", "repl", "stream", "stream/consumers", "stream/promises",
  "stream/web", "string_decoder", "sys", "timers", "timers/promises", "tls", "trace_events", "tty", "url", "util", "util/types",
  "v8", "vm", "wasi", "worker_threads", "zlib",
];

/** Modules that have no name without their prefix. */
const PREFIXED = new Set(["node:sea", "node:sqlite", "node:test", "node:test/reporters"]);

export function isBuiltin(name) {
  needString(name, "id");
  return PREFIXED.has(name) || builtinModules.includes(name.startsWith("node:") ? name.slice("node:".length) : name);
}

/** Gives a `require` that finds the platform's modules: everything else is in the bundle, under no name. */
export function createRequire(from) {
  if (typeof from !== "string" && !(from instanceof URL)) {
    throw wrongValue("filename", from, "must be a file URL object, file URL string, or absolute path string");
  }
  const require = (name) => {
    needString(name, "id");
    const found = host.builtinModule(name);
    // Fidelity: workerd's words.
    if (found === undefined) throw new Error(`No such module "${name}".`);
    return found;
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
