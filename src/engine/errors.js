// Shows the user's own files in stack traces: positions are mapped when a stack is read, not when an
// error is made, so that errors nobody looks at cost nothing.
import host from "dodev:host";

const native = Object.getOwnPropertyDescriptor(Error.prototype, "stack");
const { mapStack } = host;
const { toString } = Error.prototype;

/** The stack as other engines give it: name and message, then the frames. */
function withHeadline(error, stack) {
  return `${toString.call(error)}\n${mapStack(stack)}`.trimEnd();
}

host.entry("stack", () => {
  const stack = native.get.call(new Error());
  return typeof stack === "string" ? stack : "";
});

Object.defineProperty(Error.prototype, "stack", {
  ...native,
  get() {
    const stack = native.get.call(this);
    return typeof stack === "string" && stack !== "" ? withHeadline(this, stack) : stack;
  },
  // Fidelity: V8 takes any value, and never refuses an error's; elsewhere a stack is a property like any other.
  // Deviation: that of a frozen error stays.
  set(value) {
    const property = { value, writable: true, enumerable: !Error.isError(this), configurable: true };
    if (property.enumerable) Object.defineProperty(this, "stack", property);
    else Reflect.defineProperty(this, "stack", property);
  },
});

const { captureStackTrace } = Error;
if (captureStackTrace) {
  Object.defineProperty(Error, "captureStackTrace", {
    value: function captureStackTrace_(target, filter) {
      captureStackTrace(target, filter);
      if (Object.hasOwn(target, "stack") && typeof target.stack === "string") {
        target.stack = withHeadline(target, target.stack);
      }
    },
    writable: true,
    configurable: true,
  });
  Object.defineProperty(Error.captureStackTrace, "name", { value: "captureStackTrace" });
}
