// URLPattern. Loaded when first used.
//
// Fidelity: https://urlpattern.spec.whatwg.org/, with the platform's words where something is wrong.
import host from "dodev:host";
import { shape, wrongConstruction } from "dodev:web/interface";
import { isObject, usv } from "dodev:web/webidl";

const { parse, stringify } = JSON;
const PARTS = ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash"];

// A text, or the known members of an object as texts; the platform shows the unknown ones too.
function read(input) {
  if (!isObject(input)) return usv(input);
  const init = {};
  for (const name of [...PARTS, "baseURL"]) {
    const value = input[name];
    init[name] = value === undefined ? undefined : usv(value);
  }
  return init;
}

/** The engine's `v` refuses some plain characters that `u` takes; only sets in classes need `v`. */
function toExpression({ regexpString }, ignoreCase) {
  const flags = ignoreCase ? "i" : "";
  try {
    return new RegExp(regexpString, `u${flags}`);
  } catch {
    return new RegExp(regexpString, `v${flags}`);
  }
}

export class URLPattern {
  #parts;
  #expressions;

  constructor(input = {}, base = undefined, options = undefined) {
    if (isObject(base)) [base, options] = [undefined, base];
    if (options !== undefined && options !== null && !isObject(options)) {
      throw wrongConstruction("URLPattern", 3, "URLPatternOptions");
    }
    const ignoreCase = Boolean(options?.ignoreCase);
    const parsed = host.parsePattern(stringify(read(input)), base === undefined ? undefined : usv(base), ignoreCase);
    if (parsed === undefined) throw new TypeError("Failed to construct URLPattern");
    this.#parts = parse(parsed);
    try {
      this.#expressions = PARTS.map((name) => toExpression(this.#parts[name], ignoreCase));
    } catch {
      throw new TypeError("Failed to construct URLPattern");
    }
  }

  get protocol() {
    return this.#parts.protocol.patternString;
  }
  get username() {
    return this.#parts.username.patternString;
  }
  get password() {
    return this.#parts.password.patternString;
  }
  get hostname() {
    return this.#parts.hostname.patternString;
  }
  get port() {
    return this.#parts.port.patternString;
  }
  get pathname() {
    return this.#parts.pathname.patternString;
  }
  get search() {
    return this.#parts.search.patternString;
  }
  get hash() {
    return this.#parts.hash.patternString;
  }
  get hasRegExpGroups() {
    return this.#parts.hasRegexpGroups;
  }

  test(input = {}, base = undefined) {
    return this.#match("test", input, base) !== undefined;
  }

  exec(input = {}, base = undefined) {
    const found = this.#match("exec", input, base);
    if (found === undefined) return null;
    const { given, values, matches } = found;
    const result = { inputs: given };
    PARTS.forEach((name, at) => {
      const groups = {};
      this.#parts[name].groupNameList.forEach((group, index) => {
        groups[group] = matches[at][index + 1];
      });
      result[name] = { input: values[name], groups };
    });
    return result;
  }

  #match(method, input, base) {
    if (base !== undefined && isObject(input)) throw new TypeError(`Failed to ${method} URLPattern`);
    const given = [read(input)];
    if (base !== undefined) given.push(usv(base));
    const parsed = host.parsePatternInput(stringify(given[0]), given[1]);
    if (parsed === undefined) return undefined;
    const values = parse(parsed);
    const matches = [];
    for (const [at, name] of PARTS.entries()) {
      const match = this.#expressions[at].exec(values[name]);
      if (match === null) return undefined;
      matches.push(match);
    }
    return { given, values, matches };
  }
}
shape(URLPattern);
