// node:_http_incoming: the name of a part of node:http in older packages.
import { IncomingMessage } from "dodev:node/http";

export { IncomingMessage };
export default { IncomingMessage };
