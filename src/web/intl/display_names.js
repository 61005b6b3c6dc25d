// Intl.DisplayNames.
import { NAMES, Slots, canonicalList, data, matcher, ops, requireNew, resolveLocale, shapeClass, stringOption } from "dodev:web/intl/core";

const SERVICE = "Intl.DisplayNames";
const slots = new Slots(SERVICE);
const TYPES = ["language", "region", "script", "currency", "calendar", "dateTimeField"];
const FIELDS = {
  era: "era", year: "year", quarter: "quarter", month: "month", weekOfYear: "week", weekday: "weekday", day: "day",
  dayPeriod: "dayperiod", hour: "hour", minute: "minute", second: "second", timeZoneName: "zone",
};
const FORMS = { region: /^([a-z]{2}|\d{3})$/i, script: /^[a-z]{4}$/i, currency: /^[a-z]{3}$/i, calendar: /^[a-z0-9]{3,8}([-_][a-z0-9]{3,8})*$/i };
const CALENDARS = { gregory: "gregorian", "islamic-civil": "islamic-civil", ethioaa: "ethiopic-amete-alem" };
const invalid = (Type) => new Type("invalid_argument");

export function DisplayNames(locales = undefined, options = undefined) {
  requireNew(new.target, SERVICE);
  const requested = canonicalList(locales);
  if (typeof options !== "object" || options === null) throw invalid(TypeError);
  matcher(options, SERVICE);
  const style = stringOption(options, "style", ["narrow", "short", "long"], "long", SERVICE);
  const type = stringOption(options, "type", TYPES, undefined, SERVICE);
  if (type === undefined) throw invalid(TypeError);
  const fallback = stringOption(options, "fallback", ["code", "none"], "code", SERVICE);
  const languageDisplay = stringOption(options, "languageDisplay", ["dialect", "standard"], "dialect", SERVICE);
  const { locale, data: from } = resolveLocale(requested, NAMES, [], {}, () => false);
  slots.set(this, { locale, data: from, style, type, fallback, languageDisplay });
}

const styled = (table, code, style) =>
  (style === "short" || style === "narrow" ? (table?.[`${code}-alt-short`] ?? table?.[code]) : table?.[code]);

function languageName(s, tag) {
  const names = data("names", s.data);
  const [language, ...rest] = tag.split("-");
  let left = rest;
  let base;
  if (s.languageDisplay === "dialect") {
    base = styled(names.language, tag, s.style);
    if (base !== undefined) left = [];
  }
  const known = base ?? styled(names.language, language, s.style);
  if (known === undefined && s.fallback === "none") return undefined;
  if (left.length === 0) return known ?? tag;
  const parts = left.map((part) => {
    if (/^[A-Z][a-z]{3}$/.test(part)) return styled(names.script, part, s.style) ?? part;
    if (/^([A-Z]{2}|\d{3})$/.test(part)) return styled(names.region, part, s.style) ?? part;
    return names.variant?.[part.toUpperCase()] ?? part.toUpperCase();
  });
  const nested = parts.map((part) => part.replace(/\(/g, "[").replace(/\)/g, "]"));
  const { localePattern, localeSeparator } = names.pattern;
  const list = nested.reduce((a, b) => localeSeparator.replace("{0}", () => a).replace("{1}", () => b));
  return localePattern.replace("{0}", () => (known ?? language).replace(/\(/g, "[").replace(/\)/g, "]")).replace("{1}", () => list);
}

function nameOf(s, code) {
  const names = data("names", s.data);
  switch (s.type) {
    case "language": {
      if (!/^[a-z]{2,3}(-|$)|^[a-z]{5,8}(-|$)/i.test(code) || /-[a-z0-9](-|$)/i.test(code)) throw invalid(RangeError);
      const tag = ops.canonicalTag(code);
      if (tag === undefined) throw invalid(RangeError);
      return [languageName(s, tag), tag];
    }
    case "region": {
      const region = code.toUpperCase();
      // Fidelity: the platform's data has no name for the world.
      return [region === "001" ? undefined : styled(names.region, region, s.style), region];
    }
    case "script": {
      const script = code[0].toUpperCase() + code.slice(1).toLowerCase();
      return [styled(names.script, script, s.style), script];
    }
    case "currency": {
      const currency = code.toUpperCase();
      return [currency === "XXX" ? undefined : data("currencies", s.data)[currency]?.displayName, currency];
    }
    case "calendar": {
      const calendar = code.toLowerCase();
      return [names.types?.calendar?.[CALENDARS[calendar] ?? calendar], calendar];
    }
    default: {
      const { fields } = data("dates", s.data);
      const key = FIELDS[code];
      return [fields[s.style === "long" ? key : `${key}-${s.style}`]?.displayName ?? fields[key]?.displayName, code];
    }
  }
}

Object.defineProperty(DisplayNames, "length", { value: 2 });
shapeClass(
  DisplayNames,
  SERVICE,
  {
    resolvedOptions() {
      const { locale, style, type, fallback, languageDisplay } = slots.get(this, "resolvedOptions");
      const result = { locale, style, type, fallback };
      if (type === "language") result.languageDisplay = languageDisplay;
      return result;
    },
    of(code) {
      const s = slots.get(this, "of");
      const text = `${code}`;
      if (FORMS[s.type] !== undefined && !FORMS[s.type].test(text)) throw invalid(RangeError);
      if (s.type === "dateTimeField" && !Object.hasOwn(FIELDS, text)) throw invalid(RangeError);
      const [name, canonical] = nameOf(s, text);
      if (name !== undefined && name !== "") return name;
      return s.fallback === "code" ? canonical : undefined;
    },
  },
  NAMES,
);
