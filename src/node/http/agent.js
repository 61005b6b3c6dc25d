// Agents of node:http and node:https. The platform keeps connections itself, so that an agent has none.
import { EventEmitter } from "dodev:node/events";
import { notEmulated } from "dodev:node/errors";

export class Agent extends EventEmitter {
  constructor(options) {
    super();
    const { keepAlive = false, keepAliveMsecs = 1000, maxFreeSockets = 256, maxSockets = Infinity, scheduling = "lifo" } =
      options ?? {};
    const { maxTotalSockets = Infinity } = options ?? {};
    Object.assign(this, { defaultPort: 80, protocol: "http:", options: { ...options }, requests: {}, sockets: {}, freeSockets: {} });
    Object.assign(this, { keepAlive, keepAliveMsecs, maxFreeSockets, maxSockets, maxTotalSockets, scheduling, totalSocketCount: 0 });
  }
  createConnection() {
    throw notEmulated("http.Agent.createConnection()");
  }
  getName(options = {}) {
    let name = `${options.host || "localhost"}:${options.port || ""}:${options.localAddress || ""}`;
    if (options.family === 4 || options.family === 6) name += `:${options.family}`;
    if (options.socketPath) name += `:${options.socketPath}`;
    return name;
  }
  addRequest() {
    // Requests go through the platform's fetch, whatever their agent.
  }
  destroy() {
    // There is no connection to end.
  }
}

export const globalAgent = new Agent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });

export class SecureAgent extends Agent {
  constructor(options) {
    super(options);
    Object.assign(this, { defaultPort: 443, protocol: "https:", maxCachedSessions: options?.maxCachedSessions ?? 100 });
  }
}
Object.defineProperty(SecureAgent, "name", { value: "Agent" });

export const globalSecureAgent = new SecureAgent({ keepAlive: true, scheduling: "lifo", timeout: 5000 });
