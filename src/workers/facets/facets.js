// `ctx.facets`: objects inside an object.
import host from "dodev:host";
import { DOMException } from "dodev:web/dom_exception";
import { expose, notePlatformClass, wrongArgument, wrongField } from "dodev:web/interface";
import { isId } from "dodev:workers/namespace";
import { describeClass } from "dodev:workers/facets/classes";
import { Reference, follows } from "dodev:workers/rpc/references";
import { Fetcher } from "dodev:workers/service";

const NAME_BYTES_MAX = 256;
const DEPTH_MAX = 4;

/** What facets are to be, by slot: `{ name, props, id }`. */
const starts = new Map();

/** What the facet in `slot` is to be. */
export function startOf(slot) {
  return starts.get(slot);
}

host.entry("forgetFacets", (slots) => {
  for (const slot of slots) starts.delete(slot);
});

const OWNER = "DurableObjectFacets";

// Fidelity: what is checked, and when, observed with workerd 1.20261117.1.
function checkName(method, name, count) {
  if (count === 0) throw wrongArgument(OWNER, method, 1, "string");
  name = `${name}`;
  if (host.utf8Length(name) > NAME_BYTES_MAX) {
    throw new TypeError(`Facet name is too long (max ${NAME_BYTES_MAX} characters).`);
  }
  return name;
}

function mustHaveText(name) {
  // Fidelity: workerd refuses it as late, with an internal error.
  if (name === "") throw new Error("Facet name cannot be empty.");
}

/** What the callback of `get` gave, as the facet is made of it. */
function startupOptions(options, parentId) {
  if (options === undefined || options === null) {
    // Fidelity: workerd's text, which shows a name of its own.
    throw new TypeError(
      "Cannot initialize N7workerd3api19DurableObjectFacets14StartupOptionsE with required members from an undefined or " +
        "null value.",
    );
  }
  if (typeof options !== "object" && typeof options !== "function") {
    throw new TypeError("Callback returned incorrect type; expected 'Promise'");
  }
  const described = describeClass(options.class);
  if (described === undefined) {
    const type = "DurableObjectClass or LoopbackDurableObjectNamespace or LoopbackColoLocalActorNamespace";
    throw wrongField("StartupOptions", "class", type);
  }
  const { id } = options;
  return { ...described, id: id === undefined ? parentId : isId(id) ? id : `${id}` };
}

/** A facet, opened by its first call; `start` says what it is if it does not live yet. */
class FacetReference {
  constructor(parent, parentId, name, start) {
    this.parent = parent;
    this.parentId = parentId;
    this.name = name;
    this.start = start;
    this.hex = `${parentId}`;
    this.owner = host.currentOwner();
    this.slot = -1;
    this.ticket = 0;
  }
  connect() {
    host.checkOwner(this.owner, "OutgoingFactory");
    if (this.slot < 0) {
      mustHaveText(this.name);
      const [slot, ticket, fresh] = host.openFacet(this.parent, this.name);
      this.slot = slot;
      this.ticket = ticket;
      if (fresh) this.begin();
    }
    return this.slot;
  }
  begin() {
    const { slot, ticket, start, parentId } = this;
    this.start = undefined;
    Promise.resolve()
      .then(() => start())
      .then((options) => {
        const facet = startupOptions(options, parentId);
        // It may have been aborted meanwhile, and its slot given to another one.
        if (host.startFacet(slot, ticket, facet.name)) starts.set(slot, facet);
      })
      .catch((error) => host.failFacet(slot, ticket, error));
  }
  call(path, args) {
    return host.callObject(this.connect(), this.ticket, path, args);
  }
  request(...request) {
    return host.fetchObject([this.connect(), this.ticket], ...request);
  }
  member(name) {
    return name === "then" ? undefined : Reference.prototype.member.call(this, name);
  }
  describe() {
    throw new DOMException(this.refusal, "DataCloneError");
  }
}
follows(FacetReference);
FacetReference.prototype.refusal = "Stubs pointing to Durable Object facets are not serializable.";

const target = Object.create(Fetcher.prototype);

export class DurableObjectFacets {
  #slot;
  #id;

  constructor(slot, id) {
    this.#slot = slot;
    this.#id = id;
  }

  get(name, start) {
    name = checkName("get", name, arguments.length);
    if (typeof start !== "function") throw wrongArgument(OWNER, "get", 2, "function");
    if (host.facetDepth(this.#slot) + 1 >= DEPTH_MAX) {
      throw new Error(
        `Facet nesting depth limit exceeded. The maximum depth including the root Durable Object is ${DEPTH_MAX}.`,
      );
    }
    return new Proxy(target, new FacetReference(this.#slot, this.#id, name, start));
  }

  abort(name, reason) {
    name = checkName("abort", name, arguments.length);
    if (arguments.length < 2) throw wrongArgument(OWNER, "abort", 2, "Value");
    host.abortFacet(this.#slot, name, reason);
  }

  delete(name) {
    name = checkName("delete", name, arguments.length);
    mustHaveText(name);
    host.deleteFacet(this.#slot, name);
  }

  clone(from, to) {
    from = checkName("clone", from, arguments.length);
    if (arguments.length < 2) throw wrongArgument(OWNER, "clone", 2, "string");
    to = checkName("clone", to, arguments.length);
    mustHaveText(from);
    mustHaveText(to);
    host.cloneFacet(this.#slot, from, to);
  }
}
notePlatformClass(DurableObjectFacets);
expose(DurableObjectFacets.prototype);
Object.defineProperty(DurableObjectFacets.prototype, Symbol.toStringTag, {
  value: "DurableObjectFacets",
  configurable: true,
});
