// node:net: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "net",
  "BlockList BoundSocket Server Socket SocketAddress Stream _createServerHandle _normalizeArgs connect " +
    "createConnection createServer getDefaultAutoSelectFamily getDefaultAutoSelectFamilyAttemptTimeout " +
    "isIP isIPv4 isIPv6 setDefaultAutoSelectFamily setDefaultAutoSelectFamilyAttemptTimeout",
  "",
  {},
);

export const {
  BlockList, BoundSocket, Server, Socket, SocketAddress, Stream, _createServerHandle, _normalizeArgs,
  connect, createConnection, createServer, getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout, isIP, isIPv4, isIPv6, setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = module;
export default module;
