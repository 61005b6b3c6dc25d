// node:v8: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "v8",
  "DefaultDeserializer DefaultSerializer Deserializer GCProfiler Serializer cachedDataVersionTag " +
    "deserialize getCppHeapStatistics getHeapCodeStatistics getHeapSnapshot getHeapSpaceStatistics " +
    "getHeapStatistics isStringOneByteRepresentation queryObjects serialize setFlagsFromString " +
    "setHeapSnapshotNearHeapLimit startCpuProfile stopCoverage takeCoverage writeHeapSnapshot",
  "promiseHooks startupSnapshot",
  {},
);

export const {
  DefaultDeserializer, DefaultSerializer, Deserializer, GCProfiler, Serializer, cachedDataVersionTag,
  deserialize, getCppHeapStatistics, getHeapCodeStatistics, getHeapSnapshot, getHeapSpaceStatistics,
  getHeapStatistics, isStringOneByteRepresentation, promiseHooks, queryObjects, serialize,
  setFlagsFromString, setHeapSnapshotNearHeapLimit, startCpuProfile, startupSnapshot, stopCoverage,
  takeCoverage, writeHeapSnapshot,
} = module;
export default module;
