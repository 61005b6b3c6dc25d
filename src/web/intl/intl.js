// Intl, the namespace, and what the `toLocale*` methods do. Loaded when first used.
import { canonicalList, ops } from "dodev:web/intl/core";
import { Collator, compareWith, resolveCollator } from "dodev:web/intl/collator";
import { DateTimeFormat, datePairs, resolveDate } from "dodev:web/intl/date_format";
import { DisplayNames } from "dodev:web/intl/display_names";
import { DurationFormat } from "dodev:web/intl/duration_format";
import { ListFormat } from "dodev:web/intl/list_format";
import { Locale, intlFunctions } from "dodev:web/intl/locale_class";
import { NumberFormat, numberText, resolveNumber } from "dodev:web/intl/number_format";
import { PluralRules } from "dodev:web/intl/plurals";
import { RelativeTimeFormat } from "dodev:web/intl/relative_time";
import { Segmenter } from "dodev:web/intl/segmenter";

const { defineProperty } = Object;

export const Intl = {};
const members = {
  getCanonicalLocales: intlFunctions.getCanonicalLocales,
  supportedValuesOf: intlFunctions.supportedValuesOf,
  DateTimeFormat,
  NumberFormat,
  Collator,
  PluralRules,
  RelativeTimeFormat,
  ListFormat,
  Locale,
  DisplayNames,
  Segmenter,
  DurationFormat,
};
for (const name in members) {
  defineProperty(Intl, name, { value: members[name], writable: true, configurable: true, enumerable: false });
}
defineProperty(Intl, Symbol.toStringTag, { value: "Intl", configurable: true });

// Formats without options are used again: making one costs more than using it.
const KEPT_MAX = 16;
function keeper(make) {
  const kept = new Map();
  return (locales, options, ...more) => {
    if (options !== undefined || (locales !== undefined && typeof locales !== "string")) return make(locales, options, ...more);
    const key = `${locales} ${more.join(" ")}`;
    let found = kept.get(key);
    if (found === undefined) {
      found = make(locales, options, ...more);
      if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value);
      kept.set(key, found);
    }
    return found;
  };
}

const numbers = keeper(resolveNumber);
const dates = keeper(resolveDate);
const collators = keeper(resolveCollator);

export const numberToText = (value, locales, options) => numberText(numbers(locales, options), value);

export function dateToText(time, locales, options, required, defaults) {
  const resolved = dates(locales, options, required, defaults);
  if (Number.isNaN(time)) return "Invalid Date";
  let text = "";
  for (const [, part] of datePairs(resolved, time)) text += part;
  return text;
}

export const compareTexts = (a, b, locales, options) => compareWith(collators(locales, options), a, b);

const SPECIAL = ["az", "el", "lt", "tr"];

export function changeCase(text, locales, upper) {
  const [tag = "en"] = canonicalList(locales);
  const language = tag.split("-")[0];
  if (!SPECIAL.includes(language) || !text.isWellFormed()) return upper ? text.toUpperCase() : text.toLowerCase();
  return ops.changeCase(text, language, upper);
}
