// node:perf_hooks: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "perf_hooks",
  "PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming createHistogram " +
    "eventLoopUtilization monitorEventLoopDelay timerify",
  "constants",
  {
    Performance: globalThis.Performance, PerformanceEntry: globalThis.PerformanceEntry,
    PerformanceMark: globalThis.PerformanceMark, PerformanceMeasure: globalThis.PerformanceMeasure,
    performance: globalThis.performance,
  },
);

export const {
  Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, PerformanceObserver,
  PerformanceObserverEntryList, PerformanceResourceTiming, constants, createHistogram, eventLoopUtilization,
  monitorEventLoopDelay, performance, timerify,
} = module;
export default module;
