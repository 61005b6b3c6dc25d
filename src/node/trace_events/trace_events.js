// node:trace_events: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "trace_events",
  "createTracing getEnabledCategories",
  "",
  {},
);

export const {
  createTracing, getEnabledCategories,
} = module;
export default module;
