// The numbers of node:fs: those of node:constants that are about files.
import all from "dodev:node/constants";

const ABOUT_FILES = /^(COPYFILE_|O_|S_I|UV_DIRENT_|UV_FS_(COPYFILE_|SYMLINK_|O_FILEMAP)|[FRWX]_OK$)/;
const numbers = { ...all, EXTENSIONLESS_FORMAT_JAVASCRIPT: 0, EXTENSIONLESS_FORMAT_WASM: 1 };
const names = Object.keys(numbers).filter((name) => ABOUT_FILES.test(name) || name.startsWith("EXTENSIONLESS_"));

export default Object.fromEntries(names.sort().map((name) => [name, numbers[name]]));
