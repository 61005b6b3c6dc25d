// node:stream/promises.
import { connect, finished as finishedWith } from "dodev:node/stream/finished";

export function finished(stream, options = {}) {
  return new Promise((resolve, reject) => {
    const clean = finishedWith(stream, options, (error) => {
      if (options.cleanup) clean();
      if (error) reject(error);
      else resolve();
    });
  });
}

export function pipeline(...parts) {
  return new Promise((resolve, reject) => {
    const last = parts.at(-1);
    const isOptions = typeof last === "object" && last !== null && !Array.isArray(last) &&
      ("signal" in last || "end" in last) && typeof last.on !== "function" && last[Symbol.asyncIterator] === undefined;
    const options = isOptions ? parts.pop() : {};
    connect(parts, options, (error, value) => {
      if (error) reject(error);
      else resolve(value);
    });
  });
}

export default { finished, pipeline };
