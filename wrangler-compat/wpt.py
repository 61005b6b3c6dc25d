#!/usr/bin/env python3
"""Runs files of the public Web Platform Tests under dodev and under the real workerd.

    wpt.py CHECKOUT --dodev PATH --workerd PATH [--save FILE] [--against FILE] [AREA...]

CHECKOUT is a checkout of the tests; none of them is kept in this repository. An AREA is a folder or a file of it, for
example `url` or `streams/piping/abort.any.js`; without one, every area of AREAS. Each `.any.js` file becomes a Worker of its own:
the tests' harness, the scripts that the file names and the file itself, run in one request. Every variant is a run. Files of the
checkout are served from a loopback port, so that `fetch("resources/x.json")` finds them; handlers in Python are not run.

Per area it prints how many subtests pass; with --list the ones that pass in workerd and not here, with --others
the ones that pass here only. `--save` keeps the results, `--against` takes workerd's from such a file instead of running it.
Exit code 1 when a subtest passes in workerd and not here. Standard library only; see README.md in this folder.
"""
import argparse, concurrent.futures, functools, http.client, http.server, json, os, re, subprocess, sys, tempfile, threading, time

AREAS = ["FileAPI", "WebCryptoAPI", "compression", "console", "dom/abort", "dom/events", "encoding", "eventsource", "fetch/api",
         "fetch/content-type", "fetch/data-urls", "hr-time", "html/webappapis", "mimesniff", "performance-timeline", "streams",
         "url", "urlpattern", "user-timing", "wasm/jsapi", "webidl", "webmessaging", "websockets", "xhr/formdata"]
DATE = "2026-11-01"
# The harness picks its environment by global names; the one for shells waits for nothing that a Worker lacks.
ENVIRONMENT = ("var test_environment = create_test_environment();", "var test_environment = new ShellTestEnvironment();")

# What the tests expect around them: a location, and relative addresses.
BEFORE = """
globalThis.GLOBAL = { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false };
globalThis.location = new URL(%(location)s);
globalThis.fetch = ((real) => function fetch(input, init) {
  return real(typeof input === "string" ? new URL(input, location).href : input, init);
})(globalThis.fetch);
"""
RELATIVE_REQUESTS = """
globalThis.Request = class Request extends globalThis.Request {
  constructor(input, init) {
    super(typeof input === "string" ? new URL(input, location).href : input, init);
  }
};
"""

MAIN = """function load() {
%(code)s
}
let answered;
function run() {
  return new Promise((resolve) => {
    const results = [];
    const finish = (status) => {
      clearTimeout(guard);
      resolve(Response.json({ status, results }));
    };
    const guard = setTimeout(() => globalThis.timeout ? globalThis.timeout() : finish("no harness"), %(patience)d);
    try {
      load.call(globalThis);
    } catch (error) {
      results.push({ name: "the file", ok: false, message: String(error && error.stack || error) });
      return finish("broken");
    }
    add_result_callback((test) => results.push({ name: test.name, ok: test.status === 0, message: test.message }));
    add_completion_callback((tests, harness) => {
      for (const test of tests) {
        if (!results.some((result) => result.name === test.name)) {
          results.push({ name: test.name, ok: test.status === 0, message: test.message ?? "not run" });
        }
      }
      finish(harness.message ?? "complete");
    });
    %(done)s
  });
}
export default {
  async fetch() {
    return (answered ??= run());
  },
};
"""

WORKERD = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "tests", worker = .tests),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "tests")],
);
const tests :Workerd.Worker = (
  compatibilityDate = %(date)s,
  compatibilityFlags = [%(flags)s],
  modules = [(name = "main.js", esModule = embed "main.js")],
);
"""


class Files(http.server.SimpleHTTPRequestHandler):
    """The checkout's files, without a log."""

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # A server was ended with the answer on its way.


class Case:
    """One run: a file of the checkout and a variant of it."""

    def __init__(self, checkout, path, variant, text):
        self.path, self.variant = path, variant
        self.name = path + variant
        self.text = text
        self.scripts = [self.resolve(checkout, script) for script in metadata(text, "script")]

    def resolve(self, checkout, script):
        script = script.split("?")[0]
        folder = "" if script.startswith("/") else os.path.dirname(self.path)
        with open(os.path.join(checkout, folder, script.lstrip("/")), encoding="utf-8") as source:
            return source.read()

    def worker(self, harness, port, patience):
        """The Worker's main module."""
        location = f"http://127.0.0.1:{port}/{self.path}{self.variant}"
        code = [BEFORE % {"location": json.dumps(location)}]
        if self.path.startswith(("fetch/", "xhr/")):
            code.append(RELATIVE_REQUESTS)
        code += [harness.replace(*ENVIRONMENT), "setup({ explicit_done: true });"]
        code += self.scripts + [self.text.replace("{{host}}", "127.0.0.1").replace("{{ports[http][0]}}", str(port))]
        done = "" if "explicit_done" in self.text else "done();"
        return MAIN % {"code": "\n".join(code), "done": done, "patience": patience * 1000}


def metadata(text, key):
    """The values of `// META: key=value` lines."""
    return re.findall(r"^// META: %s=(.*?)\s*$" % key, text, re.M)


def cases(checkout, areas):
    """Every run of the files below the areas that is meant for workers or for no scope in particular."""
    found = []
    for area in areas:
        top = os.path.join(checkout, area)
        paths = [top] if os.path.isfile(top) else sorted(
            os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names if name.endswith(".any.js"))
        for path in paths:
            with open(path, encoding="utf-8") as source:
                text = source.read()
            scopes = ",".join(metadata(text, "global")).split(",")
            if scopes != [""] and not any("worker" in scope or scope == "shadowrealm" for scope in scopes):
                continue
            for variant in metadata(text, "variant") or [""]:
                try:
                    found.append((area, Case(checkout, os.path.relpath(path, checkout), variant, text)))
                except OSError as error:
                    print(f"left out {path}: {error}", file=sys.stderr)
    return found


def ask(port, timeout):
    """The Worker's results."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        if answer.status != 200:
            raise ValueError(f"{answer.status} {body[:500]}")
        return json.loads(body)
    finally:
        connection.close()


def port_of(lines, pattern):
    """The port in the first line that has one, or None when the server ends without serving."""
    for line in lines:
        found = re.search(pattern, line)
        if found:
            return int(found.group(1))
    return None


def serve(server, lines, pattern, patience):
    """Finds a started server's port in the lines that it writes, asks it once, and ends it."""
    guard = threading.Timer(patience + 60, server.kill)
    guard.start()
    try:
        port = port_of(lines, pattern)
        if port is None:
            raise ValueError("it does not serve")
        threading.Thread(target=drain, args=[lines], daemon=True).start()
        return ask(port, patience + 50)
    finally:
        guard.cancel()
        server.kill()
        server.wait()


def drain(lines):
    """Reads on, so that a full pipe never holds a server up."""
    try:
        for _ in lines:
            pass
    except (OSError, ValueError):
        pass


def under_workerd(binary, code, options):
    flags = ", ".join(json.dumps(flag) for flag in options.flags.split(",") if flag)
    with tempfile.TemporaryDirectory(prefix="dodev-wpt-") as folder:
        write(folder, "main.js", code)
        write(folder, "config.capnp", WORKERD % {"date": json.dumps(options.date), "flags": flags})
        reading, writing = os.pipe()
        command = [binary, "serve", f"--control-fd={writing}", folder + "/config.capnp"]
        server = subprocess.Popen(command, pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        os.close(writing)
        return serve(server, open(reading, encoding="utf-8"), r'"port":(\d+)', options.patience)


def under_dodev(binary, code, options):
    with tempfile.TemporaryDirectory(prefix="dodev-wpt-") as folder:
        write(folder, "main.js", code)
        write(folder, "wrangler.json", json.dumps({
            "name": "tests", "main": "main.js", "compatibility_date": options.date,
            "compatibility_flags": [flag for flag in options.flags.split(",") if flag], "limits": {"cpu_ms": 300000}}))
        command = [binary, "dev", "--config", folder + "/wrangler.json", "--port", "0", "--json"]
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  text=True)
        return serve(server, server.stdout, r"http://[^:/]+:(\d+)", options.patience)


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
        out.write(text)


def run(runner, binary, harness, case, port, options):
    """Subtest names with None for a pass and the message of a failure; a file that cannot run is one failure."""
    started = time.monotonic()
    try:
        answer = runner(binary, case.worker(harness, port, options.patience), options)
        results = answer["results"] or [{"name": "the file", "ok": False, "message": "no subtest: " + answer["status"]}]
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        results = [{"name": "the file", "ok": False, "message": f"{type(error).__name__}: {error}"}]
    if options.verbose:
        good = sum(result["ok"] for result in results)
        print(f"{time.monotonic() - started:6.1f} s {good:5} of {len(results):5} {runner.__name__} {case.name}", flush=True)
    plain = lambda name: name.replace(f":{port}", ":PORT")
    return {plain(result["name"]): None if result["ok"] else result["message"] for result in results}


def run_all(tool, binary, found, port, harness, options):
    runner = {"workerd": under_workerd, "dodev": under_dodev}[tool]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        one = lambda pair: run(runner, binary, harness, pair[1], port, options)
        return dict(zip((case.name for _, case in found), pool.map(one, found)))


def report(found, ours, theirs, options):
    """Prints the table and the lists; returns how many subtests workerd passes and dodev does not."""
    totals, worse = {}, 0
    for area, case in found:
        here, there = ours.get(case.name, {}), theirs.get(case.name, {})
        row = totals.setdefault(area, [0, 0, 0, 0, 0])
        for name in {**there, **here}:
            good, right = name in here and here[name] is None, name in there and there[name] is None
            for index, counts in enumerate([True, right, good, right and not good, good and not right]):
                row[index] += counts
            if right and not good and options.list:
                print(f"WORSE {case.name}: {name}\n      {here.get(name, 'not there')}")
            if good and not right and options.others:
                print(f"ONLY HERE {case.name}: {name}\n      {there.get(name, 'not there')}")
    rows = [(area, row) for area, row in totals.items()]
    rows.append(("all", [sum(column) for column in zip(*(row for _, row in rows))]))
    print("| area | subtests | workerd passes | dodev passes | workerd only | dodev only |\n| --- | --- | --- | --- | --- | --- |")
    for area, row in rows:
        print(f"| {area} | " + " | ".join(map(str, row)) + " |")
    return rows[-1][1][3]


def main():
    parser = argparse.ArgumentParser(description="Runs Web Platform Tests under dodev and workerd.")
    parser.add_argument("checkout", help="a checkout of the Web Platform Tests")
    parser.add_argument("--dodev", help="the dodev binary")
    parser.add_argument("--workerd", help="the workerd binary")
    parser.add_argument("--save", help="write the results of both to this file, merged into what it has")
    parser.add_argument("--against", help="take the results of a tool without a binary from this file")
    parser.add_argument("--date", default=DATE, help="compatibility date")
    parser.add_argument("--flags", default="", help="compatibility flags, separated by commas")
    parser.add_argument("--patience", type=int, default=20, help="seconds per run before its tests time out")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--list", action="store_true", help="list what passes under workerd only")
    parser.add_argument("--others", action="store_true", help="list what passes here only")
    parser.add_argument("--verbose", action="store_true", help="say how each run went")
    parser.add_argument("areas", nargs="*", help="folders or files of the checkout")
    options = parser.parse_intermixed_args()
    checkout = os.path.abspath(options.checkout)
    with open(os.path.join(checkout, "resources", "testharness.js"), encoding="utf-8") as source:
        harness = source.read()
    if ENVIRONMENT[0] not in harness:
        sys.exit("resources/testharness.js of this checkout picks its environment in another way")
    found = cases(checkout, options.areas or AREAS)
    files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=checkout))
    threading.Thread(target=files.serve_forever, daemon=True).start()
    results = {"dodev": {}, "workerd": {}}
    if options.against and os.path.exists(options.against):
        with open(options.against, encoding="utf-8") as source:
            results.update(json.load(source))
    for tool in results:
        binary = getattr(options, tool)
        if binary:
            results[tool].update(run_all(tool, os.path.abspath(binary), found, files.server_port, harness, options))
    if options.save:
        write(os.path.dirname(os.path.abspath(options.save)), os.path.basename(options.save), json.dumps(results))
    sys.exit(1 if report(found, results["dodev"], results["workerd"], options) else 0)


if __name__ == "__main__":
    main()
