// Defines the global names of the Web platform.
import host from "dodev:host";
import { notePlatformClass } from "dodev:web/interface";
import { AbortController, AbortSignal } from "dodev:web/abort";
import { Blob, File } from "dodev:web/blob";
import { Cloudflare } from "dodev:web/cloudflare";
import { console } from "dodev:web/console";
import { Crypto, crypto, subtleModule } from "dodev:web/crypto";
import { DOMException } from "dodev:web/dom_exception";
import { TextDecoder, TextEncoder, atob, btoa } from "dodev:web/encoding";
import {
  CloseEvent,
  CustomEvent,
  ErrorEvent,
  Event,
  EventTarget,
  MessageEvent,
  PromiseRejectionEvent,
} from "dodev:web/events";
import {
  addEventListener,
  dispatchEvent,
  extendableEvents,
  removeEventListener,
  reportError,
} from "dodev:web/events/global";
import { Headers, Request, Response, fetch } from "dodev:web/fetch";
import { FormData } from "dodev:web/form_data";
import { MessageChannel, MessagePort } from "dodev:web/message";
import { Navigator, navigator } from "dodev:web/navigator";
import {
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  performance,
} from "dodev:web/performance";
import { intl } from "dodev:web/intl/methods";
import {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  FixedLengthStream,
  IdentityTransformStream,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "dodev:web/streams";
import { structuredClone } from "dodev:web/structured_clone";
import {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} from "dodev:web/timers";
import { queueMicrotask, scheduler } from "dodev:web/timers/scheduler";
import { URL, URLSearchParams } from "dodev:web/url";
import { load as webAssembly } from "dodev:web/wasm/guard";
import { WebSocket, WebSocketPair, WebSocketRequestResponsePair } from "dodev:web/web_socket";

function define(values) {
  for (const name in values) {
    Object.defineProperty(globalThis, name, {
      value: values[name],
      writable: true,
      configurable: true,
      enumerable: false,
    });
    if (typeof values[name]?.prototype === "object") notePlatformClass(values[name]);
  }
}

define({
  AbortController,
  AbortSignal,
  Blob,
  CloseEvent,
  Cloudflare,
  Crypto,
  CustomEvent,
  DOMException,
  ErrorEvent,
  Event,
  EventTarget,
  File,
  FormData,
  Headers,
  MessageChannel,
  MessageEvent,
  MessagePort,
  Navigator,
  Performance,
  PerformanceEntry,
  PerformanceMark,
  PerformanceMeasure,
  PromiseRejectionEvent,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  WebSocket,
  WebSocketPair,
  WebSocketRequestResponsePair,
  addEventListener,
  atob,
  btoa,
  clearImmediate,
  clearInterval,
  clearTimeout,
  console,
  crypto,
  dispatchEvent,
  fetch,
  navigator,
  performance,
  queueMicrotask,
  removeEventListener,
  reportError,
  scheduler,
  self: globalThis,
  setImmediate,
  setInterval,
  setTimeout,
  structuredClone,
});

define({
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  FixedLengthStream,
  IdentityTransformStream,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
});

// Rare classes that build on others: loaded when first used.
function defineLater(module, names) {
  let loaded;
  const load = typeof module === "function" ? module : () => host.lazy(module);
  for (const name of names) {
    const set = (value) =>
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable: false });
    Object.defineProperty(globalThis, name, {
      get() {
        loaded ??= load();
        set(loaded[name]);
        return loaded[name];
      },
      set,
      configurable: true,
      enumerable: false,
    });
  }
}

delete globalThis.InternalError;
Object.defineProperty(globalThis, "origin", { value: "null", enumerable: true, configurable: true });

defineLater(intl, ["Intl"]);
defineLater(extendableEvents, ["ExtendableEvent", "FetchEvent", "ScheduledEvent", "TailEvent", "TraceEvent"]);
defineLater("dodev:web/events/scopes", ["ServiceWorkerGlobalScope", "WorkerGlobalScope"]);
defineLater("dodev:web/performance/observer", [
  "PerformanceObserver", "PerformanceObserverEntryList", "PerformanceResourceTiming",
]);
defineLater(subtleModule, ["CryptoKey", "SubtleCrypto"]);
defineLater(webAssembly, ["WebAssembly"]);
defineLater("dodev:web/cache", ["Cache", "CacheStorage", "caches"]);
defineLater("dodev:web/event_source", ["EventSource"]);
defineLater("dodev:web/html_rewriter", ["HTMLRewriter"]);
defineLater("dodev:web/url_pattern", ["URLPattern"]);
defineLater("dodev:web/compression", ["CompressionStream", "DecompressionStream"]);
defineLater("dodev:web/encoding/streams", ["TextDecoderStream", "TextEncoderStream"]);
