#!/usr/bin/env python3
"""Compares the rows that statements read and write, as the real workerd counts them, with the recorded ones.

    row-counts.py --workerd PATH [--record]

Every file of `fixtures/row-counts` is a list of statements that run one after the other in an object of their own, each with the
counts that workerd gave: `cargo test row_counts` runs the same lists. With `--record` the counts are written, for new statements
and changed versions. Exit code 0 only when nothing differs. Standard library only; see README.md in this folder.
"""
import argparse, glob, http.client, json, os, subprocess, sys, tempfile, threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LISTS = sorted(glob.glob(os.path.join(ROOT, "fixtures", "row-counts", "*.json")))

MAIN = """import { DurableObject } from "cloudflare:workers";
export class Counted extends DurableObject {
  count(statements) {
    return statements.map((text) => {
      try {
        const cursor = this.ctx.storage.sql.exec(text);
        cursor.toArray();
        return [cursor.rowsRead, cursor.rowsWritten];
      } catch (error) {
        throw new Error(`${text}: ${error.message}`);
      }
    });
  }
}
export default {
  async fetch(request, env) {
    return Response.json(await env.COUNTED.getByName("one").count(await request.json()));
  },
};
"""

# Only objects on disk have SQL.
CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "disk", disk = (path = "{disk}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-01-01",
  modules = [(name = "main.js", esModule = embed "main.js")],
  durableObjectNamespaces = [(className = "Counted", uniqueKey = "counted", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
  bindings = [(name = "COUNTED", durableObjectNamespace = "Counted")],
);
"""


def counts(workerd, statements):
    """Runs the statements in a fresh object of a workerd of its own."""
    with tempfile.TemporaryDirectory(prefix="dodev-row-counts-") as folder:
        disk = os.path.join(folder, "disk")
        os.mkdir(disk)
        for name, text in (("main.js", MAIN), ("config.capnp", CONFIG.replace("{disk}", disk))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        reading, writing = os.pipe()
        command = [workerd, "serve", f"--control-fd={writing}", folder + "/config.capnp"]
        server = subprocess.Popen(command, pass_fds=[writing], stdin=subprocess.DEVNULL)
        os.close(writing)
        guard = threading.Timer(60, server.kill)
        guard.start()
        try:
            with open(reading, encoding="utf-8") as control:
                events = (json.loads(line) for line in control)
                port = next(event["port"] for event in events if event.get("event") == "listen")
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
                connection.request("POST", "/", json.dumps(statements))
                answer = connection.getresponse().read().decode()
            if not answer.startswith("["):
                sys.exit(f"workerd refused a statement: {answer}")
            return json.loads(answer)
        finally:
            guard.cancel()
            server.kill()
            server.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workerd", required=True)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    differing = total = 0
    for path in LISTS:
        with open(path, encoding="utf-8") as file:
            recorded = json.load(file)
        found = counts(options.workerd, [entry["sql"] for entry in recorded])
        for entry, (read, written) in zip(recorded, found):
            if (entry.get("read"), entry.get("written")) != (read, written):
                differing += 1
                print(f"{entry['sql']}: {entry.get('read')}/{entry.get('written')} recorded, {read}/{written} now")
            entry.update(read=read, written=written)
        total += len(recorded)
        if options.record:
            with open(path, "w", encoding="utf-8") as file:
                file.write("[\n" + ",\n".join(json.dumps(entry) for entry in recorded) + "\n]\n")
    print(f"{differing} of {total} differ")
    if differing and not options.record:
        sys.exit(1)


if __name__ == "__main__":
    main()
