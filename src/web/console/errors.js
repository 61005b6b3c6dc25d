// Errors as text: name, message and stack.
const { getPrototypeOf, hasOwn } = Object;

function read(error, key) {
  try {
    return error[key];
  } catch {
    return undefined;
  }
}

function className(error) {
  for (let at = error; at !== null; at = getPrototypeOf(at)) {
    if (!hasOwn(at, "constructor")) continue;
    const constructor = read(at, "constructor");
    if (typeof constructor === "function" && constructor.name !== "") return constructor.name;
  }
  return undefined;
}

function headline(error) {
  let name = read(error, "name");
  name = typeof name === "string" && name !== "" ? name : "Error";
  // A class that does not give its errors its own name is still told apart.
  const own = className(error);
  if (own !== undefined && own !== name && name.endsWith("Error")) {
    name = own.includes(name) ? own : `${own} [${name}]`;
  }
  const message = read(error, "message");
  return typeof message === "string" && message !== "" ? `${name}: ${message}` : name;
}

/** The text of `error` without its properties; lines after the first are indented as `inspector` is. */
export function showError(error, inspector) {
  const head = headline(error);
  const stack = read(error, "stack");
  let lines = typeof stack === "string" ? stack.split("\n").filter((line) => line.trim() !== "") : [];
  // Engines differ in whether a stack begins with name and message.
  const first = lines.findIndex((line) => /^\s*at /.test(line));
  lines = first < 0 ? [] : lines.slice(first);
  if (lines.length === 0) return `[${head}]`.replaceAll("\n", `\n${" ".repeat(inspector.indent)}`);
  const text = [head, ...lines.map((line) => `    ${line.trim()}`)].join("\n");
  return text.replaceAll("\n", `\n${" ".repeat(inspector.indent)}`);
}
