// `[onHibernate]`: the handler that is called before an object's instance goes.
//
// Fidelity: the symbol, its flag and what the handler gets were observed with workerd 1.20261117.1.
import host from "dodev:host";

const key = Symbol("cloudflare:durable-objects:onHibernate");

/** The handler's key, where the compatibility flag is set. */
export const onHibernate = () => (Cloudflare.compatibilityFlags.experimental === true ? key : undefined);

/** Looks whether a new instance has the handler. */
export function noteFarewell(slot, instance) {
  if (typeof instance[key] === "function") host.bidsFarewell(slot);
}

/** Calls the handler. */
export function bidFarewell(instance, reason) {
  return instance[key]({ reason });
}
