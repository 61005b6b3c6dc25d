// Workers that listen for events instead of exporting handlers: the service-worker format.
//
// Fidelity: wrangler runs a module without exports in this way. Its bindings are globals, and "No response!" is its word for a
// request that no listener answers.
import host from "dodev:host";
import { dispatchThrowing, globalTarget, hasListener } from "dodev:web/events";
import { extendableEvents } from "dodev:web/events/global";

const listens = (type) => hasListener(globalTarget, type);

// Listeners come and go while the Worker runs: each is looked for when it is asked for.
const handlers = {
  get fetch() {
    return listens("fetch") ? answer : undefined;
  },
  get scheduled() {
    return listens("scheduled") ? run : undefined;
  },
};

/** The handlers of a Worker that listens; undefined if it listens for no event of the platform. */
export function listeningHandlers() {
  return listens("fetch") || listens("scheduled") ? handlers : undefined;
}

function answer(request, env, context) {
  const { fetchEvent, responseOf } = extendableEvents();
  const event = fetchEvent(request, context);
  dispatchThrowing(globalTarget, event);
  const response = responseOf(event);
  if (response === undefined) throw new Error("No response!");
  return response;
}

function run(controller, env, context) {
  dispatchThrowing(globalTarget, extendableEvents().scheduledEvent(controller, context));
}

/** Makes every binding a global. */
export function spreadBindings(env) {
  const manifest = host.siteManifest();
  if (manifest !== undefined) globalThis.__STATIC_CONTENT_MANIFEST = JSON.parse(manifest);
  for (const name of Object.keys(env)) {
    Object.defineProperty(globalThis, name, { value: env[name], writable: true, enumerable: true, configurable: true });
  }
}
