// node:stream/consumers: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "stream/consumers",
  "arrayBuffer blob buffer bytes json text",
  "",
  {},
);

export const {
  arrayBuffer, blob, buffer, bytes, json, text,
} = module;
export default module;
