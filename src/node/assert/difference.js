// What differs between two values, line by line, for the messages of failed assertions.
//
// Fidelity: the layout of the messages is workerd's (`src/node/internal/internal_assert.ts`, `internal_diffs.ts` and
// `internal_assertionerror.ts`). Which lines belong together is found by the longest common sequence.
import { inspect } from "dodev:web/console/inspect";

/** Beyond so many pairs of lines nothing is looked for: all lines of the one come before all of the other. */
const MAX_PAIRS = 1 << 20;
/** Lines of a deep comparison that are shown. */
const MAX_LINES = 50;

/** The lines of both lists in order, each as `[sign, line]` with the sign "-" (only in `a`), "+" (only in `b`) or " ". */
export function compareLines(a, b) {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const common = (lines) => lines.map((line) => [" ", line]);
  const middle = between(a.slice(start, a.length - end), b.slice(start, b.length - end));
  return [...common(a.slice(0, start)), ...middle, ...common(a.slice(a.length - end))];
}

function between(a, b) {
  const [rows, columns] = [a.length, b.length];
  const all = () => [...a.map((line) => ["-", line]), ...b.map((line) => ["+", line])];
  if (rows === 0 || columns === 0 || rows * columns > MAX_PAIRS) return all();
  // lengths[i][j] is how many lines a from i and b from j have in common.
  const lengths = Array.from({ length: rows + 1 }, () => new Uint32Array(columns + 1));
  for (let i = rows - 1; i >= 0; i--) {
    for (let j = columns - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < rows || j < columns) {
    if (i < rows && j < columns && a[i] === b[j]) found.push([" ", a[i++], j++]);
    else if (j === columns || (i < rows && lengths[i + 1][j] >= lengths[i][j + 1])) found.push(["-", a[i++]]);
    else found.push(["+", b[j++]]);
  }
  return found;
}

const ESCAPES = { "\b": "\\b", "\f": "\\f", "\t": "\\t", "\v": "\\v", "\r": "\\r", "\n": "\\n\n", "\r\n": "\\r\\n\r\n" };
/** The lines of a text, with their ends; what cannot be seen is written out. */
const visibleLines = (text) => `${text.replace(/\r\n|[\b\f\t\v\r\n]/g, (each) => ESCAPES[each])}\n`.match(/[^\n]*\n/g);

/** What `strictEqual` says of two values that are not the same. */
export function describeUnequal(actual, expected) {
  const [left, right] = [inspect(actual), inspect(expected)];
  if (left === right) {
    const shown = left.split("\n").map((line) => `    ${line}`).join("\n");
    return `Values have the same structure but are not reference-equal:\n\n${shown}\n`;
  }
  const texts = typeof actual === "string" && typeof expected === "string";
  const lines = texts ? compareLines(visibleLines(actual), visibleLines(expected)) : compareLines(left.split("\n"), right.split("\n"));
  const shown = lines.map(([sign, line]) => `${sign}   ${line}`).join(texts ? "" : "\n");
  return `Values are not strictly equal:\n\n\n[Diff] Actual / Expected\n\n\n${shown}\n`;
}

const show = (value) => inspect(value, { depth: 1000, maxArrayLength: Infinity, customInspect: false, sorted: true, getters: true });
const isPrimitive = (value) => typeof value !== "object" || value === null;

/** What a deep comparison says of two values that are not equal, below the line `headline`. */
export function describeDeeply(headline, actual, expected) {
  const [left, right] = [show(actual), show(expected)];
  if (left === right) return `Values have same structure but are not reference-equal:\n\n${left}\n`;
  const single = !left.includes("\n") && !right.includes("\n");
  const length = left.length + right.length;
  if (single && length <= 12 && isPrimitive(actual) && isPrimitive(expected) && (actual !== 0 || expected !== 0)) {
    return `${headline}\n\n${left} !== ${right}\n`;
  }
  let at = 0;
  while (left[at] === right[at]) at++;
  const mark = single && length > 12 && length < 80 && at > 2 ? `\n  ${" ".repeat(at)}^` : "";
  const lines = compareLines(left.split("\n"), right.split("\n")).map(([sign, line]) => {
    // Here the sign tells whose line it is the other way round.
    return `${sign === "-" ? "+" : sign === "+" ? "-" : " "} ${line}`;
  });
  const skipped = lines.length > MAX_LINES;
  const shown = skipped ? [...lines.slice(0, MAX_LINES), "..."] : lines;
  return `${headline}\n+ actual - expected${skipped ? " ... Lines skipped" : ""}\n\n${shown.join("\n")}${mark}`;
}
