// node:domain: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "domain",
  "Domain create createDomain",
  "_stack",
  {
    active: null,
  },
);

export const {
  Domain, _stack, active, create, createDomain,
} = module;
export default module;
