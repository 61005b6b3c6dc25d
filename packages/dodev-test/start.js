// Starts a server for tests that were not started by `dodev test`.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Server } from "./server.js";

/**
 * Starts `dodev dev` on a free port, with fresh state of its own unless `args` has `--persist-to`.
 * `program` is the binary, else DODEV_BIN, else `dodev` on the path.
 */
export async function start({ cwd = process.cwd(), args = [], program = process.env.DODEV_BIN ?? "dodev" } = {}) {
  const isOwn = !args.some((arg) => arg === "--persist-to" || arg.startsWith("--persist-to="));
  const state = isOwn ? await mkdtemp(join(tmpdir(), "dodev-test-")) : undefined;
  const all = ["dev", "--port", "0", "--json", ...(isOwn ? ["--persist-to", state] : []), ...args];
  const child = spawn(program, all, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  // A test runner that forgets stop() must not leave a server behind.
  const kill = () => child.kill();
  process.once("exit", kill);
  const stop = async () => {
    child.kill();
    await ended;
    process.off("exit", kill);
    if (isOwn) await rm(state, { recursive: true, force: true });
  };
  try {
    const ready = await firstAnswer(child, program);
    const note = JSON.parse(await readFile(join(ready.state, "v3/dodev/server.json"), "utf8"));
    return new Server({ url: note.url, token: note.token, stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The event that says that the server is ready; an error if it says why it is not. */
function firstAnswer(child, program) {
  return new Promise((resolve, reject) => {
    child.once("error", (error) => reject(new Error(`cannot run ${program}: ${error.message}`, { cause: error })));
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      let event;
      try {
        event = JSON.parse(line);
      } catch {
        return;
      }
      if (event.event === "ready") resolve(event);
      if (event.event === "broken" || event.event === "failed") reject(new Error(reasons(event)));
    });
    // The last lines may come after the end of the process; they come before the end of the stream.
    lines.once("close", () => reject(new Error("dodev ended before it was ready")));
  });
}

function reasons({ message, diagnostics = [] }) {
  const shown = diagnostics.map(({ severity, message: text, labels }) => {
    const at = labels?.[0];
    return `${at ? `${at.file}:${at.line}:${at.column}: ` : ""}${severity}: ${text}`;
  });
  return `the project does not start: ${[message, ...shown].filter(Boolean).join("\n  ")}`;
}
