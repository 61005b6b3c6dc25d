// PerformanceObserver and what it would be given.
//
// Fidelity: workerd's observers can be made and told what to observe, and never hear of an entry.
import { illegalConstructor, illegalInvocation, shape, wrongConstruction, wrongField } from "dodev:web/interface";
import { PerformanceEntry } from "dodev:web/performance";

export class PerformanceObserver {
  #callback;

  constructor(callback) {
    if (arguments.length === 0) throw wrongConstruction("PerformanceObserver", 1, "Value");
    this.#callback = callback;
  }
  static get supportedEntryTypes() {
    return ["measure", "mark"];
  }
  disconnect() {
    if (!(#callback in this)) throw illegalInvocation();
  }
  observe(options) {
    if (!(#callback in this)) throw illegalInvocation();
    const types = options?.entryTypes;
    if (types !== undefined && !Array.isArray(types)) throw wrongField("ObserveOptions", "entryTypes", "Array");
  }
  takeRecords() {
    if (!(#callback in this)) throw illegalInvocation();
    return [];
  }
}
shape(PerformanceObserver);

export class PerformanceObserverEntryList {
  constructor() {
    throw illegalConstructor();
  }
  getEntries() {
    return [];
  }
  getEntriesByType() {
    return [];
  }
  getEntriesByName() {
    return [];
  }
}
shape(PerformanceObserverEntryList);

export class PerformanceResourceTiming extends PerformanceEntry {
  constructor() {
    throw illegalConstructor();
  }
}
shape(PerformanceResourceTiming);
