// node:https: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "https",
  "Agent Server createServer get request",
  "globalAgent",
  {},
);

export const {
  Agent, Server, createServer, get, globalAgent, request,
} = module;
export default module;
