// Packs the locale data of CLDR for `Intl`: src/web/intl/data/cldr.bin.
//
// The packages: cldr-core, -dates, -numbers, -misc and -localenames 48.1.0, -units, -bcp47, -cal-hebrew and -cal-islamic 48.2.0.
//
// Usage: node intl-data.mjs <folder with cldr-*-full of one version in node_modules> <platform.json> <eras.json> <out>
// `platform.json`: what the platform supports: `{ locales: { "<locale>": <mask> }, calendars, currencies, zones }`; the bits of a mask:
// 16 dates, 8 numbers, 4 collation, 2 plurals, 1 names.
// `eras.json`: what CLDR's packages lack, `{ calendar: { locale: { eras, months, dateFormats, available } } }`, asked of the platform's engine.
//
// The file: length of the index (u32, little endian), index (JSON: { chunk: [offset, length] }), then chunks, each brotli of
// lines. A chunk holds one section of one language; its first line is the language, each further line "<locale>\t<JSON>" what
// differs in a variant (null: absent there). Chunks of supplemental data have one line.
import { readFileSync, writeFileSync, existsSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const [, , root, platformFile, erasFile, out] = process.argv;
const read = (path) => JSON.parse(readFileSync(`${root}/node_modules/${path}`, "utf8"));
const platform = JSON.parse(readFileSync(platformFile, "utf8"));
const supported = platform.locales;
const asked = JSON.parse(readFileSync(erasFile, "utf8"));
const supplemental = (name) => read(`cldr-core/supplemental/${name}.json`).supplemental;

const main = (pack, locale, file) => {
  const path = `cldr-${pack}-full/main/${locale}/${file}.json`;
  return existsSync(`${root}/node_modules/${path}`) ? read(path).main[locale] : {};
};
const plain = (object, keep = () => true) =>
  Object.fromEntries(
    Object.entries(object ?? {})
      .filter(([key]) => !/-alt-(ascii|variant|menu|core|extension|officialName)/.test(key) && keep(key))
      .map(([key, value]) => [key, value && typeof value === "object" ? plain(value) : value]),
  );

const UNITS = ("acre bit byte celsius centimeter day degree fahrenheit fluid-ounce foot gallon gigabit gigabyte gram hectare hour inch " +
  "kilobit kilobyte kilogram kilometer liter megabit megabyte meter microsecond mile mile-scandinavian milliliter millimeter millisecond " +
  "minute month nanosecond ounce percent petabyte pound second stone terabit terabyte week yard year").split(" ");
const wantedUnit = (name) => UNITS.includes(name) || name.split("-per-").every((part) => UNITS.includes(part));

function numbers(locale) {
  const n = main("numbers", locale, "numbers").numbers;
  const result = { ns: n.defaultNumberingSystem, native: n.otherNumberingSystems?.native, grouping: +n.minimumGroupingDigits };
  for (const key of Object.keys(n)) {
    const at = /^symbols-numberSystem-(\w+)$/.exec(key)?.[1];
    if (at === undefined) continue;
    const decimal = n[`decimalFormats-numberSystem-${at}`];
    const currency = plain(n[`currencyFormats-numberSystem-${at}`]);
    delete currency.currencyPatternAppendISO;
    result[at] = {
      symbols: n[key],
      decimal: decimal.standard,
      long: decimal.long.decimalFormat,
      short: decimal.short.decimalFormat,
      percent: n[`percentFormats-numberSystem-${at}`].standard,
      scientific: n[`scientificFormats-numberSystem-${at}`].standard,
      currency,
      misc: n[`miscPatterns-numberSystem-${at}`],
    };
  }
  const lists = main("misc", locale, "listPatterns").listPatterns;
  result.lists = lists;
  return result;
}

function currencies(locale) {
  const from = main("numbers", locale, "currencies").numbers.currencies;
  return Object.fromEntries(Object.entries(from).map(([code, value]) => [code, plain(value)]));
}

function units(locale) {
  const from = main("units", locale, "units").units;
  const result = {};
  for (const width of ["long", "short", "narrow"]) {
    const to = (result[width] = { per: from[width].per?.compoundUnitPattern });
    for (const [key, value] of Object.entries(from[width])) {
      const name = key.slice(key.indexOf("-") + 1);
      if (!wantedUnit(name)) continue;
      const entry = {};
      for (const [k, pattern] of Object.entries(value)) {
        const plural = /^unitPattern-count-(\w+)$/.exec(k)?.[1];
        if (plural) entry[plural] = pattern;
        if (k === "perUnitPattern") entry.per = pattern;
      }
      to[name] = entry;
    }
  }
  return result;
}

function calendar(from) {
  const result = plain(from);
  delete result.dateSkeletons;
  delete result.timeSkeletons;
  const { availableFormats, appendItems, intervalFormats, ...glue } = result.dateTimeFormats;
  result.available = Object.fromEntries(Object.entries(availableFormats).filter(([key]) => !key.includes("-count-")));
  result.append = appendItems;
  result.intervals = intervalFormats;
  result.glue = glue;
  result.atTime = result["dateTimeFormats-atTime"].standard;
  for (const key of ["dateTimeFormats", "dateTimeFormats-atTime", "dateTimeFormats-relative", "quarters"]) delete result[key];
  return result;
}

function dates(locale) {
  const result = calendar(main("dates", locale, "ca-gregorian").dates.calendars.gregorian);
  // What the platform has of a later version than the packages named above.
  if (locale.split("-")[0] === "ko") result.dayPeriods.format.abbreviated = result.dayPeriods.format.wide;
  result.fields = {};
  for (const [key, value] of Object.entries(main("dates", locale, "dateFields").dates.fields)) {
    result.fields[key] = value;
  }
  return result;
}

function calendars(locale) {
  const result = { generic: calendar(main("dates", locale, "ca-generic").dates.calendars.generic) };
  for (const name of ["hebrew", "islamic"]) {
    const file = main(`cal-${name}`, locale, `ca-${name}`).dates;
    if (file) result[name] = calendar(file.calendars[name]);
  }
  result.asked = {};
  for (const [name, per] of Object.entries(asked)) if (per[locale]) result.asked[name] = per[locale];
  return result;
}

const zonesOf = (tree, prefix = "") =>
  Object.entries(tree).flatMap(([key, value]) =>
    value._type === "zone" || "exemplarCity" in value || "long" in value || "short" in value
      ? [[prefix + key, value]]
      : zonesOf(value, `${prefix + key}/`),
  );

// The platform's data has no cities: their names are those of the zones.
function zones(locale) {
  const from = main("dates", locale, "timeZoneNames").dates.timeZoneNames;
  const { zone, metazone, ...rest } = from;
  const flat = Object.fromEntries(
    zonesOf(zone).map(([name, value]) => {
      const { long, short } = value;
      return [name, { ...(long && { long }), ...(short && { short }) }];
    }).filter(([, value]) => Object.keys(value).length > 0),
  );
  return { ...rest, zone: flat, metazone };
}

function names(locale) {
  const display = main("localenames", locale, "localeDisplayNames").localeDisplayNames;
  return {
    language: main("localenames", locale, "languages").localeDisplayNames?.languages,
    script: main("localenames", locale, "scripts").localeDisplayNames?.scripts,
    region: main("localenames", locale, "territories").localeDisplayNames?.territories,
    variant: main("localenames", locale, "variants").localeDisplayNames?.variants,
    pattern: display.localeDisplayPattern,
    keys: display.keys,
    types: { calendar: display.types?.calendar, numbers: display.types?.numbers, collation: display.types?.collation, hc: display.types?.hc },
  };
}

/** What must be laid over `base` to get `value`. */
function difference(base, value) {
  const result = {};
  for (const key of new Set([...Object.keys(base), ...Object.keys(value)])) {
    const [a, b] = [base[key], value[key]];
    if (b === undefined) {
      if (a !== undefined) result[key] = null;
    } else if (a && b && typeof a === "object" && typeof b === "object") {
      const inner = difference(a, b);
      if (Object.keys(inner).length > 0) result[key] = inner;
    } else if (a !== b) {
      result[key] = b;
    }
  }
  return result;
}

const chunks = {};
const pack = (name, text) => {
  chunks[name] = brotliCompressSync(Buffer.from(text), {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_SIZE_HINT]: text.length },
  });
};

const SECTIONS = { numbers, currencies, units, dates, calendars, zones, names };
const available = Object.keys(supported).filter((l) => supported[l] & 8 && existsSync(`${root}/node_modules/cldr-dates-full/main/${l}`));
const languages = available.filter((l) => !l.includes("-"));
for (const [section, make] of Object.entries(SECTIONS)) {
  let size = 0;
  for (const language of languages) {
    const own = available.filter((l) => l.split("-")[0] === language);
    const base = make(language);
    const lines = [JSON.stringify(base)];
    for (const locale of own) {
      if (locale === language) continue;
      const differs = difference(base, make(locale));
      if (Object.keys(differs).length > 0) lines.push(`${locale}\t${JSON.stringify(differs)}`);
    }
    pack(`${section}:${language}`, lines.join("\n"));
    size += chunks[`${section}:${language}`].length;
  }
  console.error(section, size);
}

// Supplemental data.
const plurals = (from) =>
  Object.fromEntries(
    Object.entries(from).map(([language, rules]) => [
      language,
      Object.fromEntries(
        Object.entries(rules).map(([name, rule]) => [name.replace("pluralRule-count-", ""), rule.split("@")[0].trim()]),
      ),
    ]),
  );
pack(
  "supplemental:plurals",
  JSON.stringify({
    cardinal: plurals(supplemental("plurals")["plurals-type-cardinal"]),
    ordinal: plurals(supplemental("ordinals")["plurals-type-ordinal"]),
    ranges: Object.fromEntries(
      Object.entries(supplemental("pluralRanges").plurals).map(([language, rules]) => [
        language,
        Object.fromEntries(
          Object.entries(rules).map(([key, value]) => [key.replace("pluralRange-start-", "").replace("-end-", " "), value]),
        ),
      ]),
    ),
  }),
);
const timeData = Object.fromEntries(
  Object.entries(supplemental("timeData").timeData).map(([region, { _allowed, _preferred }]) => [region, [_preferred, _allowed]]),
);
const week = supplemental("weekData").weekData;
const weekData = { firstDay: plain(week.firstDay), minDays: week.minDays, weekendStart: week.weekendStart, weekendEnd: week.weekendEnd };
const digits = Object.fromEntries(
  Object.entries(supplemental("numberingSystems").numberingSystems)
    .filter(([, { _type }]) => _type === "numeric")
    .map(([name, { _digits }]) => [name, _digits]),
);
const currencyDigits = Object.fromEntries(
  Object.entries(supplemental("currencyData").currencyData.fractions).map(([code, { _digits }]) => [code, +_digits]),
);
const rightToLeft = ["Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Mend", "Samr", "Yezi", "Sogd"];
pack(
  "supplemental:core",
  JSON.stringify({
    supported,
    parents: supplemental("parentLocales").parentLocales.parentLocale,
    digits,
    currencyDigits,
    rightToLeft,
    units: UNITS,
    calendars: platform.calendars,
    currencies: platform.currencies,
  }),
);
pack(
  "supplemental:dates",
  JSON.stringify({
    timeData,
    weekData,
    dayPeriods: supplemental("dayPeriods").dayPeriodRuleSet,
    calendars: supplemental("calendarPreferenceData").calendarPreferenceData,
  }),
);
const meta = supplemental("metaZones").metaZones;
const metaTree = (tree, prefix = "") =>
  Object.entries(tree).flatMap(([key, value]) =>
    Array.isArray(value)
      ? [[prefix + key, value.map(({ usesMetazone: u }) => [u._mzone, u._from ?? "", u._to ?? ""])]]
      : metaTree(value, `${prefix + key}/`),
  );
const bcp47 = read("cldr-bcp47/bcp47/timezone.json").keyword.u.tz;
const timezones = {};
const regions = {};
for (const [key, value] of Object.entries(bcp47)) {
  if (!value._alias) continue;
  const aliases = value._alias.split(" ");
  const canonical = aliases[0];
  timezones[canonical] = { a: aliases.slice(1), i: value._iana };
  const region = value._region ?? (key.length === 5 && !/^(utc|unk|gmt)/.test(key) ? key.slice(0, 2).toUpperCase() : undefined);
  if (region) regions[canonical] = region;
}
pack(
  "supplemental:zones",
  JSON.stringify({
    meta: Object.fromEntries(metaTree(meta.metazoneInfo.timezone)),
    map: meta.metazones.map(({ mapZone: m }) => [m._other, m._territory, m._type]),
    timezones,
    listed: platform.zones,
    regions,
    primary: supplemental("primaryZones").primaryZones,
  }),
);

const index = {};
let offset = 0;
for (const [name, bytes] of Object.entries(chunks)) {
  index[name] = [offset, bytes.length];
  offset += bytes.length;
}
const head = Buffer.from(JSON.stringify(index));
const size = Buffer.alloc(4);
size.writeUInt32LE(head.length);
writeFileSync(out, Buffer.concat([size, head, ...Object.values(chunks)]));
console.error(languages.length, "languages,", available.length, "locales,", 4 + head.length + offset, "bytes");
