// Intl.DurationFormat.
//
// Fidelity: ECMA-402 13 (ECMA-402 proposal-intl-duration-format), with V8's words.
import {
  NUMBERS, Slots, canonicalList, coerceOptions, isNumbering, joined, matcher, numberOption, requireNew, resolveLocale, shapeClass,
  stringOption, typeOption,
} from "dodev:web/intl/core";
import { ofNumber, toDecimal } from "dodev:web/intl/decimal";
import { listPairs, listPatterns } from "dodev:web/intl/list_format";
import { numberPairs, resolveNumber } from "dodev:web/intl/number_format";
import { defaultSystem, numbersOf } from "dodev:web/intl/number_pattern";

const SERVICE = "Intl.DurationFormat";
const slots = new Slots(SERVICE);
const UNITS = ["years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds", "nanoseconds"];
const WORDS = ["long", "short", "narrow"];
const isNumeric = (style) => style === "numeric" || style === "2-digit" || style === "fractional";

function stylesOf(unit) {
  if (["years", "months", "weeks", "days"].includes(unit)) return WORDS;
  if (["hours", "minutes", "seconds"].includes(unit)) return [...WORDS, "numeric", "2-digit"];
  return [...WORDS, "numeric"];
}

function unitOptions(unit, options, base, former) {
  let style = stringOption(options, unit, stylesOf(unit), undefined, SERVICE);
  let displayDefault = "always";
  const clock = ["hours", "minutes", "seconds"].includes(unit);
  if (style === undefined) {
    if (base === "digital") {
      if (!clock) displayDefault = "auto";
      style = stylesOf(unit).includes("numeric") ? "numeric" : "short";
    } else if (isNumeric(former)) {
      if (unit !== "minutes" && unit !== "seconds") displayDefault = "auto";
      style = "numeric";
    } else {
      displayDefault = "auto";
      style = base;
    }
  }
  if (style === "numeric" && !clock) {
    style = "fractional";
    displayDefault = "auto";
  }
  const display = stringOption(options, `${unit}Display`, ["auto", "always"], displayDefault, SERVICE);
  const wrong = () => new RangeError(`Value ${style} out of range for Intl.DurationFormat options property ${unit}`);
  if (display === "always" && style === "fractional") throw wrong();
  if (former === "fractional" && style !== "fractional") throw wrong();
  if (former === "numeric" || former === "2-digit") {
    if (!isNumeric(style)) throw wrong();
    if (unit === "minutes" || unit === "seconds") style = "2-digit";
  }
  return { style, display };
}

export function DurationFormat(locales = undefined, options = undefined) {
  requireNew(new.target, SERVICE);
  const requested = canonicalList(locales);
  const o = coerceOptions(options, SERVICE);
  matcher(o, SERVICE);
  const nu = typeOption(o, "numberingSystem");
  const found = resolveLocale(requested, NUMBERS, ["nu"], { nu }, (_, value) => isNumbering(value));
  const style = stringOption(o, "style", ["long", "short", "narrow", "digital"], "short", SERVICE);
  const units = {};
  let former = "";
  for (const unit of UNITS) {
    units[unit] = unitOptions(unit, o, style, former);
    if (!["years", "months", "weeks", "days"].includes(unit)) former = units[unit].style;
  }
  const fractionalDigits = numberOption(o, "fractionalDigits", 0, 9, undefined);
  slots.set(this, { locale: found.locale, data: found.data, system: found.nu ?? defaultSystem(found.data), style, units, fractionalDigits });
}

const temporal = (Type, text) => new Type(`Temporal error: ${text}`);

const ISO = /^([+\-\u2212])?P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)(?:[.,](\d{1,9}))?H)?(?:(\d+)(?:[.,](\d{1,9}))?M)?(?:(\d+)(?:[.,](\d{1,9}))?S)?)?$/i;

function ofText(text) {
  const found = ISO.exec(text);
  if (found === null || /[PT]$/i.test(text)) throw temporal(RangeError, "Invalid duration string.");
  const [, sign, years, months, weeks, days, hours, hourPart, minutes, minutePart, seconds, secondPart] = found;
  let nanoseconds = 0n;
  const part = (digits, unit) => (digits === undefined ? 0n : (BigInt(digits.padEnd(9, "0")) * unit) / 1_000_000_000n);
  nanoseconds += part(hourPart, 3_600_000_000_000n) + part(minutePart, 60_000_000_000n) + part(secondPart, 1_000_000_000n);
  const take = (unit) => {
    const value = Number(nanoseconds / unit);
    nanoseconds %= unit;
    return value;
  };
  const by = sign === undefined || sign === "+" ? 1 : -1;
  const whole = [years, months, weeks, days, hours].map((value) => Number(value ?? 0));
  whole.push(Number(minutes ?? 0) + take(60_000_000_000n), Number(seconds ?? 0) + take(1_000_000_000n), take(1_000_000n), take(1000n), Number(nanoseconds));
  return Object.fromEntries(UNITS.map((unit, at) => [unit, whole[at] === 0 ? 0 : whole[at] * by]));
}

/** ToDurationRecord */
function toRecord(input) {
  if (typeof input === "string") return ofText(input);
  if (typeof input !== "object" || input === null) throw temporal(TypeError, "Duration argument must be Duration or string.");
  const record = {};
  let any = false;
  for (const unit of UNITS.toSorted()) {
    const value = input[unit];
    record[unit] = 0;
    if (value === undefined) continue;
    any = true;
    const number = Number(value);
    if (!Number.isInteger(number)) throw temporal(RangeError, "Expected finite integer.");
    record[unit] = number + 0;
  }
  if (!any) throw temporal(TypeError, "Did not provide any valid Duration fields.");
  const signs = new Set(UNITS.map((unit) => Math.sign(record[unit])).filter((sign) => sign !== 0));
  const calendarFits = ["years", "months", "weeks"].every((unit) => Math.abs(record[unit]) < 2 ** 32);
  const seconds = Math.abs(record.days * 86_400 + record.hours * 3600 + record.minutes * 60 + record.seconds + record.milliseconds / 1e3 + record.microseconds / 1e6 + record.nanoseconds / 1e9);
  if (signs.size > 1 || !calendarFits || seconds >= 2 ** 53) throw temporal(RangeError, "Duration was not valid.");
  return record;
}

const FRACTIONS = { seconds: 9, milliseconds: 6, microseconds: 3 };

// The value of a unit with the fractions of those below it.
function withFractions(record, unit) {
  const power = { seconds: 9, milliseconds: 6, microseconds: 3, nanoseconds: 0 };
  let total = 0n;
  for (const each of ["seconds", "milliseconds", "microseconds", "nanoseconds"]) {
    if (power[each] <= power[unit]) total += BigInt(record[each]) * 10n ** BigInt(power[each]);
  }
  const size = `${total < 0n ? -total : total}`.padStart(power[unit] + 1, "0");
  const at = size.length - power[unit];
  return toDecimal(`${total < 0n ? "-" : ""}${size.slice(0, at)}.${size.slice(at)}`);
}

function pairs(s, input) {
  const record = toRecord(input);
  const negative = UNITS.some((unit) => record[unit] < 0);
  const groups = [];
  let signShown = true;
  let needSeparator = false;
  let numericGroup;
  const separator = numbersOf(s.data, s.system).symbols.timeSeparator ?? ":";
  for (let at = 0; at < UNITS.length; at++) {
    const unit = UNITS[at];
    const { style, display } = s.units[unit];
    const options = { numberingSystem: s.system };
    let value = ofNumber(record[unit]);
    let done = false;
    if (FRACTIONS[unit] !== undefined && s.units[UNITS[at + 1]].style === "fractional") {
      value = withFractions(record, unit);
      options.maximumFractionDigits = s.fractionalDigits ?? 9;
      options.minimumFractionDigits = s.fractionalDigits ?? 0;
      options.roundingMode = "trunc";
      done = true;
    }
    const zero = value.digits === "";
    let shown = !zero || display !== "auto";
    if (unit === "minutes" && needSeparator) {
      shown = shown || s.units.seconds.display === "always" || ["seconds", "milliseconds", "microseconds", "nanoseconds"].some((each) => record[each] !== 0);
    }
    if (shown) {
      if (signShown) {
        signShown = false;
        if (zero && negative) value = { ...value, negative: true };
      } else options.signDisplay = "never";
      if (style === "2-digit") options.minimumIntegerDigits = 2;
      if (isNumeric(style)) {
        options.useGrouping = false;
        const number = numberPairs(resolveNumber(s.data, options), value).map(([type, text]) => [type, text, unit.slice(0, -1)]);
        if (needSeparator && numericGroup !== undefined) numericGroup.push(["literal", separator], ...number);
        else groups.push((numericGroup = [...number]));
        needSeparator = unit === "hours" || unit === "minutes";
      } else {
        Object.assign(options, { style: "unit", unit: unit.slice(0, -1), unitDisplay: style });
        groups.push(numberPairs(resolveNumber(s.data, options), value).map(([type, text]) => [type, text, unit.slice(0, -1)]));
      }
    }
    if (done) break;
  }
  const patterns = listPatterns(s.data, "unit", s.style === "digital" ? "short" : s.style);
  return listPairs(s.data, patterns, groups);
}

shapeClass(
  DurationFormat,
  SERVICE,
  {
    resolvedOptions() {
      const s = slots.get(this, "resolvedOptions");
      const result = { locale: s.locale, numberingSystem: s.system, style: s.style };
      for (const unit of UNITS) {
        const { style, display } = s.units[unit];
        result[unit] = style === "fractional" ? "numeric" : style;
        result[`${unit}Display`] = display;
      }
      if (s.fractionalDigits !== undefined) result.fractionalDigits = s.fractionalDigits;
      return result;
    },
    format(duration) {
      return joined(pairs(slots.get(this, "format"), duration));
    },
    formatToParts(duration) {
      const parts = pairs(slots.get(this, "formatToParts"), duration);
      return parts.map(([type, value, unit]) => (unit === undefined ? { type, value } : { type, value, unit }));
    },
  },
  NUMBERS,
);
