// node:stream/promises: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "stream/promises",
  "finished pipeline",
  "",
  {},
);

export const {
  finished, pipeline,
} = module;
export default module;
