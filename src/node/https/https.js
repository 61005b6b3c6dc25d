// node:https: node:http with connections that are encrypted; servers are those of node:http, because the platform ends TLS.
import { SecureAgent, globalSecureAgent } from "dodev:node/http/agent";
import { get as getPlain, request as requestPlain } from "dodev:node/http/client";
import { Server as PlainServer } from "dodev:node/http/server";

const withAgent = (send) => (input, options, callback) => {
  const secure = { _defaultAgent: globalSecureAgent };
  if (typeof input === "string" || input instanceof URL) {
    if (typeof options === "function") return send(input, secure, options);
    return send(input, { ...secure, ...options }, callback);
  }
  return send({ ...secure, ...input }, options, callback);
};

export const request = withAgent(requestPlain);
export const get = withAgent(getPlain);
export const Agent = SecureAgent;
export const globalAgent = globalSecureAgent;

export class Server extends PlainServer {}
export const createServer = (options, listener) => new Server(options, listener);

export default { Agent, Server, createServer, get, globalAgent, request };
