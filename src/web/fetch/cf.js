// The `cf` property of requests and responses: what the edge tells of a request, and what a request asks of it.
//
// Fidelity: workerd `src/workerd/api/cf-property.c++` and `http.c++`. It travels as JSON, is frozen where it arrives,
// and copies of it can be changed.
import { isObject } from "dodev:web/webidl";

/**
 * What the platform's edge knows of a request, as JSON. Deviation: the same for all, since there is no edge here: what
 * `wrangler dev` gives when it is offline, to a client that names no encodings.
 */
export const EDGE = JSON.stringify({
  asOrganization: "",
  asn: 395747,
  colo: "DFW",
  city: "Austin",
  region: "Texas",
  regionCode: "TX",
  metroCode: "635",
  postalCode: "78701",
  country: "US",
  continent: "NA",
  timezone: "America/Chicago",
  latitude: "30.27130",
  longitude: "-97.74260",
  clientTcpRtt: 0,
  httpProtocol: "HTTP/1.1",
  requestPriority: "weight=192;exclusive=0",
  tlsCipher: "AEAD-AES128-GCM-SHA256",
  tlsVersion: "TLSv1.3",
  tlsClientAuth: {
    certPresented: "0",
    certVerified: "NONE",
    certRevoked: "0",
    certIssuerDN: "",
    certSubjectDN: "",
    certIssuerDNRFC2253: "",
    certSubjectDNRFC2253: "",
    certIssuerDNLegacy: "",
    certSubjectDNLegacy: "",
    certSerial: "",
    certIssuerSerial: "",
    certSKI: "",
    certIssuerSKI: "",
    certFingerprintSHA1: "",
    certFingerprintSHA256: "",
    certNotBefore: "",
    certNotAfter: "",
    certRFC9440: "",
    certRFC9440TooLarge: false,
    certChainRFC9440: "",
    certChainRFC9440TooLarge: false,
  },
  edgeRequestKeepAliveStatus: 0,
  clientTrustScore: 99,
  botManagement: {
    corporateProxy: false,
    verifiedBot: false,
    ja3Hash: "25b4882c2bcb50cd6b469ff28c596742",
    staticResource: false,
    detectionIds: [],
    score: 99,
  },
  clientAcceptEncoding: "",
});

function freezeAll(value) {
  if (isObject(value)) Object.values(Object.freeze(value)).forEach(freezeAll);
  return value;
}

/** The value of `cf` that arrived as `text`. */
export function readCf(text) {
  return freezeAll(JSON.parse(text));
}

/** A copy that can be changed. */
export function cloneCf(cf) {
  return cf === undefined ? undefined : JSON.parse(JSON.stringify(cf));
}

/** Refuses wishes that contradict each other; `cache` is the request's option of that name. */
export function checkWishes(cf, cache) {
  if (cf.cacheControl === undefined) return;
  if (cf.cacheTtl !== undefined) {
    throw new TypeError(
      "The 'cacheControl' and 'cacheTtl' options on cf are mutually exclusive. Use 'cacheControl' for explicit " +
        "Cache-Control header directives, or 'cacheTtl' for a simplified TTL, but not both.",
    );
  }
  if (cache !== undefined) {
    throw new TypeError(
      "The 'cacheControl' option on cf cannot be used together with the 'cache' request option. The 'cache' option " +
        "('no-store'/'no-cache') maps to cache TTL behavior internally, which conflicts with explicit Cache-Control " +
        "directives.",
    );
  }
}

/** `cf` as JSON for the one who is asked, with the wishes that follow from `cf` and `cache`; undefined if there are none. */
export function writeCf(cf, cache) {
  if (cache === undefined) {
    if (cf?.cacheTtl === undefined || "cacheControl" in cf) return cf === undefined ? undefined : JSON.stringify(cf);
    const ttl = cf.cacheTtl;
    if (ttl === -1) return JSON.stringify({ ...cf, cacheControl: "no-store" });
    return JSON.stringify((ttl | 0) === ttl ? { ...cf, cacheControl: `max-age=${ttl}` } : cf);
  }
  const wishes = { ...cf };
  if (cache === "no-store") {
    if ("cacheTtl" in wishes && wishes.cacheTtl !== -1) {
      throw new TypeError(`CacheTtl: ${wishes.cacheTtl}, is not compatible with cache: no-store header.`);
    }
    wishes.cacheTtl = -1;
  }
  if (cache === "no-cache") wishes.cacheForceRevalidate = true;
  else wishes.cacheLevel = "bypass";
  if (cache !== "reload" && !("cacheControl" in wishes)) wishes.cacheControl = cache;
  return JSON.stringify(wishes);
}
