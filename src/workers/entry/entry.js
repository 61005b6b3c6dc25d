// The functions that the host calls, one for each way into JavaScript.
import host from "dodev:host";
import { forbidEval } from "dodev:web/eval";
import { isResponse } from "dodev:web/fetch/response";
import { forgetInstance, noteInstance, runAlarm } from "dodev:workers/alarm";
import { DurableObjectState, ExecutionContext } from "dodev:workers/ctx";
import { isRetryable } from "dodev:workers/durable_objects/marks";
import { WorkerEntrypoint } from "dodev:workers/entrypoints";
import { environment, worker } from "dodev:workers/env";
import { startOf } from "dodev:workers/facets";
import { bidFarewell, noteFarewell } from "dodev:workers/farewell";
import { makeId } from "dodev:workers/namespace";
import { runScheduled } from "dodev:workers/scheduled";
import { listeningHandlers, spreadBindings } from "dodev:workers/service_worker";
import { callSocketHandler } from "dodev:workers/sockets";
import { answered } from "dodev:workers/entry/answered";
import { receiveRequest, takeResponse } from "dodev:workers/entry/messages";
import { RESERVED_ENTRY, callable, classMember, exportedTarget, perform, settled } from "dodev:workers/rpc/receive";

/** A result that is no promise, to be awaited: the host asks only for objects. */
host.entry("settled", settled);

/** Awake objects by slot. */
const instances = [];

/**
 * Refuses exports that the platform cannot call.
 *
 * Fidelity: workerd's text. Deviation: it has another one for `null` and `undefined`, which names nothing.
 */
function checkExports(namespace) {
  for (const name of Object.keys(namespace)) {
    const value = namespace[name];
    if (typeof value === "function" || (typeof value === "object" && value !== null)) continue;
    throw new TypeError(
      `Incorrect type for map entry '${name}': the provided value is not of type 'function or ExportedHandler'.`,
    );
  }
}

/** Before the main module of a Worker without exports: its bindings are globals. */
host.entry("spreadBindings", () => spreadBindings(environment()));

/** Whether a package that is evaluated ahead of its Worker wanted the bindings. */
host.entry("askedEarly", () => host.askedEarly === true);

/** Whether `value` may be a class of objects: one of the platform's other base is none. */
const isObjectClass = (value) =>
  typeof value === "function" && typeof value.prototype === "object" && !(value.prototype instanceof WorkerEntrypoint);

/**
 * Remembers the main module's exports and builds the environment. Gives the names of those that should be classes of objects
 * and are none.
 */
host.entry("load", (namespace) => {
  checkExports(namespace);
  worker.exports = namespace;
  worker.handlers = Object.keys(namespace).length === 0 ? listeningHandlers() : namespace.default;
  environment();
  forbidEval();
  return host.namespaces().filter((name) => Object.hasOwn(namespace, name) && !isObjectClass(namespace[name]));
});

/** The export `name` that answers: a class, of which each event gets an instance, or an object of handlers. */
function entrypoint(name) {
  const found = name === undefined || name === null ? worker.handlers : worker.exports[name];
  if (typeof found === "function" || (typeof found === "object" && found !== null)) return found;
  throw new TypeError(`the Worker does not export an entry point "${name ?? "default"}"`);
}

/** What a fetch handler gave at once: a response, or what may become one. */
function answerOf(given) {
  if (isResponse(given) || typeof given?.then === "function") return given;
  throw new TypeError("Callback returned incorrect type; expected 'Promise'");
}

function fetchFrom(target, props, request) {
  return answered(request, () => fetchHandler(target, props, request));
}

function fetchHandler(target, props, request) {
  const isClass = typeof target === "function";
  // Fidelity: workerd takes any other class for one of objects, which answers no requests of its own.
  if (isClass && !(target.prototype instanceof WorkerEntrypoint)) {
    throw new Error("Handler does not export a fetch() function.");
  }
  const handlers = isClass ? new target(new ExecutionContext(props), worker.env) : target;
  if (typeof handlers.fetch !== "function") throw new Error("Handler does not export a fetch() function.");
  // A class's instance has been given its environment and context.
  if (isClass) return handlers.fetch(request);
  return handlers.fetch(request, worker.env, new ExecutionContext(props));
}

host.entry("fetch", (method, url, headers, body) => {
  const request = receiveRequest(method, url, headers, body, true);
  const handlers = worker.handlers ?? {};
  // Nearly all requests are these: without a body, for an object of handlers.
  if (body === null && typeof handlers !== "function" && typeof handlers.fetch === "function") {
    return handlers.fetch(request, worker.env, new ExecutionContext());
  }
  return fetchFrom(handlers, undefined, request);
});

// Fidelity: `wrangler dev` wraps the default handler in an asynchronous function, and no other.
host.entry("fetchEntrypoint", (name, props, ...parts) => {
  const [target, request] = [entrypoint(name), receiveRequest(...parts)];
  if (name === undefined || name === null) return fetchFrom(target, props, request);
  return answered(request, () => answerOf(fetchHandler(target, props, request)));
});

host.entry("fetchObject", (slot, method, url, headers, body, cf) => {
  const instance = instances[slot];
  looking = true;
  if (typeof instance.fetch !== "function") throw new Error("Handler does not export a fetch() function.");
  looking = false;
  const request = receiveRequest(method, url, headers, body, cf);
  return answered(request, () => answerOf(instance.fetch(request)));
});

host.entry("scheduled", runScheduled);

host.entry("alarm", (slot, scheduledTime, retryCount) => runAlarm(slot, instances[slot], scheduledTime, retryCount));

host.entry("farewell", (slot, reason) => bidFarewell(instances[slot], reason));

host.entry("takeResponse", takeResponse);

host.entry("socketHandler", (slot, ...told) => callSocketHandler(instances[slot], ...told));

/**
 * Fidelity: `wrangler dev` runs a subclass of each class, so the chain of prototypes is one longer than in
 * production. `constructor` and the name are those of the class.
 */
const subclasses = new Map();

function subclassOf(type) {
  let subclass = subclasses.get(type);
  if (subclass === undefined) {
    subclass = class extends type {};
    delete subclass.prototype.constructor;
    Object.defineProperty(subclass, "name", { value: type.name });
    subclasses.set(type, subclass);
  }
  return subclass;
}

host.entry("construct", (slot, number, className, hex, name, sqlite) => {
  const type = worker.exports[className];
  if (typeof type !== "function") {
    throw new TypeError(`the Worker does not export a class "${className}"`);
  }
  const state = new DurableObjectState(slot, makeId(hex, name ?? undefined), sqlite);
  instances[slot] = new (subclassOf(type))(state, worker.env);
  noteInstance(slot, instances[slot]);
  noteFarewell(slot, instances[slot]);
});

host.entry("constructFacet", (slot, sqlite) => {
  const { name, props, id } = startOf(slot);
  const given = props === undefined ? undefined : host.cloneFromBytes(props);
  const state = new DurableObjectState(slot, id, sqlite, given);
  instances[slot] = new (subclassOf(worker.exports[name]))(state, worker.env);
  noteInstance(slot, instances[slot]);
});

host.entry("destroy", (slot) => {
  instances[slot] = undefined;
  forgetInstance(slot);
});

function refuseCalls() {
  throw new TypeError(
    "The receiving Durable Object does not support RPC, because its class was not declared with " +
      "`extends DurableObject`. In order to enable RPC, make sure your class extends the special class " +
      "`DurableObject`, which can be imported from the module \"cloudflare:workers\".",
  );
}

/** Whether it is being found out what a call means; what is thrown then is not the method's. */
let looking = false;

host.entry("takeLooking", () => {
  const was = looking;
  looking = false;
  return was;
});

// Nearly all calls name one method of the object.
host.entry("call", (slot, name, args) => {
  const instance = instances[slot];
  looking = true;
  if (instance[callable] !== true) refuseCalls();
  const found = classMember(instance, name, RESERVED_ENTRY);
  if (args !== undefined && typeof found !== "function") throw new TypeError(`"${name}" is not a function.`);
  looking = false;
  return args === undefined ? found : found.apply(instance, args);
});

host.entry("isRetryable", (slot, name) => isRetryable(instances[slot][name]));

function invokeFound(found, self, args) {
  looking = false;
  return Reflect.apply(found, self, args);
}

host.entry("callPath", (slot, path, args) => {
  const instance = instances[slot];
  looking = true;
  if (instance[callable] !== true) refuseCalls();
  const result = perform(instance, path, args, RESERVED_ENTRY, invokeFound);
  looking = false;
  return result;
});

host.entry("callExport", (id, path, args) => {
  looking = true;
  const result = perform(exportedTarget(id), path, args, undefined, invokeFound);
  looking = false;
  return result;
});

/**
 * Calls a handler that is a plain function: it takes one argument from its caller, then `env` and `ctx`.
 *
 * Fidelity: workerd's texts for functions and calls of another form.
 */
function invokeHandler(name, props) {
  return (fn, self, args) => {
    if (fn.length > 3) {
      throw new TypeError(
        `Cannot call handler function "${name}" over RPC because it has the wrong number of arguments. A simple ` +
          "function handler can only be called over RPC if it has exactly the arguments (arg, env, ctx), where only " +
          "the first argument comes from the client. To support multi-argument RPC functions, use class-based syntax " +
          "(extending WorkerEntrypoint) instead.",
      );
    }
    if (args.length !== 1) {
      throw new TypeError(
        `Attempted to call RPC function "${name}" with the wrong number of arguments. When calling a top-level handler ` +
          "function that is not declared as part of a class, you must always send exactly one argument. In order to " +
          "support variable numbers of arguments, the server must use class-based syntax (extending WorkerEntrypoint) " +
          "instead.",
      );
    }
    return fn.call(self, args[0], worker.env, new ExecutionContext(props));
  };
}

host.entry("callEntrypoint", (name, props, path, args) => {
  const target = entrypoint(name);
  if (typeof target !== "function") {
    return perform(target, path, args, RESERVED_ENTRY, invokeHandler(path.join("."), props));
  }
  return perform(new target(new ExecutionContext(props), worker.env), path, args, RESERVED_ENTRY);
});
