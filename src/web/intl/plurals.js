// Plural rules: CLDR's conditions, and Intl.PluralRules.
//
// Fidelity: ECMA-402 17, UTS 35 part 3 (language plural rules).
import { PLURALS, Slots, canonicalList, coerceOptions, matcher, requireNew, resolveLocale, shapeClass, stringOption, supplemental } from "dodev:web/intl/core";
import { digitsOf, toDecimal } from "dodev:web/intl/decimal";
import { digitOptions } from "dodev:web/intl/digit_options";

const rules = supplemental("plurals");

function relation(text) {
  const [, operand, modulus, sign, ranges] = /^([nivwftce])(?:\s*%\s*(\d+))?\s*(!?=)\s*([\d.,]+)$/.exec(text);
  const sets = ranges.split(",").map((range) => range.split("..").map(Number));
  return (operands) => {
    const value = modulus === undefined ? operands[operand] : operands[operand] % Number(modulus);
    const within = sets.some(([from, to = from]) => value >= from && value <= to && (from === to || Number.isInteger(value)));
    return within === (sign === "=");
  };
}

const compiled = new Map();
function compile(rule) {
  let found = compiled.get(rule);
  if (found === undefined) {
    const any = rule.split(" or ").map((part) => part.split(" and ").map((one) => relation(one.trim())));
    compiled.set(rule, (found = (operands) => any.some((all) => all.every((one) => one(operands)))));
  }
  return found;
}

function rulesOf(type, locale) {
  const all = rules[type];
  return all[locale] ?? all[locale.split("-")[0]] ?? { other: "" };
}

/** The category of written digits; `exponent` is that of the compact form. */
export function category(type, locale, { whole, fraction }, exponent = 0) {
  const found = rulesOf(type, locale);
  if (exponent > 0) {
    const all = whole + fraction.padEnd(exponent, "0").slice(0, exponent);
    [whole, fraction] = [all, fraction.slice(exponent)];
  }
  const trimmed = fraction.replace(/0+$/, "");
  const operands = {
    n: Number(`${whole}.${fraction || 0}`),
    i: Number(whole),
    v: fraction.length,
    w: trimmed.length,
    f: Number(fraction || 0),
    t: Number(trimmed || 0),
    c: exponent,
    e: exponent,
  };
  for (const name in found) if (found[name] !== "" && compile(found[name])(operands)) return name;
  return "other";
}

/** The category of a range by those of its ends. */
export function rangeCategory(locale, start, end) {
  return rules.ranges[locale.split("-")[0]]?.[`${start} ${end}`] ?? end;
}

const slots = new Slots("Intl.PluralRules");
const ORDER = ["zero", "one", "two", "few", "many", "other"];

export function PluralRules(locales = undefined, options = undefined) {
  requireNew(new.target, "Intl.PluralRules");
  const requested = canonicalList(locales);
  const given = coerceOptions(options, "Intl.PluralRules");
  matcher(given, "Intl.PluralRules");
  const type = stringOption(given, "type", ["cardinal", "ordinal"], "cardinal", "Intl.PluralRules");
  const notation = stringOption(given, "notation", ["standard", "scientific", "engineering", "compact"], "standard", "Intl.PluralRules");
  const digits = digitOptions(given, 0, 3, notation, "Intl.PluralRules");
  const { locale, data } = resolveLocale(requested, PLURALS, [], {}, () => false);
  slots.set(this, { type, notation, digits, locale, language: data.split("-")[0] === locale.split("-")[0] ? locale : data });
}

function select({ type, digits, locale }, value) {
  if (value.kind !== "") return "other";
  return category(type, locale, digitsOf(value, digits));
}

shapeClass(
  PluralRules,
  "Intl.PluralRules",
  {
    resolvedOptions() {
      const { type, notation, digits, locale } = slots.get(this, "resolvedOptions");
      const result = { locale, type, notation, minimumIntegerDigits: digits.minimumIntegerDigits };
      if (digits.roundingType !== "significantDigits") {
        result.minimumFractionDigits = digits.minimumFractionDigits;
        result.maximumFractionDigits = digits.maximumFractionDigits;
      }
      if (digits.roundingType !== "fractionDigits") {
        result.minimumSignificantDigits = digits.minimumSignificantDigits;
        result.maximumSignificantDigits = digits.maximumSignificantDigits;
      }
      const own = rulesOf(type, locale);
      result.pluralCategories = ORDER.filter((name) => own[name] !== undefined);
      result.roundingIncrement = digits.roundingIncrement;
      result.roundingMode = digits.roundingMode;
      result.roundingPriority = digits.roundingPriority;
      result.trailingZeroDisplay = digits.trailingZeroDisplay;
      return result;
    },
    select(value) {
      return select(slots.get(this, "select"), toDecimal(Number(value)));
    },
    selectRange(start, end) {
      const kept = slots.get(this, "selectRange");
      for (const [name, value] of [
        ["startRange", start],
        ["endRange", end],
      ]) {
        if (value === undefined) throw new TypeError(`Invalid ${name} : undefined`);
        if (Number.isNaN(Number(value))) throw new RangeError(`Invalid ${name} : ${value}`);
      }
      const [from, to] = [toDecimal(Number(start)), toDecimal(Number(end))];
      return rangeCategory(kept.locale, select(kept, from), select(kept, to));
    },
  },
  PLURALS,
);
