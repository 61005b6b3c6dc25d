// node:_stream_readable: the name of a class of node:stream in older packages.
import { Readable } from "dodev:node/stream/readable";

export { Readable };
export default Readable;
