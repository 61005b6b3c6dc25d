// The classes of the global scope, which programs ask for by name to find out where they run.
//
// Fidelity: under workerd the global object is no instance of them either.
import { EventTarget } from "dodev:web/events";
import { illegalConstructor, shape } from "dodev:web/interface";

export class WorkerGlobalScope extends EventTarget {
  constructor() {
    throw illegalConstructor();
  }
}
shape(WorkerGlobalScope);

export class ServiceWorkerGlobalScope extends WorkerGlobalScope {
  constructor() {
    throw illegalConstructor();
  }
}
shape(ServiceWorkerGlobalScope);
