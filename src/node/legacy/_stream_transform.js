// node:_stream_transform: the name of a class of node:stream in older packages.
import { Transform } from "dodev:node/stream/duplex";

export { Transform };
export default Transform;
