// node:tty: nothing is a terminal; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "tty",
  "ReadStream WriteStream",
  "",
  { isatty: () => false },
);

export const {
  ReadStream, WriteStream, isatty,
} = module;
export default module;
