// Rate limits: what `env` holds for an entry of `ratelimits`. Loaded when a Worker has one.
//
// Fidelity: order and words of the checks are those of wrangler 4.164.0.
import host from "dodev:host";

const OPTIONS = new Set(["key", "limit", "period", "delta"]);
const PERIODS = new Set([10, 60]);
const WEIGHT_MAX = 2 ** 32 - 1;
const { now } = Date;
const { isFinite } = Number;
const { keys } = Object;

function check(holds, message) {
  if (!holds) throw new Error(message);
}

/** How much a call takes that gives `delta`. */
function weightOf(delta) {
  const number = +delta;
  if (!isFinite(number)) throw new TypeError("The value cannot be converted because it is not an integer.");
  if (number < 0) {
    throw new TypeError("The value cannot be converted because it is negative and this API expects a positive number.");
  }
  if (number > WEIGHT_MAX) throw new TypeError(`Value out of range. Must be less than or equal to ${WEIGHT_MAX}.`);
  if (number < 1) throw new RangeError("delta must be non-zero");
  return Math.trunc(number);
}

class Ratelimit {
  #namespace;

  constructor(namespace, limit, period) {
    this.#namespace = namespace;
    this.limitVal = limit;
    this.period = period;
  }

  async limit(options) {
    check(typeof options === "object" && options !== null, "invalid rate limit options");
    const unknown = keys(options).filter((name) => !OPTIONS.has(name));
    check(unknown.length === 0, `bad rate limit options: [${unknown.join(",")}]`);
    const { key = "", limit = this.limitVal, period = this.period, delta = 1 } = options;
    check(typeof key === "string", `invalid key: ${key}`);
    check(typeof limit === "number", `limit must be a number: ${limit}`);
    check(typeof period === "number", `period must be a number: ${period}`);
    check(PERIODS.has(period), `unsupported period: ${period}`);
    const weight = weightOf(delta);
    // A limit that JSON cannot say is none.
    const most = isFinite(limit) ? limit : 0;
    return { success: await host.countCall(this.#namespace, key, most, period, weight, now()) };
  }
}

/** The binding to the rate limit of `namespace`. */
export function makeRateLimit(namespace, limit, period) {
  return new Ratelimit(namespace, limit, period);
}
