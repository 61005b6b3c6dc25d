#!/usr/bin/env python3
"""Runs the tests.js files beside the Web APIs under the real workerd.

    run-tests-js.py --workerd PATH [--flags FLAG,...] [FILE...]

Without files it runs every src/**/tests.js, each in a workerd of its own, so that a file that cannot be loaded fails
alone. The Worker is the harness, the tests, and a handler that runs them and answers with their results as JSON. Exit code 0 only when every test passed.
Standard library only; see README.md in this folder.
"""
import argparse, http.client, json, os, subprocess, sys, tempfile, threading

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HARNESS = os.path.join(ROOT, "src", "web", "testing", "harness.js")

# Tests run inside a request: workerd allows neither timers nor fetch while a module is evaluated.
MAIN = """import "./platform.js";
import "./harness.js";
import "./tests.js";
export default {
  async fetch() {
    const results = [];
    await runTests((name, ok, message) => results.push({ name, ok, message }));
    return Response.json(results);
  },
};
"""

# Tells the harness to leave out the tests of dodev's own words.
PLATFORM = "globalThis.isPlatform = true;\n"


def find_tests():
    found = []
    for folder, _, names in os.walk(os.path.join(ROOT, "src")):
        if "tests.js" in names:
            found.append(os.path.join(folder, "tests.js"))
    return sorted(found)


def config(path, date, flags):
    """A workerd configuration that serves one test file."""
    return f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "tests", worker = .tests)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "tests")],
);
const tests :Workerd.Worker = (
  compatibilityDate = {json.dumps(date)},
  compatibilityFlags = [{", ".join(json.dumps(flag) for flag in flags)}],
  modules = [
    (name = "main.js", esModule = embed "main.js"),
    (name = "platform.js", esModule = embed "platform.js"),
    (name = "harness.js", esModule = embed {json.dumps(HARNESS)}),
    (name = "tests.js", esModule = embed {json.dumps(path)}),
  ],
);
"""


def listening(control):
    """The port that workerd reports, or None when it ends without serving."""
    for line in control:
        event = json.loads(line)
        if event.get("event") == "listen":
            return event["port"]
    return None


def serve_and_run(path, options):
    """Starts workerd on one file and returns the results of its tests."""
    flags = [flag for flag in options.flags.split(",") if flag]
    with tempfile.TemporaryDirectory(prefix="dodev-tests-js-") as folder:
        for name, text in (("main.js", MAIN), ("platform.js", PLATFORM), ("config.capnp", config(path, options.date, flags))):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
                out.write(text)
        reading, writing = os.pipe()
        # Files are embedded by absolute path, which workerd resolves below its import paths.
        command = [options.workerd, "serve", "--import-path=/", f"--control-fd={writing}", folder + "/config.capnp"]
        server = subprocess.Popen(command, pass_fds=[writing], stdin=subprocess.DEVNULL)
        os.close(writing)
        guard = threading.Timer(options.timeout, server.kill)
        guard.start()
        try:
            with open(reading, encoding="utf-8") as control:
                port = listening(control)
                if port is None:
                    raise ValueError("workerd does not serve it")
                return run_file(port, options.timeout)
        finally:
            guard.cancel()
            server.kill()
            server.wait()


def run_file(port, timeout):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ValueError("%d %s" % (answer.status, body.decode("utf-8", "replace")[:500]))
        return json.loads(body)
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser(description="Runs tests.js files under workerd.")
    parser.add_argument("--workerd", required=True, help="the workerd binary")
    parser.add_argument("--date", default="2026-11-01", help="compatibility date")
    parser.add_argument("--flags", default="", help="compatibility flags, separated by commas")
    parser.add_argument("--timeout", type=float, default=30, help="seconds per file")
    parser.add_argument("files", nargs="*", help="default: every src/**/tests.js")
    options = parser.parse_args()
    files = [os.path.abspath(path) for path in options.files] or find_tests()
    if not files:
        sys.exit("no tests.js found")
    passed = failed = 0
    for path in files:
        name = os.path.relpath(path, ROOT)
        try:
            results = serve_and_run(path, options)
            if not results:
                raise ValueError("it registers no test")
        except (OSError, ValueError, http.client.HTTPException) as error:
            results = [{"name": "the file", "ok": False, "message": f"{type(error).__name__}: {error}"}]
        for result in results:
            passed += result["ok"]
            failed += not result["ok"]
            if not result["ok"]:
                print(f"FAIL {name}: {result['name']}\n     {result['message']}")
    print(f"{passed} passed, {failed} failed in {len(files)} files")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
