// Intl.Locale, Intl.getCanonicalLocales and Intl.supportedValuesOf.
//
// Fidelity: ECMA-402 14 and 8.3, with the Locale Info proposal as V8 has it.
import {
  Slots, canonicalList, core, data, dataTag, localeTag, ops, requireNew, shapeClass, splitTag, stringOption, supplemental,
} from "dodev:web/intl/core";
import { zoneTables } from "dodev:web/intl/zones";

const slots = new Slots("Intl.Locale");
localeTag.of = (value) => (typeof value === "object" && value !== null && slots.has(value) ? slots.get(value, "toString").tag : undefined);

const wrong = () => new RangeError("Incorrect locale information provided");
const KEYS = [
  ["ca", "calendar"],
  ["co", "collation"],
  ["fw", "firstDayOfWeek"],
  ["hc", "hourCycle"],
  ["kf", "caseFirst"],
  ["kn", "numeric"],
  ["nu", "numberingSystem"],
];
const TYPE = /^[a-z0-9]{3,8}(-[a-z0-9]{3,8})*$/i;
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

function subtag(options, name, form) {
  const value = options[name];
  if (value === undefined) return undefined;
  const text = `${value}`;
  if (!form.test(text)) throw wrong();
  return text;
}

function describe(tag) {
  const { base, keywords, attributes, rest } = splitTag(tag);
  const [language, ...others] = base.split("-");
  const script = others.find((part) => /^[A-Z][a-z]{3}$/.test(part));
  const region = others.find((part) => /^([A-Z]{2}|\d{3})$/.test(part));
  const variants = others.filter((part) => part !== script && part !== region).join("-");
  return { tag, base, language, script, region, variants: variants || undefined, keywords, attributes, rest };
}

function canonical(tag) {
  const found = /^[A-Za-z]{2,8}(-|$)/.test(tag) && !/^[A-Za-z]{4}(-|$)/.test(tag) ? ops.canonicalTag(tag) : undefined;
  if (found === undefined) throw wrong();
  return found;
}

export function Locale(given, options = undefined) {
  requireNew(new.target, "Intl.Locale");
  if (typeof given !== "string" && (typeof given !== "object" || given === null)) {
    throw new TypeError("First argument to Intl.Locale constructor can't be empty or missing");
  }
  let d = describe(canonical(localeTag.of(given) ?? `${given}`));
  if (options !== undefined) {
    if (options === null) throw new TypeError("Cannot convert undefined or null to object");
    const o = Object(options);
    const language = subtag(o, "language", /^([a-z]{2,3}|[a-z]{5,8})$/i) ?? d.language;
    const script = subtag(o, "script", /^[a-z]{4}$/i) ?? d.script;
    const region = subtag(o, "region", /^([a-z]{2}|\d{3})$/i) ?? d.region;
    const variants = subtag(o, "variants", /^([a-z0-9]{5,8}|\d[a-z0-9]{3})(-([a-z0-9]{5,8}|\d[a-z0-9]{3}))*$/i) ?? d.variants;
    const base = [language, script, region, variants].filter((part) => part !== undefined).join("-");
    const wanted = new Map(d.keywords);
    const put = (key, value) => value !== undefined && wanted.set(key, value === "true" ? "" : value.toLowerCase());
    put("ca", subtag(o, "calendar", TYPE));
    put("co", subtag(o, "collation", TYPE));
    const first = o.firstDayOfWeek === undefined ? undefined : `${o.firstDayOfWeek}`;
    if (first !== undefined) {
      const day = /^[0-7]$/.test(first) ? DAYS[first] : first;
      if (!TYPE.test(day)) throw wrong();
      put("fw", day);
    }
    put("hc", stringOptionOf(o, "hourCycle", ["h11", "h12", "h23", "h24"]));
    put("kf", stringOptionOf(o, "caseFirst", ["upper", "lower", "false"]));
    if (o.numeric !== undefined) wanted.set("kn", o.numeric ? "" : "false");
    put("nu", subtag(o, "numberingSystem", TYPE));
    const others = [];
    for (let at = 0, skip = false; at < d.rest.length; at++) {
      if (d.rest[at].length === 1) skip = d.rest[at] === "u" && !others.includes("x");
      if (!skip) others.push(d.rest[at]);
    }
    const u = [...d.attributes, ...[...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([k, v]) => (v === "" ? [k] : [k, v]))];
    const tail = u.length > 0 ? ["u", ...u] : [];
    const x = others.indexOf("x");
    const rest = x < 0 ? [...others, ...tail] : [...others.slice(0, x), ...tail, ...others.slice(x)];
    d = describe(canonical([base, ...rest].join("-")));
  }
  slots.set(this, d);
}

const stringOptionOf = (options, name, allowed) => stringOption(options, name, allowed, undefined, "locale");

function withBase(d, op) {
  const { language, script, region, variants } = d;
  const id = [language, script, region].filter((part) => part !== undefined).join("-");
  // Fidelity: for ICU, what is not determined is English.
  const changed = id === "und" ? (op === ops.maximize ? "en-Latn-US" : "en") : (op(id) ?? id);
  const full = variants === undefined ? changed : `${changed}-${variants}`;
  return new Locale([full, ...d.rest].join("-"));
}

const regionOf = (d) => d.region ?? ops.maximize(d.base)?.split("-").find((part) => /^([A-Z]{2}|\d{3})$/.test(part)) ?? "001";
const scriptOf = (d) => d.script ?? ops.maximize(d.base)?.split("-")[1];
const DAY_NUMBERS = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 };

function calendarsOf(d) {
  if (d.keywords.has("ca")) return [d.keywords.get("ca")];
  const { calendars } = supplemental("dates");
  return (calendars[regionOf(d)] ?? calendars["001"]).map((name) => (name === "gregorian" ? "gregory" : name));
}

function hourCyclesOf(d) {
  if (d.keywords.has("hc")) return [d.keywords.get("hc")];
  const { timeData } = supplemental("dates");
  const found = timeData[`${d.language}-${regionOf(d)}`] ?? timeData[regionOf(d)] ?? timeData["001"];
  return [{ h: "h12", H: "h23", K: "h11", k: "h24" }[found[0][0]]];
}

const collationsOf = (d) => (d.keywords.has("co") ? [d.keywords.get("co")] : ({ de: ["phonebk"], es: ["trad"], zh: ["pinyin", "stroke", "zhuyin"], sv: ["trad"], ko: ["searchjl"], fi: ["trad"] }[d.language] ?? []).concat(["emoji", "eor"]).sort());

const getters = Object.fromEntries(KEYS.map(([key, name]) => [name, key]));

shapeClass(Locale, "Intl.Locale", {
  toString() {
    return slots.get(this, "toString").tag;
  },
  maximize() {
    return withBase(slots.get(this, "maximize"), ops.maximize);
  },
  minimize() {
    return withBase(slots.get(this, "minimize"), ops.minimize);
  },
  get language() {
    return slots.get(this, "language").language;
  },
  get script() {
    return slots.get(this, "script").script;
  },
  get region() {
    return slots.get(this, "region").region;
  },
  get variants() {
    return slots.get(this, "variants").variants;
  },
  get baseName() {
    return slots.get(this, "baseName").base;
  },
  get calendar() {
    return keyword(this, "calendar");
  },
  get caseFirst() {
    return keyword(this, "caseFirst");
  },
  get collation() {
    return keyword(this, "collation");
  },
  get firstDayOfWeek() {
    return keyword(this, "firstDayOfWeek");
  },
  get hourCycle() {
    return keyword(this, "hourCycle");
  },
  get numeric() {
    const value = slots.get(this, "numeric").keywords.get("kn");
    return value === "" || value === "true";
  },
  get numberingSystem() {
    return keyword(this, "numberingSystem");
  },
  getCalendars() {
    return calendarsOf(slots.get(this, "getCalendars"));
  },
  getCollations() {
    return collationsOf(slots.get(this, "getCollations"));
  },
  getHourCycles() {
    return hourCyclesOf(slots.get(this, "getHourCycles"));
  },
  getNumberingSystems() {
    const d = slots.get(this, "getNumberingSystems");
    return [d.keywords.get("nu") ?? data("numbers", dataTag(d.base)).ns ?? "latn"];
  },
  getTimeZones() {
    const d = slots.get(this, "getTimeZones");
    if (d.region === undefined) return undefined;
    const { regions } = zoneTables();
    return Object.keys(regions).filter((zone) => regions[zone] === d.region).sort();
  },
  getTextInfo() {
    return { direction: core.rightToLeft.includes(scriptOf(slots.get(this, "getTextInfo"))) ? "rtl" : "ltr" };
  },
  getWeekInfo() {
    const d = slots.get(this, "getWeekInfo");
    const { firstDay, weekendStart, weekendEnd } = supplemental("dates").weekData;
    const region = regionOf(d);
    const of = (table) => DAY_NUMBERS[table[region] ?? table["001"]];
    const weekend = [];
    for (let day = of(weekendStart); ; day = (day % 7) + 1) {
      weekend.push(day);
      if (day === of(weekendEnd)) break;
    }
    return { firstDay: DAY_NUMBERS[d.keywords.get("fw")] ?? of(firstDay), weekend: weekend.sort() };
  },
});

function keyword(receiver, name) {
  return slots.get(receiver, name).keywords.get(getters[name]);
}

export const intlFunctions = {
  getCanonicalLocales(locales) {
    return canonicalList(locales);
  },
  supportedValuesOf(key) {
    const text = `${key}`;
    switch (text) {
      case "calendar":
        return core.calendars.slice();
      case "collation":
        return ["compat", "emoji", "eor", "phonebk", "pinyin", "searchjl", "stroke", "trad", "unihan", "zhuyin"];
      case "currency":
        return core.currencies.slice();
      case "numberingSystem":
        return Object.keys(core.digits).sort();
      case "timeZone":
        return zoneTables().listed.slice();
      case "unit":
        return core.units.slice();
      default:
        throw new RangeError(`Invalid key : ${text}`);
    }
  },
};
