// The environment of the Worker: its variables, its namespaces, and a loud refusal for every binding
// that is not emulated.
import host from "dodev:host";
import { makeNamespace } from "dodev:workers/namespace";
import { makeService } from "dodev:workers/service";

/**
 * What belongs to the running Worker: its environment, which code outside of handlers reads by `environment()`, and the exports
 * of its main module.
 */
export const worker = { env: Object.create(null), handlers: undefined, exports: undefined };

function refuse(name, kind) {
  const fail = () => {
    throw new Error(`dodev does not emulate the binding "${name}" (${kind}) yet`);
  };
  return new Proxy(function () {}, {
    get: (target, key) =>
      // Logging and inspecting a binding is not using it.
      typeof key === "symbol" || key === "then" || key === "toJSON" ? target[key] : fail(),
    set: fail,
    has: fail,
    apply: fail,
    construct: fail,
  });
}

/**
 * A dataset of Analytics Engine. No Worker can read data points, so they are dropped; what is printed at start says so.
 *
 * Fidelity: `wrangler dev` 4.164.0 has this class and this member, and looks at no data point.
 */
class LocalAnalyticsEngineDataset {
  constructor(dataset) {
    this.env = { dataset };
  }

  writeDataPoint(event) {
    this.env.dataset;
  }
}

let made = false;

/** The environment, which is built from the host's list of bindings when it is first asked for. */
export function environment() {
  if (!made) makeEnv();
  return worker.env;
}

function makeEnv() {
  if (host.bindings === undefined) {
    // Packages that are evaluated ahead of a Worker see none of its bindings.
    host.askedEarly = true;
    return;
  }
  made = true;
  const env = {};
  for (const [kind, name, value] of host.bindings()) {
    switch (kind) {
      case "text":
        env[name] = value;
        break;
      case "json":
        env[name] = JSON.parse(value);
        break;
      case "entrypoint":
        env[name] = makeService(value[0], value[1] ?? undefined, JSON.parse(value[2]));
        break;
      case "object":
        env[name] = makeNamespace(value);
        break;
      case "kv":
        env[name] = host.lazy("dodev:workers/kv").makeKvNamespace(value);
        break;
      case "rate":
        env[name] = host.lazy("dodev:workers/ratelimit").makeRateLimit(...value);
        break;
      case "dataset":
        env[name] = new LocalAnalyticsEngineDataset(value);
        break;
      default:
        env[name] = refuse(name, kind);
    }
  }
  worker.env = env;
}
