// node:_http_client: the name of a part of node:http in older packages.
import { ClientRequest } from "dodev:node/http";

export { ClientRequest };
export default { ClientRequest };
