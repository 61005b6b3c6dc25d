// The helper's face: find a server, or start one.
import { Server } from "./server.js";
import { start } from "./start.js";

export { DodevError, Server } from "./server.js";
export { DodevObject } from "./object.js";
export { Session } from "./session.js";
export { start };

/** The server that runs already: the one given, or the one of `dodev test`, which sets DODEV_URL and DODEV_TOKEN. */
export function connect({ url = process.env.DODEV_URL, token = process.env.DODEV_TOKEN } = {}) {
  if (!url) throw new Error("there is no server: run the tests with `dodev test -- COMMAND`, or use start()");
  return new Server({ url, token });
}

/**
 * A session for one test file, on the server of `dodev test` or on one that is started for it: other files, which may run at the
 * same time, see neither its state nor its clock. `reset()` between tests goes back to the start, `stop()` at the end.
 */
export async function session({ from, ...options } = {}) {
  const server = await open(options);
  try {
    const made = await server.session({ from });
    const end = made.stop.bind(made);
    made.stop = async () => {
      await end();
      await server.stop();
    };
    return made;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** The server of `dodev test` if there is one, else one of its own; `stop()` ends only the latter. */
export async function open(options) {
  return process.env.DODEV_URL ? connect() : start(options);
}
