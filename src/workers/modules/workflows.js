// What user code imports from "cloudflare:workflows". Workflows themselves are not emulated: their bindings refuse
// by name.

/** Thrown in a step of a workflow that must not be tried again. */
export class NonRetryableError extends Error {
  constructor(message, name = "NonRetryableError") {
    super(message);
    this.name = name;
  }
}
