// Time zones: their canonical names, offsets, and what they are called.
//
// Fidelity: UTS 35 part 4 (time zone names), with ICU's choices (`tzgnames.cpp`, `tzfmt.cpp`).
import { data, inDigits, ops, supplemental } from "dodev:web/intl/core";

let tables;
/** CLDR's tables of zones, with canonical names by lower-case alias. */
export function zoneTables() {
  if (tables === undefined) {
    const read = supplemental("zones");
    const canonical = new Map();
    for (const name in read.timezones) {
      canonical.set(name.toLowerCase(), name);
      for (const alias of read.timezones[name].a) canonical.set(alias.toLowerCase(), name);
    }
    const perRegion = {};
    for (const zone in read.regions) perRegion[read.regions[zone]] = (perRegion[read.regions[zone]] ?? 0) + 1;
    const golden = {};
    for (const [meta, region, zone] of read.map) (golden[meta] ??= {})[region] = zone;
    tables = { ...read, canonical, perRegion, golden };
  }
  return tables;
}

const OFFSET = /^([+\-])([01]\d|2[0-3])(?::?([0-5]\d))?$/;

/** The identifier of a zone or of an offset as resolved options show it; nothing if there is no such zone. */
export function canonicalZone(given) {
  const offset = OFFSET.exec(given);
  if (offset !== null) {
    const [, sign, hours, minutes = "00"] = offset;
    return `${hours === "00" && minutes === "00" ? "+" : sign}${hours}:${minutes}`;
  }
  if (!/^[\x21-\x7e]+$/.test(given)) return undefined;
  const found = zoneTables().canonical.get(given.toLowerCase());
  if (found === "Etc/UTC" || found === "Etc/GMT") return "UTC";
  if (found !== undefined && found !== "Etc/Unknown") return found;
  return ops.zoneName(given);
}

/** `[seconds east of Greenwich, whether daylight saving time]` at a time. */
export function offsetAt(zone, time) {
  if (zone === "UTC") return [0, 0];
  const offset = OFFSET.exec(zone);
  if (offset !== null) return [(offset[1] === "-" ? -60 : 60) * (offset[2] * 60 + Number(offset[3])), 0];
  return ops.zoneOffset(databaseName(zone), time) ?? [0, 0];
}

// The name under which the rules are kept: a canonical name of CLDR may have been renamed there.
const databaseNames = new Map();
function databaseName(zone) {
  let found = databaseNames.get(zone);
  if (found === undefined) {
    const { timezones } = zoneTables();
    const names = [zone, ...(timezones[zone]?.a ?? [])];
    found = names.find((name) => ops.zoneName(name) !== undefined) ?? zone;
    databaseNames.set(zone, found);
  }
  return found;
}

const when = (text) => Date.parse(`${text.replace(" ", "T")}Z`);

function metazoneOf(zone, time) {
  for (const [name, from, to] of zoneTables().meta[zone] ?? []) {
    if ((from === "" || time >= when(from)) && (to === "" || time < when(to))) return name;
  }
  return undefined;
}

const two = (number) => `${number}`.padStart(2, "0");

/** `GMT+1` or `GMT+01:00`, as a locale writes it. */
export function gmtText(locale, seconds, long, system) {
  const zones = data("zones", locale);
  const size = Math.abs(seconds);
  const [hours, minutes, rest] = [Math.floor(size / 3600), Math.floor(size / 60) % 60, size % 60];
  const format = zones.hourFormat.split(";")[seconds < 0 ? 1 : 0];
  const parted = /H+(.)m+/.exec(format)?.[1] ?? ":";
  let text = long ? two(hours) : `${hours}`;
  if (long || minutes !== 0 || rest !== 0) text += parted + two(minutes);
  if (rest !== 0) text += parted + two(rest);
  // Without minutes, what stands behind them falls away.
  const whole = format.replace(long || minutes !== 0 ? /H+.?m+/ : /H+.?m+.*/, inDigits(text, system));
  return zones.gmtFormat.replace("{0}", whole);
}

// Fidelity: the platform's data has no names of cities.
const cityOf = (zone) => zone.split("/").at(-1).replace(/_/g, " ");

function locationName(locale, zone) {
  const { regions, perRegion, primary } = zoneTables();
  const region = regions[zone];
  if (region === undefined) return undefined;
  const single = perRegion[region] === 1 || primary[region] === zone;
  const name = single ? (data("names", locale).region?.[region] ?? region) : cityOf(zone);
  return data("zones", locale).regionFormat.replace("{0}", name);
}

function specific(locale, zone, time, width, dst) {
  const zones = data("zones", locale);
  const kind = dst ? "daylight" : "standard";
  const own = zones.zone[zone]?.[width]?.[kind];
  if (own !== undefined) return own;
  const meta = metazoneOf(zone, time);
  return zones.metazone?.[meta]?.[width]?.[kind];
}

function generic(locale, zone, time, width, seconds) {
  const zones = data("zones", locale);
  const own = zones.zone[zone]?.[width];
  if (own?.generic !== undefined) return own.generic;
  const meta = metazoneOf(zone, time);
  if (meta === undefined) return undefined;
  const names = zones.metazone?.[meta]?.[width];
  if (names === undefined) return undefined;
  if (names.standard !== undefined && ops.zoneKeepsOffset(databaseName(zone), time)) {
    // Where no daylight saving time is near, the standard name says it, unless it is the generic one's twin.
    return own?.standard ?? names.standard;
  }
  const name = names.generic;
  if (name === undefined) return undefined;
  const { golden, regions } = zoneTables();
  const reference = golden[meta]?.["001"];
  if (reference !== undefined && reference !== zone && offsetAt(reference, time)[0] !== seconds) {
    const region = regions[zone];
    const single = golden[meta][region] === zone;
    const place = single ? (data("names", locale).region?.[region] ?? region) : cityOf(zone);
    return zones.fallbackFormat.replace("{1}", name).replace("{0}", place);
  }
  return name;
}

/** What a zone is called at a time; `style` as in `timeZoneName`. */
export function zoneName(locale, zone, time, style, system) {
  const [seconds, dst] = offsetAt(zone, time);
  if (style === "shortOffset" || style === "longOffset") return gmtText(locale, seconds, style === "longOffset", system);
  const width = style.startsWith("short") ? "short" : "long";
  const fixed = OFFSET.test(zone) || (zone === "UTC" && style.endsWith("Generic"));
  const id = zone === "UTC" ? "Etc/UTC" : zone;
  if (!fixed) {
    const name = style.endsWith("Generic") ? (generic(locale, id, time, width, seconds) ?? locationName(locale, id)) : specific(locale, id, time, width, dst === 1);
    if (name !== undefined) return name;
  }
  return gmtText(locale, seconds, width === "long", system);
}
