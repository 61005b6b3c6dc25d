// APIs of the platform that dodev does not emulate: each says so by name when it is used, and none when
// it is only looked at, so that packages which ask what there is can be imported.
const { defineProperty } = Object;

function refusal(name) {
  return new Error(`dodev does not emulate ${name} yet`);
}

/** A class that cannot be constructed; `instanceof` works. */
function refusedClass(name, shown = name) {
  const Class = {
    [name]: class {
      constructor() {
        throw refusal(shown);
      }
    },
  }[name];
  defineProperty(Class.prototype, Symbol.toStringTag, { value: name, configurable: true });
  return Class;
}

function refusedFunction(name, shown) {
  const refuse = {
    [name]() {
      throw refusal(shown);
    },
  };
  return refuse[name];
}

function hide(object, tag) {
  for (const name of Object.keys(object)) defineProperty(object, name, { enumerable: false });
  return defineProperty(object, Symbol.toStringTag, { value: tag, configurable: true });
}

const INTL_CLASSES = [
  "Collator",
  "DateTimeFormat",
  "DisplayNames",
  "DurationFormat",
  "ListFormat",
  "Locale",
  "NumberFormat",
  "PluralRules",
  "RelativeTimeFormat",
  "Segmenter",
];
// These are called without `new` as well.
const INTL_CALLABLE = new Set(["Collator", "DateTimeFormat", "NumberFormat"]);

function intl(name) {
  const shown = `Intl.${name}`;
  if (!INTL_CALLABLE.has(name)) return [name, refusedClass(name, shown)];
  const refuse = function () {
    throw refusal(shown);
  };
  defineProperty(refuse, "name", { value: name });
  return [name, refuse];
}

export const Intl = hide(
  {
    ...Object.fromEntries(INTL_CLASSES.map(intl)),
    getCanonicalLocales: refusedFunction("getCanonicalLocales", "Intl.getCanonicalLocales"),
    supportedValuesOf: refusedFunction("supportedValuesOf", "Intl.supportedValuesOf"),
  },
  "Intl",
);
