// node:perf_hooks: the classes of the Web platform, and what workerd answers; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";
import { Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, performance } from "dodev:web/performance";

const { PerformanceObserver, PerformanceObserverEntryList, PerformanceResourceTiming } = globalThis;

const constants = {
  NODE_PERFORMANCE_GC_MAJOR: 4, NODE_PERFORMANCE_GC_MINOR: 1, NODE_PERFORMANCE_GC_INCREMENTAL: 8, NODE_PERFORMANCE_GC_WEAKCB: 16,
  NODE_PERFORMANCE_GC_FLAGS_NO: 0, NODE_PERFORMANCE_GC_FLAGS_CONSTRUCT_RETAINED: 2, NODE_PERFORMANCE_GC_FLAGS_FORCED: 4,
  NODE_PERFORMANCE_GC_FLAGS_SYNCHRONOUS_PHANTOM_PROCESSING: 8, NODE_PERFORMANCE_GC_FLAGS_ALL_AVAILABLE_GARBAGE: 16,
  NODE_PERFORMANCE_GC_FLAGS_ALL_EXTERNAL_MEMORY: 32, NODE_PERFORMANCE_GC_FLAGS_SCHEDULE_IDLE: 64,
};

const module = absent("perf_hooks", "createHistogram monitorEventLoopDelay", "", {
  Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, PerformanceObserver, PerformanceObserverEntryList,
  PerformanceResourceTiming, constants, performance,
  eventLoopUtilization: () => performance.eventLoopUtilization(),
  timerify: (fn) => performance.timerify(fn),
});

export const { createHistogram, eventLoopUtilization, monitorEventLoopDelay, timerify } = module;
export {
  Performance, PerformanceEntry, PerformanceMark, PerformanceMeasure, PerformanceObserver, PerformanceObserverEntryList,
  PerformanceResourceTiming, constants, performance,
};
export default module;
