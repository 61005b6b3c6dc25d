// One Durable Object as a test sees it: called, looked into, put to sleep.
import { decode, encode, fromSql, toSql } from "./values.js";

/** Statuses whose responses have no body. */
const BODYLESS = [204, 205, 304];

export class DodevObject {
  #server;
  #path;
  #label;

  /** Made by `server.object(className, nameOrId)`. */
  constructor(server, className, which) {
    this.#server = server;
    const isId = typeof which === "object" && which !== null;
    this.#label = `${className} ${isId ? which.id : `"${which}"`}`;
    const address = isId ? `id:${which.id}` : `name:${which}`;
    this.#path = `objects/${encodeURIComponent(className)}/${encodeURIComponent(address)}`;
    this.alarm = {
      get: async () => (await this.#ask("GET", "/alarm")).alarm?.scheduled ?? null,
      set: async (time) => void (await this.#ask("PUT", "/alarm", { time: Number(time) })),
      delete: async () => void (await this.#ask("DELETE", "/alarm", {})),
      run: async () => (await this.#ask("POST", "/alarm/run", {})).outcome,
    };
    this.kv = {
      get: (key) => this.#get(key),
      put: async (key, value) => void (await this.#ask("PUT", kvPath(key), { v8: encode(value) })),
      delete: async (key) => (await this.#ask("DELETE", kvPath(key), {})).changed,
      list: (options) => this.#list(options),
    };
  }

  /** Calls a method; an error that it throws is thrown here, with the object's own stack in `remoteStack`. */
  async call(method, ...args) {
    const answer = await this.#ask("POST", "/call", { method, v8: encode(args) });
    return decode(answer, `the result of ${method}()`);
  }

  /** Sends the object's `fetch` handler a request. */
  async fetch(input = "http://object/", init) {
    const url = typeof input === "string" ? new URL(input, "http://object/") : input;
    const request = new Request(url, init);
    const body = Buffer.from(await request.arrayBuffer());
    const answer = await this.#ask("POST", "/fetch", {
      method: request.method,
      url: request.url,
      headers: [...request.headers],
      ...(body.length > 0 && { base64: body.toString("base64") }),
    });
    if (answer.status < 200) {
      throw new Error(`the object answered with ${answer.status}: open its WebSockets through the Worker`);
    }
    const bytes = answer.text ?? Buffer.from(answer.base64, "base64");
    const { status, statusText, headers } = answer;
    return new Response(BODYLESS.includes(status) ? null : bytes, { status, statusText, headers });
  }

  /** Runs a statement; rows are objects, and `rowsRead` and `rowsWritten` stand on the list. */
  async sql(query, ...params) {
    const answer = await this.#ask("POST", "/sql", { query, params: params.map(toSql) });
    if (answer.truncated) throw new RangeError(`there are more rows than are shown: add a LIMIT to ${query}`);
    const rows = answer.rows.map((row) =>
      Object.fromEntries(row.map((value, index) => [answer.columns[index], fromSql(value)])),
    );
    return Object.assign(rows, { rowsRead: answer.rowsRead, rowsWritten: answer.rowsWritten });
  }

  /** What is known of it: `state`, `pins`, `alarm`, `sockets` and more. */
  info() {
    return this.#ask("GET", "");
  }

  /** Its hibernatable WebSockets, the oldest first, with their attachments. */
  async sockets() {
    const { sockets } = await this.info();
    return sockets.map(({ attachment, ...socket }) => ({
      ...socket,
      attachment: attachment ? decode(attachment, "the attachment") : null,
    }));
  }

  /** Ends its instance as hibernation does; rejects, with `pins`, while something keeps it awake. */
  async hibernate() {
    return (await this.#ask("POST", "/hibernate", {})).changed;
  }

  /** Fails, and says why, unless the object can hibernate and keeps its WebSockets. */
  async expectHibernates() {
    const before = (await this.info()).sockets.length;
    try {
      await this.hibernate();
    } catch (error) {
      if (!error.pins) throw error;
      const reason = ({ what, at, dueInMs }) =>
        `\n  - ${what}${dueInMs === null ? "" : `, due in ${dueInMs} ms`}${at ? ` (${at})` : ""}`;
      const reasons = error.pins.map(reason).join("");
      error.message = `${this.#label} does not hibernate:${reasons}`;
      throw error;
    }
    const { state, sockets } = await this.info();
    if (state !== "asleep") throw new Error(`${this.#label} is ${state} again right after it hibernated`);
    if (sockets.length !== before) {
      throw new Error(`${this.#label} had ${before} WebSockets and has ${sockets.length} in hibernation`);
    }
  }

  /** Ends its instance with its timers and what runs beside; `{ webSockets: "close" }` closes its WebSockets too. */
  async evict(options = {}) {
    return (await this.#ask("POST", "/evict", options)).changed;
  }

  /** Resets it as `ctx.abort(reason)` does. */
  async reset(reason) {
    return (await this.#ask("POST", "/reset", reason === undefined ? {} : { reason })).changed;
  }

  async #get(key) {
    if (!fitsPath(key)) {
      const query = new URLSearchParams({ start: key, limit: 1 });
      const { entries } = await this.#ask("GET", `/kv?${query}`);
      return entries[0]?.key === key ? decode(entries[0], `the value of ${key}`) : undefined;
    }
    try {
      return decode(await this.#ask("GET", kvPath(key)), `the value of ${key}`);
    } catch (error) {
      if (error.status === 404 && error.message === "the object has no such key") return undefined;
      throw error;
    }
  }

  async #list(options = {}) {
    const { entries, more } = await this.#ask("GET", `/kv?${new URLSearchParams(options)}`);
    if (more && options.limit === undefined) throw new RangeError("there are more keys than are shown: give a limit");
    return new Map(entries.map((entry) => [entry.key, decode(entry, `the value of ${entry.key}`)]));
  }

  #ask(method, rest, body) {
    return this.#server.control(method, this.#path + rest, body);
  }
}

/** Whether a URL's path can hold the key: these three name directories there, however they are written. */
function fitsPath(key) {
  return key !== "" && key !== "." && key !== "..";
}

function kvPath(key) {
  return fitsPath(key) ? `/kv/${encodeURIComponent(key)}` : `/kv?${new URLSearchParams({ key })}`;
}
