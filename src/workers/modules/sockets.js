// What user code imports from "cloudflare:sockets".

/** Would open a TCP connection. */
export function connect() {
  throw new Error("dodev does not emulate connect() of cloudflare:sockets yet");
}
