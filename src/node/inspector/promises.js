// node:inspector/promises: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "inspector/promises",
  "Session close open url waitForDebugger",
  "DOMStorage Network NetworkResources console",
  {},
);

export const {
  DOMStorage, Network, NetworkResources, Session, close, console, open, url, waitForDebugger,
} = module;
export default module;
