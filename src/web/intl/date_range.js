// Ranges of times: what both ends share is written once.
//
// Fidelity: ICU's DateIntervalFormat: normalized skeletons, the largest field that differs, the fallback pattern.
import { fieldsAt, pairsOf } from "dodev:web/intl/date_fields";
import { fieldsOf, skeletonOf } from "dodev:web/intl/date_skeleton";

const ORDER = ["G", "y", "M", "d", "a", "h", "m", "s", "S"];

function largestDifference(a, b) {
  if (a.era !== b.era) return "G";
  if (a.year !== b.year) return "y";
  if (a.month !== b.month) return "M";
  if (a.day !== b.day) return "d";
  if (a.hour < 12 !== b.hour < 12) return "a";
  if (a.hour !== b.hour) return "h";
  if (a.minute !== b.minute) return "m";
  if (a.second !== b.second) return "s";
  if (a.ms !== b.ms) return "S";
  return undefined;
}

// The smallest field of a pattern, by its place in the order.
function smallest(pattern) {
  let found = -1;
  for (const [letter] of fieldsOf(pattern)) {
    const like = { L: "M", E: "d", c: "d", e: "d", H: "h", k: "h", K: "h", B: "a", b: "a" }[letter] ?? letter;
    found = Math.max(found, ORDER.indexOf(like));
  }
  return found;
}

// A skeleton's fields in the form that interval formats are kept under.
function normalized(skeleton) {
  let date = "";
  let time = "";
  for (const [letter, length] of fieldsOf(skeleton)) {
    if (letter === "G" || letter === "y") date += letter;
    else if (letter === "M" || letter === "L") date += length < 3 ? "M" : "M".repeat(length);
    else if ("Ece".includes(letter)) date += length <= 3 ? "E" : "E".repeat(length);
    else if (letter === "d") date += "d";
    else if (letter === "B") time += "B";
    else if ("hK".includes(letter)) time += "h";
    else if ("Hk".includes(letter)) time += "H";
    else if (letter === "m") time += "m";
    else if (letter === "z" || letter === "v") time += "v";
    else if (letter !== "a" && letter !== "b") time += letter.repeat(length);
  }
  return { date, time };
}

const counts = (skeleton) => Object.fromEntries(fieldsOf(skeleton));

// The interval formats of the stored skeleton with the same fields and the nearest widths.
function bestIntervals(intervals, skeleton) {
  if (intervals[skeleton] !== undefined) return { formats: intervals[skeleton], from: skeleton };
  const mine = counts(skeleton);
  const names = Object.keys(mine).sort().join("");
  let best;
  for (const candidate of Object.keys(intervals)) {
    const theirs = counts(candidate);
    if (Object.keys(theirs).sort().join("") !== names) continue;
    let distance = 0;
    for (const letter of Object.keys(mine)) {
      const [a, b] = [mine[letter], theirs[letter]];
      if (a === b) continue;
      distance += letter === "M" && a < 3 !== b < 3 ? 0x100 : Math.abs(a - b);
    }
    if (best === undefined || distance < best.distance) best = { formats: intervals[candidate], from: candidate, distance };
  }
  return best;
}

// Widens the fields of an interval format to what was asked for.
function widened(pattern, from, asked) {
  const [stored, wanted] = [counts(from), counts(asked)];
  const key = (letter) => ({ L: "M", c: "E", e: "E", a: "a" })[letter] ?? letter;
  return fieldsOf(pattern)
    .map(([letter, length, written]) => {
      if (letter === "") return written;
      const [had, want] = [stored[key(letter)], wanted[key(letter)]];
      const least = letter === "E" && want !== undefined && want < 4 ? length : want;
      return letter.repeat(had !== undefined && least !== undefined && least > length && (length === had || letter === "E") ? least : length);
    })
    .join("");
}

// Where the second half of an interval format begins: at the first field that comes again.
function splitInterval(pattern) {
  const seen = new Set();
  let first = "";
  const pieces = fieldsOf(pattern);
  for (let at = 0; at < pieces.length; at++) {
    const [letter, length, written] = pieces[at];
    if (letter !== "" && seen.has(letter)) {
      return [first, pieces.slice(at).map(([l, n, w]) => (l === "" ? w : l.repeat(n))).join("")];
    }
    if (letter !== "") seen.add(letter);
    first += letter === "" ? written : letter.repeat(length);
  }
  return [first, ""];
}

const tagged = (pairs, source) => pairs.map(([type, text]) => [type, text, source]);

function merge(triples) {
  const result = [];
  for (const [type, text, source] of triples) {
    const last = result.at(-1);
    if (last !== undefined && type === "literal" && last[0] === "literal" && last[2] === source) last[1] += text;
    else result.push([type, text, source]);
  }
  return result;
}

// What occurs in both halves belongs to its end; the rest is shared.
function withSources(first, second) {
  const types = (pairs) => new Set(pairs.filter(([type]) => type !== "literal").map(([type]) => type));
  const [one, two] = [types(first), types(second)];
  const mark = (pairs, others, source) => {
    const at = pairs.map(([type], index) => (type !== "literal" && others.has(type) ? index : -1)).filter((index) => index >= 0);
    const [from, to] = [at[0] ?? pairs.length, at.at(-1) ?? -1];
    return pairs.map(([type, text], index) => [type, text, index >= from && index <= to ? source : "shared"]);
  };
  return merge([...mark(first, two, "startRange"), ...mark(second, one, "endRange")]);
}

function fallback(s, pattern, a, b) {
  const parts = [];
  for (const piece of s.names.intervals.intervalFormatFallback.split(/(\{[01]\})/)) {
    if (piece === "{0}") parts.push(...tagged(pairsOf(s, pattern, a), "startRange"));
    else if (piece === "{1}") parts.push(...tagged(pairsOf(s, pattern, b), "endRange"));
    else if (piece !== "") parts.push(["literal", piece, "shared"]);
  }
  return merge(parts);
}

const plain = (triples) => triples.map(([type, text, source]) => [type, text.replace(/[\u202f\u2009]/g, " "), source]);

const HOUR_LETTERS = { h11: "K", h12: "h", h23: "H", h24: "k" };

/** Triples of type, text and source of the range between two times. */
export const dateRange = (s, start, end) => plain(range(s, start, end));

function range(s, start, end) {
  const [a, b] = [fieldsAt(start, s.calendar, s.zone), fieldsAt(end, s.calendar, s.zone)];
  const difference = largestDifference(a, b);
  const single = () => tagged(pairsOf(s, s.pattern, a), "shared");
  if (difference === undefined || ORDER.indexOf(difference) > smallest(s.pattern)) return single();
  let skeleton = skeletonOf(s.pattern);
  let { date, time } = normalized(skeleton);
  const isDate = ORDER.indexOf(difference) <= 3;
  let whole = withHours(s, s.generator.bestKeepingHours(skeleton));
  // What differs is said, even if it was not asked for.
  if (isDate && date !== "" && time === "" && "GyM".includes(difference) && !date.includes(difference === "G" ? "y" : difference)) {
    skeleton = (difference === "M" ? "M" : date.includes("M") || !date.includes("d") ? "y" : "yM") + skeleton;
    ({ date, time } = normalized(skeleton));
    whole = s.generator.best(skeleton);
  }
  const at = (formats) => formats?.[difference === "a" ? "a" : difference] ?? (difference === "a" || difference === "h" ? (formats?.H ?? formats?.h) : undefined) ?? (difference === "h" ? formats?.B : undefined);
  const intervals = s.names.intervals;
  if (time !== "" && isDate) {
    // Both ends are written in full; times alone get the day.
    const pattern = date === "" ? withHours(s, s.generator.bestKeepingHours(`yMd${skeleton}`)) : whole;
    return fallback(s, pattern, a, b);
  }
  const part = isDate ? date : time;
  const full = isDate ? skeleton : skeleton.replace(/[^aBbhHkKmsSzvO]/g, "");
  const best = bestIntervals(intervals, part);
  const format = at(best?.formats);
  if (format === undefined) {
    if (!isDate && date !== "") {
      const timePattern = withHours(s, s.generator.best(full));
      const inner = fallback(s, timePattern, a, b);
      return joinDay(s, date, skeleton, a, inner);
    }
    return fallback(s, whole, a, b);
  }
  const pattern = withHours(s, widened(format, best.from, part));
  const [first, second] = splitInterval(pattern);
  const parts = withSources(pairsOf(s, first, a), pairsOf(s, second, b));
  return !isDate && date !== "" ? joinDay(s, date, skeleton, a, parts) : parts;
}

function withHours(s, pattern) {
  if (s.cycle === undefined) return pattern;
  return fieldsOf(pattern)
    .map(([letter, length, written]) => (letter === "" ? written : ("hHkK".includes(letter) ? HOUR_LETTERS[s.cycle] : letter).repeat(length)))
    .join("");
}

// The day once, then the range of times.
function joinDay(s, date, skeleton, fields, times) {
  const asked = skeleton.replace(/[aBbhHkKmsSzvO]/g, "");
  const day = tagged(pairsOf(s, s.generator.best(asked), fields), "shared");
  const result = [];
  for (const piece of s.names.glue.medium.split(/(\{[01]\})/)) {
    if (piece === "{1}") result.push(...day);
    else if (piece === "{0}") result.push(...times);
    else if (piece !== "") result.push(["literal", piece.replace(/'([^']*)'/g, "$1"), "shared"]);
  }
  return merge(result);
}

