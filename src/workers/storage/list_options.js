// The options of list(), checked: [start, startAfter, end, prefix, reverse, limit].

const INT_MAX = 2 ** 31 - 1;
const INT_MIN = -(2 ** 31);

const text = (value) => (value === undefined ? undefined : `${value}`);

/** The fields of the types of options, in the order in which they are read; of `ListOptions` those that mean nothing here. */
const FIELDS = {
  GetOptions: ["allowConcurrency", "noCache"],
  PutOptions: ["allowConcurrency", "allowUnconfirmed", "noCache"],
  GetAlarmOptions: ["allowConcurrency"],
  SetAlarmOptions: ["allowConcurrency", "allowUnconfirmed"],
  TransactionOptions: ["asOfTime", "lowPriority"],
  ListOptions: ["allowConcurrency", "noCache"],
};

/**
 * Throws unless `options`, the parameter `number` of a method, is an object or left out. Its fields say how the platform
 * keeps caches and confirms writes, which has no counterpart here; they are read, because a getter may throw.
 */
export function checkOptions(options, type, method, number, where) {
  if (options === undefined || options === null) return;
  checkObject(options, type, method, number, where);
  readFields(options, type);
}

function checkObject(options, type, method, number, where) {
  if (typeof options === "object" || typeof options === "function") return;
  throw new TypeError(
    `Failed to execute '${method}' on '${where}': parameter ${number} is not of type '${type}'.`,
  );
}

function readFields(options, type) {
  for (const field of FIELDS[type]) options[field];
}

/** A number as the platform's 32-bit integers take it. */
function integer(value) {
  if (typeof value === "bigint") throw new TypeError("Cannot convert a BigInt value to a number");
  const number = Number(value);
  if (!Number.isFinite(number)) return 0;
  const whole = Math.trunc(number);
  if (whole < INT_MIN || whole > INT_MAX) {
    throw new TypeError(`Value out of range. Must be between ${INT_MIN} and ${INT_MAX} (inclusive).`);
  }
  return whole;
}

/** The options of the `list()` of the class `where`; `more` is a type whose fields they have too. */
export function listOptions(options, where, more) {
  if (options === undefined || options === null) return [];
  checkObject(options, "ListOptions", "list", 1, where);
  const start = text(options.start);
  const startAfter = text(options.startAfter);
  const end = text(options.end);
  const prefix = text(options.prefix);
  const reverse = Boolean(options.reverse);
  const limit = options.limit === undefined ? undefined : integer(options.limit);
  if (more !== undefined) readFields(options, more);
  if (start !== undefined && startAfter !== undefined) {
    throw new TypeError("list() cannot be called with both start and startAfter values.");
  }
  if (limit <= 0) throw new TypeError("List limit must be positive.");
  return [start, startAfter, end, prefix, reverse, limit];
}
