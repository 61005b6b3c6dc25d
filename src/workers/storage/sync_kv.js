// `ctx.storage.kv`: keys and values without promises.
import host from "dodev:host";
import { listOptions } from "dodev:workers/storage/list_options";

export class SyncKvStorage {
  #slot;

  constructor(slot) {
    this.#slot = slot;
  }

  get(key) {
    return host.kvGet(this.#slot, `${key}`);
  }

  put(key, value) {
    if (value === undefined) {
      host.kvDelete(this.#slot, `${key}`);
      return;
    }
    host.kvPut(this.#slot, `${key}`, value);
  }

  delete(key) {
    return host.kvDelete(this.#slot, `${key}`);
  }

  list(options) {
    return new KvListIterator(this.#slot, host.kvIterate(this.#slot, ...listOptions(options)));
  }
}

class KvListIterator extends Iterator {
  #slot;
  #iteration;

  constructor(slot, iteration) {
    super();
    this.#slot = slot;
    this.#iteration = iteration;
  }

  next() {
    const entry = host.kvNext(this.#slot, this.#iteration);
    return entry === undefined ? { done: true, value: undefined } : { done: false, value: entry };
  }
}

Object.defineProperty(SyncKvStorage.prototype, Symbol.toStringTag, {
  value: "SyncKvStorage",
  configurable: true,
});
