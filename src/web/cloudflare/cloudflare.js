// The global `Cloudflare`: which compatibility flags are in force.
//
// The host calls the entry `compatibility` with name → boolean before user code is loaded; until then
// there are no flags, and timers behave as at the newest date.
import host from "dodev:host";
import { forbidEval } from "dodev:web/eval";
import { propagateExceptions } from "dodev:web/events";
import { illegalConstructor, shape } from "dodev:web/interface";
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

host.entry("compatibility", (flags) => {
  setFlags(flags);
  propagateExceptions(flags.spec_compliant_dispatch_exceptions !== true);
  // Fidelity: global timers are those of Node.js only with both flags.
  if (flags.allow_eval_during_startup === false) forbidEval();
  useTimerObjects(flags.nodejs_compat === true && flags.enable_nodejs_global_timers === true);
});
