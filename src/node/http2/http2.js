// node:http2: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

/** Names of header fields, without the colon of pseudo fields. */
const FIELDS =
  "accept accept-encoding accept-language accept-ranges access-control-allow-origin age allow authorization " +
  "cache-control connection content-disposition content-encoding content-language content-length content-location " +
  "content-range content-type cookie date etag expect expires forwarded from host if-match if-modified-since " +
  "if-none-match if-range if-unmodified-since keep-alive last-modified link location prefer proxy-authenticate " +
  "proxy-authorization proxy-connection range referer refresh retry-after server set-cookie strict-transport-security " +
  "te trailer transfer-encoding upgrade user-agent vary via www-authenticate x-forwarded-for x-frame-options";
const ERRORS =
  "NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED FRAME_SIZE_ERROR " +
  "REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY HTTP_1_1_REQUIRED";
const keyOf = (name) => name.toUpperCase().replaceAll("-", "_");

/** Numbers and names of RFC 9113 under the names of Node.js. */
const numbers = {
  ...Object.fromEntries(["status", "method", "authority", "scheme", "path", "protocol"].map((name) => [`HTTP2_HEADER_${keyOf(name)}`, `:${name}`])),
  ...Object.fromEntries(FIELDS.split(" ").map((name) => [`HTTP2_HEADER_${keyOf(name)}`, name])),
  ...Object.fromEntries(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"].map((name) => [`HTTP2_METHOD_${name}`, name])),
  ...Object.fromEntries(ERRORS.split(" ").map((name, code) => [`NGHTTP2_${name}`, code])),
};

const module = absent(
  "http2",
  "Http2ServerRequest Http2ServerResponse connect createSecureServer createServer getDefaultSettings " +
    "getPackedSettings getUnpackedSettings performServerHandshake",
  "",
  {
    constants: Object.freeze(numbers),
    sensitiveHeaders: Symbol("sensitiveHeaders"),
  },
);

export const {
  Http2ServerRequest, Http2ServerResponse, connect, constants, createSecureServer, createServer,
  getDefaultSettings, getPackedSettings, getUnpackedSettings, performServerHandshake, sensitiveHeaders,
} = module;
export default module;
