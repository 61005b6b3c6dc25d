//! What changed on disk, as signals for the machine: saves, and the user's own build command.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::{Event, Session};
use crate::base::diag::Diagnostic;
use crate::dev::command;
use crate::dev::machine::{Signal, Stale};
use crate::dev::recent::changed_since;
use crate::dev::report::Report;
use crate::dev::watch::{Change, Wanted, lost_events};

impl Session {
    /// Takes `event` and the file events that wait behind it as one change: an editor's save has several.
    pub(super) fn on_files(&mut self, event: notify::Result<notify::Event>) -> Option<Signal> {
        let mut change = self.on_file(event);
        if self.lost.swap(false, Ordering::Relaxed) {
            change = change.max(self.on_file(Ok(lost_events())));
        }
        loop {
            match self.events.try_recv() {
                Ok(Event::File(event)) => {
                    change = change.max(self.on_file(event));
                }
                other => {
                    self.waiting = other.ok();
                    break;
                }
            }
        }
        (change > Stale::No).then_some(Signal::Changed(change))
    }

    /// Notes what `event` says; what has to be done anew for it.
    pub(super) fn on_file(&mut self, event: notify::Result<notify::Event>) -> Stale {
        let Some(watch) = self.watch.as_mut() else { return Stale::No };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.report(Report::WatchFailed(error.to_string()));
                return Stale::No;
            }
        };
        let Some(Change { project, sources, paths }) = watch.judge(&event) else { return Stale::No };
        // While the command runs nobody can tell its own work from others'; it is asked when it has ended.
        let command = self.project.build.command.as_ref().filter(|_| sources && !self.preparing);
        let sources = command.is_some_and(|command| self.sources.changed(command));
        let stale = match (project, sources, paths.is_empty()) {
            (true, ..) => Stale::Project,
            (_, true, _) => Stale::Command,
            (.., false) => Stale::Files,
            (.., true) => return Stale::No,
        };
        self.changed_at.get_or_insert_with(|| self.options.clock.elapsed());
        self.changed.extend(paths);
        stale
    }

    /// Runs the user's command before the build; the signal, if there is none.
    pub(super) fn prepare(&mut self) -> Option<Signal> {
        let Some(command) = self.project.build.command.clone() else {
            return Some(Signal::Prepared { ok: true });
        };
        self.preparing = true;
        self.sources.begin(&command);
        let (running, report, events) =
            (self.command.clone(), self.options.report.clone(), self.sender.clone());
        let started = command::run(command, running, report, move |failure| {
            // Nobody listens when the session has ended meanwhile.
            drop(events.send(Event::Prepared(failure)));
        });
        match started {
            Ok(()) => None,
            Err(error) => {
                let message = format!("the system gives no thread to run `build.command`: {error}");
                Some(self.on_prepared(vec![Diagnostic::error("dev/thread", message)]))
            }
        }
    }

    pub(super) fn on_prepared(&mut self, failure: Vec<Diagnostic>) -> Signal {
        self.preparing = false;
        let command = self.project.build.command.clone();
        let again = command.is_some_and(|command| self.sources.end(&command));
        // Directories may be new.
        self.follow();
        if again {
            let action = self.machine.decide(Signal::Changed(Stale::Command));
            debug_assert_eq!(action, None, "the run that is about to be told of still counts as running");
        }
        let ok = failure.is_empty();
        self.failure = failure;
        Signal::Prepared { ok }
    }

    /// Notes what was saved during the build in files that nobody watched then: all but the `known` ones.
    pub(super) fn note_unwatched_saves(&mut self, known: &[PathBuf]) {
        let new = self.bundle_inputs.iter().filter(|input| known.binary_search(input).is_err());
        let saved: Vec<_> = changed_since(self.build_began, new).collect();
        // The configuration is watched a moment after it was read for the first time.
        let first = if self.was_ready { &[][..] } else { &self.project_inputs };
        let project = changed_since(self.build_began, first).next().is_some();
        let stale = match (project, saved.is_empty()) {
            (true, _) => Stale::Project,
            (false, false) => Stale::Files,
            (false, true) => return,
        };
        self.changed.extend(saved);
        let action = self.machine.decide(Signal::Changed(stale));
        debug_assert_eq!(action, None, "the build that is about to be told of still counts as running");
    }

    pub(super) fn follow(&mut self) {
        let Some(watch) = &mut self.watch else { return };
        let command = self.project.build.command.as_ref();
        let wanted = Wanted {
            root: &self.project.root,
            project: &self.project_inputs,
            bundle: &self.bundle_inputs,
            sources: command.map(|command| command.watch_dir.as_slice()).unwrap_or_default(),
        };
        if let Err(error) = watch.follow(wanted) {
            self.report(Report::WatchFailed(error.to_string()));
        }
    }
}
