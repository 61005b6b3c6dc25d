// node:path: paths as text, in the manner of POSIX and of Windows.
//
// Fidelity: Node.js's documentation of `path`; the default is POSIX and the current folder is `/bundle`,
// as on the platform.
import { needObject, needString, notEmulated } from "dodev:node/errors";

/** The current folder of a program on the platform. */
const CURRENT = "/bundle";

/** Resolves `.` and `..`; what lies above the start stays only if `above` is allowed. */
function collapse(parts, above) {
  const kept = [];
  for (const part of parts) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (above) kept.push("..");
  }
  return kept;
}

function makePath({ sep, delimiter, isSep, rootOf, windows }) {
  const split = (text) => {
    const parts = [];
    let start = 0;
    for (let i = 0; i <= text.length; i++) {
      if (i === text.length || isSep(text[i])) {
        parts.push(text.slice(start, i));
        start = i + 1;
      }
    }
    return parts;
  };

  // Where the last part begins and ends, separators after it left out.
  const lastPart = (path) => {
    const root = rootOf(path).length;
    let end = path.length;
    while (end > root && isSep(path[end - 1])) end--;
    let start = end;
    while (start > root && !isSep(path[start - 1])) start--;
    return { root, start, end };
  };

  const extensionAt = (name) => {
    const dot = name.lastIndexOf(".");
    return dot <= 0 || name === ".." ? name.length : dot;
  };

  const api = {
    sep,
    delimiter,
    normalize(path) {
      needString(path, "path");
      if (path === "") return ".";
      const root = rootOf(path);
      const rest = path.slice(root.length);
      const absolute = root !== "" && isSep(root.at(-1));
      let text = collapse(split(rest), !absolute).join(sep);
      if (text === "" && !absolute) text = ".";
      if (text !== "" && rest !== "" && isSep(rest.at(-1))) text += sep;
      return normalRoot(root) + text;
    },
    isAbsolute(path) {
      needString(path, "path");
      const root = rootOf(path);
      return root !== "" && isSep(root.at(-1));
    },
    join(...paths) {
      for (const path of paths) needString(path, "path");
      const joined = paths.filter((path) => path !== "").join(sep);
      return joined === "" ? "." : api.normalize(joined);
    },
    resolve(...paths) {
      for (const [index, path] of paths.entries()) needString(path, `paths[${index}]`);
      return resolve(paths);
    },
    relative(from, to) {
      needString(from, "from");
      needString(to, "to");
      if (from === to) return "";
      const same = (a, b) => (windows ? a.toLowerCase() === b.toLowerCase() : a === b);
      const [start, end] = [resolve([from]), resolve([to])];
      if (same(start, end)) return "";
      const [startRoot, endRoot] = [rootOf(start), rootOf(end)];
      if (!same(startRoot, endRoot)) return end;
      const before = collapse(split(start.slice(startRoot.length)), false);
      const after = collapse(split(end.slice(endRoot.length)), false);
      let common = 0;
      while (common < before.length && common < after.length && same(before[common], after[common])) common++;
      return [...before.slice(common).map(() => ".."), ...after.slice(common)].join(sep);
    },
    toNamespacedPath(path) {
      if (windows) throw notEmulated("path.win32.toNamespacedPath()");
      return path;
    },
    dirname(path) {
      needString(path, "path");
      if (path === "") return ".";
      const { root, start } = lastPart(path);
      if (start > root) return path.slice(0, start - 1);
      return root > 0 ? path.slice(0, root) : ".";
    },
    basename(path, suffix) {
      if (suffix !== undefined) needString(suffix, "suffix");
      needString(path, "path");
      const { start, end } = lastPart(path);
      const name = path.slice(start, end);
      if (suffix !== undefined && suffix !== name && name.endsWith(suffix)) return name.slice(0, -suffix.length || undefined);
      return name;
    },
    extname(path) {
      needString(path, "path");
      const name = api.basename(path);
      return name.slice(extensionAt(name));
    },
    format(parts) {
      needObject(parts, "pathObject");
      const dir = parts.dir || parts.root;
      const extension = parts.ext ? `${parts.ext.startsWith(".") ? "" : "."}${parts.ext}` : "";
      const base = parts.base || `${parts.name ?? ""}${extension}`;
      if (!dir) return base;
      return dir === parts.root ? `${dir}${base}` : `${dir}${sep}${base}`;
    },
    parse(path) {
      needString(path, "path");
      const { root, start, end } = lastPart(path);
      const base = path.slice(start, end);
      const at = extensionAt(base);
      return { root: path.slice(0, root), dir: path.slice(0, Math.max(start - 1, root)), base, ext: base.slice(at), name: base.slice(0, at) };
    },
    matchesGlob() {
      throw notEmulated("path.matchesGlob()");
    },
  };

  function normalRoot(root) {
    return windows ? root.replaceAll("/", "\\") : root;
  }

  // From the right until the path is absolute; on Windows until the drive is known as well.
  function resolve(paths) {
    let drive = "";
    let tail = "";
    let absolute = false;
    for (const path of [...paths].reverse().concat(windows ? `C:${CURRENT.replaceAll("/", "\\")}` : CURRENT)) {
      if (path === "") continue;
      const root = rootOf(path);
      const device = windows ? normalRoot(root).replace(/\\$/, "") : "";
      if (device !== "" && drive !== "" && device.toLowerCase() !== drive.toLowerCase()) continue;
      drive ||= device;
      if (!absolute) {
        tail = `${path.slice(root.length)}${sep}${tail}`;
        absolute = root !== "" && isSep(root.at(-1));
      }
      if (absolute && (!windows || drive !== "")) break;
    }
    return `${drive}${sep}${collapse(split(tail), false).join(sep)}`;
  }

  return api;
}

export const posix = makePath({
  sep: "/",
  delimiter: ":",
  isSep: (character) => character === "/",
  rootOf: (path) => (path.startsWith("/") ? "/" : ""),
  windows: false,
});

export const win32 = makePath({
  sep: "\\",
  delimiter: ";",
  isSep: (character) => character === "/" || character === "\\",
  // A drive, a share of another machine, or a separator.
  rootOf: (path) => path.match(/^(?:[a-zA-Z]:[\\/]?|[\\/]{2}[^\\/]+[\\/]+[^\\/]+[\\/]?|[\\/])/)?.[0] ?? "",
  windows: true,
});

for (const path of [posix, win32]) Object.assign(path, { posix, win32 });

export const {
  basename, delimiter, dirname, extname, format, isAbsolute, join, matchesGlob, normalize, parse, relative, resolve,
  sep, toNamespacedPath,
} = posix;
export default posix;
