// node:_http_outgoing: the name of a part of node:http in older packages.
import { OutgoingMessage } from "dodev:node/http";

export { OutgoingMessage };
export default { OutgoingMessage };
