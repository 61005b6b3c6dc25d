// Intl.NumberFormat.
//
// Fidelity: ECMA-402 16; where parts stand is ICU's (`number_patternmodifier`, `number_compact`, `numrange_impl`).
import {
  NUMBERS, Slots, canonicalList, coerceOptions, core, incompatible, isNumbering, joined, matcher, resolveLocale,
  shapeClass, stringOption, toParts, typeOption, inDigits,
} from "dodev:web/intl/core";
import { compare, digitsOf, shifted, toDecimal } from "dodev:web/intl/decimal";
import { digitOptions } from "dodev:web/intl/digit_options";
import {
  affixes, currencyDigits, currencyName, currencySymbol, defaultSystem, digitParts, leastGrouping, numbersOf, parsePattern,
  placeCurrency, signOf, unitPattern, wrap,
} from "dodev:web/intl/number_pattern";
import { category } from "dodev:web/intl/plurals";
import { rangePairs } from "dodev:web/intl/number_range";

const SERVICE = "Intl.NumberFormat";
const slots = new Slots(SERVICE);

function checkedUnit(unit) {
  const parts = unit.split("-per-");
  if (parts.length > 2 || !parts.every((part) => core.units.includes(part))) {
    throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
  }
}

/** The resolved options of a number format. */
export function resolveNumber(locales, options) {
  const requested = canonicalList(locales);
  const o = coerceOptions(options, SERVICE);
  matcher(o, SERVICE);
  const numberingSystem = typeOption(o, "numberingSystem");
  const found = resolveLocale(requested, NUMBERS, ["nu"], { nu: numberingSystem }, (_, value) => isNumbering(value));
  const s = { locale: found.locale, data: found.data, numberingSystem: found.nu ?? defaultSystem(found.data) };
  s.style = stringOption(o, "style", ["decimal", "percent", "currency", "unit"], "decimal", SERVICE);
  const currency = stringOption(o, "currency", undefined, undefined, SERVICE);
  if (currency === undefined) {
    if (s.style === "currency") throw new TypeError("Currency code is required with currency style.");
  } else if (!/^[A-Za-z]{3}$/.test(currency)) throw new RangeError(`Invalid currency code : ${currency}`);
  const currencyDisplay = stringOption(o, "currencyDisplay", ["code", "symbol", "narrowSymbol", "name"], "symbol", SERVICE);
  const currencySign = stringOption(o, "currencySign", ["standard", "accounting"], "standard", SERVICE);
  const unit = stringOption(o, "unit", undefined, undefined, SERVICE);
  if (unit === undefined) {
    if (s.style === "unit") throw new TypeError("Invalid unit argument for Intl.NumberFormat() ''");
  } else checkedUnit(unit);
  const unitDisplay = stringOption(o, "unitDisplay", ["short", "narrow", "long"], "short", SERVICE);
  if (s.style === "currency") Object.assign(s, { currency: currency.toUpperCase(), currencyDisplay, currencySign });
  if (s.style === "unit") Object.assign(s, { unit, unitDisplay });
  s.notation = stringOption(o, "notation", ["standard", "scientific", "engineering", "compact"], "standard", SERVICE);
  let least = 0;
  let most = s.style === "percent" ? 0 : 3;
  if (s.style === "currency" && s.notation === "standard") least = most = currencyDigits(s.currency);
  s.digits = digitOptions(o, least, most, s.notation, SERVICE);
  const compactDisplay = stringOption(o, "compactDisplay", ["short", "long"], "short", SERVICE);
  if (s.notation === "compact") s.compactDisplay = compactDisplay;
  s.useGrouping = groupingOption(o, s.notation === "compact" ? "min2" : "auto");
  s.signDisplay = stringOption(o, "signDisplay", ["auto", "never", "always", "exceptZero", "negative"], "auto", SERVICE);
  return s;
}

function groupingOption(options, fallback) {
  const value = options.useGrouping;
  if (value === undefined) return fallback;
  if (value === true) return "always";
  if (!value) return false;
  const text = `${value}`;
  if (text === "true" || text === "false") return fallback;
  if (!["min2", "auto", "always"].includes(text)) {
    throw new RangeError(`Value ${text} out of range for Intl.NumberFormat options property useGrouping`);
  }
  return text;
}

// The unit is written as percentages are, but for its long name.
const isPercentUnit = (s) => s.style === "unit" && s.unit === "percent" && s.unitDisplay !== "long";

// The pattern that a format is written in.
function patternOf(s) {
  const numbers = numbersOf(s.data, s.numberingSystem);
  if (s.style === "percent" || isPercentUnit(s)) return parsePattern(numbers.percent);
  if (s.style === "currency" && s.currencyDisplay !== "name") {
    return parsePattern(s.currencySign === "accounting" ? numbers.currency.accounting : numbers.currency.standard);
  }
  return parsePattern(numbers.decimal);
}

function compactTable(s, numbers) {
  // Fidelity: there is no long form with a symbol.
  if (s.style === "currency" && s.currencyDisplay !== "name") return numbers.currency.short?.standard ?? numbers.short;
  return s.compactDisplay === "long" ? numbers.long : numbers.short;
}

// The power of ten that a compact form takes away from numbers of a size, and the table's key.
function compactStep(table, size) {
  let zeros = Math.max(size - 1, 0);
  if (zeros < 3) return { exponent: 0, key: undefined };
  while (zeros > 14 && table[`1${"0".repeat(zeros)}-count-other`] === undefined) zeros -= 1;
  const key = `1${"0".repeat(zeros)}`;
  const pattern = table[`${key}-count-other`];
  if (pattern === undefined) return { exponent: 0, key: undefined };
  const count = (pattern.replace(/'[^']*'/g, "").match(/0/g) ?? []).length;
  const bare = pattern.replace(/'[^']*'/g, "").replace(/[0¤\s]/g, "") === "";
  return bare ? { exponent: 0, key: undefined } : { exponent: zeros + 1 - count, key };
}

function compactDigits(value, s, table) {
  let step = compactStep(table, value.point);
  let written = digitsOf(shifted(value, -step.exponent), s.digits);
  // Rounding may have reached the next name.
  const next = compactStep(table, written.rounded.digits === "" ? 1 : written.rounded.point + step.exponent);
  if (next.exponent !== step.exponent) {
    step = next;
    written = digitsOf(shifted(value, -step.exponent), s.digits);
  } else step = next;
  return { written, step };
}

function scientificDigits(value, s) {
  const per = s.notation === "engineering" ? 3 : 1;
  const exponentOf = (point) => Math.floor((point - 1) / per) * per;
  let exponent = value.digits === "" ? 0 : exponentOf(value.point);
  let written = digitsOf(shifted(value, -exponent), s.digits);
  if (written.rounded.digits !== "") {
    const again = exponentOf(written.rounded.point + exponent);
    if (again !== exponent) {
      exponent = again;
      written = digitsOf(shifted(value, -exponent), s.digits);
    }
  }
  return { written, exponent };
}

/** A number as pairs, in layers: `{ before, inner, after, number, plural, rounded }`. */
function layers(s, given) {
  const numbers = numbersOf(s.data, s.numberingSystem);
  const { symbols } = numbers;
  const value = s.style === "percent" && given.kind === "" ? shifted(given, 2) : given;
  const pattern = patternOf(s);
  const table = s.notation === "compact" ? compactTable(s, numbers) : undefined;
  let number;
  let plural = "other";
  let zero = false;
  let compactPattern;
  if (value.kind === "nan") number = [["nan", symbols.nan]];
  else if (value.kind === "infinity") number = [["infinity", symbols.infinity]];
  else {
    let written;
    let exponent = 0;
    let step;
    if (table !== undefined) ({ written, step } = compactDigits(value, s, table));
    else if (s.notation === "standard") written = digitsOf(value, s.digits);
    else ({ written, exponent } = scientificDigits(value, s));
    zero = written.rounded.digits === "";
    plural = category("cardinal", s.data, written, step?.exponent ?? exponent);
    number = digitParts(written, {
      symbols,
      system: s.numberingSystem,
      sizes: pattern.positive,
      grouping: s.notation === "standard" || s.notation === "compact" ? s.useGrouping : false,
      least: leastGrouping(s.data),
      currency: s.style === "currency",
    });
    if (s.notation === "scientific" || s.notation === "engineering") {
      number.push(["exponentSeparator", symbols.exponential]);
      if (exponent < 0) number.push(["exponentMinusSign", symbols.minusSign]);
      number.push(["exponentInteger", inDigits(`${Math.abs(exponent)}`, s.numberingSystem)]);
    }
    if (step?.key !== undefined) {
      const alone = category("cardinal", s.data, written, 0);
      const one = written.whole === "1" && written.fraction === "" ? table[`${step.key}-count-1`] : undefined;
      // A pattern of words alone says the number itself.
      if (one !== undefined && !one.includes("0")) number = [];
      compactPattern = one ?? table[`${step.key}-count-${alone}`] ?? table[`${step.key}-count-${plural}`] ?? table[`${step.key}-count-other`];
    }
  }
  const sign = signOf(s.signDisplay, value.negative, zero, value.kind === "nan");
  const shownSign = value.kind === "nan" && sign === "-" ? "" : sign;
  return { symbols, number, plural, zero, sign: shownSign, pattern, compactPattern };
}

function compactAffixes(pattern) {
  const [before, after = ""] = pattern.split(/0+/);
  const translate = (text) => {
    const parts = [];
    for (const piece of text.replace(/'([^']*)'/g, "$1").split(/(¤)/)) {
      if (piece === "¤") parts.push(["currency", piece]);
      else if (piece !== "") parts.push(...wrap(piece, "compact", []));
    }
    return parts;
  };
  return [translate(before), translate(after)];
}

const PLAIN = parsePattern("0");

/** `{ unit, sign, inner, number }`: what wraps the number, from outside to inside, each `[before, after]`. */
export function modifiers(s, given) {
  const l = layers(s, given);
  let [before, after] = affixes(l.pattern, l.sign, l.symbols);
  const symbol = s.style === "currency" && s.currencyDisplay !== "name" ? currencySymbol(s.data, s.currency, s.currencyDisplay) : undefined;
  let inner = [[], []];
  if (l.compactPattern !== undefined) {
    inner = compactAffixes(l.compactPattern);
    // The pattern of compact currencies holds the symbol itself.
    if (symbol !== undefined) {
      const holds = inner.flat().some(([type]) => type === "currency");
      if (holds) {
        [before, after] = affixes(PLAIN, l.sign, l.symbols);
      }
    }
  }
  if (symbol !== undefined) {
    before = placeCurrency(before, symbol, true);
    after = placeCurrency(after, symbol, false);
    inner = [placeCurrency(inner[0], symbol, true), placeCurrency(inner[1], symbol, false)];
  }
  let outer;
  if (s.style === "currency" && s.currencyDisplay === "name") {
    const numbers = numbersOf(s.data, s.numberingSystem);
    const pattern = numbers.currency[`unitPattern-count-${l.plural}`] ?? numbers.currency["unitPattern-count-other"];
    const name = currencyName(s.data, s.currency, l.plural);
    outer = (parts) =>
      pattern.split(/(\{\d\})/).flatMap((piece) =>
        piece === "{0}" ? parts : piece === "{1}" ? [["currency", name]] : piece === "" ? [] : [["literal", piece]],
      );
  } else if (isPercentUnit(s)) {
    const asUnit = (parts) => parts.map(([type, text]) => [type === "percentSign" ? "unit" : type, text]);
    [before, after] = [asUnit(before), asUnit(after)];
  } else if (s.style === "unit") {
    const pattern = unitPattern(s.data, s.unit, s.unitDisplay, l.plural);
    outer = (parts) => wrap(pattern, "unit", parts);
  }
  return { before, after, inner, number: l.number, outer, plural: l.plural, sign: l.sign };
}

/** A number as pairs of type and text. */
export function numberPairs(s, value) {
  const m = modifiers(s, value);
  const parts = [...m.before, ...m.inner[0], ...m.number, ...m.inner[1], ...m.after];
  return m.outer === undefined ? parts : m.outer(parts);
}

/** A number as text, of resolved options. */
export const numberText = (s, value) => joined(numberPairs(s, toDecimal(value)));

export function NumberFormat(locales = undefined, options = undefined) {
  const resolved = resolveNumber(locales, options);
  if (new.target !== undefined) {
    slots.set(this, resolved);
    return undefined;
  }
  const made = Object.create(NumberFormat.prototype);
  slots.set(made, resolved);
  if (this !== undefined && this !== null && this !== NumberFormat && Object(this) === this && this instanceof NumberFormat) {
    Object.defineProperty(this, FALLBACK, { value: made });
    return this;
  }
  return made;
}

/** What `Intl.NumberFormat.call(instance)` kept its format under. */
export const FALLBACK = Symbol("IntlLegacyConstructedSymbol");

function unwrap(receiver) {
  if (slots.has(receiver)) return receiver;
  const inner = receiver instanceof NumberFormat ? receiver[FALLBACK] : undefined;
  if (!slots.has(inner)) throw incompatible("UnwrapNumberFormat", receiver);
  return inner;
}

const bound = new WeakMap();

function ends(start, end) {
  for (const [name, value] of [["start", start], ["end", end]]) {
    if (value === undefined) throw new TypeError(`Invalid ${name} : undefined`);
  }
  const values = [toDecimal(start), toDecimal(end)];
  values.forEach((value, at) => {
    if (value.kind === "nan") throw new RangeError(`Invalid ${at === 0 ? "start" : "end"} : ${at === 0 ? start : end}`);
  });
  return values;
}

shapeClass(
  NumberFormat,
  SERVICE,
  {
    resolvedOptions() {
      const s = slots.get(unwrap(this), "resolvedOptions");
      const result = { locale: s.locale, numberingSystem: s.numberingSystem, style: s.style };
      for (const name of ["currency", "currencyDisplay", "currencySign", "unit", "unitDisplay"]) {
        if (s[name] !== undefined) result[name] = s[name];
      }
      const d = s.digits;
      for (const name of ["minimumIntegerDigits", "minimumFractionDigits", "maximumFractionDigits", "minimumSignificantDigits", "maximumSignificantDigits"]) {
        if (d[name] !== undefined) result[name] = d[name];
      }
      result.useGrouping = s.useGrouping;
      result.notation = s.notation;
      if (s.compactDisplay !== undefined) result.compactDisplay = s.compactDisplay;
      result.signDisplay = s.signDisplay;
      for (const name of ["roundingIncrement", "roundingMode", "roundingPriority", "trailingZeroDisplay"]) result[name] = d[name];
      return result;
    },
    formatToParts(value) {
      return toParts(numberPairs(slots.get(this, "formatToParts"), toDecimal(value)));
    },
    get format() {
      const inner = unwrap(this);
      let format = bound.get(inner);
      if (format === undefined) {
        const s = slots.get(inner, "format");
        format = (value) => joined(numberPairs(s, toDecimal(value)));
        Object.defineProperty(format, "name", { value: "" });
        bound.set(inner, format);
      }
      return format;
    },
    formatRange(start, end) {
      const s = slots.get(this, "formatRange");
      return rangePairs(s, ...ends(start, end), modifiers, compare).map(([, text]) => text).join("");
    },
    formatRangeToParts(start, end) {
      const s = slots.get(this, "formatRangeToParts");
      return rangePairs(s, ...ends(start, end), modifiers, compare).map(([type, value, source]) => ({ type, value, source }));
    },
  },
  NUMBERS,
);
