// A time as the fields of a calendar, and a pattern's fields as text.
import { data, inDigits, ops, supplemental } from "dodev:web/intl/core";
import { fieldsOf } from "dodev:web/intl/date_skeleton";
import { offsetAt, zoneName } from "dodev:web/intl/zones";

const DAY = 86_400_000;
const WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const GREGORIAN_ERAS = { gregory: true, iso8601: true };

// Days since 1970 to a date of the proleptic Gregorian calendar.
function civil(days) {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor((dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

/** The fields of a time (ms since 1970) in a calendar and a zone. */
export function fieldsAt(time, calendar, zone) {
  const [offset] = offsetAt(zone, time);
  const local = time + offset * 1000;
  const days = Math.floor(local / DAY);
  const within = local - days * DAY;
  const result = {
    time,
    zone,
    weekday: (((days + 4) % 7) + 7) % 7,
    hour: Math.floor(within / 3_600_000),
    minute: Math.floor(within / 60_000) % 60,
    second: Math.floor(within / 1000) % 60,
    ms: within % 1000,
    leap: false,
  };
  if (GREGORIAN_ERAS[calendar]) {
    const { year, month, day } = civil(days);
    return Object.assign(result, { era: year > 0 ? "1" : "0", year: year > 0 ? year : 1 - year, extended: year, month: `${month}`, monthNumber: month, day });
  }
  const [era, eraYear, extended, code, ordinal, day] = ops.calendarDay(calendar, days).split(" ");
  let month = `${Number(code.slice(1, 3))}`;
  const leap = code.endsWith("L");
  let monthNumber = Number(month);
  if (calendar === "hebrew") {
    // CLDR counts the months of a leap year: Adar I is the sixth, Adar II "7-yeartype-leap".
    const number = Number(month);
    const leapYear = (7 * Number(extended) + 1) % 19 < 7;
    month = leap ? "6" : number >= 6 ? (number === 6 && leapYear ? "7-yeartype-leap" : `${number + 1}`) : month;
    monthNumber = Number(ordinal);
  }
  return Object.assign(result, { era, year: Number(eraYear), extended: Number(extended), month, monthNumber, day: Number(day), leap });
}

const ERA_INDEX = { "be": "0", "roc": "1", "broc": "0", "ap": "0", "am": "0", "ah": "0", "bh": "0" };

function eraName(context, fields, width) {
  const key = { long: "eraNames", short: "eraAbbr", narrow: "eraNarrow" }[width];
  const eras = context.names.eras?.[key];
  if (GREGORIAN_ERAS[context.calendar]) return eras[fields.era];
  const known = context.askedEras?.[fields.era] ?? Object.values(context.askedEras ?? {})[0];
  return known?.[width] ?? eras?.[ERA_INDEX[fields.era] ?? fields.era] ?? fields.era;
}

const widthOf = (length) => (length === 4 ? "wide" : length === 5 ? "narrow" : length === 6 ? "short" : "abbreviated");

function inherit(names, form, width, key) {
  const forms = [names[form]?.[width], names[form === "format" ? "stand-alone" : "format"]?.[width]];
  for (const from of forms) if (from?.[key] !== undefined) return from[key];
  return undefined;
}

function minutesOf(text) {
  const [hours, minutes] = text.split(":").map(Number);
  return hours * 60 + minutes;
}

// The period of the day of a locale, "morning1" and so on.
function flexiblePeriod(context, fields) {
  const rules = supplemental("dates").dayPeriods;
  const own = rules[context.data] ?? rules[context.data.split("-")[0]];
  if (own === undefined) return undefined;
  const now = fields.hour * 60 + fields.minute;
  // Exact times count where the minutes are not shown, or are zero.
  for (const name in own) {
    const at = own[name]._at;
    if (at !== undefined && name !== "midnight" && fields.hour * 60 === minutesOf(at) && (fields.minute === 0 || !context.hasMinutes) && (fields.second === 0 || !context.hasSeconds)) return name;
  }
  for (const name in own) {
    if (own[name]._from === undefined) continue;
    const [from, before] = [minutesOf(own[name]._from), minutesOf(own[name]._before)];
    if (from < before ? now >= from && now < before : now >= from || now < before) return name;
  }
  return undefined;
}

function dayPeriod(context, fields, letter, length) {
  const { dayPeriods } = context.names;
  const width = widthOf(length);
  const half = fields.hour < 12 ? "am" : "pm";
  if (letter === "B") {
    const name = flexiblePeriod(context, fields);
    const found = name === undefined ? undefined : inherit({ format: dayPeriods.format }, "format", width, name);
    if (found !== undefined) return found;
  }
  if (letter === "b" && fields.hour % 12 === 0 && fields.minute === 0) {
    const name = inherit(dayPeriods, "format", width, fields.hour === 0 ? "midnight" : "noon");
    if (name !== undefined) return name;
  }
  return dayPeriods.format[width][half] ?? dayPeriods.format.abbreviated[half];
}

function hourOf(letter, hour) {
  if (letter === "h") return hour % 12 === 0 ? 12 : hour % 12;
  if (letter === "K") return hour % 12;
  if (letter === "k") return hour === 0 ? 24 : hour;
  return hour;
}

/** The type and text of one field of a pattern. */
function fieldText(context, fields, letter, length) {
  const { names, system } = context;
  const number = (value, least = length) => inDigits(`${Math.abs(value)}`.padStart(least, "0"), system);
  const signed = (value, least) => (value < 0 ? "-" : "") + number(value, least);
  switch (letter) {
    case "G":
      return ["era", eraName(context, fields, length === 4 ? "long" : length === 5 ? "narrow" : "short")];
    case "y": {
      const { year } = fields;
      return ["year", length === 2 ? number(year % 100, 2) : number(year)];
    }
    case "r":
    case "u":
      return [letter === "r" ? "relatedYear" : "year", signed(fields.extended, length)];
    case "Y":
      return ["year", number(fields.year)];
    case "M":
    case "L": {
      if (length <= 2) return ["month", number(fields.monthNumber)];
      const form = letter === "M" ? "format" : "stand-alone";
      return ["month", inherit(names.months, form, widthOf(length), fields.month) ?? `${fields.month}`];
    }
    case "E":
    case "c":
    case "e": {
      if (letter !== "E" && length <= 2) return ["weekday", number(fields.weekday + 1)];
      const form = letter === "c" ? "stand-alone" : "format";
      return ["weekday", inherit(names.days, form, widthOf(length), WEEKDAYS[fields.weekday])];
    }
    case "d":
      return ["day", number(fields.day)];
    case "a":
    case "b":
    case "B":
      return ["dayPeriod", dayPeriod(context, fields, letter, length)];
    case "h":
    case "H":
    case "K":
    case "k":
      return ["hour", number(hourOf(letter, fields.hour))];
    case "m":
      return ["minute", number(fields.minute)];
    case "s":
      return ["second", number(fields.second)];
    case "S":
      return ["fractionalSecond", inDigits(`${fields.ms}`.padStart(3, "0").slice(0, length).padEnd(length, "0"), system)];
    case "z":
    case "v":
    case "O": {
      const styles = { z: ["short", "long"], v: ["shortGeneric", "longGeneric"], O: ["shortOffset", "longOffset"] };
      return ["timeZoneName", zoneName(context.data, fields.zone, fields.time, styles[letter][length === 4 ? 1 : 0], system)];
    }
    default:
      throw new Error(`dodev does not emulate the field "${letter}" of dates yet`);
  }
}

const compiledPatterns = new Map();
function compile(pattern) {
  let found = compiledPatterns.get(pattern);
  if (found === undefined) compiledPatterns.set(pattern, (found = fieldsOf(pattern)));
  return found;
}

/** Pairs of type and text of a pattern at a time. */
export function pairsOf(context, pattern, fields) {
  const parts = [];
  for (const [letter, length] of compile(pattern)) {
    const pair = letter === "" ? ["literal", length] : fieldText(context, fields, letter, length);
    // Fidelity: V8 puts plain spaces where CLDR has narrow and thin ones.
    pair[1] = pair[1].replace(/[\u202f\u2009]/g, " ");
    const last = parts.at(-1);
    if (pair[0] === "literal" && last?.[0] === "literal") last[1] += pair[1];
    else if (pair[1] !== "") parts.push(pair);
  }
  return parts;
}

// Their months begin when the moon was seen, or by tables that are not here.
const OBSERVED = ["islamic", "islamic-rgsa"];

/** The names and formats of a calendar for a data locale. */
export function calendarNames(locale, calendar) {
  const gregorian = data("dates", locale);
  if (calendar === "gregory") return { names: gregorian, eras: undefined };
  const others = data("calendars", locale);
  // What CLDR's packages lack was asked of the platform's engine.
  const asked = others.asked?.[calendar];
  if (calendar === "iso8601") return { names: withFormats(gregorian, asked), eras: undefined };
  const own = calendar.startsWith("islamic") ? others.islamic : others[calendar];
  const likeGregorian = ["buddhist", "japanese", "roc"].includes(calendar);
  const months = own?.months ?? (likeGregorian ? gregorian.months : asked?.months);
  if (months === undefined || OBSERVED.includes(calendar)) throw new Error(`dodev does not emulate the calendar "${calendar}" of Intl.DateTimeFormat yet`);
  const { days, dayPeriods, timeFormats } = gregorian;
  const base = { ...others.generic, ...own, months, days, dayPeriods, timeFormats, eras: own?.eras };
  base.available = { ...others.generic.available, ...own?.available };
  return { names: withFormats(base, asked), eras: asked?.eras };
}

function withFormats(names, asked) {
  if (asked?.dateFormats === undefined) return names;
  return { ...names, dateFormats: asked.dateFormats, available: { ...names.available, ...asked.available } };
}
