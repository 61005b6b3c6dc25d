// Targets of weak references live until the turn ends (ECMAScript's AddToKeptObjects and ClearKeptObjects).
import host from "dodev:host";

const { apply, construct } = Reflect;
const Kept = Set;
const { add } = Kept.prototype;
const Native = WeakRef;
const { prototype } = Native;
const { deref } = prototype;

function keep(target) {
  apply(add, host.kept(Kept), [target]);
}

const { WeakRef: Keeping } = {
  WeakRef: function (target) {
    if (new.target === undefined) return Native(target);
    const reference = construct(Native, [target], new.target);
    keep(target);
    return reference;
  },
};

Object.defineProperty(Keeping, "prototype", { value: prototype, writable: false });
const methods = {
  deref() {
    const target = apply(deref, this, []);
    if (target !== undefined) keep(target);
    return target;
  },
};
for (const [holder, name, value] of [
  [prototype, "constructor", Keeping],
  [prototype, "deref", methods.deref],
  [globalThis, "WeakRef", Keeping],
]) {
  Object.defineProperty(holder, name, { value, writable: true, configurable: true, enumerable: false });
}

export { Keeping as WeakRef };
