// The options of list(), checked: [start, startAfter, end, prefix, reverse, limit].

const text = (value) => (value === undefined || value === null ? undefined : `${value}`);

export function listOptions(options) {
  if (options === undefined || options === null) return [];
  const start = text(options.start);
  const startAfter = text(options.startAfter);
  if (start !== undefined && startAfter !== undefined) {
    throw new TypeError("list() cannot be called with both start and startAfter values.");
  }
  let limit;
  if (options.limit !== undefined && options.limit !== null) {
    limit = Math.trunc(Number(options.limit));
    if (!(limit > 0)) throw new TypeError("List limit must be positive.");
  }
  return [start, startAfter, text(options.end), text(options.prefix), Boolean(options.reverse), limit];
}
