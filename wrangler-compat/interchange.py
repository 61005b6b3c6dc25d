#!/usr/bin/env python3
"""Checks that wrangler and dodev read each other's state, on fixtures/interchange.

    interchange.py --wrangler "npx wrangler" --dodev target/debug/dodev [--record]

Each tool writes every kind of value into a fresh directory, and the other one says what it reads there, alarms
included. With --record, the state that wrangler wrote and what it read are kept in fixtures/interchange, where a
test of dodev uses them (`tests/it/interchange.rs`).
"""

import argparse
import os
import pathlib
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

FIXTURE = pathlib.Path(__file__).resolve().parent.parent / "fixtures" / "interchange"


def ask(command, state, path, port):
    """Serves the fixture with `command` until one request is answered."""
    with tempfile.TemporaryDirectory() as scratch:
        project = pathlib.Path(scratch) / "project"
        shutil.copytree(FIXTURE, project, ignore=shutil.ignore_patterns("state", "*.txt"))
        words = command + ["--config", str(project / "wrangler.jsonc"), "--port", str(port), "--persist-to", str(state)]
        environment = dict(os.environ, CI="1", NO_COLOR="1", WRANGLER_SEND_METRICS="false")
        with open(pathlib.Path(scratch) / "log", "w+") as log:
            process = subprocess.Popen(
                words, cwd=project, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True
            )
            try:
                end = time.monotonic() + 60
                while True:
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                            return answer.read().decode()
                    except OSError as error:
                        if time.monotonic() > end or process.poll() is not None:
                            log.seek(0)
                            sys.exit(f"{words[0]} does not answer: {error}\n{log.read()}")
                        time.sleep(0.2)
            finally:
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)


def alarms(state):
    rows = []
    for path in sorted(pathlib.Path(state).glob("v3/do/*/metadata.sqlite")):
        with sqlite3.connect(path) as database:
            rows += database.execute("SELECT actor_id, scheduled_time, actor_name FROM _cf_ALARM").fetchall()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wrangler", required=True, help="the command, in words")
    parser.add_argument("--dodev", help="the command; without it nothing is compared")
    parser.add_argument("--port", type=int, default=28790)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    wrangler = shlex.split(options.wrangler) + ["dev", "--ip", "127.0.0.1", "--inspector-port", str(options.port + 9)]
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        theirs = pathlib.Path(scratch) / "theirs"
        expected = ask(wrangler, theirs, "/write", options.port)
        if options.record:
            place = FIXTURE / "state"
            shutil.rmtree(place, ignore_errors=True)
            for path in sorted(theirs.glob("v3/do/*/*.sqlite")):
                # The log is moved into the file, so that one file tells everything.
                with sqlite3.connect(path) as database:
                    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                target = place / path.relative_to(theirs)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            (FIXTURE / "read.txt").write_text(expected)
        if options.dodev:
            dodev = shlex.split(options.dodev) + ["dev"]
            found = ask(dodev, theirs, "/", options.port + 1)
            ours = pathlib.Path(scratch) / "ours"
            written = ask(dodev, ours, "/write", options.port + 2)
            back = ask(wrangler, ours, "/", options.port + 3)
            for what, text in [("dodev reads wrangler's", found), ("dodev reads its own", written), ("wrangler reads dodev's", back)]:
                same = text == expected
                failed |= not same
                count = len(expected.splitlines())
                print(f"{what}: {count if same else 'NOT'} of {count} lines equal")
                if not same:
                    print(text)
            same = alarms(theirs) == alarms(ours) and len(alarms(ours)) == 1
            failed |= not same
            print(f"lists of alarms: {'equal' if same else 'DIFFERENT'}: {alarms(theirs)} {alarms(ours)}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
