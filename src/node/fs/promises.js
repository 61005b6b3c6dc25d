// node:fs/promises: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";
import numbers from "dodev:node/fs/constants";

const module = absent(
  "fs/promises",
  "access appendFile chmod chown copyFile cp glob lchmod lchown link lstat lutimes mkdir mkdtemp " +
    "mkdtempDisposable open opendir readFile readdir readlink realpath rename rm rmdir stat statfs " +
    "symlink truncate unlink utimes watch writeFile",
  "",
  { constants: numbers },
);

export const {
  access, appendFile, chmod, chown, constants, copyFile, cp, glob, lchmod, lchown, link, lstat, lutimes,
  mkdir, mkdtemp, mkdtempDisposable, open, opendir, readFile, readdir, readlink, realpath, rename, rm, rmdir,
  stat, statfs, symlink, truncate, unlink, utimes, watch, writeFile,
} = module;
export default module;
