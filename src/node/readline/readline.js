// node:readline: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "readline",
  "Interface clearLine clearScreenDown createInterface cursorTo emitKeypressEvents moveCursor",
  "promises",
  {},
);

export const {
  Interface, clearLine, clearScreenDown, createInterface, cursorTo, emitKeypressEvents, moveCursor, promises,
} = module;
export default module;
