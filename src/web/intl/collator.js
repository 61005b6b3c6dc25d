// Intl.Collator, and the comparison of `localeCompare`.
import {
  COLLATION, Slots, booleanOption, canonicalList, coerceOptions, matcher, ops, resolveLocale, shapeClass, stringOption, typeOption,
} from "dodev:web/intl/core";

const SERVICE = "Intl.Collator";
const slots = new Slots(SERVICE);
const COLLATIONS = {
  compat: ["ar"],
  dict: ["si"],
  eor: ["en", "de", "fr", "es", "it", "sv", "da", "nb", "no", "fi", "pl", "cs"],
  emoji: undefined,
  phonebk: ["de"],
  pinyin: ["zh"],
  stroke: ["zh"],
  trad: ["es", "fi", "sv", "bn", "kn", "vi"],
  zhuyin: ["zh"],
  unihan: ["zh", "ja", "ko"],
  searchjl: ["ko"],
};

function supports(key, value, locale) {
  if (key === "kn") return value === "true" || value === "false";
  if (key === "kf") return ["upper", "lower", "false"].includes(value);
  if (!Object.hasOwn(COLLATIONS, value)) return false;
  const languages = COLLATIONS[value];
  return languages === undefined || languages.includes(locale.split("-")[0]);
}

/** The resolved options of a collator, with the operation's id. */
export function resolveCollator(locales, options) {
  const requested = canonicalList(locales);
  const o = coerceOptions(options, SERVICE);
  const usage = stringOption(o, "usage", ["sort", "search"], "sort", SERVICE);
  matcher(o, SERVICE);
  const collation = typeOption(o, "collation");
  const numeric = booleanOption(o, "numeric", undefined);
  const caseFirst = stringOption(o, "caseFirst", ["upper", "lower", "false"], undefined, SERVICE);
  const wanted = { co: collation, kn: numeric === undefined ? undefined : `${numeric}`, kf: caseFirst };
  const found = resolveLocale(requested, COLLATION, ["co", "kf", "kn"], wanted, supports);
  const sensitivity = stringOption(o, "sensitivity", ["base", "accent", "case", "variant"], "variant", SERVICE);
  const ignorePunctuation = booleanOption(o, "ignorePunctuation", undefined);
  const keywords = [];
  if (found.co !== undefined) keywords.push(`co-${found.co}`);
  if (found.kf !== undefined) keywords.push(`kf-${found.kf}`);
  if (found.kn === "true") keywords.push("kn");
  const tag = keywords.length === 0 ? found.data : `${found.data}-u-${keywords.join("-")}`;
  const [id, first, ignores] = ops.collator(tag, sensitivity, ignorePunctuation);
  return {
    id,
    resolved: {
      locale: found.locale,
      usage,
      sensitivity,
      ignorePunctuation: ignores === 1,
      collation: found.co ?? "default",
      numeric: found.kn === "true",
      caseFirst: found.kf ?? ["false", "upper", "lower"][first],
    },
  };
}

/** -1, 0 or 1. */
export const compareWith = ({ id }, a, b) => ops.compare(id, a.toWellFormed(), b.toWellFormed());

export function Collator(locales = undefined, options = undefined) {
  const resolved = resolveCollator(locales, options);
  const self = new.target === undefined ? Object.create(Collator.prototype) : this;
  slots.set(self, resolved);
  return self;
}

const bound = new WeakMap();

shapeClass(
  Collator,
  SERVICE,
  {
    resolvedOptions() {
      return { ...slots.get(this, "resolvedOptions").resolved };
    },
    get compare() {
      const kept = slots.get(this, "get Intl.Collator.prototype.compare", true);
      let compare = bound.get(this);
      if (compare === undefined) {
        compare = (a, b) => compareWith(kept, `${a}`, `${b}`);
        Object.defineProperty(compare, "name", { value: "" });
        bound.set(this, compare);
      }
      return compare;
    },
  },
  COLLATION,
);
