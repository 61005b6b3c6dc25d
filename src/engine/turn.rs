//! The one door into JavaScript.
//!
//! A turn sets the scope, calls in, drains the microtasks, hands out the roots that settled, and
//! collects what went wrong and nobody handled.

use std::cell::{Cell, RefCell};

use rquickjs::promise::PromiseState;
use rquickjs::{Ctx, Persistent, Promise, Value, qjs};

use super::exception::Exception;
use super::heap;
use super::host::Scope;
use super::isolate::Isolate;
use super::roots::{OnSettled, Whose, outcome};
use crate::base::clock::Timestamp;
use crate::base::limits;

/// What a turn's entry leaves behind.
pub enum Entered<'js> {
    /// Nothing to wait for.
    Done,
    /// A value, perhaps a promise, and what to do with it once it is settled.
    Root(rquickjs::Result<Value<'js>>, OnSettled),
}

/// What went wrong in a turn beside its roots.
#[derive(Debug, Default)]
pub struct TurnReport {
    /// The turn was ended because it used too much CPU time.
    pub cpu_exceeded: bool,
    /// The limit of CPU time, if the turn used nearly all of it.
    pub cpu_near: Option<std::time::Duration>,
    /// The isolate ran out of memory.
    pub memory_exceeded: bool,
    /// The isolate was refused memory, whether or not the code noticed.
    pub memory_refused: bool,
    /// Rejections without a handler, and exceptions that left a callback.
    pub uncaught: Vec<Exception>,
    /// How many more there were.
    pub more_uncaught: usize,
}

/// Collects unhandled rejections and uncaught exceptions of the running turn.
#[derive(Default)]
pub struct Violations {
    rejected: RefCell<Vec<(Persistent<Value<'static>>, Persistent<Value<'static>>)>>,
    thrown: RefCell<Vec<Exception>>,
    more_thrown: Cell<usize>,
}

impl Violations {
    /// The engine's notice that `promise` was rejected, or that a handler was attached after all.
    pub fn track<'js>(&self, ctx: &Ctx<'js>, promise: Value<'js>, reason: Value<'js>, handled: bool) {
        let promise = Persistent::save(ctx, promise);
        let mut rejected = self.rejected.borrow_mut();
        if handled {
            rejected.retain(|(p, _)| *p != promise);
        } else {
            rejected.push((promise, Persistent::save(ctx, reason)));
        }
    }

    /// Forgets that `promise` was rejected: the host itself handles it.
    pub fn forgive<'js>(&self, ctx: &Ctx<'js>, promise: &Promise<'js>) {
        if !self.rejected.borrow().is_empty() {
            let promise = Persistent::save(ctx, promise.as_value().clone());
            self.rejected.borrow_mut().retain(|(p, _)| *p != promise);
        }
    }

    /// Notes an exception that left a callback.
    pub fn add(&self, exception: Exception) {
        let mut thrown = self.thrown.borrow_mut();
        if thrown.len() < limits::TURN_UNCAUGHT {
            thrown.push(exception);
        } else {
            self.more_thrown.set(self.more_thrown.get() + 1);
        }
    }

    /// Notes what left a callback, unless that only ended the turn: why it was ended is told elsewhere.
    pub fn add_thrown<'js>(&self, ctx: &Ctx<'js>, thrown: &Value<'js>) {
        if !is_uncatchable(thrown) {
            self.add(Exception::read(ctx, thrown));
        }
    }

    /// What went wrong, and how much more.
    fn take(&self, ctx: &Ctx<'_>) -> (Vec<Exception>, usize) {
        let mut all = std::mem::take(&mut *self.thrown.borrow_mut());
        let mut more = self.more_thrown.take();
        let rejected = std::mem::take(&mut *self.rejected.borrow_mut());
        for (_, reason) in rejected {
            if all.len() >= limits::TURN_UNCAUGHT {
                more += 1;
                continue;
            }
            let reason = reason.restore(ctx).expect("the reason belongs to this isolate");
            all.push(Exception::read(ctx, &reason));
        }
        (all, more)
    }

    pub(super) fn clear(&self) {
        let rejected = std::mem::take(&mut *self.rejected.borrow_mut());
        drop(rejected);
    }
}

impl Isolate {
    /// Runs one turn in `scope`: `enter`, then every microtask, then the scope's roots that settled.
    pub fn turn<F>(&self, scope: Scope, enter: F) -> TurnReport
    where
        F: for<'js> FnOnce(&Ctx<'js>) -> Entered<'js>,
    {
        let host = self.host();
        host.turns.set(host.turns.get() + 1);
        let before = host.scope.replace(scope);
        let realm = self.realm(scope.owner.realm());
        self.watchdog().start(realm.turn_cpu.get());
        heap::forget_refusals();
        match host.in_global_scope() {
            // Fidelity: observed with wrangler 4.164.0: dates and `performance` show the epoch there.
            true => host.clock.begin_turn_at(Timestamp(0)),
            false => host.clock.begin_turn(),
        }
        host.interrupted.set(false);
        let mut report = realm.context.with(|ctx| {
            match enter(&ctx) {
                Entered::Done => drain(self, &ctx),
                Entered::Root(result, done) => self.enter_root(&ctx, scope, result, done),
            }
            host.interrupted.set(self.watchdog().expired());
            while self.roots().settle(&ctx, Whose::One(scope.owner)) {
                drain(self, &ctx);
            }
            self.promise_owners().end_turn(&ctx);
            host.kept.clear();
            let (uncaught, more_uncaught) = host.violations.take(&ctx);
            TurnReport { uncaught, more_uncaught, ..TurnReport::default() }
        });
        host.clock.end_turn();
        self.heap().end_turn();
        report.cpu_exceeded = self.watchdog().stop();
        report.cpu_near = self.watchdog().nearly_expired();
        report.memory_refused = heap::was_refused();
        report.memory_exceeded = report.uncaught.iter().any(Exception::is_out_of_memory);
        host.scope.set(before);
        report
    }

    /// Hands out roots of any owner that settled in somebody else's turn, as promises shared by several do; says whether there were any.
    pub fn sweep(&self) -> bool {
        let host = self.host();
        let mut any = false;
        for id in self.realms() {
            let before = host.scope.replace(Scope::none_of(id));
            any |= self.realm(id).context.with(|ctx| {
                let any = self.roots().settle(&ctx, Whose::AllIn(id));
                drain(self, &ctx);
                self.promise_owners().end_turn(&ctx);
                host.kept.clear();
                any
            });
            host.scope.set(before);
        }
        any
    }

    fn enter_root<'js>(
        &self,
        ctx: &Ctx<'js>,
        scope: Scope,
        result: rquickjs::Result<Value<'js>>,
        done: OnSettled,
    ) {
        let value = match result {
            Ok(value) => value,
            Err(_) => {
                let thrown = ctx.catch();
                self.host().interrupted.set(self.watchdog().expired());
                drain(self, ctx);
                done(ctx, Err(thrown));
                return drain(self, ctx);
            }
        };
        drain(self, ctx);
        let Some(promise) = value.as_promise().cloned() else {
            done(ctx, Ok(value));
            return drain(self, ctx);
        };
        if promise.state() == PromiseState::Pending {
            self.roots().add(ctx, scope.owner, promise, done);
        } else {
            self.host().violations.forgive(ctx, &promise);
            self.host().interrupted.set(self.watchdog().expired());
            done(ctx, outcome(ctx, &promise));
            drain(self, ctx);
        }
    }
}

/// Whether an error ended a turn on purpose: the watchdog's, or that of an object that was reset.
fn is_uncatchable(error: &Value<'_>) -> bool {
    // SAFETY: the value is alive and of the entered context; the engine looks at its tag first.
    unsafe { qjs::JS_IsUncatchableError(error.as_raw()) }
}

unsafe extern "C" {
    /// Drops the microtasks of a runtime (`build/quickjs.c`).
    fn dodev_drop_jobs(runtime: *mut qjs::JSRuntime);
}

/// Runs microtasks until none is left; none more once the turn was ended.
///
/// Fidelity: V8 empties its queue when execution is terminated. Recorded in `fixtures/held-answers`.
fn drain(isolate: &Isolate, ctx: &Ctx<'_>) {
    // SAFETY: `ctx` is entered on this thread, so its runtime is locked for us.
    let runtime = unsafe { qjs::JS_GetRuntime(ctx.as_raw().as_ptr()) };
    loop {
        if isolate.watchdog().take_end() {
            // SAFETY: as above; no job runs now.
            unsafe { dodev_drop_jobs(runtime) };
        }
        let mut entered = std::ptr::null_mut();
        // SAFETY: as above; the engine writes the job's context to the local.
        let status = unsafe { qjs::JS_ExecutePendingJob(runtime, &raw mut entered) };
        match status {
            0 => return,
            1.. => {}
            // A failed job leaves its exception pending. Jobs of promises never throw; only the end of
            // a turn (watchdog, abort) and running out of memory come this way.
            _ => {
                let thrown = ctx.catch();
                if thrown.is_error() {
                    isolate.host().violations.add_thrown(ctx, &thrown);
                }
            }
        }
    }
}
