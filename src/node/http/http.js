// node:http: servers behind the Worker's fetch handler, and clients over fetch.
import { needInteger } from "dodev:node/errors";
import { Agent, globalAgent } from "dodev:node/http/agent";
import { ClientRequest, get, request } from "dodev:node/http/client";
import { notImplemented, validateHeaderName, validateHeaderValue } from "dodev:node/http/fields";
import { IncomingMessage } from "dodev:node/http/incoming";
import { OutgoingMessage } from "dodev:node/http/outgoing";
import { Server, ServerResponse, createServer } from "dodev:node/http/server";
import { METHODS, STATUS_CODES } from "dodev:node/http/tables";

export const maxHeaderSize = 16384;

export function setMaxIdleHTTPParsers(max) {
  needInteger(max, "max", 1);
  throw notImplemented("setMaxIdleHTTPParsers");
}

export function _connectionListener() {
  throw notImplemented("_connectionListener");
}

export const { WebSocket, CloseEvent, MessageEvent } = globalThis;

export {
  Agent, ClientRequest, IncomingMessage, METHODS, OutgoingMessage, STATUS_CODES, Server, ServerResponse, createServer, get,
  globalAgent, request, validateHeaderName, validateHeaderValue,
};
export default {
  validateHeaderName, validateHeaderValue, METHODS, STATUS_CODES, ClientRequest, request, get, OutgoingMessage, Agent, globalAgent,
  IncomingMessage, Server, ServerResponse, createServer, maxHeaderSize, setMaxIdleHTTPParsers, _connectionListener, WebSocket,
  CloseEvent, MessageEvent,
};
