// node:cluster: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "cluster",
  "Worker disconnect fork setupMaster setupPrimary",
  "_events settings workers",
  {
    SCHED_NONE: 1, SCHED_RR: 2, _eventsCount: 0, _maxListeners: undefined, isMaster: true, isPrimary: true,
    isWorker: false, schedulingPolicy: 2,
  },
);

export const {
  SCHED_NONE, SCHED_RR, Worker, _events, _eventsCount, _maxListeners, disconnect, fork, isMaster, isPrimary,
  isWorker, schedulingPolicy, settings, setupMaster, setupPrimary, workers,
} = module;
export default module;
