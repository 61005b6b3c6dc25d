// node:vm: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "vm",
  "Script compileFunction createContext createScript isContext measureMemory runInContext " +
    "runInNewContext runInThisContext",
  "constants",
  {},
);

export const {
  Script, compileFunction, constants, createContext, createScript, isContext, measureMemory, runInContext,
  runInNewContext, runInThisContext,
} = module;
export default module;
