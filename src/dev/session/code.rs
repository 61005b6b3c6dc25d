//! New code on its way to serving: it is evaluated, state is made to fit it, and it takes the place of the old.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;

use super::{Event, Member, Session, Standby, with_whole_paths};
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::dev::machine::{Outcome, Signal};
use crate::dev::migrations::Outcome as Migrated;
use crate::dev::report::{Broken, Ready, Report};
use crate::dev::unmet::NO_CODE;
use crate::project::check_entrypoints;
use crate::server::Serving;
use crate::world::{Lost, OnLost, WorkerCode, World, WorldFailure, WorldSpec};

impl Session {
    pub(super) fn on_evaluated(
        &mut self,
        generation: Generation,
        result: Result<World, WorldFailure>,
    ) -> Option<Signal> {
        self.slow = self.slow.filter(|(newest, _)| *newest != generation);
        let evaluated = |ok| Some(Signal::Evaluated { generation, ok });
        match result {
            Ok(world) => {
                if self.machine.awaits(generation) {
                    match self.migrate() {
                        Migrated::Fits => {}
                        Migrated::Moved(namespaces) => {
                            // This world read what has moved since. Now that its code is known to run, another one
                            // is made of it.
                            world.stop(limits::LAST_COMMIT);
                            self.state.forget(&namespaces);
                            self.spawn_world(generation);
                            return None;
                        }
                        Migrated::Refused(failure) => {
                            world.retire();
                            self.failure = failure;
                            return evaluated(false);
                        }
                    }
                }
                self.fresh = Some((generation, world));
                evaluated(true)
            }
            Err(failure) => {
                self.failure = failure.diagnostics;
                evaluated(false)
            }
        }
    }

    /// Makes the state fit the projects of the newest evaluation. If anything moves, the code that serves stops
    /// first, and requests wait.
    pub(super) fn migrate(&mut self) -> Migrated {
        let Some(workers) = &self.evaluating else { return Migrated::Fits };
        let mut moved = Vec::new();
        let (current, serving) = (&self.current, &mut self.serving);
        let state = self.state.clone();
        // Nobody replaces objects while they move.
        let mut alone = None;
        for (member, WorkerCode { project, bundle }) in self.members.iter_mut().zip(workers) {
            if member.migrations.fits(project) {
                continue;
            }
            let release = || {
                alone.get_or_insert_with(|| state.exclusively());
                if let Some((world, ..)) = serving.take() {
                    current.swap(Serving::Starting);
                    world.stop(limits::DRAIN);
                }
            };
            match member.migrations.apply(project, &bundle.exports, release) {
                Ok(Migrated::Fits) => {}
                Ok(Migrated::Moved(namespaces)) => moved.extend(namespaces),
                Ok(Migrated::Refused(failure)) => return Migrated::Refused(failure),
                Err(error) => {
                    let help =
                        "nothing is lost; free space or correct the permissions, then save or start again";
                    let message = format!("the state could not be migrated: {error}");
                    return Migrated::Refused(vec![Diagnostic::error("migrate/failed", message).help(help)]);
                }
            }
        }
        if moved.is_empty() { Migrated::Fits } else { Migrated::Moved(moved) }
    }

    /// Every Worker with its last bundle.
    pub(super) fn workers(&self) -> Vec<WorkerCode> {
        let code = |member: &Member| WorkerCode {
            project: member.project.clone(),
            bundle: member.bundle.clone().expect("a bundle was built before it is looked at"),
        };
        self.members.iter().map(code).collect()
    }

    pub(super) fn evaluate(&mut self, generation: Generation) {
        self.evaluating = Some(self.workers());
        self.spawn_world(generation);
    }

    /// Says why the world of `generation` is of no more use.
    pub(super) fn on_lost(&mut self, generation: Generation, why: Lost) -> Signal {
        let (code, message, help) = match why {
            Lost::Memory => (
                "worker/memory",
                "the Worker has used up the 128 MB of its isolate and holds them: it starts anew with empty memory",
                "on the platform this ends the isolate as well; keep less in variables outside handlers and in objects",
            ),
            Lost::Failed => (
                "dodev/failed",
                "the Worker's thread failed: it starts anew, what was stored is untouched",
                "this is a defect of dodev; the lines above say where it is",
            ),
        };
        self.report(Report::Warnings(vec![Diagnostic::warning(code, message).help(help)]));
        Signal::Lost(generation)
    }

    /// Makes a world of the code that serves, in place of one that was lost.
    pub(super) fn revive(&mut self, generation: Generation) {
        let (_, workers) = self.serving.as_ref().expect("only what serves can be lost");
        self.evaluating = Some(workers.clone());
        self.changed_at.get_or_insert_with(|| self.options.clock.machine());
        self.spawn_world(generation);
    }

    pub(super) fn spawn_world(&mut self, generation: Generation) {
        let workers = self.evaluating.clone().expect("set before it is evaluated");
        let fitted = |(member, worker): (&Member, WorkerCode)| WorkerCode {
            project: member.migrations.fitted(&worker.project),
            ..worker
        };
        let spec = WorldSpec {
            workers: self.members.iter().zip(workers).map(fitted).collect(),
            generation,
            state: self.state.clone(),
            log: self.log.clone(),
            clock: self.options.clock.clone(),
            test_scheduled: self.options.test_scheduled,
            close_sockets: self.options.close_sockets,
            hibernate_after: self.options.hibernate_after,
            warm: self.warm.take(),
        };
        self.slow = Some((generation, self.options.clock.machine() + limits::STARTUP_SHOWN));
        let sender = self.sender.clone();
        let evaluate = move || {
            // Nobody listens when the session has ended meanwhile.
            drop(sender.send(Event::Evaluated(generation, World::spawn(spec))));
        };
        if let Err(error) = thread::Builder::new().name("evaluate".to_owned()).spawn(evaluate) {
            let message = format!("the system gives no thread to run the code: {error}");
            let failure = WorldFailure { diagnostics: vec![Diagnostic::error("dev/thread", message)] };
            drop(self.sender.try_send(Event::Evaluated(generation, Err(failure))));
        }
    }

    pub(super) fn serve(&mut self, generation: Generation) {
        let (_, world) = self.fresh.take().expect("an evaluated world waits to serve");
        let workers = self.evaluating.take().expect("it was evaluated from something");
        let projects = workers.iter().map(|worker| worker.project.clone()).collect();
        let serving = Serving::World { generation, handler: Arc::new(world.clone()) };
        self.current.swap(serving);
        let fitted = self.members.iter().zip(&workers).map(|(member, worker)| WorkerCode {
            project: member.migrations.fitted(&worker.project),
            bundle: worker.bundle.clone(),
        });
        self.forks.set_code(fitted.collect());
        if let Some((old, ..)) = self.serving.replace((world, workers)) {
            old.retire();
        }
        let elapsed = self.options.clock.machine();
        let changed_at = self.changed_at.take();
        if std::mem::replace(&mut self.was_ready, true) {
            // Who saves once saves again. A session that only serves does without the memory.
            self.standby = Standby::Wanted;
            let duration = elapsed.saturating_sub(changed_at.unwrap_or(elapsed));
            return self.report(Report::Reloaded { generation, duration });
        }
        // After a fix the time since the start says nothing.
        let duration = changed_at.is_none().then_some(elapsed);
        let (address, persist) = (self.server.address(), self.persist.clone());
        let (token, secure) = (self.token.clone(), self.server.is_secure());
        self.report(Report::Ready(Ready { address, secure, projects, persist, token, duration }));
    }

    /// What came of the last builds of all Workers.
    pub(super) fn outcome(&mut self) -> Outcome {
        let failed = self.members.iter().filter(|member| !member.failure.is_empty());
        let mut failure: Vec<_> =
            failed.flat_map(|member| self.placed(&member.project.root, member.failure.clone())).collect();
        if failure.is_empty() {
            let exports_of = |name: &str| {
                let named = self.members.iter().find(|member| member.project.name == name)?;
                Some(named.bundle.as_ref()?.exports.as_slice())
            };
            let checked =
                self.members.iter().flat_map(|member| check_entrypoints(&member.project, exports_of));
            failure = checked.collect();
        }
        if !failure.is_empty() {
            self.failure = failure;
            return Outcome::Failed;
        }
        let workers = self.workers();
        let is_same = self.serving.as_ref().is_some_and(|(_, serving)| {
            serving.iter().zip(&workers).all(|(serving, built)| {
                serving.bundle.hash == built.bundle.hash && Arc::ptr_eq(&serving.project, &built.project)
            })
        });
        if is_same { Outcome::Same } else { Outcome::Bundle }
    }

    /// `diagnostics` of the project at `root` as they are shown: with whole paths where there are several projects.
    pub(super) fn placed(&self, root: &Path, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        if self.members.len() == 1 { diagnostics } else { with_whole_paths(root, diagnostics) }
    }

    /// Whether nothing but a main module without code is wrong, while older code serves.
    pub(super) fn is_unwritten(&self) -> bool {
        let has_none = |diagnostic: &Diagnostic| diagnostic.code == NO_CODE;
        self.serving.is_some() && !self.failure.is_empty() && self.failure.iter().all(has_none)
    }

    pub(super) fn show_broken(&mut self) {
        self.changed_at = None;
        let diagnostics = std::mem::take(&mut self.failure);
        let older_code_serves = self.serving.is_some();
        if !older_code_serves {
            self.current.swap(Serving::Broken(diagnostics.clone().into()));
        }
        let (address, secure) = (self.server.address(), self.server.is_secure());
        self.report(Report::Broken(Broken { diagnostics, address, secure, older_code_serves }));
    }
}

/// Tells the session of worlds that are of no more use; it has other things to do when it has ended.
pub(super) fn on_lost(events: SyncSender<Event>) -> OnLost {
    Arc::new(move |generation, why| drop(events.try_send(Event::Lost(generation, why))))
}

/// What is told of a top level that goes on and on, perhaps for ever.
pub(super) fn slow_top_level(older_code_serves: bool) -> Diagnostic {
    let (shown, limit) = (limits::STARTUP_SHOWN.as_secs(), limits::STARTUP_CPU.as_secs());
    let message = format!("the top level of the Worker still runs after {shown} s");
    let meanwhile = if older_code_serves { "; the last good code goes on serving meanwhile" } else { "" };
    Diagnostic::warning("worker/startup-slow", message).help(format!(
        "production allows about a second of CPU time there; here it is ended after {limit} s{meanwhile}"
    ))
}
