#!/usr/bin/env python3
"""Records fixtures/intl/answers.json: asks workerd for the answers to the table's expressions.

Usage: intl-table.py <workerd> [expressions.json]   (without a list: those of the table, again)
"""
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TABLE = pathlib.Path(__file__).parent.parent / "fixtures/intl/answers.json"
SHOW = (
    "const show = (v) => typeof v === 'string' ? v : v === undefined ? 'undefined' : typeof v === 'bigint' ? `${v}n`"
    " : typeof v === 'function' ? v.name : JSON.stringify(v);"
    "const answer = (run) => { try { return show(run()) } catch (e) { return `THROWS ${e.name}: ${e.message}` } };"
)
CONFIG = """using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = .main)],
  sockets = [(name = "http", address = "127.0.0.1:%d", http = (), service = "main")]);
const main :Workerd.Worker = (modules = [(name = "main", esModule = embed "main.js")], compatibilityDate = "2026-11-01");
"""


def ask(workerd, expressions):
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        runs = ",\n".join(f"() => ({expression})" for expression in expressions)
        worker = f"{SHOW}\nexport default {{ fetch: () => Response.json([{runs}].map(answer)) }}"
        pathlib.Path(folder, "main.js").write_text(worker)
        pathlib.Path(folder, "config.capnp").write_text(CONFIG % port)
        process = subprocess.Popen([workerd, "serve", f"{folder}/config.capnp"])
        try:
            for _ in range(100):
                try:
                    return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/").read())
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.1)
            raise SystemExit("workerd does not answer")
        finally:
            process.kill()


def main():
    if len(sys.argv) > 2:
        expressions = json.loads(pathlib.Path(sys.argv[2]).read_text())
    else:
        expressions = [expression for expression, _ in json.loads(TABLE.read_text())]
    answers = ask(sys.argv[1], expressions)
    lines = ",\n".join(json.dumps(pair, ensure_ascii=False) for pair in zip(expressions, answers))
    TABLE.write_text(f"[\n{lines}\n]\n")


main()
