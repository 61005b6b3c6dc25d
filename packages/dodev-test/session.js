// A session: a copy of the server's state and clock with a URL of its own, to which a test file can go back at any time.
import { Server } from "./server.js";

export class Session extends Server {
  #from;
  #path;

  /** Made by `server.session()`. */
  constructor({ from, id, url, token }) {
    super({ url, token, stop: () => this.#end() });
    this.id = id;
    this.#from = from;
    this.#path = `sessions/${id}`;
  }

  /** Back to the state and the time when the session was made: objects lose their memory, WebSockets are closed. */
  async reset() {
    await this.#from.control("POST", `${this.#path}/reset`, {});
  }

  async #end() {
    await this.#from.control("DELETE", this.#path, {});
  }
}
