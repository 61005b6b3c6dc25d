// node:repl: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "repl",
  "REPLServer Recoverable isValidSyntax start writer",
  "",
  {
    REPL_MODE_SLOPPY: undefined, REPL_MODE_STRICT: undefined,
  },
);

export const {
  REPLServer, REPL_MODE_SLOPPY, REPL_MODE_STRICT, Recoverable, isValidSyntax, start, writer,
} = module;
export default module;
