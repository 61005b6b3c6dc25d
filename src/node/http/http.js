// node:http: tables, checks of header fields, and agents, which packages make while they are loaded; what is not emulated
// refuses to be used.
import { absent } from "dodev:node/absent";
import { EventEmitter } from "dodev:node/events";
import { nodeError, notEmulated } from "dodev:node/errors";

/** Options for connections. The platform keeps connections itself, so that an agent has none. */
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
  getName() {
    throw notEmulated("http.Agent.getName()");
  }
  destroy() {
    // There is no connection to end.
  }
}

export function validateHeaderName(name, label) {
  if (typeof name === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return;
  throw nodeError(TypeError, "ERR_INVALID_HTTP_TOKEN", `${label || "Header name"} must be a valid HTTP token ["${name}"]`);
}

export function validateHeaderValue(name, value) {
  if (value === undefined) {
    throw nodeError(TypeError, "ERR_HTTP_INVALID_HEADER_VALUE", `Invalid value "${value}" for header "${name}"`);
  }
  if (/[^\t\x20-\x7e\x80-\xff]/.test(`${value}`)) {
    throw nodeError(TypeError, "ERR_INVALID_CHAR", `Invalid character in header content ["${name}"]`);
  }
}

const METHOD_NAMES =
  "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL " +
    "MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE " +
    "SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE";
const STATUS_CODE_TEXTS = {
  100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints", 200: "OK",
  201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
  205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 208: "Already Reported", 226: "IM Used",
  300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
  305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
  401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
  405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
  408: "Request Timeout", 409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed",
  413: "Payload Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable",
  417: "Expectation Failed", 418: "I'm a Teapot", 421: "Misdirected Request", 422: "Unprocessable Entity",
  423: "Locked", 424: "Failed Dependency", 425: "Too Early", 426: "Upgrade Required",
  428: "Precondition Required", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
  451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented",
  502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
  506: "Variant Also Negotiates", 507: "Insufficient Storage", 508: "Loop Detected",
  509: "Bandwidth Limit Exceeded", 510: "Not Extended", 511: "Network Authentication Required",
};

const module = absent(
  "http",
  "ClientRequest CloseEvent IncomingMessage MessageEvent OutgoingMessage Server ServerResponse " +
    "WebSocket _connectionListener createServer get request setGlobalProxyFromEnv setMaxIdleHTTPParsers",
  "",
  {
    Agent, globalAgent: new Agent(), validateHeaderName, validateHeaderValue,
    METHODS: METHOD_NAMES.split(" "), STATUS_CODES: STATUS_CODE_TEXTS, maxHeaderSize: 16384,
  },
);

export const {
  ClientRequest, CloseEvent, IncomingMessage, METHODS, MessageEvent, OutgoingMessage, STATUS_CODES,
  Server, ServerResponse, WebSocket, _connectionListener, createServer, get, globalAgent, maxHeaderSize,
  request, setGlobalProxyFromEnv, setMaxIdleHTTPParsers,
} = module;
export default module;
