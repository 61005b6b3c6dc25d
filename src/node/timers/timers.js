// node:timers: the global timers by import.
import * as promises_ from "dodev:node/timers/promises";
import * as timers from "dodev:web/timers";

export const { clearImmediate, clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = timers;
export const promises = promises_.default;

export default { clearImmediate, clearInterval, clearTimeout, promises, setImmediate, setInterval, setTimeout };
