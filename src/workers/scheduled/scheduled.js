// The Worker's `scheduled` handler: cron triggers, and requests that run it at will.
import { ExecutionContext } from "dodev:workers/ctx";
import { worker } from "dodev:workers/env";

let mustNotRetry;

class ScheduledController {
  #noRetry = false;

  constructor(cron, scheduledTime) {
    for (const [key, value] of Object.entries({ cron, scheduledTime })) {
      Object.defineProperty(this, key, { value, enumerable: true });
    }
  }

  noRetry() {
    this.#noRetry = true;
  }

  static {
    mustNotRetry = (controller) => controller.#noRetry;
  }
}

Object.defineProperty(ScheduledController.prototype, Symbol.toStringTag, {
  value: "ScheduledController",
  configurable: true,
});

/** A context that remembers what the handler did not wait for: its failure is the handler's. */
class ScheduledContext extends ExecutionContext {
  #tasks = [];

  waitUntil(promise) {
    const task = Promise.resolve(promise);
    this.#tasks.push(task);
    // Reported once, with the outcome.
    super.waitUntil(task.catch(() => {}));
  }

  /** Waits for all tasks, also for those that tasks add. */
  async settled() {
    for (const task of this.#tasks) await task;
  }
}

/** Runs the handler; gives [whether it succeeded, whether it must not be retried, what it threw, whether
 * there is a handler]. */
export async function runScheduled(cron, scheduledTime) {
  if (!Number.isFinite(scheduledTime)) {
    throw new TypeError("The value cannot be converted because it is not a valid Date.");
  }
  const controller = new ScheduledController(cron, scheduledTime);
  const context = new ScheduledContext();
  try {
    const { handlers, env } = worker;
    const target = typeof handlers === "function" ? new handlers(context, env) : handlers;
    if (typeof target?.scheduled !== "function") {
      return [false, true, new Error("Handler does not export a scheduled() function"), false];
    }
    await (target === handlers ? target.scheduled(controller, env, context) : target.scheduled(controller));
    await context.settled();
    return [true, mustNotRetry(controller), undefined, true];
  } catch (thrown) {
    return [false, mustNotRetry(controller), thrown, true];
  }
}
