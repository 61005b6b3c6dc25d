// What user code imports from "cloudflare:node": Node's servers behind a Worker.
//
// Fidelity: workerd's `src/cloudflare/node.ts`.
import host from "dodev:host";

const refuse = (name) => () => {
  throw new Error(`dodev does not emulate ${name}() of cloudflare:node yet`);
};

function checkPort(port) {
  if (!Number.isFinite(port) || port < 0 || port > 65535) throw new Error("Failed to determine port for server");
  return port;
}

/** The answer of the server that listens on a port. */
export async function handleAsNodeRequest(description, request, env, ctx) {
  const port = checkPort(typeof description === "number" ? description : description?.port);
  // Nothing listens before node:http was imported.
  const answer = host.serverOn?.(port);
  if (answer === undefined) {
    const text = `Http server with port ${port} not found. This is likely a bug with your code. ` +
      `You should check if server.listen() was called with the same port (${port})`;
    throw Object.assign(new Error(text), { code: "ERR_INVALID_ARG_VALUE" });
  }
  return await answer(request, env, ctx);
}

function portOf(description) {
  if (typeof description === "number") return description;
  if (description === null || description === undefined) throw new Error("Server descriptor cannot be null or undefined");
  const { port } = description;
  if (port !== null && port !== undefined) return port;
  if (typeof description.listen !== "function") return undefined;
  if (typeof description.address()?.port !== "number") description.listen();
  return description.address()?.port;
}

/** Handlers of a Worker that hand its requests to a server, which is given or named by its port. */
export function httpServerHandler(description) {
  const port = checkPort(portOf(description));
  return {
    async fetch(request, env, ctx) {
      return await handleAsNodeRequest(port, request, env, ctx);
    },
  };
}

export const connectHandler = refuse("connectHandler");
export const handleAsNodeConnection = refuse("handleAsNodeConnection");
