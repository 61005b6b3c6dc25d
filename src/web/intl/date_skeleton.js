// From the wanted fields of a date to a pattern: CLDR's available formats, adjusted and joined.
//
// Fidelity: ICU's DateTimePatternGenerator (`dtptngen.cpp`): types, distances, adjustment of fields, appending.

const ERA = 0;
const YEAR = 1;
const MONTH = 3;
const WEEKDAY = 6;
const DAY_PERIOD = 10;
const HOUR = 11;
const MINUTE = 12;
const SECOND = 13;
const FRACTION = 14;
const ZONE = 15;
const FIELDS = 16;
const DATE_MASK = 0x3ff;
const TIME_MASK = 0xfc00;

const NARROW = -0x101;
const SHORTER = -0x102;
const SHORT = -0x103;
const LONG = -0x104;
const NUMERIC = 0x100;
const DELTA = 0x10;

const text = (field, by) => [field, [[6, SHORTER + by], [5, NARROW + by], [4, LONG + by], [1, SHORT + by]]];
const mixed = (field, by, numeric) => [field, [[6, SHORTER + by], [5, NARROW + by], [4, LONG + by], [3, SHORT + by], [1, NUMERIC + numeric]]];
const number = (field, by = 0) => [field, [[1, NUMERIC + by]]];
const LETTERS = {
  G: text(ERA, 0),
  y: number(YEAR),
  Y: number(YEAR, DELTA),
  u: number(YEAR, 2 * DELTA),
  r: number(YEAR, 3 * DELTA),
  U: text(YEAR, 0),
  Q: mixed(2, 0, 0),
  q: mixed(2, -DELTA, DELTA),
  M: mixed(MONTH, 0, 0),
  L: mixed(MONTH, -DELTA, DELTA),
  w: number(4),
  W: number(5),
  E: text(WEEKDAY, 0),
  c: mixed(WEEKDAY, -2 * DELTA, 2 * DELTA),
  e: mixed(WEEKDAY, -DELTA, DELTA),
  d: number(9),
  D: number(7),
  F: number(8),
  a: text(DAY_PERIOD, 0),
  b: text(DAY_PERIOD, -DELTA),
  B: text(DAY_PERIOD, -3 * DELTA),
  H: number(HOUR, 10 * DELTA),
  k: number(HOUR, 11 * DELTA),
  h: number(HOUR),
  K: number(HOUR, DELTA),
  m: number(MINUTE),
  s: number(SECOND),
  S: number(FRACTION),
  v: text(ZONE, -2 * DELTA),
  z: text(ZONE, 0),
  O: text(ZONE, -DELTA),
  Z: text(ZONE, -DELTA),
  V: text(ZONE, -DELTA),
};
const CANONICAL = ["G", "y", "Q", "M", "w", "W", "E", "d", "D", "F", "a", "H", "m", "s", "S", "v"];
const APPEND = ["Era", "Year", "Quarter", "Month", "Week", "Week", "Day-Of-Week", "Day", "Day-Of-Week", "Day", "Hour", "Hour", "Minute", "Second", "Second", "Timezone"];
const NAMES = ["era", "year", "quarter", "month", "week", "weekOfMonth", "weekday", "dayOfYear", "weekdayOfMonth", "day", "dayperiod", "hour", "minute", "second", "second", "zone"];

/** Pairs of letter and length, or literals (letter ""), of a pattern. */
export function fieldsOf(pattern) {
  const found = [];
  for (const [, quoted, run, letter, other] of pattern.matchAll(/('(?:[^']|'')*')|(([A-Za-z])\3*)|([^A-Za-z']+)/g)) {
    if (run !== undefined) found.push([letter, run.length]);
    else found.push(["", quoted === undefined ? other : quoted === "''" ? "'" : quoted.slice(1, -1).replace(/''/g, "'"), quoted ?? other]);
  }
  return found;
}

const typeOf = (letter, length) => {
  const row = LETTERS[letter];
  const type = row[1].find(([least]) => length >= least)?.[1] ?? row[1].at(-1)[1];
  return type > 0 ? type + length : type;
};

/** The fields of a skeleton: `types`, `letters`, `lengths` by field. */
function skeleton(pattern) {
  const result = { types: new Array(FIELDS).fill(0), letters: new Array(FIELDS).fill(""), lengths: new Array(FIELDS).fill(0), added: false };
  for (const [letter, length] of fieldsOf(pattern)) {
    if (LETTERS[letter] === undefined) continue;
    const field = LETTERS[letter][0];
    result.types[field] = typeOf(letter, length);
    result.letters[field] = letter;
    result.lengths[field] = length;
  }
  if (result.types[MINUTE] !== 0 && result.types[FRACTION] !== 0 && result.types[SECOND] === 0) put(result, SECOND, "s");
  if (result.types[HOUR] !== 0) {
    if (/[hK]/.test(result.letters[HOUR])) {
      if (result.types[DAY_PERIOD] === 0) {
        put(result, DAY_PERIOD, "a");
        result.added = true;
      }
    } else if (result.types[DAY_PERIOD] !== 0) {
      result.types[DAY_PERIOD] = 0;
      result.letters[DAY_PERIOD] = "";
      result.lengths[DAY_PERIOD] = 0;
    }
  }
  return result;
}

function put(into, field, letter) {
  into.types[field] = typeOf(letter, 1);
  into.letters[field] = letter;
  into.lengths[field] = 1;
}

const base = ({ letters, added }) => letters.filter((_, field) => !(added && field === DAY_PERIOD)).join("");
const canonicalText = ({ letters, lengths, added }) =>
  letters.map((letter, field) => (added && field === DAY_PERIOD ? "" : letter.repeat(lengths[field]))).join("");

/** Makes patterns for skeletons, from a calendar's data. `names`: the displayed names of fields, for appending. */
export class Generator {
  #patterns = [];
  #calendar;
  #names;
  #made = new Map();
  #decimal;
  #keepsHours = false;

  constructor(calendar, names, decimal) {
    this.#calendar = calendar;
    this.#names = names;
    this.#decimal = decimal;
    const byKey = new Map();
    const add = (pattern, key) => {
      const matched = skeleton(key ?? pattern);
      const id = canonicalText(matched);
      const former = byKey.get(id);
      if (former !== undefined && key === undefined) return;
      const entry = { pattern, skeleton: matched, specified: key !== undefined };
      if (former === undefined) this.#patterns.push(entry);
      else this.#patterns[this.#patterns.indexOf(former)] = entry;
      byKey.set(id, entry);
    };
    for (const letter of CANONICAL) add(letter);
    for (const style of ["full", "long", "medium", "short"]) add(calendar.dateFormats[style]);
    for (const style of ["full", "long", "medium", "short"]) add(calendar.timeFormats[style]);
    for (const key of Object.keys(calendar.available)) add(calendar.available[key], key);
    const bases = this.#patterns.map((entry) => base(entry.skeleton));
    const order = new Map(this.#patterns.map((entry, at) => [entry, at]));
    this.#patterns.sort((x, y) => {
      const [a, b] = [bases[order.get(x)][0] ?? "", bases[order.get(y)][0] ?? ""];
      return a < b ? -1 : a > b ? 1 : order.get(x) - order.get(y);
    });
  }

  // The stored pattern next to a skeleton within the fields of `mask`.
  #bestRaw(wanted, mask) {
    let best;
    for (const entry of this.#patterns) {
      let distance = 0;
      let missing = 0;
      let extra = 0;
      for (let field = 0; field < FIELDS; field++) {
        const mine = (mask & (1 << field)) === 0 ? 0 : wanted.types[field];
        const other = entry.skeleton.types[field];
        if (mine === other) continue;
        if (mine === 0) {
          distance += 0x10000;
          extra |= 1 << field;
        } else if (other === 0) {
          distance += 0x1000;
          missing |= 1 << field;
        } else distance += Math.abs(mine - other);
      }
      if (best === undefined || distance < best.distance || (distance === best.distance && best.missing < missing)) best = { entry, distance, missing, extra };
      if (distance === 0) break;
    }
    return best;
  }

  #adjust({ pattern, skeleton: own, specified }, wanted, fraction) {
    let result = "";
    for (const [letter, length, written] of fieldsOf(pattern)) {
      if (letter === "" || LETTERS[letter] === undefined) {
        result += letter === "" ? written : letter.repeat(length);
        continue;
      }
      const [field] = LETTERS[letter];
      if (fraction && field === SECOND) {
        result += letter.repeat(length) + this.#decimal + "S".repeat(wanted.lengths[FRACTION]);
        continue;
      }
      if (wanted.types[field] === 0) {
        result += letter.repeat(length);
        continue;
      }
      const asked = wanted.letters[field];
      const askedLength = asked === "E" && wanted.lengths[field] < 3 ? 3 : wanted.lengths[field];
      let adjusted = askedLength;
      if (field === MINUTE || field === SECOND || (field === HOUR && this.#keepsHours)) adjusted = length;
      else if (specified && asked !== "c" && asked !== "e") {
        const patternNumeric = typeOf(letter, length) > 0;
        const askedNumeric = wanted.types[field] > 0;
        if (own.lengths[field] === askedLength || patternNumeric !== askedNumeric) adjusted = length;
      }
      const keeps = field === HOUR || field === MONTH || field === WEEKDAY || (field === YEAR && asked !== "Y");
      result += (keeps ? letter : asked).repeat(adjusted);
    }
    return result;
  }

  #bestAppending(wanted, mask) {
    if (mask === 0) return "";
    let { entry, missing } = this.#bestRaw(wanted, mask);
    let result = this.#adjust(entry, wanted, false);
    const both = (1 << SECOND) | (1 << FRACTION);
    for (let last = 0; missing !== 0 && missing !== last; ) {
      last = missing;
      if ((missing & both) === 1 << FRACTION && (mask & both) === both) {
        result = this.#adjust({ pattern: result, skeleton: entry.skeleton, specified: entry.specified }, wanted, true);
        missing &= ~(1 << FRACTION);
        continue;
      }
      const next = this.#bestRaw(wanted, missing);
      const added = this.#adjust(next.entry, wanted, false);
      const top = 31 - Math.clz32(missing & ~next.missing);
      const name = this.#names[NAMES[top]]?.displayName ?? NAMES[top];
      const parts = { 0: result, 1: added, 2: `'${name.replace(/'/g, "''")}'` };
      result = this.#calendar.append[APPEND[top]].replace(/\{([012])\}/g, (_, index) => parts[index]);
      missing = next.missing;
    }
    return result;
  }

  /** The pattern for a skeleton. */
  best(text) {
    let found = this.#made.get(text);
    if (found === undefined) this.#made.set(text, (found = this.#make(text)));
    return found;
  }

  /** The same, where hours keep the length that the stored pattern has. */
  bestKeepingHours(text) {
    this.#keepsHours = true;
    try {
      return this.#make(text);
    } finally {
      this.#keepsHours = false;
    }
  }

  #make(text) {
    const wanted = skeleton(text);
    const all = this.#bestRaw(wanted, 0xffff);
    if (all.missing === 0 && all.extra === 0) return this.#adjust(all.entry, wanted, false);
    const mask = wanted.types.reduce((bits, type, field) => (type === 0 ? bits : bits | (1 << field)), 0);
    const date = this.#bestAppending(wanted, mask & DATE_MASK);
    const time = this.#bestAppending(wanted, mask & TIME_MASK);
    if (date === "") return time;
    if (time === "") return date;
    const month = wanted.lengths[MONTH];
    const style = month === 4 ? (wanted.lengths[WEEKDAY] > 0 ? "full" : "long") : month === 3 ? "medium" : "short";
    return glue(this.#calendar.atTime[style], date, time);
  }
}

/** A date's and a time's pattern in one. */
export const glue = (pattern, date, time) => pattern.replace(/\{([01])\}/g, (_, at) => (at === "1" ? date : time));

/** The skeleton of a pattern, fields in canonical order. */
export const skeletonOf = (pattern) => {
  const { letters, lengths } = skeleton(pattern);
  return letters.map((letter, field) => letter.repeat(lengths[field])).join("");
};

/** The types of a skeleton's fields, to compare skeletons. */
export const typesOf = (text) => skeleton(text).types;
