// The `console` object. Every method ends in `host.log(level, text)`, one call per message.
import host from "dodev:host";
import { format } from "dodev:web/console/format";
import { inspect } from "dodev:web/console/inspect";
import { table } from "dodev:web/console/table";

const { elapsedMs, log } = host;

const GROUP_INDENT = 2;
const GROUPS_MAX = 40;

// Most counters and timers that are kept by name.
const LABELS_MAX = 1_000;

function duration(ms) {
  if (ms >= 60_000) return `${Math.floor(ms / 60_000)}:${((ms % 60_000) / 1_000).toFixed(3).padStart(6, "0")} (m:ss.mmm)`;
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(3)}s` : `${Number(ms.toFixed(3))}ms`;
}

function callers() {
  const lines = `${new Error().stack}`.split("\n").filter((line) => /^\s*at /.test(line));
  // The first frames are the console's own.
  return lines.filter((line) => !line.includes("dodev:")).map((line) => `\n    ${line.trim()}`).join("");
}

function makeConsole() {
  let indent = 0;
  const counts = new Map();
  const started = new Map();

  function write(level, text) {
    log(level, indent === 0 ? text : text.replace(/^/gm, " ".repeat(indent)));
  }

  function remember(map, label, value) {
    if (map.size < LABELS_MAX || map.has(label)) map.set(label, value);
    else write("warn", `No more than ${LABELS_MAX} labels are kept; '${label}' is not`);
  }

  function group(...args) {
    if (args.length > 0) write("log", format(args));
    indent = Math.min(indent + GROUP_INDENT, GROUP_INDENT * GROUPS_MAX);
  }

  function showTime(label, args) {
    const start = started.get(label);
    if (start === undefined) return write("warn", `Timer '${label}' does not exist`);
    const rest = args.length === 0 ? "" : ` ${format(["%s", "", ...args]).trimStart()}`;
    return write("log", `${label}: ${duration(elapsedMs() - start)}${rest}`);
  }

  const console = {
    debug: (...args) => write("debug", format(args)),
    error: (...args) => write("error", format(args)),
    info: (...args) => write("info", format(args)),
    log: (...args) => write("log", format(args)),
    warn: (...args) => write("warn", format(args)),
    dir: (value, options) => write("log", inspect(value, options)),
    dirxml: (...args) => write("log", format(args)),
    table(data, columns) {
      write("log", table(data, columns) ?? format([data]));
    },
    trace(...args) {
      write("debug", `Trace${args.length === 0 ? "" : `: ${format(args)}`}${callers()}`);
    },
    group,
    groupCollapsed: (...args) => group(...args),
    groupEnd() {
      indent = Math.max(indent - GROUP_INDENT, 0);
    },
    // There is no screen to clear: under the platform it has no effect either.
    clear() {},
    count(label = "default") {
      label = `${label}`;
      const count = (counts.get(label) ?? 0) + 1;
      remember(counts, label, count);
      write("log", `${label}: ${count}`);
    },
    countReset(label = "default") {
      label = `${label}`;
      if (!counts.delete(label)) write("warn", `Count for '${label}' does not exist`);
    },
    assert(condition, ...args) {
      if (condition) return;
      if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
      else args.unshift("Assertion failed");
      write("error", format(args));
    },
    // A profiler hears these three; without one they have no effect under the platform either.
    profile() {},
    profileEnd() {},
    time(label = "default") {
      label = `${label}`;
      if (started.has(label)) write("warn", `Timer '${label}' already exists`);
      else remember(started, label, elapsedMs());
    },
    timeLog(label = "default", ...args) {
      showTime(`${label}`, args);
    },
    timeEnd(label = "default") {
      label = `${label}`;
      showTime(label, []);
      started.delete(label);
    },
    timeStamp() {},
    context: () => makeConsole(),
  };
  // The standard's namespace objects have an empty prototype of their own.
  Object.setPrototypeOf(console, {});
  Object.defineProperty(console, Symbol.toStringTag, { value: "console", writable: false, configurable: true });
  return console;
}

export const console = makeConsole();
