// HTMLRewriter: registers handlers, and feeds a response's body through the parser. Loaded when first used.
//
// The parser stops at each token; handlers may take as long as they like to change it (see the host's part).
import host from "dodev:host";
import { Response } from "dodev:web/fetch";
import { makeToken } from "dodev:web/html_rewriter/tokens";
import { shape, wrongArgument, wrongField } from "dodev:web/interface";
import { ReadableStream } from "dodev:web/streams";
import { isObject } from "dodev:web/webidl";

const { stringify, parse } = JSON;
const ELEMENT = ["element", "comments", "text"];
const DOCUMENT = ["doctype", "comments", "text", "end"];

function readHandlers(method, position, handlers, kinds, dictionary) {
  if (!isObject(handlers)) throw wrongArgument("HTMLRewriter", method, position, dictionary);
  const found = { owner: handlers };
  for (const kind of kinds) {
    const handler = handlers[kind];
    if (handler === undefined) continue;
    if (typeof handler !== "function") throw wrongField(dictionary, kind, "function");
    found[kind] = handler;
  }
  return found;
}

const kindsOf = ({ owner, ...found }) => Object.keys(found);

function charsetOf(response) {
  const [, quoted, plain] = /;\s*charset=(?:"([^"]*)"|([^;\s]*))/i.exec(response.headers.get("content-type") ?? "") ?? [];
  return quoted ?? plain ?? "utf-8";
}

export class HTMLRewriter {
  #registered = [];

  on(selector, handlers) {
    if (arguments.length === 0) throw wrongArgument("HTMLRewriter", "on", 1, "string");
    const found = readHandlers("on", 2, handlers, ELEMENT, "ElementContentHandlers");
    const problem = host.checkSelector(`${selector}`);
    if (problem !== undefined) throw new TypeError(problem);
    this.#registered.push({ selector: `${selector}`, found });
    return this;
  }

  onDocument(handlers) {
    const found = readHandlers("onDocument", 1, handlers, DOCUMENT, "DocumentContentHandlers");
    this.#registered.push({ selector: null, found });
    return this;
  }

  transform(response) {
    if (!(response instanceof Response)) throw wrongArgument("HTMLRewriter", "transform", 1, "Response");
    if (response.type === "error") throw new TypeError("HTMLRewriter cannot transform an error response");
    if (response.body === null) return response;
    const registered = [...this.#registered];
    const handlers = registered.map(({ selector, found }) => ({ selector, kinds: kindsOf(found) }));
    const step = host.makeRewriter(stringify(handlers), charsetOf(response));
    const reader = response.body.getReader();
    return new Response(rewrite(step, reader, registered), response);
  }
}
shape(HTMLRewriter);

/** The rewritten document: each pull goes on until there is output. */
function rewrite(step, reader, registered) {
  const run = { step, registered, streams: [], endTags: [] };
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      try {
        while (!(await advance(run, reader, controller)));
      } catch (error) {
        step("stop", undefined);
        await reader.cancel(error);
        throw error;
      }
    },
    cancel(reason) {
      step("stop", undefined);
      return reader.cancel(reason);
    },
  }, { highWaterMark: 1 });
}

// Feeds one chunk, or the end; true if there was output or nothing more comes.
async function advance(run, reader, controller) {
  const { done, value } = await reader.read();
  const bytes = typeof value === "string" ? host.encodeUtf8(value) : value;
  let answer = done ? run.step("end", undefined) : run.step("write", bytes);
  let written = false;
  for (;;) {
    const { event, output } = answer;
    if (output !== undefined) {
      controller.enqueue(new Uint8Array(output));
      written = true;
    }
    const token = parse(event);
    if (token.kind === "more") return written;
    if (token.kind === "end") {
      controller.close();
      controller.byobRequest?.respond(0);
      return true;
    }
    if (token.kind === "error") throw new TypeError(`Parser error: ${token.message}`);
    answer = token.kind === "content" ? await readContent(run, token.id) : await handle(run, token);
  }
}

async function handle(run, token) {
  const { kind } = token;
  const { found } = run.registered[token.handler] ?? {};
  const name = kind === "end of document" ? "end" : kind;
  const handler = kind === "endTag" ? run.endTags[token.id] : found[name];
  const { object, finish } = makeToken(kind, token, run);
  let changes;
  try {
    await handler.call(found?.owner, object);
  } finally {
    changes = finish();
  }
  return run.step("change", stringify(changes));
}

async function readContent(run, id) {
  const { done, value } = await run.streams[id].read();
  if (done) return run.step("content", undefined);
  return run.step("content", typeof value === "string" ? host.encodeUtf8(value) : value);
}
