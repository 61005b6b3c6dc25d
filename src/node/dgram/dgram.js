// node:dgram: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "dgram",
  "Socket _createSocketHandle createSocket",
  "",
  {},
);

export const {
  Socket, _createSocketHandle, createSocket,
} = module;
export default module;
