// tee: two streams that both get what one stream delivers. A byte stream gives byte streams with copied chunks.
import { ByteController } from "dodev:web/streams/byte_controller";
import { DefaultController, ReadableState, cancelState } from "dodev:web/streams/readable";
import { makeReader, requestChunk } from "dodev:web/streams/readers";

/** How many bytes both branches will bring, where that is known beforehand. */
function lengthOf({ disturbed, expected, origin }) {
  if (disturbed) return undefined;
  return origin instanceof ArrayBuffer ? origin.byteLength : expected;
}

/** The states of two streams that replace `state`, which stays locked. */
export function tee(state) {
  const bytes = state.controller?.pullInto !== undefined;
  const length = lengthOf(state);
  const reader = makeReader(state, false);
  state.disturbed = true;
  const branches = [new ReadableState(), new ReadableState()];
  if (length !== undefined) for (const branch of branches) branch.expected = length;
  const cancelled = [false, false];
  const cancelling = Promise.withResolvers();
  let reading = false;
  let again = false;

  const pull = () => {
    if (reading) {
      again = true;
      return Promise.resolve();
    }
    reading = true;
    again = false;
    requestChunk(reader, {
      chunk: (chunk) => {
        Promise.resolve().then(() => {
          deliver(chunk);
          reading = false;
          if (again) pull();
        });
      },
      close: () => {
        reading = false;
        for (const [i, branch] of branches.entries()) {
          if (!cancelled[i] && branch.controller.canEnqueue()) closeBranch(branch.controller);
        }
        if (!cancelled[0] || !cancelled[1]) cancelling.resolve(undefined);
      },
      error: () => {
        reading = false;
      },
    });
    return Promise.resolve();
  };

  const deliver = (chunk) => {
    for (const [i, { controller }] of branches.entries()) {
      if (cancelled[i] || !controller.canEnqueue()) continue;
      if (!bytes) controller.enqueue(chunk);
      else if (i === 0 && !cancelled[1]) controller.enqueue(chunk.slice().buffer, 0, chunk.byteLength);
      else controller.enqueue(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    }
  };

  const cancelBranch = (i) => (reason) => {
    cancelled[i] = true;
    // Fidelity: the source learns the last reason only where the standard passes both.
    if (cancelled[1 - i]) cancelState(state, reason).then(cancelling.resolve, cancelling.reject);
    return cancelling.promise;
  };

  for (const [i, branch] of branches.entries()) {
    branch.controller = bytes
      ? new ByteController(branch, 0, pull, cancelBranch(i))
      : new DefaultController(branch, 1, () => 1, pull, cancelBranch(i));
  }
  reader.closed.promise.then(undefined, (error) => {
    for (const { controller } of branches) controller.fail(error);
    if (!cancelled[0] || !cancelled[1]) cancelling.resolve(undefined);
  });
  for (const { controller } of branches) controller.start(undefined);
  return branches;
}

function closeBranch(controller) {
  controller.close();
  if (controller.pending?.length > 0) controller.respond(0);
}
