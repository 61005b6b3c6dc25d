// node:_http_server: the name of a part of node:http in older packages.
import { STATUS_CODES, Server, ServerResponse, _connectionListener } from "dodev:node/http";

export { STATUS_CODES, Server, ServerResponse, _connectionListener };
export default { STATUS_CODES, Server, ServerResponse, _connectionListener };
