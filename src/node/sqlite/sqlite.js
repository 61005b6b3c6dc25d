// node:sqlite: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent("sqlite", "DatabaseSync StatementSync backup", "constants");

export const { DatabaseSync, StatementSync, backup, constants } = module;
export default module;
