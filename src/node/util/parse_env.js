// parseEnv of node:util: the text of a `.env` file as an object.
//
// Fidelity: workerd's reading: quotes of three kinds over several lines, `\n` in double ones, comments, `export`.
import { needString } from "dodev:node/errors";

const START = /^[ \t]*(?:export[ \t]+)?([^=#\n][^=\n]*)=[^\S\n]*/;

export function parseEnv(content) {
  needString(content, "content");
  const values = {};
  let rest = content.replaceAll("\r\n", "\n");
  while (rest !== "") {
    const start = START.exec(rest);
    if (start === null) {
      rest = afterLine(rest);
      continue;
    }
    const name = start[1].trim();
    rest = rest.slice(start[0].length);
    const [quote] = rest;
    const quoted = quote === '"' || quote === "'" || quote === "`";
    const end = quoted ? rest.indexOf(quote, 1) : -1;
    if (quoted && end === -1) {
      // A quote that nothing closes is left out, unless it is all there is.
      const [line] = /^[^\n]*/.exec(rest);
      values[name] = line.length === 1 ? line : line.slice(1);
    } else if (end === -1) {
      values[name] = /^[^\n#]*/.exec(rest)[0].trim();
    } else {
      const value = rest.slice(1, end);
      values[name] = quote === '"' ? value.replaceAll("\\n", "\n") : value;
      rest = rest.slice(end);
    }
    rest = afterLine(rest);
  }
  return values;
}

function afterLine(text) {
  const end = text.indexOf("\n");
  return end === -1 ? "" : text.slice(end + 1);
}
