// How callbacks that the platform calls later keep the asynchronous context that they were given in.
//
// Whoever defines such a context (AsyncLocalStorage) sets `bind` when it is first used; until then
// nothing is bound and nothing is paid for.
export const context = { bind: undefined };

/** `callback` so that it runs in the context of now. */
export function keepContext(callback) {
  return context.bind === undefined ? callback : context.bind(callback);
}
