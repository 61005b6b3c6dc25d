// node:os: what the platform says about itself, which is next to nothing.
//
// Fidelity: workerd's `src/node/os.ts`: fixed answers, the same on every machine.
import numbers from "dodev:node/constants";
import { needNumber, needObject } from "dodev:node/errors";

export const EOL = "\n";
export const devNull = "/dev/null";
export const availableParallelism = () => 1;
export const arch = () => "x64";
export const cpus = () => [];
export const endianness = () => "LE";
export const freemem = () => 0;
export const homedir = () => "/tmp/";
export const hostname = () => "localhost";
export const loadavg = () => [0, 0, 0];
export const machine = () => "x86_64";
export const networkInterfaces = () => ({});
export const platform = () => "linux";
export const release = () => "";
export const tmpdir = () => "/tmp/";
export const totalmem = () => 0;
export const type = () => "Linux";
export const uptime = () => 0;
export const version = () => "";

export function getPriority(pid) {
  if (pid !== undefined) needNumber(pid, "pid");
  return 0;
}

export function setPriority(pid, priority) {
  needNumber(pid, "pid");
  needNumber(priority, "priority");
}

export function userInfo(options = {}) {
  needObject(options, "options");
  return {};
}

const table = (values) => Object.assign(Object.create(null), values);
const errors = Object.entries(numbers).filter(([name]) => /^E[0-9A-Z]+$/.test(name));

export const constants = table({
  UV_UDP_REUSEADDR: 4,
  dlopen: table({ RTLD_LAZY: 1, RTLD_NOW: 2, RTLD_GLOBAL: 256, RTLD_LOCAL: 0, RTLD_DEEPBIND: 8 }),
  errno: table(Object.fromEntries(errors)),
  signals: table({
    SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGUSR1: 10,
    SIGSEGV: 11, SIGUSR2: 12, SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19,
  }),
  priority: table({
    PRIORITY_LOW: 19, PRIORITY_BELOW_NORMAL: 10, PRIORITY_NORMAL: 0, PRIORITY_ABOVE_NORMAL: -7, PRIORITY_HIGH: -14,
    PRIORITY_HIGHEST: -20,
  }),
});

export default {
  EOL, arch, availableParallelism, constants, cpus, devNull, endianness, freemem, getPriority, homedir, hostname,
  loadavg, machine, networkInterfaces, platform, release, setPriority, tmpdir, totalmem, type, uptime, userInfo, version,
};
