// navigator: what the platform says about itself.
import { illegalConstructor, shape } from "dodev:web/interface";

const MAKE = Symbol("make");

export class Navigator {
  constructor(token) {
    if (token !== MAKE) throw illegalConstructor();
    // Fidelity: the same own, read-only properties and values as under workerd.
    const own = {
      languages: Object.freeze(["en"]),
      language: "en",
      platform: "",
      hardwareConcurrency: 1,
      userAgent: "Cloudflare-Workers",
    };
    for (const name in own) {
      Object.defineProperty(this, name, { value: own[name], enumerable: true, configurable: true });
    }
  }
  sendBeacon() {
    throw new Error("dodev does not emulate navigator.sendBeacon yet");
  }
}
shape(Navigator);

export const navigator = new Navigator(MAKE);
