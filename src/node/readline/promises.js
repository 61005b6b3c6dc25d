// node:readline/promises: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "readline/promises",
  "Interface Readline createInterface",
  "",
  {},
);

export const {
  Interface, Readline, createInterface,
} = module;
export default module;
