// node:process and the global `process`.
//
// Fidelity: workerd's `src/node/internal/public_process.ts` for what it answers: a Linux process with the
// number 1. The environment is that of the Worker: texts as they are, everything else as JSON.
import host from "dodev:host";
import { EventEmitter } from "dodev:node/events";
import { nodeError, notEmulated, wrongType } from "dodev:node/errors";
import { loaded } from "dodev:node/loaded";
import { Cloudflare } from "dodev:web/cloudflare";
import { performance } from "dodev:web/performance";
import { queueMicrotask } from "dodev:web/timers/scheduler";

function readEnvironment() {
  const values = Object.create(Object.prototype);
  // Fidelity: the flag is on by default since 2025-04-01.
  if (Cloudflare.compatibilityFlags.nodejs_compat_populate_process_env === true) {
    if (host.bindings === undefined) host.askedEarly = true;
    for (const [kind, name, value] of host.bindings?.() ?? []) {
      if (kind === "text" || kind === "json") values[name] = value;
    }
  }
  return values;
}

// Whatever is set becomes text.
const textOnly = {
  set(target, name, value) {
    target[name] = `${value}`;
    return true;
  },
  defineProperty(target, name, descriptor) {
    if ("value" in descriptor) descriptor = { ...descriptor, value: `${descriptor.value}` };
    return Reflect.defineProperty(target, name, descriptor);
  },
};

/** Fidelity: workerd counts nothing. */
const RESOURCES = [
  "userCPUTime", "systemCPUTime", "maxRSS", "sharedMemorySize", "unsharedDataSize", "unsharedStackSize", "minorPageFault",
  "majorPageFault", "swappedOut", "fsRead", "fsWrite", "ipcSent", "ipcReceived", "signalsCount", "voluntaryContextSwitches",
  "involuntaryContextSwitches",
];

const { decodeUtf8 } = host;
let environment;

const builtins = new Map();

const methods = {
  /** Fidelity: workerd's; a module that the Worker could not import is `undefined`. */
  getBuiltinModule(id) {
    const name = `${id}`;
    if (!builtins.has(name)) builtins.set(name, host.builtinModule(name));
    return builtins.get(name);
  },
  nextTick(callback, ...args) {
    queueMicrotask(() => callback(...args));
  },
  cwd: () => "/bundle",
  umask: () => 18,
  uptime: () => performance.now() / 1000,
  hrtime(before) {
    const now = BigInt(Date.now()) * 1_000_000n;
    let seconds = Number(now / 1_000_000_000n);
    let nanoseconds = Number(now % 1_000_000_000n);
    if (before !== undefined) {
      if (!Array.isArray(before)) throw wrongType("time", "an instance of Array", before);
      seconds -= before[0];
      nanoseconds -= before[1];
      if (nanoseconds < 0) {
        seconds -= 1;
        nanoseconds += 1e9;
      }
    }
    return [seconds, nanoseconds];
  },
  emitWarning(warning, options) {
    const type = typeof options === "string" ? options : (options?.type ?? warning?.name ?? "Warning");
    console.warn(`${type}: ${warning?.message ?? warning}`);
  },
  memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
  cpuUsage: () => ({ user: 0, system: 0 }),
  getuid: () => 0,
  geteuid: () => 0,
  getgid: () => 0,
  getegid: () => 0,
  ref() {},
  unref() {},
  setSourceMapsEnabled() {},
  availableMemory: () => 0,
  constrainedMemory: () => 0,
  resourceUsage: () => Object.fromEntries(RESOURCES.map((name) => [name, 0])),
  assert(condition, message) {
    if (!condition) throw nodeError(Error, "ERR_ASSERTION", message || "assertion error");
  },
};
methods.hrtime.bigint = () => BigInt(Date.now()) * 1_000_000n;

const ABSENT = [
  "abort", "binding", "chdir", "dlopen", "exit", "getActiveResourcesInfo",
  "hasUncaughtExceptionCaptureCallback", "kill", "loadEnvFile", "reallyExit",
  "setUncaughtExceptionCaptureCallback",
];
for (const name of ABSENT) {
  methods[name] = {
    [name]() {
      throw notEmulated(`process.${name}()`);
    },
  }[name];
}

/** The version of Node.js whose modules these follow. */
const NODE_VERSION = "22.23.4";

const process = Object.assign(Object.create(EventEmitter.prototype), methods, {
  title: "workerd",
  version: `v${NODE_VERSION}`,
  versions: { node: NODE_VERSION },
  arch: "x64",
  platform: "linux",
  argv: ["workerd"],
  argv0: "workerd",
  execArgv: [],
  execPath: "",
  exitCode: undefined,
  pid: 1,
  ppid: 0,
  release: { name: "node", lts: true, sourceUrl: "", headersUrl: "" },
  features: {
    cached_builtins: true, debug: false, inspector: false, ipv6: true, openssl_is_boringssl: true, require_module: false,
    tls: true, tls_alpn: true, tls_ocsp: true, tls_sni: true, typescript: false, uv: true,
  },
  config: { target_defaults: {}, variables: {} },
  allowedNodeEnvironmentFlags: new Set(),
});
EventEmitter.call(process);
for (const name of ["_events", "_eventsCount", "_maxListeners"]) {
  Object.defineProperty(process, name, { enumerable: false });
}
Object.defineProperty(process, Symbol.toStringTag, { value: "process", configurable: true });
Object.defineProperty(process, "env", {
  get() {
    environment ??= new Proxy(readEnvironment(), textOnly);
    return environment;
  },
  set(value) {
    environment = value;
  },
  enumerable: true,
  configurable: true,
});

// What is written becomes lines of the log; no stream is behind it.
function makeOutput(fd, log) {
  let rest = "";
  return Object.assign(Object.create(EventEmitter.prototype), {
    fd,
    writable: true,
    write(chunk, ...more) {
      const lines = (rest + (typeof chunk === "string" ? chunk : decodeUtf8(chunk, false, true))).split("\n");
      rest = lines.pop();
      for (const line of lines) log(line);
      const done = more.at(-1);
      if (typeof done === "function") queueMicrotask(() => done());
      return true;
    },
    end(chunk, ...more) {
      this.write(`${chunk ?? ""}\n`, ...more);
    },
  });
}

Object.assign(process, {
  stdin: Object.assign(Object.create(EventEmitter.prototype), {
    fd: 0,
    read() {
      throw notEmulated("process.stdin.read()");
    },
  }),
  stdout: makeOutput(1, (line) => console.log(line)),
  stderr: makeOutput(2, (line) => console.error(line)),
});

export const {
  abort, allowedNodeEnvironmentFlags, arch, argv, argv0, assert, availableMemory, binding, chdir, config, constrainedMemory,
  cpuUsage, cwd, dlopen, emitWarning, execArgv, execPath, exit, exitCode, features, getActiveResourcesInfo,
  getBuiltinModule, getegid, geteuid, getgid, getuid, hasUncaughtExceptionCaptureCallback, hrtime, kill, loadEnvFile,
  memoryUsage, nextTick, pid, platform, ppid, reallyExit, ref, release, resourceUsage, setSourceMapsEnabled,
  setUncaughtExceptionCaptureCallback, stderr, stdin, stdout, title, umask, unref, uptime, version, versions,
} = process;
export const env = process.env;
for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners", "emit", "listenerCount"]) {
  Object.defineProperty(process, name, { value: EventEmitter.prototype[name].bind(process), configurable: true, writable: true, enumerable: false });
}
export const {
  addListener, emit, listenerCount, off, on, once, removeAllListeners, removeListener,
} = process;

loaded.process = process;
export default process;
