// Spans of the program's own. No request is traced here, so that they only run what is in them.
//
// Fidelity: what workerd 1.20261117.1 has and checks where nothing is traced.
import { expose, notePlatformClass, wrongArgument } from "dodev:web/interface";

const secret = Symbol();

/** A part of a trace that nobody records. */
class Span {
  constructor(key) {
    if (key !== secret) throw new TypeError("Illegal constructor");
  }
  get isTraced() {
    return false;
  }
  spanContext() {
    return { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 0 };
  }
  setAttribute() {
    if (arguments.length === 0) throw wrongArgument("Span", "setAttribute", 1, "string");
    return this;
  }
  setAttributes() {
    return this;
  }
  recordException() {
    if (arguments.length === 0) throw wrongArgument("Span", "recordException", 1, "Value");
  }
  updateName() {
    if (arguments.length === 0) throw wrongArgument("Span", "updateName", 1, "string");
    return this;
  }
  setStatus(status) {
    if (typeof status !== "object" || status === null) throw wrongArgument("Span", "setStatus", 1, "TracingSpanStatus");
    if (!["unset", "ok", "error"].includes(status.code)) {
      throw new TypeError("Span status code must be 'unset', 'ok', or 'error'.");
    }
    return this;
  }
  end() {}
}

function checkName(method, count) {
  if (count === 0) throw wrongArgument("Tracing", method, 1, "string");
}

function checkCallback(method, callback) {
  if (typeof callback !== "function") throw wrongArgument("Tracing", method, 2, "Function");
}

class Tracing {
  enterSpan(_name, callback, ...args) {
    checkName("enterSpan", arguments.length);
    checkCallback("enterSpan", callback);
    return callback(new Span(secret), ...args);
  }
  startActiveSpan(_name, callback, ...args) {
    checkName("startActiveSpan", arguments.length);
    checkCallback("startActiveSpan", callback);
    return callback(new Span(secret), ...args);
  }
  startSpan() {
    checkName("startSpan", arguments.length);
    return new Span(secret);
  }
  getActiveSpan() {
    return new Span(secret);
  }
  withActiveSpan(span, callback, ...args) {
    if (!(span instanceof Span)) throw wrongArgument("Tracing", "withActiveSpan", 1, "Span");
    checkCallback("withActiveSpan", callback);
    return callback(...args);
  }
}
Object.defineProperty(Tracing.prototype, "Span", { value: Span, writable: true, enumerable: true, configurable: true });

for (const [type, name] of [
  [Span, "Span"],
  [Tracing, "Tracing"],
]) {
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
  notePlatformClass(type);
  expose(type.prototype);
}

/** `ctx.tracing`, and what is imported under that name. */
export const tracing = new Tracing();
