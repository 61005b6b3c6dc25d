// Intl.DateTimeFormat.
//
// Fidelity: ECMA-402 11, with the patterns of ICU's generator as V8 asks for them.
import {
  DATES, Slots, booleanOption, canonicalList, coerceOptions, core, data, incompatible, isNumbering, joined, matcher, numberOption,
  ops, resolveLocale, shapeClass, stringOption, supplemental, toParts, typeOption,
} from "dodev:web/intl/core";
import { calendarNames, fieldsAt, pairsOf } from "dodev:web/intl/date_fields";
import { dateRange } from "dodev:web/intl/date_range";
import { Generator, fieldsOf, glue, skeletonOf } from "dodev:web/intl/date_skeleton";
import { defaultSystem, numbersOf } from "dodev:web/intl/number_pattern";
import { canonicalZone } from "dodev:web/intl/zones";

const SERVICE = "Intl.DateTimeFormat";
const slots = new Slots(SERVICE);
const WIDTHS = ["narrow", "short", "long"];
const DIGITS = ["2-digit", "numeric"];
const MONTHS = ["2-digit", "numeric", "narrow", "short", "long"];
const ZONES = ["short", "long", "shortOffset", "longOffset", "shortGeneric", "longGeneric"];
const STYLES = ["full", "long", "medium", "short"];
const HOURS = { h11: "K", h12: "h", h23: "H", h24: "k" };
const CYCLES = { K: "h11", h: "h12", H: "h23", k: "h24" };

// Letters of a skeleton by option and value.
const LETTERS = {
  weekday: { narrow: "EEEEE", short: "EEE", long: "EEEE" },
  era: { narrow: "GGGGG", short: "GGG", long: "GGGG" },
  year: { "2-digit": "yy", numeric: "y" },
  month: { "2-digit": "MM", numeric: "M", narrow: "MMMMM", short: "MMM", long: "MMMM" },
  day: { "2-digit": "dd", numeric: "d" },
  dayPeriod: { narrow: "BBBBB", short: "B", long: "BBBB" },
  minute: { "2-digit": "mm", numeric: "m" },
  second: { "2-digit": "ss", numeric: "s" },
  timeZoneName: { short: "z", long: "zzzz", shortOffset: "O", longOffset: "OOOO", shortGeneric: "v", longGeneric: "vvvv" },
};
const DATE_FIELDS = ["weekday", "year", "month", "day"];
const TIME_FIELDS = ["dayPeriod", "hour", "minute", "second", "fractionalSecondDigits"];

const regionOf = (locale) => ops.maximize(locale.split("-u-")[0])?.split("-").find((part) => /^([A-Z]{2}|\d{3})$/.test(part)) ?? "001";

function defaultCycle(locale) {
  const { timeData } = supplemental("dates");
  const region = regionOf(locale);
  const found = timeData[`${locale.split("-")[0]}-${region}`] ?? timeData[region] ?? timeData["001"];
  return CYCLES[found[0][0]];
}

function defaultCalendar(locale) {
  const { calendars } = supplemental("dates");
  const first = (calendars[regionOf(locale)] ?? calendars["001"])[0];
  return first === "gregorian" ? "gregory" : first;
}

const ALIASES = { "gregorian": "gregory", "islamicc": "islamic-civil", "ethiopic-amete-alem": "ethioaa" };
const calendarId = (name) => ALIASES[name] ?? name;

const generators = new Map();
function generatorOf(locale, calendar, system) {
  const key = `${locale} ${calendar} ${system}`;
  let found = generators.get(key);
  if (found === undefined) {
    const { names, eras } = calendarNames(locale, calendar);
    found = { names, askedEras: eras, generator: new Generator(names, data("dates", locale).fields, numbersOf(locale, system).symbols.decimal) };
    generators.set(key, found);
  }
  return found;
}

// Puts the letter of an hour cycle into a pattern.
function withCycle(pattern, cycle) {
  return fieldsOf(pattern)
    .map(([letter, length, written]) => (letter === "" ? written : (/[hHkK]/.test(letter) ? HOURS[cycle] : letter).repeat(length)))
    .join("");
}

const cycleOf = (pattern) => {
  const hour = fieldsOf(pattern).find(([letter]) => letter !== "" && "hHkK".includes(letter));
  return hour === undefined ? undefined : CYCLES[hour[0]];
};

const is12 = (cycle) => cycle === "h11" || cycle === "h12";

/** The resolved options of a date format; `required` and `defaults` as in the specification. */
export function resolveDate(locales, options, required = "any", defaults = "date", zone = undefined) {
  const requested = canonicalList(locales);
  const o = coerceOptions(options, SERVICE);
  matcher(o, SERVICE);
  const calendar = typeOption(o, "calendar");
  const numberingSystem = typeOption(o, "numberingSystem");
  const hour12 = booleanOption(o, "hour12", undefined);
  const hourCycle = stringOption(o, "hourCycle", ["h11", "h12", "h23", "h24"], undefined, SERVICE);
  const supports = (key, value) => {
    if (key === "ca") return core.calendars.includes(calendarId(value));
    if (key === "nu") return isNumbering(value);
    return HOURS[value] !== undefined;
  };
  const wanted = { ca: calendar === undefined ? undefined : calendarId(calendar), nu: numberingSystem, hc: hour12 === undefined ? hourCycle : undefined };
  const found = resolveLocale(requested, DATES, ["ca", "hc", "nu"], wanted, supports);
  const s = { locale: found.locale, data: found.data, calendar: calendarId(found.ca ?? defaultCalendar(found.locale)), system: found.nu ?? defaultSystem(found.data) };
  if (hour12 !== undefined) s.locale = s.locale.replace(/-hc-h\d\d/, "").replace(/-u$/, "");
  const given = o.timeZone;
  if (given === undefined) s.zone = zone ?? "UTC";
  else {
    s.zone = canonicalZone(`${given}`);
    if (s.zone === undefined) throw new RangeError(`Invalid time zone specified: ${given}`);
  }
  const parts = {
    weekday: stringOption(o, "weekday", WIDTHS, undefined, SERVICE),
    era: stringOption(o, "era", WIDTHS, undefined, SERVICE),
    year: stringOption(o, "year", DIGITS, undefined, SERVICE),
    month: stringOption(o, "month", MONTHS, undefined, SERVICE),
    day: stringOption(o, "day", DIGITS, undefined, SERVICE),
    dayPeriod: stringOption(o, "dayPeriod", WIDTHS, undefined, SERVICE),
    hour: stringOption(o, "hour", DIGITS, undefined, SERVICE),
    minute: stringOption(o, "minute", DIGITS, undefined, SERVICE),
    second: stringOption(o, "second", DIGITS, undefined, SERVICE),
    fractionalSecondDigits: numberOption(o, "fractionalSecondDigits", 1, 3, undefined),
    timeZoneName: stringOption(o, "timeZoneName", ZONES, undefined, SERVICE),
  };
  stringOption(o, "formatMatcher", ["basic", "best fit"], "best fit", SERVICE);
  const dateStyle = stringOption(o, "dateStyle", STYLES, undefined, SERVICE);
  const timeStyle = stringOption(o, "timeStyle", STYLES, undefined, SERVICE);
  const { names, askedEras, generator } = generatorOf(s.data, s.calendar, s.system);
  Object.assign(s, { names, askedEras, generator });
  const standard = defaultCycle(s.locale);
  let cycle = found.hc ?? standard;
  if (hour12 !== undefined) cycle = cycle12or24(s.locale, standard, hour12);
  if (dateStyle !== undefined || timeStyle !== undefined) {
    if (Object.values(parts).some((value) => value !== undefined)) throw new TypeError("Invalid option : option");
    if (required === "date" && timeStyle !== undefined) throw new TypeError("Invalid option : timeStyle");
    if (required === "time" && dateStyle !== undefined) throw new TypeError("Invalid option : dateStyle");
    Object.assign(s, { dateStyle, timeStyle });
    s.pattern = stylePattern(s, cycle);
  } else {
    const has = (list) => list.some((name) => parts[name] !== undefined);
    let needed = true;
    if ((required === "date" || required === "any") && has(DATE_FIELDS)) needed = false;
    if ((required === "time" || required === "any") && has(TIME_FIELDS)) needed = false;
    if (needed && defaults !== "time") parts.year = parts.month = parts.day = "numeric";
    if (needed && defaults !== "date") parts.hour = parts.minute = parts.second = "numeric";
    s.pattern = withCycle(generator.best(skeletonFor(parts, cycle)), cycle);
  }
  s.cycle = cycleOf(s.pattern) === undefined ? undefined : cycle;
  const letters = fieldsOf(s.pattern).map(([letter]) => letter);
  s.hasMinutes = letters.includes("m");
  s.hasSeconds = letters.includes("s");
  return s;
}

// Fidelity: V8's DefaultHourCycle12 and DefaultHourCycle24.
function cycle12or24(locale, standard, hour12) {
  const region = locale.split("-u-")[0].split("-").find((part, at) => at > 0 && /^[A-Z]{2}$/.test(part));
  if (hour12) return is12(standard) ? standard : region === "JP" ? "h11" : "h12";
  return is12(standard) ? "h23" : standard;
}

function skeletonFor(parts, cycle) {
  let text = "";
  for (const name of ["weekday", "era", "year", "month", "day", "dayPeriod"]) {
    if (parts[name] !== undefined) text += LETTERS[name][parts[name]];
  }
  if (parts.hour !== undefined) text += HOURS[cycle].repeat(parts.hour === "2-digit" ? 2 : 1);
  if (parts.minute !== undefined) text += LETTERS.minute[parts.minute];
  if (parts.second !== undefined) text += LETTERS.second[parts.second];
  if (parts.fractionalSecondDigits !== undefined) text += "S".repeat(parts.fractionalSecondDigits);
  if (parts.timeZoneName !== undefined) text += LETTERS.timeZoneName[parts.timeZoneName];
  return text;
}

function stylePattern({ names, generator, dateStyle, timeStyle }, cycle) {
  const date = dateStyle === undefined ? undefined : names.dateFormats[dateStyle];
  const time = timeStyle === undefined ? undefined : names.timeFormats[timeStyle];
  const pattern = date === undefined ? time : time === undefined ? date : glue(names.atTime[dateStyle], date, time);
  const own = cycleOf(pattern);
  if (own === undefined || own === cycle) return pattern;
  if (is12(own) === is12(cycle)) return withCycle(pattern, cycle);
  const skeleton = skeletonOf(pattern).replace(/[ab]+/g, "").replace(/[hHkK]/g, HOURS[cycle]);
  return withCycle(generator.best(skeleton), cycle);
}

const context = (s) => s;

function timeOf(value) {
  const time = value === undefined ? Date.now() : value instanceof Date ? value.getTime() : Number(value);
  if (!(Math.abs(time) <= 8.64e15)) throw new RangeError("Invalid time value");
  return Math.trunc(time) + 0;
}

/** Pairs of type and text of a time in ms. */
export function datePairs(s, time) {
  return pairsOf(context(s), s.pattern, fieldsAt(time, s.calendar, s.zone));
}

export function DateTimeFormat(locales = undefined, options = undefined) {
  const resolved = resolveDate(locales, options);
  if (new.target !== undefined) {
    slots.set(this, resolved);
    return undefined;
  }
  const made = Object.create(DateTimeFormat.prototype);
  slots.set(made, resolved);
  if (this !== undefined && this !== null && Object(this) === this && this instanceof DateTimeFormat) {
    Object.defineProperty(this, FALLBACK, { value: made });
    return this;
  }
  return made;
}

const FALLBACK = Symbol("IntlLegacyConstructedSymbol");

function unwrap(receiver, method) {
  if (slots.has(receiver)) return receiver;
  const inner = receiver instanceof DateTimeFormat ? receiver[FALLBACK] : undefined;
  if (!slots.has(inner)) throw incompatible(method, receiver);
  return inner;
}

const valueOf = (name, length) => Object.keys(LETTERS[name]).find((value) => LETTERS[name][value].length === length);

// The options that a pattern amounts to.
function patternOptions(pattern) {
  const result = {};
  for (const [letter, length] of fieldsOf(pattern)) {
    if (letter === "") continue;
    if ("Ece".includes(letter)) result.weekday = length === 4 ? "long" : length === 5 ? "narrow" : "short";
    else if (letter === "G") result.era = length === 4 ? "long" : length === 5 ? "narrow" : "short";
    else if ("yru".includes(letter)) result.year = length === 2 ? "2-digit" : "numeric";
    else if ("ML".includes(letter)) result.month = valueOf("month", length);
    else if (letter === "d") result.day = length === 2 ? "2-digit" : "numeric";
    else if (letter === "B") result.dayPeriod = length === 4 ? "long" : length === 5 ? "narrow" : "short";
    else if ("hHkK".includes(letter)) result.hour = length === 2 ? "2-digit" : "numeric";
    else if (letter === "m") result.minute = length === 2 ? "2-digit" : "numeric";
    else if (letter === "s") result.second = length === 2 ? "2-digit" : "numeric";
    else if (letter === "S") result.fractionalSecondDigits = length;
    else if ("zOv".includes(letter)) {
      result.timeZoneName = { z: ["short", "long"], O: ["shortOffset", "longOffset"], v: ["shortGeneric", "longGeneric"] }[letter][length === 4 ? 1 : 0];
    }
  }
  return result;
}

const bound = new WeakMap();

function ends(start, end) {
  if (start === undefined || end === undefined) throw new TypeError("Invalid time value");
  return [timeOf(start), timeOf(end)];
}

shapeClass(
  DateTimeFormat,
  SERVICE,
  {
    resolvedOptions() {
      const s = slots.get(unwrap(this, "Intl.DateTimeFormat.prototype.resolvedOptions"), "resolvedOptions");
      const result = { locale: s.locale, calendar: s.calendar, numberingSystem: s.system, timeZone: s.zone };
      if (s.cycle !== undefined) {
        result.hourCycle = s.cycle;
        result.hour12 = is12(s.cycle);
      }
      if (s.dateStyle === undefined && s.timeStyle === undefined) {
        const options = patternOptions(s.pattern);
        for (const name of ["weekday", "era", "year", "month", "day", "dayPeriod", "hour", "minute", "second", "fractionalSecondDigits", "timeZoneName"]) {
          if (options[name] !== undefined) result[name] = options[name];
        }
      }
      if (s.dateStyle !== undefined) result.dateStyle = s.dateStyle;
      if (s.timeStyle !== undefined) result.timeStyle = s.timeStyle;
      return result;
    },
    formatToParts(date) {
      return toParts(datePairs(slots.get(this, "formatToParts"), timeOf(date)));
    },
    get format() {
      const inner = unwrap(this, "get Intl.DateTimeFormat.prototype.format");
      let format = bound.get(inner);
      if (format === undefined) {
        const s = slots.get(inner, "format");
        format = (date) => joined(datePairs(s, timeOf(date)));
        Object.defineProperty(format, "name", { value: "" });
        bound.set(inner, format);
      }
      return format;
    },
    formatRange(start, end) {
      const s = slots.get(this, "formatRange");
      return joined(dateRange(s, ...ends(start, end), datePairs));
    },
    formatRangeToParts(start, end) {
      const s = slots.get(this, "formatRangeToParts");
      return dateRange(s, ...ends(start, end), datePairs).map(([type, value, source]) => ({ type, value, source }));
    },
  },
  DATES,
);
