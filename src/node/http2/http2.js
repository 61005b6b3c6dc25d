// node:http2: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "http2",
  "Http2ServerRequest Http2ServerResponse connect createSecureServer createServer getDefaultSettings " +
    "getPackedSettings getUnpackedSettings performServerHandshake",
  "constants",
  {
    sensitiveHeaders: undefined,
  },
);

export const {
  Http2ServerRequest, Http2ServerResponse, connect, constants, createSecureServer, createServer,
  getDefaultSettings, getPackedSettings, getUnpackedSettings, performServerHandshake, sensitiveHeaders,
} = module;
export default module;
