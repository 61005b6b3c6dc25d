// Code from strings: allowed while the Worker starts, forbidden afterwards.
//
// Fidelity: the platform's words are V8's. A Worker whose date is before 2025-06-01 may not even do it at
// the start. Code that was compiled before goes on.
import host from "dodev:host";

const { construct } = Reflect;
const { defineProperty, getPrototypeOf } = Object;

let allowed = true;

function forbidden() {
  return new EvalError("Code generation from strings disallowed for this context");
}

// The constructors of functions are replaced at once, so that they stay the same objects.
const kinds = [function () {}, function* () {}, async function () {}, async function* () {}];
for (const prototype of kinds.map(getPrototypeOf)) {
  const Native = prototype.constructor;
  const Guarded = function (...args) {
    if (!allowed) throw forbidden();
    return construct(Native, args, new.target === undefined || new.target === Guarded ? Native : new.target);
  };
  defineProperty(Guarded, "name", { value: Native.name });
  defineProperty(Guarded, "length", { value: 1 });
  defineProperty(Guarded, "prototype", { value: prototype, writable: false });
  defineProperty(prototype, "constructor", { value: Guarded, configurable: true, writable: Native === Function });
}
const { constructor: GuardedFunction } = Function.prototype;
defineProperty(globalThis, "Function", { value: GuardedFunction, writable: true, configurable: true });

/** From now on, strings are not compiled. */
export function forbidEval() {
  if (!allowed) return;
  allowed = false;
  // `eval` must be the engine's own for as long as it sees the names around it.
  const guarded = {
    eval(code) {
      if (typeof code === "string") throw forbidden();
      return code;
    },
  };
  defineProperty(globalThis, "eval", { value: guarded.eval, writable: true, configurable: true });
}
/** Whether code is compiled no more. */
export const isEvalForbidden = () => !allowed;
host.entry("forbid-eval", forbidEval);
