// node:_stream_passthrough: the name of a class of node:stream in older packages.
import { PassThrough } from "dodev:node/stream/duplex";

export { PassThrough };
export default PassThrough;
