// What handlers get: elements, end tags, comments, texts, document types and the document's end.
//
// A token remembers what the parser said of it and collects changes as lists of a name and arguments; they
// are made when its handler is done. From then on the token refuses everything.
import { Response } from "dodev:web/fetch";
import { illegalConstructor, shape, wrongArgument } from "dodev:web/interface";
import { ReadableStream } from "dodev:web/streams";
import { isObject } from "dodev:web/webidl";

const MAKE = Symbol("make");
const { defineProperty } = Object;

function parserError(message) {
  return new TypeError(`Parser error: ${message}`);
}

const NOT_ALLOWED = new TypeError(
  "Replacing content in HTML comments using a ReadableStream or Response object is not implemented. You must provide " +
    "a string.",
);

class Token {
  #state;

  constructor(token, state) {
    if (token !== MAKE) throw illegalConstructor();
    this.#state = state;
  }

  /** What the token `self` knows, while its handler runs. */
  static state(self) {
    const state = self.#state;
    if (state.over) {
      throw new TypeError(
        "This content token is no longer valid. Content tokens are only valid during the execution of the relevant " +
          "content handler.",
      );
    }
    return state;
  }
}
const { state: stateOf } = Token;

/** Notes a change of content: a text, or the place of a stream among those of the run. */
function change(self, owner, name, args, streaming = true) {
  const state = stateOf(self);
  const [content, options] = args;
  if (args.length === 0) throw wrongArgument(owner, name, 1, "string or ReadableStream or Response");
  const html = Boolean(options?.html);
  const isStream = content instanceof ReadableStream || content instanceof Response;
  if (isStream && !streaming) throw new TypeError(NOT_ALLOWED.message);
  state.changes.push([name, isStream ? openStream(state, content) : `${content}`, html]);
  return self;
}

function openStream({ run }, content) {
  const stream = content instanceof Response ? content.body : content;
  const empty = { read: async () => ({ done: true }) };
  return run.streams.push(stream === null ? empty : stream.getReader()) - 1;
}

function remove(self) {
  const state = stateOf(self);
  state.known.removed = true;
  state.changes.push(["remove"]);
  return self;
}

// Fidelity: tokens have their values as own, enumerable properties.
function own(object, getters, setters = {}) {
  for (const name in getters) {
    defineProperty(object, name, { get: getters[name], set: setters[name], enumerable: true, configurable: true });
  }
  return object;
}

const FORBIDDEN_IN_ATTRIBUTES = /[ \n\r\t\f/>=]/;
const FORBIDDEN_IN_TAGS = /[ \n\r\t\f/>]/;

function checkAttribute(name) {
  if (name === "") throw parserError("Attribute name can't be empty.");
  const bad = FORBIDDEN_IN_ATTRIBUTES.exec(name);
  if (bad !== null) throw parserError(`\`${bad[0]}\` character is forbidden in the attribute name`);
}

function checkTag(name) {
  if (name === "") throw parserError("Tag name can't be empty.");
  if (!/^[A-Za-z]/.test(name)) {
    throw parserError("The first character of the tag name should be an ASCII alphabetical character.");
  }
  const bad = FORBIDDEN_IN_TAGS.exec(name);
  if (bad !== null) throw parserError(`\`${bad[0]}\` character is forbidden in the tag name`);
}

function needText(owner, method, args, count) {
  for (let at = 0; at < count; at += 1) {
    if (args.length <= at) throw wrongArgument(owner, method, at + 1, "string");
  }
  return args.slice(0, count).map((one) => `${one}`);
}

const lower = (name) => name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

class Element extends Token {
  getAttribute(...args) {
    const { known } = stateOf(this);
    const [name] = needText("Element", "getAttribute", args, 1);
    return known.attributes.find(([one]) => one === lower(name))?.[1] ?? null;
  }
  hasAttribute(...args) {
    const { known } = stateOf(this);
    const [name] = needText("Element", "hasAttribute", args, 1);
    return known.attributes.some(([one]) => one === lower(name));
  }
  setAttribute(...args) {
    const state = stateOf(this);
    const [name, value] = needText("Element", "setAttribute", args, 2);
    checkAttribute(name);
    const { attributes } = state.known;
    const found = attributes.find(([one]) => one === lower(name));
    if (found === undefined) attributes.push([lower(name), value]);
    else found[1] = value;
    state.version += 1;
    state.changes.push(["setAttribute", name, value]);
    return this;
  }
  removeAttribute(...args) {
    const state = stateOf(this);
    const [name] = needText("Element", "removeAttribute", args, 1);
    state.known.attributes = state.known.attributes.filter(([one]) => one !== lower(name));
    state.version += 1;
    state.changes.push(["removeAttribute", name]);
    return this;
  }
  before(...args) {
    return change(this, "Element", "before", args);
  }
  after(...args) {
    return change(this, "Element", "after", args);
  }
  prepend(...args) {
    return change(this, "Element", "prepend", args);
  }
  append(...args) {
    return change(this, "Element", "append", args);
  }
  replace(...args) {
    change(this, "Element", "replace", args);
    stateOf(this).known.removed = true;
    return this;
  }
  remove() {
    return remove(this);
  }
  removeAndKeepContent() {
    const state = stateOf(this);
    state.known.removed = true;
    state.changes.push(["removeAndKeepContent"]);
    return this;
  }
  setInnerContent(...args) {
    return change(this, "Element", "setInnerContent", args);
  }
  onEndTag(handler) {
    const state = stateOf(this);
    if (typeof handler !== "function") throw wrongArgument("Element", "onEndTag", 1, "function");
    if (!state.known.canHaveContent) throw parserError("No end tag.");
    state.changes.push(["onEndTag", state.run.endTags.push(handler) - 1]);
  }
}
shape(Element);

class AttributesIterator {
  #state;
  #version;
  #at = 0;

  constructor(state) {
    this.#state = state;
    this.#version = state.version;
  }
  next() {
    const { known, version } = this.#state;
    if (version !== this.#version) {
      throw new Error(
        "The attributes of this element have been modified during iteration. You must create a new iterator after " +
          "modifying attributes.",
      );
    }
    const found = known.attributes[this.#at];
    if (found === undefined) return { done: true, value: undefined };
    this.#at += 1;
    return { done: false, value: [...found] };
  }
}
shape(AttributesIterator);
Object.setPrototypeOf(AttributesIterator.prototype, Iterator.prototype);

class EndTag extends Token {
  before(...args) {
    return change(this, "EndTag", "before", args);
  }
  after(...args) {
    return change(this, "EndTag", "after", args);
  }
  remove() {
    return remove(this);
  }
}
shape(EndTag);

class Comment extends Token {
  before(...args) {
    return change(this, "Comment", "before", args, false);
  }
  after(...args) {
    return change(this, "Comment", "after", args, false);
  }
  replace(...args) {
    change(this, "Comment", "replace", args, false);
    stateOf(this).known.removed = true;
    return this;
  }
  remove() {
    return remove(this);
  }
}
shape(Comment);

class Text extends Token {
  before(...args) {
    return change(this, "Text", "before", args);
  }
  after(...args) {
    return change(this, "Text", "after", args);
  }
  replace(...args) {
    change(this, "Text", "replace", args);
    stateOf(this).known.removed = true;
    return this;
  }
  remove() {
    return remove(this);
  }
}
shape(Text);

class Doctype extends Token {}
shape(Doctype);

class DocumentEnd extends Token {
  append(...args) {
    return change(this, "DocumentEnd", "append", args, false);
  }
}
shape(DocumentEnd);

/** Getters of the members of what is known of `object`. */
function getters(object, ...names) {
  return Object.fromEntries(names.map((name) => [name, () => stateOf(object).known[name]]));
}

function makeElement(state) {
  const element = new Element(MAKE, state);
  const rename = (name) => {
    checkTag(`${name}`);
    stateOf(element).known.tagName = `${name}`;
    state.changes.push(["setTagName", `${name}`]);
  };
  const attributes = () => new AttributesIterator(stateOf(element));
  const found = getters(element, "namespaceURI", "removed", "tagName");
  const { namespaceURI, removed, tagName } = found;
  return own(element, { namespaceURI, removed, attributes, tagName }, { tagName: rename });
}

function makeEndTag(state) {
  const tag = new EndTag(MAKE, state);
  const rename = (name) => {
    stateOf(tag).known.name = `${name}`;
    state.changes.push(["setName", `${name}`]);
  };
  return own(tag, getters(tag, "name"), { name: rename });
}

// What browsers take for the end of a comment.
const CLOSING = /-->|--!>|^>|^->/;

function makeComment(state) {
  const comment = new Comment(MAKE, state);
  const setText = (text) => {
    const { known, changes } = stateOf(comment);
    if (CLOSING.test(`${text}`)) throw parserError("Comment text shouldn't contain a comment-closing sequence.");
    known.text = `${text}`;
    changes.push(["setText", `${text}`]);
  };
  return own(comment, getters(comment, "removed", "text"), { text: setText });
}

function makeText(state) {
  const text = new Text(MAKE, state);
  return own(text, getters(text, "removed", "lastInTextNode", "text"));
}

function makeDoctype(state) {
  const doctype = new Doctype(MAKE, state);
  return own(doctype, getters(doctype, "systemId", "publicId", "name"));
}

const MAKERS = {
  "element": makeElement,
  "endTag": makeEndTag,
  "comments": makeComment,
  "text": makeText,
  "doctype": makeDoctype,
  "end of document": (state) => new DocumentEnd(MAKE, state),
};

/** The object of a token of `run`, and what ends it and gives its changes. */
export function makeToken(kind, known, run) {
  const state = { known, run, changes: [], version: 0, over: false };
  const object = MAKERS[kind](state);
  const finish = () => {
    state.over = true;
    return state.changes;
  };
  return { object, finish };
}
