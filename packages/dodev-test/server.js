// A server of dodev, by its URL and the token of its control API.
import { DodevObject } from "./object.js";

/** What the control API refused, or what an object's code threw. */
export class DodevError extends Error {
  constructor(message, facts) {
    super(message);
    Object.assign(this, facts);
  }
}
DodevError.prototype.name = "DodevError";

export class Server {
  #token;
  #stop;

  /** `stop` ends the server, if it is ours. */
  constructor({ url, token, stop = async () => {} }) {
    this.url = url;
    this.#token = token;
    this.#stop = stop;
    const move = (verb) => (body) => this.control("POST", `time/${verb}`, body ?? {});
    this.clock = {
      now: async () => (await this.control("GET", "time")).now_ms,
      freeze: () => move("freeze")(),
      resume: () => move("resume")(),
      next: () => move("next")(),
      advance: (by) => move("advance")(typeof by === "number" ? { by_ms: by } : { by }),
      jump: (to) => move("jump")(typeof to === "string" ? { to } : { to_ms: Number(to) }),
    };
  }

  /** Sends the Worker a request; `input` may be a path. */
  fetch(input = "/", init) {
    return fetch(typeof input === "string" ? new URL(input, this.url) : input, init);
  }

  /** The object of a class with this name, or with `{ id }`. */
  object(className, nameOrId) {
    return new DodevObject(this, className, nameOrId);
  }

  /** Lines that the code logged, the oldest first: `level`, `text`, and `class` and `name` of an object. */
  async logs() {
    return (await this.control("GET", "logs")).logs;
  }

  /** Forgets the lines that were logged. */
  async clearLogs() {
    await this.control("DELETE", "logs", {});
  }

  /** Puts every object to sleep that nothing keeps awake; how many. */
  async hibernate() {
    return (await this.control("POST", "hibernate", {})).count;
  }

  /**
   * A session of its own for this test file: a copy of the present state, or of the snapshot `from`, and of the clock.
   * `reset()` goes back to it, `stop()` ends it.
   */
  async session({ from } = {}) {
    const { Session } = await import("./session.js");
    const { id, url } = await this.control("POST", "sessions", from === undefined ? {} : { snapshot: from });
    return new Session({ from: this, id, url, token: this.#token });
  }

  /** Asks the control API: the JSON of the answer. `path` is below `/cdn-cgi/dodev/`. */
  async control(method, path, body) {
    const headers = { "content-type": "application/json" };
    if (this.#token) headers.authorization = `Bearer ${this.#token}`;
    const response = await fetch(new URL(`/cdn-cgi/dodev/${path}`, this.url), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    let answer;
    try {
      answer = JSON.parse(text);
    } catch {
      throw new DodevError(`the control API answered with ${response.status}: ${text}`, { status: response.status });
    }
    if (response.ok) return answer;
    const { error, thrown, ...facts } = answer;
    if (!thrown) throw new DodevError(error, { status: response.status, ...facts });
    const { name, message, stack, flags } = thrown;
    const set = Object.fromEntries(flags.map((flag) => [flag, true]));
    throw new DodevError(message, { name, remoteStack: stack, ...set });
  }

  /** Ends the server if `start()` made it; a server of `dodev test` ends with its command. */
  async stop() {
    await this.#stop();
  }

  async [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    await this.stop();
  }
}
