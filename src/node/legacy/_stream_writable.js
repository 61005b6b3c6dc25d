// node:_stream_writable: the name of a class of node:stream in older packages.
import { Writable } from "dodev:node/stream/writable";

export { Writable };
export default Writable;
