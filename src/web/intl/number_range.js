// Ranges of numbers: what both ends share is written once.
//
// Fidelity: ICU's `NumberRangeFormatterImpl` with automatic collapsing.
import { joined } from "dodev:web/intl/core";
import { numbersOf } from "dodev:web/intl/number_pattern";

const same = (a, b) => joined(a) === joined(b);
const length = (pairs) => [...joined(pairs)].length;

const tag = (pairs, source) => pairs.map(([type, text]) => [type, text, source]);

/** Triples of type, text and source; `modifiers` takes a number apart. */
export function rangePairs(s, start, end, modifiers) {
  const [a, b] = [modifiers(s, start), modifiers(s, end)];
  const whole = (m) => {
    const parts = [...m.before, ...m.inner[0], ...m.number, ...m.inner[1], ...m.after];
    return m.outer === undefined ? parts : m.outer(parts);
  };
  const { misc, symbols } = numbersOf(s.data, s.numberingSystem);
  if (same(whole(a), whole(b)) && start.negative === end.negative) {
    const [before, after] = misc.approximately.split("{0}");
    const mark = symbols.approximatelySign ?? "~";
    const sides = [before, after].map((text) => (text === "" ? [] : [[text === mark ? "approximatelySign" : "literal", text, "shared"]]));
    // The sign stands where the number's own sign does.
    return [...sides[0], ...tag(whole(a), "shared"), ...sides[1]];
  }
  const outerA = a.outer === undefined ? [] : a.outer([]);
  const outerB = b.outer === undefined ? [] : b.outer([]);
  const collapseOuter = a.outer !== undefined && (same(outerA, outerB) || s.style === "unit" || s.style === "currency") && length(outerA) > 1;
  const sameSides = same(a.before, b.before) && same(a.after, b.after);
  const collapseSides = a.outer !== undefined && !collapseOuter ? false : sameSides && length([...a.before, ...a.after]) > 1;
  const hasInner = length([...a.inner[0], ...a.inner[1]]) > 0;
  const sameInner = same(a.inner[0], b.inner[0]) && same(a.inner[1], b.inner[1]);
  const sidesEmpty = length([...a.before, ...a.after, ...b.before, ...b.after]) === 0;
  const collapseInner = hasInner && sameInner && (collapseSides || sidesEmpty) && length([...a.inner[0], ...a.inner[1]]) > 1;
  let one = [...a.number];
  let two = [...b.number];
  if (!collapseInner) {
    one = [...a.inner[0], ...one, ...a.inner[1]];
    two = [...b.inner[0], ...two, ...b.inner[1]];
  }
  if (!collapseSides) {
    one = [...a.before, ...one, ...a.after];
    two = [...b.before, ...two, ...b.after];
  }
  if (a.outer !== undefined && !collapseOuter) {
    one = a.outer(one);
    two = b.outer(two);
  }
  const repeats = one.length > a.number.length || two.length > b.number.length;
  let infix = misc.range.replace("{0}", "").replace("{1}", "");
  if (repeats && !/^\s/.test(infix)) infix = ` ${infix} `;
  let parts = [...tag(one, "startRange"), ["literal", infix, "shared"], ...tag(two, "endRange")];
  if (collapseInner) parts = [...tag(b.inner[0], "shared"), ...parts, ...tag(b.inner[1], "shared")];
  if (collapseSides) parts = [...tag(b.before, "shared"), ...parts, ...tag(b.after, "shared")];
  if (collapseOuter) {
    const MARK = ["", "\0"];
    parts = b.outer([MARK]).flatMap((pair) => (pair === MARK ? parts : tag([pair], "shared")));
  }
  return parts;
}
