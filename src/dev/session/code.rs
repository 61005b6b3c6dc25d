//! New code on its way to serving: it is evaluated, state is made to fit it, and it takes the place of the old.

use std::sync::Arc;
use std::thread;

use super::{Event, LAST_COMMIT, Session, Standby};
use crate::base::diag::Diagnostic;
use crate::base::generation::Generation;
use crate::base::limits;
use crate::dev::machine::Signal;
use crate::dev::migrations::Outcome as Migrated;
use crate::dev::report::{Broken, Ready, Report};
use crate::server::Serving;
use crate::world::{Lost, World, WorldFailure, WorldSpec};

impl Session {
    pub(super) fn on_evaluated(
        &mut self,
        generation: Generation,
        result: Result<World, WorldFailure>,
    ) -> Option<Signal> {
        let evaluated = |ok| Some(Signal::Evaluated { generation, ok });
        match result {
            Ok(world) => {
                if self.machine.awaits(generation) {
                    match self.migrate() {
                        Migrated::Fits => {}
                        Migrated::Moved(namespaces) => {
                            // This world read what has moved since. Now that its code is known to run, another one
                            // is made of it.
                            world.stop(LAST_COMMIT);
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

    /// Makes the state fit the project of the newest evaluation. If anything moves, the code that serves stops
    /// first, and requests wait.
    pub(super) fn migrate(&mut self) -> Migrated {
        let Some((bundle, project)) = &self.evaluating else { return Migrated::Fits };
        if self.migrations.fits(project) {
            return Migrated::Fits;
        }
        let (current, serving) = (&self.current, &mut self.serving);
        let release = || {
            if let Some((world, ..)) = serving.take() {
                current.swap(Serving::Starting);
                world.stop(limits::DRAIN);
            }
        };
        match self.migrations.apply(project, &bundle.exports, release) {
            Ok(outcome) => outcome,
            Err(error) => {
                let help = "nothing is lost; free space or correct the permissions, then save or start again";
                let message = format!("the state could not be migrated: {error}");
                Migrated::Refused(vec![Diagnostic::error("migrate/failed", message).help(help)])
            }
        }
    }

    pub(super) fn evaluate(&mut self, generation: Generation) {
        let bundle = self.bundle.clone().expect("a bundle was built before it is evaluated");
        self.evaluating = Some((bundle, self.project.clone()));
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
        let (_, bundle, project) = self.serving.as_ref().expect("only what serves can be lost");
        self.evaluating = Some((bundle.clone(), project.clone()));
        self.changed_at.get_or_insert_with(|| self.options.clock.machine());
        self.spawn_world(generation);
    }

    pub(super) fn spawn_world(&mut self, generation: Generation) {
        let (bundle, project) = self.evaluating.clone().expect("set before it is evaluated");
        let spec = WorldSpec {
            project: self.migrations.fitted(&project),
            bundle,
            generation,
            state: self.state.clone(),
            log: self.log.clone(),
            clock: self.options.clock.clone(),
            test_scheduled: self.options.test_scheduled,
            close_sockets: self.options.close_sockets,
            hibernate_after: self.options.hibernate_after,
            warm: self.warm.take(),
        };
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
        let (bundle, project) = self.evaluating.take().expect("it was evaluated from something");
        let serving = Serving::World { generation, handler: Arc::new(world.clone()) };
        self.current.swap(serving);
        self.forks.set_code(bundle.clone(), self.migrations.fitted(&project));
        if let Some((old, ..)) = self.serving.replace((world, bundle, project.clone())) {
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
        self.report(Report::Ready(Ready { address, project, persist, token: self.token.clone(), duration }));
    }

    pub(super) fn show_broken(&mut self) {
        self.changed_at = None;
        let diagnostics = std::mem::take(&mut self.failure);
        let older_code_serves = self.serving.is_some();
        if !older_code_serves {
            self.current.swap(Serving::Broken(diagnostics.clone().into()));
        }
        let address = self.server.address();
        self.report(Report::Broken(Broken { diagnostics, address, older_code_serves }));
    }
}
