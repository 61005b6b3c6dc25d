// node:net: says what an IP address is; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";
import { isIP, isIPv4, isIPv6 } from "dodev:node/net/address";

const module = absent(
  "net",
  "BlockList BoundSocket Server Socket SocketAddress Stream _createServerHandle _normalizeArgs connect " +
    "createConnection createServer getDefaultAutoSelectFamily getDefaultAutoSelectFamilyAttemptTimeout " +
    "setDefaultAutoSelectFamily setDefaultAutoSelectFamilyAttemptTimeout",
  "",
  { isIP, isIPv4, isIPv6 },
);

export const {
  BlockList, BoundSocket, Server, Socket, SocketAddress, Stream, _createServerHandle, _normalizeArgs,
  connect, createConnection, createServer, getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = module;
export { isIP, isIPv4, isIPv6 };
export default module;
