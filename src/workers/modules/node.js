// What user code imports from "cloudflare:node": Node's servers behind a Worker.

const refuse = (name) => () => {
  throw new Error(`dodev does not emulate ${name}() of cloudflare:node yet`);
};

export const httpServerHandler = refuse("httpServerHandler");
export const handleAsNodeRequest = refuse("handleAsNodeRequest");
export const connectHandler = refuse("connectHandler");
export const handleAsNodeConnection = refuse("handleAsNodeConnection");
