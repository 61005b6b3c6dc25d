// Intl.ListFormat.
import {
  NUMBERS, Slots, canonicalList, data, joined, matcher, objectOptions, requireNew, resolveLocale, shapeClass, splitPattern, stringOption,
  toParts,
} from "dodev:web/intl/core";

const SERVICE = "Intl.ListFormat";
const slots = new Slots(SERVICE);
const TYPES = { conjunction: "standard", disjunction: "or", unit: "unit" };

/** The patterns of a kind of list: `2`, `start`, `middle`, `end`. */
export function listPatterns(locale, type, style) {
  const { lists } = data("numbers", locale);
  const name = `listPattern-type-${TYPES[type]}`;
  return lists[style === "long" ? name : `${name}-${style}`] ?? lists[name];
}

// Fidelity: ICU's ListFormatter: Spanish "y" and "o", Hebrew "ו" depend on what follows.
function contextual(locale, pattern, next) {
  const language = locale.split("-")[0];
  if (language === "es" && pattern.includes(" y ") && /^(i|hi(?!a|e))/i.test(next)) return pattern.replace(" y ", " e ");
  if (language === "es" && pattern.includes(" o ") && /^(o|ho|8|11([^\d]|$)|11\s)/i.test(next)) return pattern.replace(" o ", " u ");
  if (language === "he" && pattern.includes(" \u05d5{1}") && !/^\p{Script=Hebrew}/u.test(next)) return pattern.replace(" \u05d5{1}", " \u05d5-{1}");
  return pattern;
}

/** Pairs of a list whose elements are pairs themselves. */
export function listPairs(locale, patterns, elements) {
  const apply = (pattern, first, second) =>
    splitPattern(contextual(locale, pattern, joined(second))).flatMap((piece) =>
      piece === 0 ? first : piece === 1 ? second : [["literal", piece]],
    );
  if (elements.length === 0) return [];
  if (elements.length === 1) return elements[0];
  if (elements.length === 2) return apply(patterns[2], elements[0], elements[1]);
  const last = elements.length - 1;
  let result = apply(patterns.start, elements[0], elements[1]);
  for (let at = 2; at < last; at++) result = apply(patterns.middle, result, elements[at]);
  return apply(patterns.end, result, elements[last]);
}

export function ListFormat(locales = undefined, options = undefined) {
  requireNew(new.target, SERVICE);
  const requested = canonicalList(locales);
  const o = objectOptions(options);
  matcher(o, SERVICE);
  const found = resolveLocale(requested, NUMBERS, [], {}, () => false);
  const type = stringOption(o, "type", Object.keys(TYPES), "conjunction", SERVICE);
  const style = stringOption(o, "style", ["long", "short", "narrow"], "long", SERVICE);
  slots.set(this, { locale: found.locale, data: found.data, type, style, patterns: listPatterns(found.data, type, style) });
}

function pairs(s, list) {
  const elements = [];
  if (list !== undefined) {
    for (const element of list) {
      if (typeof element !== "string") throw new TypeError(`Iterable yielded ${String(element)} which is not a string`);
      elements.push([["element", element]]);
    }
  }
  const merged = [];
  for (const [type, text] of listPairs(s.data, s.patterns, elements)) {
    const last = merged.at(-1);
    if (type === "literal" && last?.[0] === "literal") last[1] += text;
    else merged.push([type, text]);
  }
  return merged;
}

shapeClass(
  ListFormat,
  SERVICE,
  {
    resolvedOptions() {
      const { locale, type, style } = slots.get(this, "resolvedOptions");
      return { locale, type, style };
    },
    format(list) {
      return joined(pairs(slots.get(this, "format"), list));
    },
    formatToParts(list) {
      return toParts(pairs(slots.get(this, "formatToParts"), list));
    },
  },
  NUMBERS,
);
