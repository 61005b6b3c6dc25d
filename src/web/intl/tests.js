// The shape of Intl and of the methods that use it. What it answers is in the table of fixtures/intl.
test("the namespace", () => {
  assert.equal(Object.prototype.toString.call(Intl), "[object Intl]");
  assert.deepEqual(Object.keys(Intl), []);
  for (const name of ["NumberFormat", "DateTimeFormat", "Collator", "PluralRules", "Locale", "Segmenter"]) {
    const found = Object.getOwnPropertyDescriptor(Intl, name);
    assert.deepEqual([found.writable, found.enumerable, found.configurable], [true, false, true]);
    assert.equal(Object.getOwnPropertyDescriptor(Intl[name], "prototype").writable, false);
  }
});

test("the default locale and zone", () => {
  const { locale, timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  assert.equal(`${locale} ${timeZone}`, "en-US UTC");
});

test("formats are bound and kept", () => {
  const numbers = new Intl.NumberFormat("de");
  assert.ok(numbers.format === numbers.format);
  assert.deepEqual([1, 2000].map(numbers.format), ["1", "2.000"]);
  const { compare } = new Intl.Collator("sv");
  assert.deepEqual(["ä", "z"].sort(compare), ["z", "ä"]);
});

test("classes can be extended", () => {
  class Price extends Intl.NumberFormat {
    constructor(locale) {
      super(locale, { style: "currency", currency: "EUR" });
    }
  }
  assert.equal(new Price("de").format(5), "5,00\u00a0€");
  assert.ok(Intl.NumberFormat("en") instanceof Intl.NumberFormat);
  assert.throws(() => Intl.PluralRules(), "TypeError", "Constructor Intl.PluralRules requires 'new'");
});

test("options are read once, in order", () => {
  const read = [];
  const options = new Proxy({}, {
    get(_, name) {
      read.push(name);
    },
  });
  new Intl.PluralRules("en", options);
  assert.deepEqual(read.slice(0, 2), ["localeMatcher", "type"]);
  assert.equal(new Set(read).size, read.length);
});

test("methods keep their names and lengths", () => {
  for (const [prototype, name, length] of [
    [Number.prototype, "toLocaleString", 0],
    [BigInt.prototype, "toLocaleString", 0],
    [Date.prototype, "toLocaleDateString", 0],
    [String.prototype, "localeCompare", 1],
    [String.prototype, "toLocaleUpperCase", 0],
    [Array.prototype, "toLocaleString", 0],
  ]) {
    const found = Object.getOwnPropertyDescriptor(prototype, name);
    assert.deepEqual([found.value.name, found.value.length, found.enumerable, found.writable], [name, length, false, true]);
  }
  assert.equal(new Date(NaN).toLocaleDateString(), "Invalid Date");
  assert.throws(() => Date.prototype.toLocaleDateString.call({}), "TypeError");
});

test("segments are iterated lazily and found by index", () => {
  const segments = new Intl.Segmenter("en", { granularity: "word" }).segment("Hello, world");
  const iterator = segments[Symbol.iterator]();
  assert.equal(iterator.next().value.segment, "Hello");
  assert.equal(segments.containing(8).segment, "world");
  assert.equal(segments.containing(99), undefined);
  assert.equal(iterator[Symbol.iterator](), iterator);
});

test("ranges hold what both ends share once", () => {
  const format = new Intl.DateTimeFormat("en", { year: "numeric", month: "short", day: "numeric" });
  const parts = format.formatRangeToParts(Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 3));
  assert.equal(parts.filter(({ type }) => type === "year").length, 1);
  assert.deepEqual([...new Set(parts.map(({ source }) => source))].sort(), ["endRange", "shared", "startRange"]);
});

test("languages of five to eight letters are well formed, though nobody knows them", () => {
  assert.equal((1e21).toLocaleString("fullwide", { useGrouping: false }), "1000000000000000000000");
  assert.equal((12345.678).toLocaleString("fullwide-u-nu-arab"), "12,345.678");
  assert.deepEqual(Intl.getCanonicalLocales(["FullWide-latn-us", "posix"]), ["fullwide-Latn-US", "posix"]);
  assert.deepEqual(Intl.NumberFormat.supportedLocalesOf(["fullwide", "de"]), ["de"]);
  assert.equal(new Intl.NumberFormat(["fullwide", "de"]).resolvedOptions().locale, "de");
  assert.equal(`${new Intl.Locale("fullwide-US").maximize()} ${new Intl.Locale("posix").minimize()}`, "fullwide-US posix");
  assert.equal(new Intl.DisplayNames("en", { type: "language" }).of("fullwide-US"), "fullwide (United States)");
  assert.equal("i".toLocaleUpperCase("fullwide"), "I");
  assert.throws(() => (1).toLocaleString("ninechars"), "RangeError", "Invalid language tag: ninechars");
});
