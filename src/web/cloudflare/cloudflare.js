// The global `Cloudflare`: which compatibility flags are in force.
//
// The host calls the entry `compatibility` with name → boolean before user code is loaded; until then
// there are no flags, and timers behave as at the newest date.
import host from "dodev:host";
import { forbidEval } from "dodev:web/eval";
import { propagateExceptions } from "dodev:web/events";
import { Headers } from "dodev:web/headers";
import { illegalConstructor, shape } from "dodev:web/interface";
import { navigator } from "dodev:web/navigator";
import { useTimerObjects } from "dodev:web/timers";

const MAKE = Symbol("make");
const { assign, create, defineProperty, freeze } = Object;

class Cloudflare_ {
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
  }
}
defineProperty(Cloudflare_, "name", { value: "Cloudflare" });
shape(Cloudflare_);

export const Cloudflare = new Cloudflare_(MAKE);

function setFlags(flags) {
  defineProperty(Cloudflare, "compatibilityFlags", {
    value: freeze(assign(create(null), flags)),
    enumerable: true,
    configurable: true,
  });
}

setFlags({});

/** Globals that are there with a flag only. */
const GLOBALS = {
  enable_weak_ref: ["FinalizationRegistry", "WeakRef"],
  expose_global_message_channel: ["MessageChannel", "MessagePort"],
  nodejs_compat_v2: ["clearImmediate", "setImmediate"],
};

/** Takes away what came with a later date. */
function removeLater(flags) {
  for (const flag in GLOBALS) {
    if (flags[flag] === false) for (const name of GLOBALS[flag]) delete globalThis[name];
  }
  if (flags.enable_navigator_language === false) delete navigator.language;
  if (flags.http_headers_getsetcookie === false) delete Headers.prototype.getSetCookie;
}

host.entry("compatibility", (flags) => {
  setFlags(flags);
  removeLater(flags);
  propagateExceptions(flags.spec_compliant_dispatch_exceptions !== true);
  // Fidelity: global timers are those of Node.js only with both flags.
  if (flags.allow_eval_during_startup === false) forbidEval();
  useTimerObjects(flags.nodejs_compat === true && flags.enable_nodejs_global_timers === true);
});
