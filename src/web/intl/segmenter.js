// Intl.Segmenter, its segments and their iterators.
import { NUMBERS, Slots, canonicalList, incompatible, matcher, objectOptions, ops, requireNew, resolveLocale, shapeClass, stringOption } from "dodev:web/intl/core";
import { noteUncloned } from "dodev:web/interface";

const SERVICE = "Intl.Segmenter";
const slots = new Slots(SERVICE);
const segments = new WeakMap();
const iterators = new WeakMap();

export function Segmenter(locales = undefined, options = undefined) {
  requireNew(new.target, SERVICE);
  const requested = canonicalList(locales);
  const o = objectOptions(options);
  matcher(o, SERVICE);
  const { locale } = resolveLocale(requested, NUMBERS, [], {}, () => false);
  const granularity = stringOption(o, "granularity", ["grapheme", "word", "sentence"], "grapheme", SERVICE);
  slots.set(this, { locale, granularity });
}

function describe({ text, ends, granularity }, index) {
  const start = index === 0 ? 0 : ends[index - 1] >> 1;
  const segment = text.slice(start, ends[index] >> 1);
  const result = { segment, index: start, input: text };
  if (granularity === "word") result.isWordLike = (ends[index] & 1) === 1;
  return result;
}

const Segments = Object.getOwnPropertyDescriptors({
  containing(index) {
    const kept = segments.get(this);
    if (kept === undefined) throw incompatible("%SegmentsPrototype%.containing", this);
    const at = Math.trunc(Number(index)) || 0;
    if (at < 0 || at >= kept.text.length) return undefined;
    let [low, high] = [0, kept.ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (kept.ends[middle] >> 1 > at) high = middle;
      else low = middle + 1;
    }
    return describe(kept, low);
  },
  [Symbol.iterator]() {
    const kept = segments.get(this);
    if (kept === undefined) throw incompatible("%SegmentIsPrototype%[Symbol.iterator]", this);
    const iterator = Object.create(iteratorPrototype);
    iterators.set(iterator, { kept, at: 0 });
    return iterator;
  },
});
for (const key of Reflect.ownKeys(Segments)) Segments[key].enumerable = false;
const segmentsPrototype = Object.create(Object.prototype, Segments);

const iteratorPrototype = Object.create(Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())));
noteUncloned(segmentsPrototype, "#<Object>");
noteUncloned(iteratorPrototype, "[object Segmenter String Iterator]");
const { next } = {
  next() {
    const state = iterators.get(this);
    if (state === undefined) throw incompatible("%SegmentIterator.prototype%.next", this);
    if (state.at >= state.kept.ends.length) return { value: undefined, done: true };
    return { value: describe(state.kept, state.at++), done: false };
  },
};
Object.defineProperty(iteratorPrototype, "next", { value: next, writable: true, configurable: true });
Object.defineProperty(iteratorPrototype, Symbol.toStringTag, { value: "Segmenter String Iterator", configurable: true });

shapeClass(
  Segmenter,
  SERVICE,
  {
    resolvedOptions() {
      const { locale, granularity } = slots.get(this, "resolvedOptions");
      return { locale, granularity };
    },
    segment(input) {
      const { locale, granularity } = slots.get(this, "segment");
      const text = `${input}`;
      const made = Object.create(segmentsPrototype);
      segments.set(made, { text, granularity, ends: ops.segments(granularity, locale, text.toWellFormed()) });
      return made;
    },
  },
  NUMBERS,
);
