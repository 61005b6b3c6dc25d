// node:_http_agent: the name of a part of node:http in older packages.
import { Agent, globalAgent } from "dodev:node/http";

export { Agent, globalAgent };
export default { Agent, globalAgent };
