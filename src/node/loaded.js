// What Node.js's modules have in common with its globals: the globals load a module when they are first
// used, unless a program imported it before.
export const loaded = { Buffer: undefined, process: undefined };
