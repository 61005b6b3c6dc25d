// node:worker_threads: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "worker_threads",
  "BroadcastChannel Worker getEnvironmentData moveMessagePortToContext postMessageToThread receiveMessageOnPort " +
    "setEnvironmentData",
  "locks resourceLimits",
  {
    MessageChannel: globalThis.MessageChannel, MessagePort: globalThis.MessagePort, SHARE_ENV: undefined,
    isInternalThread: false, isMainThread: true, parentPort: null, threadId: 0, threadName: "",
    workerData: null,
    // Fidelity: as in workerd, which marks nothing either: there is no other thread to clone for.
    isMarkedAsUntransferable: () => false,
    markAsUncloneable() {},
    markAsUntransferable() {},
  },
);

export const {
  BroadcastChannel, MessageChannel, MessagePort, SHARE_ENV, Worker, getEnvironmentData, isInternalThread,
  isMainThread, isMarkedAsUntransferable, locks, markAsUncloneable, markAsUntransferable,
  moveMessagePortToContext, parentPort, postMessageToThread, receiveMessageOnPort, resourceLimits,
  setEnvironmentData, threadId, threadName, workerData,
} = module;
export default module;
