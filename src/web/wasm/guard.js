// The part of WebAssembly that every Worker has: how the rest is loaded, and that buffers over linear memory stay where they are.
import host from "dodev:host";
import { isEvalForbidden } from "dodev:web/eval";

const { apply, defineProperty, getOwnPropertyDescriptor } = Reflect;

/** The buffers over linear memory. */
export const linear = new WeakSet();
const has = WeakSet.prototype.has;
/** Whether `value` is one of them. */
export const isLinear = (value) => typeof value === "object" && value !== null && apply(has, linear, [value]);

for (const name of ["transfer", "transferToFixedLength", "transferToImmutable"]) {
  const native = ArrayBuffer.prototype[name];
  if (native === undefined) continue;
  const guarded = {
    [name](...length) {
      if (isLinear(this)) throw new TypeError("ArrayBuffer is not detachable and could not be cloned.");
      return apply(native, this, length);
    },
  }[name];
  const descriptor = getOwnPropertyDescriptor(ArrayBuffer.prototype, name);
  defineProperty(ArrayBuffer.prototype, name, { ...descriptor, value: guarded });
}

/** Whether code may be made of bytes: while the top level is evaluated, and then no more. */
export const mayCompile = () => !isEvalForbidden();

let loaded;
/** The namespace of the module with the classes. */
export const load = () => (loaded ??= host.lazy("dodev:web/wasm"));

host.entry("wasm-module", (file, name) => load().moduleOf(file, name));
