// pipeTo: moves chunks from a readable stream into a writable one until either ends.
import { AbortSignal } from "dodev:web/abort";
import { cancelState, stateOf } from "dodev:web/streams/readable";
import { makeReader, release, requestChunk } from "dodev:web/streams/readers";
import { makeWriter, releaseWriter, writableState } from "dodev:web/streams/writable";
import { badField } from "dodev:web/webidl";

/** Pipes `source` into `destination`; both must be unlocked. Fulfils when all was written. */
export function pipe(source, destination, options) {
  const { preventAbort, preventCancel, preventClose, signal } = options ?? {};
  if (signal !== undefined && !(signal instanceof AbortSignal)) badField("signal", "PipeToOptions", "AbortSignal");
  const from = stateOf(source);
  const to = writableState(destination);
  const reader = makeReader(from, false);
  const writer = makeWriter(to);
  from.disturbed = true;

  const { promise, resolve, reject } = Promise.withResolvers();
  let over = false;
  let lastWrite = Promise.resolve();

  /** Ends the pipe once: waits for writes under way, acts, lets go of both ends. */
  const end = (action, failed, error) => {
    if (over) return;
    over = true;
    const settle = (didFail, failure) => {
      releaseWriter(writer);
      release(reader);
      if (abort !== undefined) signal.removeEventListener("abort", abort);
      if (didFail) reject(failure);
      else resolve(undefined);
    };
    const act = () => {
      if (action === undefined) settle(failed, error);
      else action().then(() => settle(failed, error), (failure) => settle(true, failure));
    };
    if (to.status === "writable" && !to.closeQueued()) lastWrite.then(act, act);
    else act();
  };

  let abort;
  if (signal !== undefined) {
    abort = () => {
      const { reason } = signal;
      const actions = [];
      if (!preventAbort) actions.push(() => (to.status === "writable" ? to.abort(reason) : Promise.resolve()));
      if (!preventCancel) {
        actions.push(() => (from.status === "readable" ? cancelState(from, reason) : Promise.resolve()));
      }
      end(() => Promise.all(actions.map((run) => run())), true, reason);
    };
    if (signal.aborted) {
      abort();
      return promise;
    }
    signal.addEventListener("abort", abort);
  }

  const sourceEnded = () => end(preventClose ? undefined : () => closeOf(to), false);
  const sourceFailed = (error) => end(preventAbort ? undefined : () => to.abort(error), true, error);
  const destinationFailed = (error) => end(preventCancel ? undefined : () => cancelState(from, error), true, error);

  if (from.status === "errored") {
    sourceFailed(from.error);
  } else if (to.status === "erroring" || to.status === "errored") {
    destinationFailed(to.error);
  } else if (from.status === "closed") {
    sourceEnded();
  } else if (to.closeQueued() || to.status === "closed") {
    destinationFailed(new TypeError("This destination writable stream is closed."));
  } else {
    // A source that ends while nothing is asked of it, because the destination wants nothing, ends the pipe as well.
    reader.closed.promise.then(sourceEnded, sourceFailed);
    writer.closed.promise.then(
      () => destinationFailed(new TypeError("This destination writable stream is closed.")),
      (error) => destinationFailed(error),
    );
    step();
  }
  return promise;

  function step() {
    if (over) return;
    if (to.status === "writable" && to.backpressure) {
      writer.ready.promise.then(step, () => {});
      return;
    }
    requestChunk(reader, {
      chunk: (chunk) => {
        // Written in a job of its own, so that a source that enqueues while it is asked is not re-entered.
        lastWrite = Promise.resolve().then(() => to.write(chunk));
        lastWrite.catch(() => {});
        lastWrite = lastWrite.then(undefined, () => {});
        Promise.resolve().then(() => Promise.resolve().then(step));
      },
      close: sourceEnded,
      error: sourceFailed,
    });
  }
}

function closeOf(to) {
  if (to.status === "closed" || to.closeQueued()) return Promise.resolve();
  return to.status === "errored" ? Promise.reject(to.error) : to.close();
}
