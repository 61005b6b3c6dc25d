// The methods that are marked with `retryable()`. The mark is on the function itself.
const marked = new WeakSet();

export function mark(method) {
  marked.add(method);
}

/** Whether `value` is a function that was marked. */
export function isRetryable(value) {
  return typeof value === "function" && marked.has(value);
}
