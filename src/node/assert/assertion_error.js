// The error that failed assertions throw.
//
// Fidelity: Node.js's documentation of `assert.AssertionError`; workerd's words.
import { describeDeeply } from "dodev:node/assert/difference";
import { needObject } from "dodev:node/errors";
import { inspect } from "dodev:web/console/inspect";

const HEADLINES = {
  deepStrictEqual: "Expected values to be strictly deep-equal:",
  deepEqual: "Expected values to be loosely deep-equal:",
  notDeepStrictEqual: 'Expected "actual" not to be strictly deep-equal to:',
  notDeepEqual: 'Expected "actual" not to be loosely deep-equal to:',
  strictEqual: "Expected values to be strictly equal:",
  notStrictEqual: 'Expected "actual" to be strictly unequal to:',
};

const show = (value) => inspect(value, { depth: 1000, maxArrayLength: Infinity });

function describe(operator, actual, expected) {
  const [left, right] = [show(actual), show(expected)];
  switch (operator) {
    case "strictEqual":
    case "deepStrictEqual":
      return describeDeeply(HEADLINES[operator], actual, expected);
    case "notStrictEqual":
      return `${HEADLINES.notStrictEqual} ${left}`;
    case "deepEqual":
      return `${HEADLINES[operator]}\n\n${left}\n\nshould loosely deep-equal\n\n${right}`;
    case "notDeepStrictEqual":
    case "notDeepEqual":
      return `${HEADLINES[operator]}\n\n${left}`;
    default:
      return `${left} ${operator} ${right}`;
  }
}

export class AssertionError extends Error {
  constructor(options) {
    needObject(options, "options");
    const { message, actual, expected, operator } = options;
    const generated = message === undefined || message === null;
    super(generated ? describe(operator, actual, expected) : `${message}`);
    this.generatedMessage = !message;
    Object.defineProperty(this, "name", {
      value: "AssertionError", enumerable: false, writable: true, configurable: true,
    });
    this.code = "ERR_ASSERTION";
    this.actual = actual;
    this.expected = expected;
    this.operator = operator;
  }
  toString() {
    return `${this.name} [${this.code}]: ${this.message}`;
  }
}
