// node:dns: can be imported; what is not emulated refuses to be used.
import { absent } from "dodev:node/absent";

const module = absent(
  "dns",
  "Resolver getDefaultResultOrder getServers lookup lookupService resolve resolve4 resolve6 resolveAny " +
    "resolveCaa resolveCname resolveMx resolveNaptr resolveNs resolvePtr resolveSoa resolveSrv " +
    "resolveTlsa resolveTxt reverse setDefaultResultOrder setServers",
  "promises",
  {
    ADDRCONFIG: 32, ADDRGETNETWORKPARAMS: "EADDRGETNETWORKPARAMS", ALL: 16, BADFAMILY: "EBADFAMILY",
    BADFLAGS: "EBADFLAGS", BADHINTS: "EBADHINTS", BADNAME: "EBADNAME", BADQUERY: "EBADQUERY",
    BADRESP: "EBADRESP", BADSTR: "EBADSTR", CANCELLED: "ECANCELLED", CONNREFUSED: "ECONNREFUSED",
    DESTRUCTION: "EDESTRUCTION", EOF: "EOF", FILE: "EFILE", FORMERR: "EFORMERR",
    LOADIPHLPAPI: "ELOADIPHLPAPI", NODATA: "ENODATA", NOMEM: "ENOMEM", NONAME: "ENONAME",
    NOTFOUND: "ENOTFOUND", NOTIMP: "ENOTIMP", NOTINITIALIZED: "ENOTINITIALIZED", REFUSED: "EREFUSED",
    SERVFAIL: "ESERVFAIL", TIMEOUT: "ETIMEOUT", V4MAPPED: 8,
  },
);

export const {
  ADDRCONFIG, ADDRGETNETWORKPARAMS, ALL, BADFAMILY, BADFLAGS, BADHINTS, BADNAME, BADQUERY, BADRESP, BADSTR,
  CANCELLED, CONNREFUSED, DESTRUCTION, EOF, FILE, FORMERR, LOADIPHLPAPI, NODATA, NOMEM, NONAME, NOTFOUND,
  NOTIMP, NOTINITIALIZED, REFUSED, Resolver, SERVFAIL, TIMEOUT, V4MAPPED, getDefaultResultOrder, getServers,
  lookup, lookupService, promises, resolve, resolve4, resolve6, resolveAny, resolveCaa, resolveCname,
  resolveMx, resolveNaptr, resolveNs, resolvePtr, resolveSoa, resolveSrv, resolveTlsa, resolveTxt, reverse,
  setDefaultResultOrder, setServers,
} = module;
export default module;
