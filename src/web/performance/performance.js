// performance: the time, marks and measures.
//
// Fidelity: on the platform the time origin is the Unix epoch, so `now()` is what `Date.now()` is.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { EventTarget } from "dodev:web/events";
import { illegalConstructor, illegalInvocation, shape, wrongArgument, wrongConstruction } from "dodev:web/interface";

const MAKE = Symbol("make");
const { nowMs } = host;

// Most entries that are kept; the oldest go first.
const ENTRIES_MAX = 1_000;

const NO_LOOP = { environment: 0, loopStart: 0, loopExit: 0, idleTime: 0, uvMetricsInfo: { loopCount: 0, events: 0, eventsWaiting: 0 } };

export class PerformanceEntry {
  #entry;
  constructor(token, entry) {
    if (token !== MAKE) throw illegalConstructor();
    this.#entry = entry;
  }
  get name() {
    return this.#entry.name;
  }
  get entryType() {
    return this.#entry.entryType;
  }
  get startTime() {
    return this.#entry.startTime;
  }
  get duration() {
    return this.#entry.duration;
  }
  toJSON() {
    const { name, entryType, startTime, duration } = this;
    return { name, entryType, startTime, duration };
  }
}
shape(PerformanceEntry);

export class PerformanceMark extends PerformanceEntry {
  #detail;
  constructor(name, options) {
    if (options !== undefined && options !== null && typeof options !== "object" && typeof options !== "function") {
      throw wrongConstruction("PerformanceMark", 2, "Options");
    }
    const startTime = options?.startTime ?? nowMs();
    super(MAKE, { name: `${name}`, entryType: "mark", startTime, duration: 0 });
    this.#detail = options?.detail ?? null;
  }
  get detail() {
    return this.#detail;
  }
  toJSON() {
    return { ...super.toJSON(), detail: this.#detail };
  }
}
shape(PerformanceMark);

export class PerformanceMeasure extends PerformanceEntry {
  #detail;
  constructor(token, entry, detail) {
    super(token, entry);
    this.#detail = detail ?? null;
  }
  get detail() {
    return this.#detail;
  }
  toJSON() {
    return { ...super.toJSON(), detail: this.#detail };
  }
}
shape(PerformanceMeasure);

export class Performance extends EventTarget {
  #entries = [];

  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
    super();
  }
  get timeOrigin() {
    if (!(#entries in this)) throw illegalInvocation();
    return 0;
  }
  now() {
    if (!(#entries in this)) throw illegalInvocation();
    return nowMs();
  }
  clearMarks(name) {
    if (!(#entries in this)) throw illegalInvocation();
    this.#clear("mark", name);
  }
  clearMeasures(name) {
    if (!(#entries in this)) throw illegalInvocation();
    this.#clear("measure", name);
  }
  getEntries() {
    if (!(#entries in this)) throw illegalInvocation();
    return [...this.#entries];
  }
  getEntriesByName(name, type) {
    if (!(#entries in this)) throw illegalInvocation();
    return this.#entries.filter((entry) => entry.name === name && (type === undefined || entry.entryType === type));
  }
  getEntriesByType(type) {
    if (!(#entries in this)) throw illegalInvocation();
    return this.#entries.filter((entry) => entry.entryType === type);
  }
  mark(name, options) {
    if (!(#entries in this)) throw illegalInvocation();
    if (name === undefined) throw wrongArgument("Performance", "mark", 1, "string");
    return this.#add(new PerformanceMark(name, options));
  }
  measure(name, startOrOptions, endMark) {
    if (!(#entries in this)) throw illegalInvocation();
    if (name === undefined) throw wrongArgument("Performance", "measure", 1, "string");
    const given = typeof startOrOptions === "object" && startOrOptions !== null;
    const options = given ? startOrOptions : { start: startOrOptions, end: endMark };
    const end = this.#time(options.end) ?? (options.duration !== undefined && options.start !== undefined
      ? this.#time(options.start) + options.duration
      : nowMs());
    const startTime = this.#time(options.start) ?? (options.duration === undefined ? 0 : end - options.duration);
    const entry = { name: `${name}`, entryType: "measure", startTime, duration: end - startTime };
    return this.#add(new PerformanceMeasure(MAKE, entry, options.detail));
  }
  toJSON() {
    if (!(#entries in this)) throw illegalInvocation();
    return { timeOrigin: 0 };
  }
  // Fidelity: workerd has these for programs that ask for them, and counts and measures nothing.
  get eventCounts() {
    return new Map();
  }
  get nodeTiming() {
    return { name: "node", entryType: "node", startTime: 0, duration: 0, nodeStart: 0, v8Start: 0, bootstrapComplete: 0, ...NO_LOOP };
  }
  eventLoopUtilization() {
    return { idle: 0, active: 0, utilization: 0 };
  }
  timerify(fn) {
    return fn;
  }
  clearResourceTimings() {}
  setResourceTimingBufferSize() {}
  markResourceTiming() {}

  #clear(type, name) {
    this.#entries = this.#entries.filter((entry) => entry.entryType !== type || (name !== undefined && entry.name !== name));
  }
  #add(entry) {
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
    return entry;
  }
  // A time as it is, or that of the last mark of this name.
  #time(at) {
    if (at === undefined || typeof at === "number") return at;
    const mark = this.#entries.findLast((entry) => entry.entryType === "mark" && entry.name === `${at}`);
    if (mark === undefined) throw new DOMException(`The mark '${at}' does not exist.`, "SyntaxError");
    return mark.startTime;
  }
}
shape(Performance);

export const performance = new Performance(MAKE);
