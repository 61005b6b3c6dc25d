// node:fs: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";
import numbers from "dodev:node/fs/constants";
import whole from "dodev:node/fs/promises";

const module = absent(
  "fs",
  "Dir Dirent FileReadStream FileWriteStream ReadStream Stats Utf8Stream WriteStream _toUnixTimestamp " +
    "access accessSync appendFile appendFileSync chmod chmodSync chown chownSync close closeSync copyFile " +
    "copyFileSync cp cpSync createReadStream createWriteStream exists existsSync fchmod fchmodSync fchown " +
    "fchownSync fdatasync fdatasyncSync fstat fstatSync fsync fsyncSync ftruncate ftruncateSync futimes " +
    "futimesSync glob globSync lchown lchownSync link linkSync lstat lstatSync lutimes lutimesSync mkdir " +
    "mkdirSync mkdtemp mkdtempDisposableSync mkdtempSync open openAsBlob openSync opendir opendirSync " +
    "read readFile readFileSync readSync readdir readdirSync readlink readlinkSync readv readvSync " +
    "realpath realpathSync rename renameSync rm rmSync rmdir rmdirSync stat statSync statfs statfsSync " +
    "symlink symlinkSync truncate truncateSync unlink unlinkSync unwatchFile utimes utimesSync watch " +
    "watchFile write writeFile writeFileSync writeSync writev writevSync",
  "",
  {
    constants: numbers, lchmod: undefined, lchmodSync: undefined, promises: whole,
  },
);

export const {
  Dir, Dirent, FileReadStream, FileWriteStream, ReadStream, Stats, Utf8Stream, WriteStream, _toUnixTimestamp,
  access, accessSync, appendFile, appendFileSync, chmod, chmodSync, chown, chownSync, close, closeSync,
  constants, copyFile, copyFileSync, cp, cpSync, createReadStream, createWriteStream, exists, existsSync,
  fchmod, fchmodSync, fchown, fchownSync, fdatasync, fdatasyncSync, fstat, fstatSync, fsync, fsyncSync,
  ftruncate, ftruncateSync, futimes, futimesSync, glob, globSync, lchmod, lchmodSync, lchown, lchownSync,
  link, linkSync, lstat, lstatSync, lutimes, lutimesSync, mkdir, mkdirSync, mkdtemp, mkdtempDisposableSync,
  mkdtempSync, open, openAsBlob, openSync, opendir, opendirSync, promises, read, readFile, readFileSync,
  readSync, readdir, readdirSync, readlink, readlinkSync, readv, readvSync, realpath, realpathSync, rename,
  renameSync, rm, rmSync, rmdir, rmdirSync, stat, statSync, statfs, statfsSync, symlink, symlinkSync,
  truncate, truncateSync, unlink, unlinkSync, unwatchFile, utimes, utimesSync, watch, watchFile, write,
  writeFile, writeFileSync, writeSync, writev, writevSync,
} = module;
export default module;
