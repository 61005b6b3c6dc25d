// node:_stream_duplex: the name of a class of node:stream in older packages.
import { Duplex } from "dodev:node/stream/duplex";

export { Duplex };
export default Duplex;
