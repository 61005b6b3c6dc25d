// Intl.RelativeTimeFormat.
import {
  DATES, Slots, canonicalList, coerceOptions, data, isNumbering, joined, matcher, requireNew, resolveLocale, shapeClass, stringOption,
  typeOption,
} from "dodev:web/intl/core";
import { ofNumber } from "dodev:web/intl/decimal";
import { modifiers, numberPairs, resolveNumber } from "dodev:web/intl/number_format";
import { defaultSystem } from "dodev:web/intl/number_pattern";

const SERVICE = "Intl.RelativeTimeFormat";
const slots = new Slots(SERVICE);
const UNITS = ["second", "minute", "hour", "day", "week", "month", "quarter", "year"];

export function RelativeTimeFormat(locales = undefined, options = undefined) {
  requireNew(new.target, SERVICE);
  const requested = canonicalList(locales);
  const o = coerceOptions(options, SERVICE);
  matcher(o, SERVICE);
  const nu = typeOption(o, "numberingSystem");
  const found = resolveLocale(requested, DATES, ["nu"], { nu }, (_, value) => isNumbering(value));
  const style = stringOption(o, "style", ["long", "short", "narrow"], "long", SERVICE);
  const numeric = stringOption(o, "numeric", ["always", "auto"], "always", SERVICE);
  const system = found.nu ?? defaultSystem(found.data);
  const number = resolveNumber(found.data, { numberingSystem: system });
  slots.set(this, { locale: found.locale, data: found.data, style, numeric, system, number });
}

function unitOf(unit, method) {
  const text = `${unit}`;
  const single = text.endsWith("s") ? text.slice(0, -1) : text;
  if (!UNITS.includes(single)) {
    throw new RangeError(`Invalid unit argument for Intl.RelativeTimeFormat.prototype.${method}() '${text}'`);
  }
  return single;
}

// Triples of type, text and unit.
function pairs(s, value, unit, method) {
  const number = Number(value);
  const single = unitOf(unit, method);
  if (!Number.isFinite(number)) throw new RangeError(`Value need to be finite number for Intl.RelativeTimeFormat.prototype.${method}()`);
  const { fields } = data("dates", s.data);
  const field = fields[s.style === "long" ? single : `${single}-${s.style}`] ?? fields[single];
  if (s.numeric === "auto") {
    const word = Object.is(number, -0) ? field["relative-type-0"] : field[`relative-type-${number}`];
    if (word !== undefined) return [["literal", word]];
  }
  const past = number < 0 || Object.is(number, -0);
  const size = ofNumber(Math.abs(number));
  const patterns = field[past ? "relativeTime-type-past" : "relativeTime-type-future"];
  const { plural } = modifiers(s.number, size);
  const pattern = patterns[`relativeTimePattern-count-${plural}`] ?? patterns["relativeTimePattern-count-other"];
  const parts = [];
  for (const piece of pattern.split(/(\{0\})/)) {
    if (piece === "{0}") parts.push(...numberPairs(s.number, size).map(([type, text]) => [type, text, single]));
    else if (piece !== "") parts.push(["literal", piece]);
  }
  return parts;
}

shapeClass(
  RelativeTimeFormat,
  SERVICE,
  {
    resolvedOptions() {
      const { locale, style, numeric, system } = slots.get(this, "resolvedOptions");
      return { locale, style, numeric, numberingSystem: system };
    },
    format(value, unit) {
      return joined(pairs(slots.get(this, "format"), value, unit, "format"));
    },
    formatToParts(value, unit) {
      const parts = pairs(slots.get(this, "formatToParts"), value, unit, "formatToParts");
      return parts.map(([type, text, of]) => (of === undefined ? { type, value: text } : { type, value: text, unit: of }));
    },
  },
  DATES,
);
