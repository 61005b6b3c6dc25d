#!/usr/bin/env python3
"""Records the conformance corpus from the real tools, or replays it against any server command.

The Rust tests replay the same files (tests/it/conformance/); this script is the half that writes them, and an
independent second reader. Standard library only. See README.md in this folder.
"""
import argparse, base64, concurrent.futures, hashlib, http.client, json, os, queue, random, re, shlex
import shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, urllib.parse

CORPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures", "conformance")
HOST = "127.0.0.1"
READY_S = 40


def jload(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


USED_PORTS = set()


def free_port():
    """A port below the usual ephemeral range, so that outgoing connections do not take it."""
    for _ in range(500):
        p = random.randint(12000, 31999)
        if p in USED_PORTS:
            continue
        s = socket.socket()
        try:
            s.bind((HOST, p))
        except OSError:
            continue
        finally:
            s.close()
        USED_PORTS.add(p)
        return p
    raise RuntimeError("no free port")


class Server:
    """One server process on a private copy of a fixture."""

    def __init__(self, cmd, fixture_dir, env=None):
        self.cmd = cmd
        self.tmp = tempfile.mkdtemp(prefix="conf-")
        self.dir = os.path.join(self.tmp, "project")
        shutil.copytree(fixture_dir, self.dir)
        self.state = os.path.join(self.tmp, "state")
        os.mkdir(self.state)
        self.log_path = os.path.join(self.tmp, "server.log")
        self.proc = None
        self.port = free_port()
        self.extra_args = (env or []) + self.own_arguments()

    def own_arguments(self):
        """What a fixture of several Workers adds to every command."""
        path = os.path.join(self.dir, "arguments.json")
        return [a.format(dir=self.dir) for a in jload(path)] if os.path.exists(path) else []

    def config(self):
        for n in ("wrangler.jsonc", "wrangler.json", "wrangler.toml"):
            if os.path.exists(os.path.join(self.dir, n)):
                return os.path.join(self.dir, n)
        return os.path.join(self.dir, "wrangler.jsonc")

    def spawn(self):
        argv = [a.format(port=self.port, state=self.state, dir=self.dir,
                         config=self.config()) for a in shlex.split(self.cmd)]
        argv += self.extra_args
        self.log = open(self.log_path, "ab")
        env = dict(os.environ, CI="1", NO_COLOR="1", WRANGLER_SEND_METRICS="false")
        self.proc = subprocess.Popen(argv, cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log,
                                     stderr=self.log, start_new_session=True, env=env)

    def alive(self):
        return self.proc is not None and self.proc.poll() is None

    def ready(self, timeout=READY_S):
        end = time.time() + timeout
        while time.time() < end:
            if not self.alive():
                return False
            try:
                r = http_do(self.port, "GET", "/__ready", {}, None, 5)
                if r["status"] == 200:
                    return True
            except Exception:
                pass
            time.sleep(0.05)
        return False

    def start(self):
        self.spawn()
        return self.ready()

    def stop(self, sig=signal.SIGTERM):
        p = self.proc
        if p is None:
            return
        try:
            os.killpg(p.pid, sig)
        except ProcessLookupError:
            pass
        try:
            p.wait(8)
        except subprocess.TimeoutExpired:
            pass
        try:  # whatever is left of this server's own process group
            os.killpg(p.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        p.wait()
        self.log.close()
        self.proc = None

    def output(self):
        try:
            with open(self.log_path, "rb") as f:
                return f.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def cleanup(self, keep=False):
        self.stop()
        if not keep:
            shutil.rmtree(self.tmp, ignore_errors=True)


def http_do(port, method, path, headers, body, timeout):
    c = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        c.request(method, path, body=body, headers=headers)
        r = c.getresponse()
        data = r.read()
        hs = {}
        for k, v in r.getheaders():
            k = k.lower()
            hs[k] = hs[k] + "\n" + v if k in hs else v
        return {"status": r.status, "headers": hs, "body": data}
    finally:
        c.close()


class WS:
    """A small WebSocket client: everything received goes to a queue."""

    def __init__(self, port, path, headers, protocols, timeout):
        self.q = queue.Queue()
        self.closed = None
        self.sent_close = False
        self.sock = socket.create_connection((HOST, port), timeout)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET %s HTTP/1.1" % path, "Host: %s:%d" % (HOST, port), "Upgrade: websocket",
                 "Connection: Upgrade", "Sec-WebSocket-Key: " + key, "Sec-WebSocket-Version: 13"]
        if protocols:
            lines.append("Sec-WebSocket-Protocol: " + ", ".join(protocols))
        lines += ["%s: %s" % kv for kv in headers.items()]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        buf = b""
        while b"\r\n\r\n" not in buf:
            d = self.sock.recv(4096)
            if not d:
                raise IOError("connection ended during the handshake")
            buf += d
        head, self.buf = buf.split(b"\r\n\r\n", 1)
        hl = head.decode("latin-1").split("\r\n")
        self.status = int(hl[0].split(" ")[1])
        self.headers = {}
        for h in hl[1:]:
            k, _, v = h.partition(":")
            self.headers[k.strip().lower()] = v.strip()
        self.accept_ok = None
        if self.status == 101:
            want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
            self.accept_ok = self.headers.get("sec-websocket-accept") == want
            self.sock.settimeout(None)
            threading.Thread(target=self._read, daemon=True).start()
        else:
            try:
                self.sock.settimeout(1)
                n = int(self.headers.get("content-length", "0"))
                while len(self.buf) < n:
                    d = self.sock.recv(4096)
                    if not d:
                        break
                    self.buf += d
            except OSError:
                pass
            self.body = self.buf
            self.sock.close()

    def _need(self, n):
        while len(self.buf) < n:
            d = self.sock.recv(65536)
            if not d:
                raise EOFError
            self.buf += d
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def _read(self):
        parts, kind = [], None
        try:
            while True:
                b0, b1 = self._need(2)
                op, fin, n = b0 & 15, b0 & 128, b1 & 127
                if n == 126:
                    n = struct.unpack(">H", self._need(2))[0]
                elif n == 127:
                    n = struct.unpack(">Q", self._need(8))[0]
                data = self._need(n)
                if op == 8:
                    code = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else None
                    ev = {"code": code, "reason": data[2:].decode("utf-8", "replace")}
                    if not self.sent_close:
                        self.sent_close = True
                        try:
                            self.frame(8, data)
                        except OSError:
                            pass
                    self.closed = ev
                    self.q.put(("close", ev))
                elif op == 9:
                    self.frame(10, data)
                elif op == 10:
                    self.q.put(("msg", {"pong": data.decode("utf-8", "replace")}))
                else:
                    if op in (1, 2):
                        kind, parts = op, []
                    parts.append(data)
                    if fin:
                        d = b"".join(parts)
                        self.q.put(("msg", d.decode("utf-8", "replace") if kind == 1 else {"hex": d.hex()}))
        except (EOFError, OSError, struct.error):
            pass
        if self.closed is None:
            self.closed = {"code": 1006, "reason": ""}
            self.q.put(("close", self.closed))

    def frame(self, op, data, fin=True):
        n = len(data)
        h = bytes([(128 if fin else 0) | op])
        if n < 126:
            h += bytes([128 | n])
        elif n < 65536:
            h += bytes([128 | 126]) + struct.pack(">H", n)
        else:
            h += bytes([128 | 127]) + struct.pack(">Q", n)
        m = os.urandom(4)
        full = (m * (n // 4 + 1))[:n]
        self.sock.sendall(h + m + (int.from_bytes(data, "big") ^ int.from_bytes(full, "big")).to_bytes(n, "big"))

    def drop(self):
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class StepError(Exception):
    pass


def scrub(v, port):
    """Replaces the server's own address by HOST in everything recorded."""
    if isinstance(v, str):
        v = re.sub(r"(127\.0\.0\.1|localhost):%d\b" % port, "HOST", v)
        return re.sub(r"reference = \w+", "reference = REF", v)
    if isinstance(v, list):
        return [scrub(x, port) for x in v]
    if isinstance(v, dict):
        return {k: scrub(x, port) for k, x in v.items()}
    return v


def http_step(step, port, timeout):
    method, _, path = step["http"].partition(" ")
    headers = dict(step.get("headers", {}))
    body = step.get("body")
    if isinstance(body, dict):
        if "json" in body:
            headers.setdefault("content-type", "application/json")
            body = json.dumps(body["json"]).encode()
        elif "hex" in body:
            body = bytes.fromhex(body["hex"])
        elif "repeat" in body:
            body = body["repeat"].encode() * body["times"]
    elif isinstance(body, str):
        body = body.encode()
    r = http_do(port, method, path, headers, body, timeout)
    out = {"status": r["status"]}
    if step.get("keep"):
        out["headers"] = {k: r["headers"].get(k) for k in step["keep"]}
    mode = step.get("take", "auto")
    if mode == "status":
        return out
    if mode == "length":
        out["length"] = len(r["body"])
        return out
    if mode == "has":
        text = r["body"].decode("utf-8", "replace")
        out["has"] = {w: w in text for w in step["words"]}
        return out
    if mode == "hex":
        out["hex"] = r["body"].hex()
        return out
    if "json" in (r["headers"].get("content-type") or ""):
        try:
            out["json"] = json.loads(r["body"])
            return out
        except ValueError:
            pass
    out["text"] = r["body"].decode("utf-8", "replace")
    return out


def take(ws, n, timeout):
    got, end = [], time.time() + timeout
    while len(got) < n:
        try:
            kind, v = ws.q.get(timeout=max(0.01, end - time.time()))
        except queue.Empty:
            got.append({"timeout": True})
            break
        if kind == "close":
            got.append({"close": v})
            ws.q.put(("close", v))
            break
        got.append(v)
    return got


def ws_step(step, socks, port, timeout):
    name = step["ws"]
    if "connect" in step:
        w = WS(port, step["connect"], step.get("headers", {}), step.get("protocols"), timeout)
        socks[name] = w
        if w.status == 101:
            out = {"status": 101, "accept": w.accept_ok}
            for h in step.get("keep", []):
                out.setdefault("headers", {})[h] = w.headers.get(h)
            return out
        return {"status": w.status} if step.get("take") == "status" else {"status": w.status, "text": w.body.decode("utf-8", "replace")}
    w = socks[name]
    if "send" in step:
        v = step["send"]
        if isinstance(v, dict):
            v = v["repeat"] * v["times"]
        w.frame(1, v.encode())
    elif "sendHex" in step:
        w.frame(2, bytes.fromhex(step["sendHex"]))
    elif "frag" in step:
        ps = step["frag"]
        for i, p in enumerate(ps):
            w.frame(1 if i == 0 else 0, p.encode(), i == len(ps) - 1)
    elif "ping" in step:
        w.frame(9, step["ping"].encode())
    elif "raw" in step:
        w.sock.sendall(bytes.fromhex(step["raw"]))
    elif "recv" in step:
        got = take(w, step["recv"], timeout)
        if step.get("sorted"):
            got = sorted(got, key=lambda x: json.dumps(x, sort_keys=True))
        if step.get("as") == "length":
            got = [len(g) if isinstance(g, str) else g for g in got]
        if step.get("as") == "json":
            got = [json.loads(g) if isinstance(g, str) else g for g in got]
        return got
    elif "quiet" in step:
        time.sleep(step["quiet"] / 1000)
        got = []
        while True:
            try:
                kind, v = w.q.get_nowait()
            except queue.Empty:
                return got
            got.append({"close": v} if kind == "close" else v)
            if kind == "close":
                w.q.put(("close", v))
                return got
    elif "close" in step:
        c = step["close"]
        w.sent_close = True
        w.frame(8, b"" if not c else struct.pack(">H", c[0]) + (c[1] if len(c) > 1 else "").encode())
    elif "closed" in step:
        end = time.time() + timeout
        while time.time() < end:
            if w.closed is not None:
                return w.closed
            time.sleep(0.01)
        return {"timeout": True}
    elif "drop" in step:
        w.drop()
    else:
        raise StepError("unknown ws step")
    return None


def do_step(step, srv, socks, timeout):
    t = step.get("timeout", timeout)
    if "concurrent" in step:
        with concurrent.futures.ThreadPoolExecutor(32) as ex:
            fs = [ex.submit(http_step, s, srv.port, t) for s in step["concurrent"]]
            out = [f.result() for f in fs]
        if step.get("sorted"):
            out = sorted(out, key=lambda x: json.dumps(x, sort_keys=True))
        return out
    if "until" in step:
        end = time.time() + step.get("within", 15000) / 1000
        last = None
        while time.time() < end:
            try:
                method, _, path = step["http"].partition(" ")
                r = http_do(srv.port, method, path, step.get("headers", {}), None, 5)
                last = r["body"].decode("utf-8", "replace")
                if step["until"] in last:
                    return {"reached": True}
            except OSError:
                pass
            except http.client.HTTPException:
                pass
            time.sleep(0.1)
        return {"reached": False, "last": (last or "")[:300]}
    if "http" in step:
        return http_step(step, srv.port, t)
    if "ws" in step:
        return ws_step(step, socks, srv.port, t)
    if "wait" in step:
        time.sleep(step["wait"] / 1000)
        return None
    if "restart" in step:
        srv.stop(signal.SIGKILL if step["restart"] == "kill" else signal.SIGTERM)
        if not srv.start():
            raise StepError("server did not come back after a restart")
        return None
    if "server" in step:
        if step["server"] == "stop":
            srv.stop()
        elif not srv.start():
            raise StepError("server did not start")
        return None
    if "edit" in step:
        p = os.path.join(srv.dir, step["edit"])
        with open(p, encoding="utf-8") as f:
            s = f.read()
        if step["find"] not in s:
            raise StepError("edit: text to replace not found")
        with open(p, "w", encoding="utf-8") as f:
            f.write(s.replace(step["find"], step["replace"]))
        return None
    if "write" in step:
        p = os.path.join(srv.dir, step["write"])
        os.makedirs(os.path.dirname(p), exist_ok=True)
        with open(p, "w", encoding="utf-8") as f:
            f.write(step["text"])
        return None
    raise StepError("unknown step")


def strip_messages(v):
    """Loose form: error texts and everything only worded by the engine removed."""
    if isinstance(v, dict):
        d = {k: strip_messages(x) for k, x in v.items()}
        if "name" in d and "message" in d:
            d["message"] = "*"
        return d
    if isinstance(v, list):
        return [strip_messages(x) for x in v]
    return v


def diff(want, got, path="", out=None):
    out = [] if out is None else out
    if len(out) > 12 or want == {"$any": True}:
        return out
    if isinstance(want, dict) and set(want) == {"$oneOf"}:
        if all(diff(w, got) for w in want["$oneOf"]):
            out.append("%s: want one of %s got %s" % (path or ".", json.dumps(want["$oneOf"])[:300], json.dumps(got)[:300]))
        return out
    if isinstance(want, dict) and isinstance(got, dict):
        for k in sorted(set(want) | set(got)):
            if k not in want:
                out.append("%s.%s: unexpected %s" % (path, k, json.dumps(got[k])[:300]))
            elif k not in got:
                out.append("%s.%s: missing, want %s" % (path, k, json.dumps(want[k])[:300]))
            else:
                diff(want[k], got[k], path + "." + k, out)
    elif isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for i, (a, b) in enumerate(zip(want, got)):
            diff(a, b, "%s[%d]" % (path, i), out)
    elif want != got or type(want) != type(got) and not (isinstance(want, (int, float)) and isinstance(got, (int, float))):
        out.append("%s: want %s got %s" % (path or ".", json.dumps(want)[:300], json.dumps(got)[:300]))
    return out


class Run:
    def __init__(self, a):
        self.a = a
        self.root = os.path.abspath(a.root)
        self.filter = re.compile(a.filter) if a.filter else None
        self.n = {"PASS": 0, "FAIL": 0, "TEXT": 0}
        self.by_suite = {}
        self.results = {}
        self.lock = threading.Lock()

    def wanted(self, name):
        return not self.filter or self.filter.search(name)

    def verdict(self, name, want, got, entry):
        """Compares one case and prints its line."""
        if want is None:
            d, res = ["no golden recorded"], "FAIL"
        else:
            d = diff(want, got)
            res = "PASS"
            if d:
                res = "TEXT" if not diff(strip_messages(want), strip_messages(got)) else "FAIL"
        self.emit(name, res, d, entry)

    def emit(self, name, res, d, entry=None):
        with self.lock:
            shown = {"TEXT": "PASS" if self.a.loose else "FAIL"}.get(res, res)
            self.n[res] += 1
            s = self.by_suite.setdefault(name.split("/")[0], [0, 0])
            s[0 if shown == "PASS" else 1] += 1
            self.results[name] = {"result": shown, "text_only": res == "TEXT", "diff": d}
            if not (self.a.quiet and shown == "PASS"):
                print("%s %s%s" % (shown, name, " (error text differs)" if res == "TEXT" else ""), flush=True)
                for line in d[:12]:
                    print("     " + line)
                if shown == "FAIL" and entry and entry.get("note"):
                    print("     note: " + entry["note"])

    def want_of(self, entry):
        if entry is None:
            return None
        if "documented" in entry and not self.a.peer:
            return entry["documented"]
        return entry["result"]

    # -- probe fixtures ---------------------------------------------------
    def probes(self, fixture):
        gpath = os.path.join(self.root, "goldens", fixture + ".json")
        golden = jload(gpath) if os.path.exists(gpath) else {"probes": {}}
        names = [n for n in golden["probes"] if self.wanted(fixture + "/" + n)]
        if not names and not self.a.record:
            return
        srv = Server(self.a.cmd, os.path.join(self.root, "fixtures", fixture))
        starts = 1
        try:
            up = srv.start()
            if self.a.record and not up:
                raise SystemExit("cannot record %s: the server did not start" % fixture)
            if self.a.record and up:
                names = json.loads(http_do(srv.port, "GET", "/__list", {}, None, 10)["body"])
                names = [n for n in names if self.wanted(fixture + "/" + n)]
            for n in names:
                full = fixture + "/" + n
                entry = golden["probes"].get(n)
                if not up:
                    self.emit(full, "FAIL", ["server not running: " + srv.output()[-400:].replace("\n", " | ")])
                    continue
                try:
                    r = http_do(srv.port, "GET", "/probe/" + urllib.parse.quote(n, safe=""), {}, None,
                                (entry or {}).get("timeout_s", self.a.timeout))
                    try:
                        got = json.loads(r["body"])
                    except ValueError:
                        got = {"status": r["status"], "text": r["body"].decode("utf-8", "replace")[:200]}
                    got = scrub(got, srv.port)
                except (OSError, http.client.HTTPException) as e:
                    got = {"harness": "no answer: %s" % type(e).__name__}
                    if not srv.ready(3):
                        srv.stop()
                        starts += 1
                        up = starts <= 4 and srv.start()
                if self.a.record:
                    new = dict(entry or {})
                    new["result"] = got
                    golden["probes"][n] = new
                    self.emit(full, "PASS", [])
                else:
                    self.verdict(full, self.want_of(entry), got, entry)
        finally:
            srv.cleanup(self.a.keep)
        if self.a.record:
            golden["provenance"] = self.a.provenance
            if not self.filter:
                golden["probes"] = {n: golden["probes"][n] for n in names if n in golden["probes"]}
            os.makedirs(os.path.dirname(gpath), exist_ok=True)
            with open(gpath, "w", encoding="utf-8") as f:
                f.write('{\n "provenance": %s,\n "probes": {\n' % json.dumps(golden["provenance"]))
                rows = ["  %s: %s" % (json.dumps(k), json.dumps(v, ensure_ascii=False)) for k, v in golden["probes"].items()]
                f.write(",\n".join(rows) + "\n }\n}\n")

    # -- scripted cases -----------------------------------------------------
    def script(self, path, name, shared):
        case = jload(path)
        if case.get("slow") and not self.a.slow:
            return
        srv, own, socks = None, False, {}
        rec, fails = [], []
        try:
            fx = os.path.join(self.root, "fixtures", case["fixture"])
            if case.get("startup"):
                return self.startup(case, path, name, fx)
            if case.get("isolated"):
                srv, own = Server(self.a.cmd, fx, case.get("args")), True
                if not srv.start():
                    raise StepError("server did not start: " + srv.output()[-400:].replace("\n", " | "))
            else:
                srv = shared.get(case["fixture"])
                if srv is None:
                    srv = shared[case["fixture"]] = Server(self.a.cmd, fx)
                    srv.start()
                elif not srv.alive() or not srv.ready(3):
                    srv.stop()
                    srv.start()
            for i, step in enumerate(case["steps"]):
                got = scrub(do_step(step, srv, socks, self.a.timeout), srv.port)
                want = step.get("documented", step.get("expect")) if not self.a.peer else step.get("expect")
                if self.a.record:
                    step.pop("expect", None)
                    if got is not None:
                        step["expect"] = got
                elif got is not None:
                    if want is None:
                        fails.append("step %d: no golden" % i)
                    else:
                        d = diff(want, got, "step %d" % i)
                        if d:
                            rec.append((want, got))
                            fails += d
        except Exception as e:  # a failing case never stops the others
            fails.append("%s: %s" % (type(e).__name__, e))
            rec.append((0, 1))
        finally:
            for w in socks.values():
                try:
                    w.sock.close()
                except OSError:
                    pass
            if own and srv:
                srv.cleanup(self.a.keep)
        if self.a.record and not fails:
            write_case(path, case)
        soft = fails and all(not diff(strip_messages(a), strip_messages(b)) for a, b in rec) and rec
        self.emit(name, "PASS" if not fails else "TEXT" if soft else "FAIL", fails, case)

    def startup(self, case, path, name, fx):
        """Starts the server on a (usually broken) project and looks at what it does."""
        srv = Server(self.a.cmd, fx, case.get("args"))
        try:
            srv.spawn()
            end, outcome = time.time() + case.get("within_s", 12), "neither"
            while time.time() < end:
                if not srv.alive():
                    outcome = "exited"
                    break
                try:
                    if http_do(srv.port, "GET", "/__ready", {}, None, 2)["status"] == 200:
                        outcome = "serving"
                        break
                except (OSError, http.client.HTTPException):
                    pass
                time.sleep(0.1)
            got = {"outcome": outcome, "success": srv.proc.returncode == 0 if outcome == "exited" else None}
            text = srv.output()
            got["mentions"] = {w: w.lower() in text.lower() for w in case.get("words", [])}
        finally:
            srv.cleanup(self.a.keep)
        if self.a.record:
            got["mentions"] = {w: True for w, yes in got["mentions"].items() if yes}
            case["words"] = list(got["mentions"])
            case["expect"] = got
            if outcome != "serving":
                case["peer_output"] = gist(text)
            write_case(path, case)
            return self.emit(name, "PASS", [])
        want = case.get("documented", case["expect"]) if not self.a.peer else case["expect"]
        self.verdict(name, want, got, case)

    def go(self):
        t0 = time.time()
        fxs = []
        gdir = os.path.join(self.root, "goldens")
        fdir = os.path.join(self.root, "fixtures")
        for f in sorted(os.listdir(fdir)):
            if os.path.exists(os.path.join(gdir, f + ".json")) or (self.a.record and os.path.exists(os.path.join(fdir, f, "src", "harness.ts"))):
                fxs.append(f)
        cases = []
        cdir = os.path.join(self.root, "cases")
        for base, _, files in sorted(os.walk(cdir)):
            for f in sorted(files):
                if f.endswith(".json"):
                    n = os.path.relpath(os.path.join(base, f), cdir)[:-5]
                    if self.wanted(n):
                        cases.append((os.path.join(base, f), n))
        if self.a.list:
            for f in fxs:
                for n in jload(os.path.join(gdir, f + ".json"))["probes"]:
                    if self.wanted(f + "/" + n):
                        print(f + "/" + n)
            for _, n in cases:
                print(n)
            return 0
        if self.a.only != "scripts":
            with concurrent.futures.ThreadPoolExecutor(self.a.jobs) as ex:
                fs = []
                for f in fxs:
                    if self.a.record and self.filter and not (self.filter.search(f + "/") or self.a.record_any):
                        continue
                    fs.append(ex.submit(self.probes, f))
                for f in fs:
                    f.result()
        if self.a.only != "probes":
            groups = {}
            for p, n in cases:
                groups.setdefault(n.split("/")[0], []).append((p, n))

            def group(cs):
                shared = {}
                try:
                    for p, n in cs:
                        self.script(p, n, shared)
                finally:
                    for s in shared.values():
                        s.cleanup(self.a.keep)

            with concurrent.futures.ThreadPoolExecutor(self.a.jobs) as ex:
                for f in [ex.submit(group, cs) for cs in groups.values()]:
                    f.result()
        ok = self.n["PASS"] + (self.n["TEXT"] if self.a.loose else 0)
        bad = self.n["FAIL"] + (0 if self.a.loose else self.n["TEXT"])
        for s, (p, f) in sorted(self.by_suite.items()):
            print("  %-14s %4d passed %4d failed" % (s, p, f))
        if self.n["TEXT"]:
            print("  (%d cases differ only in an error text)" % self.n["TEXT"])
        print("%.0f s" % (time.time() - t0))
        print("%d passed, %d failed" % (ok, bad))
        if self.a.json:
            with open(self.a.json, "w") as f:
                json.dump(self.results, f, indent=1)
        return 0 if bad == 0 else 1


def gist(text):
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", l).strip() for l in text.splitlines()]
    keep = [l for l in lines if re.search(r"error|ERROR|✘|must|not |Expected|invalid", l) and "ENOTFOUND" not in l and "getaddrinfo" not in l and "Request.cf" not in l
            and ".log" not in l and not l.startswith(("at ", '{"timestamp', "fatal error"))]
    return [re.sub(r"/[^\s\"']*/project/", "", l)[:240] for l in keep[:6]]


def write_case(path, case):
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n")
        rows = []
        for k, v in case.items():
            if k == "steps":
                rows.append(' "steps": [\n  ' + ",\n  ".join(json.dumps(s, ensure_ascii=False) for s in v) + "\n ]")
            else:
                rows.append(" %s: %s" % (json.dumps(k), json.dumps(v, ensure_ascii=False)))
        f.write(",\n".join(rows) + "\n}\n")


def main():
    p = argparse.ArgumentParser(description="Runs the conformance corpus against a server command.")
    p.add_argument("--cmd", help="server command; {port} {state} {dir} {config} are replaced")
    p.add_argument("--root", default=CORPUS, help="corpus folder (default: fixtures/conformance)")
    p.add_argument("--filter", help="regular expression over case names (suite/name)")
    p.add_argument("--only", choices=["probes", "scripts"])
    p.add_argument("--loose", action="store_true", help="a differing error text alone does not fail a case")
    p.add_argument("--peer", action="store_true", help="compare with what the peer did even where it deviates from the documentation")
    p.add_argument("--slow", action="store_true", help="also run cases that wait long (idle eviction, 30 s limits)")
    p.add_argument("--record", action="store_true", help="write goldens instead of comparing")
    p.add_argument("--record-any", action="store_true", help=argparse.SUPPRESS)
    p.add_argument("--provenance", type=json.loads, default={}, help="JSON stored in recorded goldens")
    p.add_argument("--timeout", type=float, default=10, help="seconds per step (default 10)")
    p.add_argument("--jobs", type=int, default=1, help="fixtures run at a time (default 1)")
    p.add_argument("--list", action="store_true")
    p.add_argument("--quiet", action="store_true", help="print failures only")
    p.add_argument("--keep", action="store_true", help="keep temporary folders")
    p.add_argument("--json", help="also write per-case results to this file")
    a = p.parse_args()
    if not a.cmd and not a.list:
        p.error("--cmd is required")
    sys.exit(Run(a).go())


if __name__ == "__main__":
    main()
