// node:child_process: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "child_process",
  "ChildProcess _forkChild exec execFile execFileSync execSync fork spawn spawnSync",
  "",
  {},
);

export const {
  ChildProcess, _forkChild, exec, execFile, execFileSync, execSync, fork, spawn, spawnSync,
} = module;
export default module;
