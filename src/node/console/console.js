// node:console: the global console by import.
import { notEmulated } from "dodev:node/errors";
import { console } from "dodev:web/console";

/** A console of one's own writes to streams, which are not emulated. */
export function Console() {
  throw notEmulated("console.Console");
}

const bound = (name) => (...args) => console[name](...args);
export const assert = bound("assert");
export const clear = bound("clear");
export const count = bound("count");
export const countReset = bound("countReset");
export const debug = bound("debug");
export const dir = bound("dir");
export const dirxml = bound("dirxml");
export const error = bound("error");
export const group = bound("group");
export const groupCollapsed = bound("groupCollapsed");
export const groupEnd = bound("groupEnd");
export const info = bound("info");
export const log = bound("log");
export const table = bound("table");
export const time = bound("time");
export const timeEnd = bound("timeEnd");
export const timeLog = bound("timeLog");
export const trace = bound("trace");
export const warn = bound("warn");

export default Object.assign(Object.create(console), {
  Console, assert, clear, count, countReset, debug, dir, dirxml, error, group, groupCollapsed, groupEnd, info, log, table,
  time, timeEnd, timeLog, trace, warn,
});
