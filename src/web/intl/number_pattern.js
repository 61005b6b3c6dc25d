// CLDR's number patterns: what stands before and after the digits, and how the digits are written.
import { core, data, inDigits, splitPattern } from "dodev:web/intl/core";

const parsed = new Map();

// One half of a pattern: tokens before the digits, their form, tokens after.
function half(text) {
  const tokens = [[], []];
  let form = "";
  let side = 0;
  let literal = "";
  const flush = () => {
    if (literal !== "") tokens[side].push(["literal", literal]);
    literal = "";
  };
  for (let at = 0; at < text.length; at++) {
    const unit = text[at];
    if (unit === "'") {
      const end = text.indexOf("'", at + 1);
      literal += end === at + 1 ? "'" : text.slice(at + 1, end);
      at = end;
    } else if (/[#0-9,.]/.test(unit)) {
      flush();
      form += unit;
      side = 1;
    } else if (unit === "E") {
      form += text.slice(at);
      break;
    } else {
      const type = { "¤": "currency", "%": "percentSign", "-": "minusSign", "+": "plusSign" }[unit];
      if (type === undefined) literal += unit;
      else {
        flush();
        tokens[side].push([type, unit]);
      }
    }
  }
  flush();
  const groups = form.split(".")[0].split(",");
  const primary = groups.length > 1 ? groups.at(-1).length : 0;
  return { before: tokens[0], after: tokens[1], form, primary, secondary: groups.length > 2 ? groups.at(-2).length : primary };
}

/** `{ positive, negative? }` of a pattern; each has `before`, `after` (pairs), `primary` and `secondary` sizes of groups. */
export function parsePattern(pattern) {
  let found = parsed.get(pattern);
  if (found === undefined) {
    const [positive, negative] = pattern.split(/;(?=(?:[^']*'[^']*')*[^']*$)/);
    found = { positive: half(positive), negative: negative === undefined ? undefined : half(negative) };
    parsed.set(pattern, found);
  }
  return found;
}

/** The data of numbers for a locale in a numbering system, or in Latin digits where it has none. */
export function numbersOf(locale, system) {
  const all = data("numbers", locale);
  return all[system] ?? all.latn;
}

export const defaultSystem = (locale) => data("numbers", locale).ns;
export const leastGrouping = (locale) => data("numbers", locale).grouping;

/** Parts of written digits: groups, the decimal sign, the fraction. */
export function digitParts({ whole, fraction }, { symbols, system, sizes, grouping, least, currency }) {
  const parts = [];
  const write = (text) => inDigits(text, system);
  const group = (currency && symbols.currencyGroup) || symbols.group;
  const { primary, secondary } = sizes;
  const enough = primary > 0 && whole.length >= primary + (grouping === "min2" ? Math.max(2, least) : grouping === "auto" ? least : 1);
  if (grouping === false || !enough) parts.push(["integer", write(whole)]);
  else {
    const groups = [];
    let end = whole.length;
    for (let size = primary; end > 0; size = secondary || primary) {
      groups.unshift(whole.slice(Math.max(end - size, 0), end));
      end -= size;
    }
    groups.forEach((one, at) => {
      if (at > 0) parts.push(["group", group]);
      parts.push(["integer", write(one)]);
    });
  }
  if (fraction !== "") {
    parts.push(["decimal", (currency && symbols.currencyDecimal) || symbols.decimal], ["fraction", write(fraction)]);
  }
  return parts;
}

/** Which sign a value shows: "-", "+" or "". `zero`: whether it is zero as written. */
export function signOf(display, negative, zero, nan) {
  switch (display) {
    case "never":
      return "";
    case "always":
      return negative ? "-" : "+";
    case "exceptZero":
      return zero || nan ? "" : negative ? "-" : "+";
    case "negative":
      return negative && !zero ? "-" : "";
    default:
      return negative ? "-" : "";
  }
}

// Marks of direction around a sign are literals of their own.
function marked(type, symbol) {
  const [, lead, text, trail] = /^([\u200e\u200f\u061c]*)(.*?)([\u200e\u200f\u061c]*)$/su.exec(symbol);
  return [["literal", lead], [type, text], ["literal", trail]].filter(([, part]) => part !== "");
}

/** The affixes of a pattern for a sign, as pairs: `[before, after]`. */
export function affixes({ positive, negative }, sign, symbols) {
  const plus = sign === "+";
  const hasMinus = negative !== undefined && [...negative.before, ...negative.after].some(([type]) => type === "minusSign");
  const useNegative = negative !== undefined && (sign === "-" || (hasMinus && plus));
  const used = useNegative ? negative : positive;
  const signParts = plus ? marked("plusSign", symbols.plusSign) : marked("minusSign", symbols.minusSign);
  const translate = (tokens) =>
    tokens.flatMap(([type, text]) => {
      if (type === "minusSign") return signParts;
      if (type === "percentSign") return marked(type, symbols.percentSign);
      return [[type, text]];
    });
  const before = translate(used.before);
  if (!useNegative && sign !== "") before.unshift(...signParts);
  return [before, translate(used.after)];
}

const isDigit = /^\p{Nd}/u;
const spaced = /[\p{S}\p{Z}]/u;

/** Puts a currency's symbol in place, parted from digits by a space where it ends in a letter. */
export function placeCurrency(tokens, symbol, before) {
  const parts = [];
  tokens.forEach(([type, text], at) => {
    if (type !== "currency") {
      parts.push([type, text]);
      return;
    }
    const nextToDigits = before ? at === tokens.length - 1 : at === 0;
    const edge = before ? [...symbol].at(-1) : [...symbol][0];
    const apart = nextToDigits && edge !== undefined && !spaced.test(edge) ? "\u00a0" : "";
    if (!before && apart !== "") parts.push(["literal", apart]);
    parts.push(["currency", symbol]);
    if (before && apart !== "") parts.push(["literal", apart]);
  });
  return parts;
}

/** The parts of a pattern with `{0}` for the number; what else it says is of `type`, spaces around it are literals. */
export function wrap(pattern, type, number) {
  const parts = [];
  for (const piece of splitPattern(pattern)) {
    if (typeof piece === "number") {
      parts.push(...number);
      continue;
    }
    const [, lead, text, trail] = /^([\s\u200e\u200f\u061c]*)(.*?)([\s\u200e\u200f\u061c]*)$/su.exec(piece);
    if (lead !== "") parts.push(["literal", lead]);
    if (text !== "") parts.push([type, text]);
    if (trail !== "") parts.push(["literal", trail]);
  }
  return parts;
}

/** How a currency is shown: its symbol, narrow symbol, code or the name for a plural category. */
export function currencySymbol(locale, code, display) {
  const own = data("currencies", locale)[code] ?? {};
  if (display === "code") return code;
  if (display === "narrowSymbol") return own["symbol-alt-narrow"] ?? own.symbol ?? code;
  return own.symbol ?? code;
}

export function currencyName(locale, code, plural) {
  const own = data("currencies", locale)[code] ?? {};
  return own[`displayName-count-${plural}`] ?? own["displayName-count-other"] ?? own.displayName ?? code;
}

export const currencyDigits = (code) => core.currencyDigits[code] ?? 2;

/** The pattern of a unit for a plural category, with `{0}`. */
export function unitPattern(locale, unit, display, plural) {
  const all = data("units", locale)[display] ?? {};
  const of = (name) => all[name]?.[plural] ?? all[name]?.other;
  const whole = of(unit);
  if (whole !== undefined) return whole;
  const [numerator, denominator] = unit.split("-per-");
  const first = of(numerator);
  if (first === undefined) return `{0} ${unit}`;
  const per = all[denominator]?.per;
  if (per !== undefined) return per.replace("{0}", first);
  const second = (all[denominator]?.one ?? all[denominator]?.other ?? denominator).replace("{0}", "").trim();
  return all.per.replace("{1}", second).replace("{0}", first);
}

export const startsWithDigit = (text) => isDigit.test(text);
