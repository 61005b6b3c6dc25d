// Modules that are only there to be imported, and what is refused of others: dodev's own words.
import os from "node:os";
import fs, { promises, readFileSync } from "node:fs";
import http, { METHODS } from "node:http";
import http2 from "node:http2";
import { Script } from "node:vm";
import crypto from "node:crypto";

const refused = (name) => ["Error", `dodev does not emulate ${name} of Node.js yet`];

testOurs("refusals name what is missing", () => {
  assert.throws(() => readFileSync("x"), ...refused("fs.readFileSync()"));
  assert.throws(() => fs.readFileSync("x"), ...refused("fs.readFileSync()"));
  assert.throws(() => promises.readFile("x"), ...refused("fs/promises.readFile()"));
  assert.throws(() => new http.Agent().createConnection(), ...refused("http.Agent.createConnection()"));
  assert.throws(() => crypto.createCipheriv("aes-128-ccm", new Uint8Array(16), null), ...refused('the cipher "aes-128-ccm" of crypto'));
  assert.throws(() => new crypto.X509Certificate(""), ...refused("crypto.X509Certificate"));
  assert.throws(() => crypto.createHash("md4"), ...refused('the hash "md4" of crypto'));
  assert.throws(() => crypto.createECDH("secp224r1"), ...refused('the curve "secp224r1" of crypto'));
  assert.throws(() => new Script(""), ...refused("vm.Script()"));
});

test("names of HTTP/2", () => {
  const { HTTP2_HEADER_AUTHORITY, HTTP2_HEADER_CONTENT_LENGTH, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM } = http2.constants;
  assert.deepEqual([HTTP2_HEADER_AUTHORITY, HTTP2_HEADER_CONTENT_LENGTH, NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM], [":authority", "content-length", 8, 7]);
});

testOurs("looking is not using", () => {
  class Mine extends Script {}
  assert.throws(() => new Mine(), ...refused("vm.Script()"));
  assert.equal({} instanceof Script, false);
});

test("names of HTTP", () => {
  assert.ok(METHODS.includes("GET") && http.STATUS_CODES[404] === "Not Found");
});

test("what there is of files can be taken apart", () => {
  const { readFile } = promises;
  assert.deepEqual([typeof readFile, typeof promises.constants.O_CREAT, fs.promises === promises], ["function", "number", true]);
  const { F_OK, O_SYNC, S_IFMT, UV_DIRENT_SOCKET, EXTENSIONLESS_FORMAT_WASM } = fs.constants;
  assert.deepEqual([F_OK, O_SYNC, S_IFMT, UV_DIRENT_SOCKET, EXTENSIONLESS_FORMAT_WASM], [0, 1052672, 61440, 5, 1]);
  assert.ok(promises.constants === fs.constants);
});

test("numbers of errors", () => {
  const { errno, dlopen, UV_UDP_REUSEADDR } = os.constants;
  assert.deepEqual([errno.EEXIST, errno.EXDEV, Object.keys(errno).length, dlopen.RTLD_NOW, UV_UDP_REUSEADDR], [17, 18, 79, 2, 4]);
});
