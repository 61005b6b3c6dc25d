// node:wasi: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "wasi",
  "WASI",
  "",
  {},
);

export const {
  WASI,
} = module;
export default module;
