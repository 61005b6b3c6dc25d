//! What changed on disk, as signals for the machine: saves, and the user's own build commands.

use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::opening::warn_of_users;
use super::{Event, MemberId, Session};
use crate::base::clock::Timestamp;
use crate::base::diag::Diagnostic;
use crate::dev::command;
use crate::dev::machine::{Signal, Stale};
use crate::dev::recent::changed_since;
use crate::dev::report::Report;
use crate::dev::watch::{Change, lost_events};
use crate::project::Project;

impl Session {
    /// Says what of `project`, the primary one's new configuration, does not count before the next start.
    pub(super) fn tell_of_restart(&self, project: &Project) {
        let (old, new) = (&self.members[0].project.dev, &project.dev);
        for (key, changed) in [
            ("dev.port", self.options.port.is_none() && new.port != old.port),
            ("dev.ip", self.options.ip.is_none() && new.ip != old.ip),
            ("dev.local_protocol", self.options.secure.is_none() && new.local_protocol != old.local_protocol),
        ] {
            if changed {
                self.report(Report::RestartNeeded { key });
            }
        }
    }

    /// Takes `event` and the file events that wait behind it as one change: an editor's save has several.
    pub(super) fn on_files(&mut self, id: MemberId, event: notify::Result<notify::Event>) -> Option<Signal> {
        let mut change = self.on_file(id, event);
        for id in 0..self.members.len() {
            if self.members[id].lost.swap(false, Ordering::Relaxed) {
                change = change.max(self.on_file(id, Ok(lost_events())));
            }
        }
        loop {
            match self.events.try_recv() {
                Ok(Event::File(id, event)) => {
                    change = change.max(self.on_file(id, event));
                }
                other => {
                    self.waiting = other.ok();
                    break;
                }
            }
        }
        (change > Stale::No).then_some(Signal::Changed(change))
    }

    /// Notes what `event` says of a Worker's files; what has to be done anew for it.
    fn on_file(&mut self, id: MemberId, event: notify::Result<notify::Event>) -> Stale {
        let member = &mut self.members[id];
        let Some(watch) = member.watch.as_mut() else { return Stale::No };
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                self.report(Report::WatchFailed(error.to_string()));
                return Stale::No;
            }
        };
        let Some(Change { project, sources, paths }) = watch.judge(&event) else { return Stale::No };
        // While the command runs nobody can tell its own work from others'; it is asked when it has ended.
        let command = member.project.build.command.as_ref().filter(|_| sources && !member.preparing);
        let sources = command.is_some_and(|command| member.sources.changed(command));
        let stale = match (project, sources, paths.is_empty()) {
            (true, ..) => Stale::Project,
            (_, true, _) => Stale::Command,
            (.., false) => Stale::Files,
            (.., true) => return Stale::No,
        };
        member.stale = member.stale.max(stale);
        member.changed.extend(paths);
        self.changed_at.get_or_insert_with(|| self.options.clock.elapsed());
        stale
    }

    /// Runs the users' commands before the builds; the signal, if there is none to be run.
    pub(super) fn prepare(&mut self) -> Option<Signal> {
        let stale = |id: &MemberId| self.members[*id].stale == Stale::Command;
        let ids: Vec<_> = (0..self.members.len()).filter(stale).collect();
        for id in ids {
            let member = &mut self.members[id];
            let Some(command) = member.project.build.command.clone() else {
                member.stale = Stale::Files;
                continue;
            };
            member.preparing = true;
            member.sources.begin(&command);
            self.busy += 1;
            let (running, report, events) =
                (member.command.clone(), self.options.report.clone(), self.sender.clone());
            let source = member.project.source.clone();
            let started = command::run(command, source, running, report, move |failure| {
                // Nobody listens when the session has ended meanwhile.
                drop(events.send(Event::Prepared(id, failure)));
            });
            if let Err(error) = started {
                let message = format!("the system gives no thread to run `build.command`: {error}");
                self.note_prepared(id, vec![Diagnostic::error("dev/thread", message)]);
            }
        }
        self.prepared()
    }

    /// Notes that a command ended; the signal when it was the last one that ran.
    pub(super) fn on_prepared(&mut self, id: MemberId, failure: Vec<Diagnostic>) -> Option<Signal> {
        self.note_prepared(id, failure);
        self.prepared()
    }

    fn note_prepared(&mut self, id: MemberId, failure: Vec<Diagnostic>) {
        self.busy -= 1;
        let member = &mut self.members[id];
        member.preparing = false;
        let command = member.project.build.command.clone();
        let again = command.is_some_and(|command| member.sources.end(&command));
        // Directories may be new.
        member.follow(&self.options.report);
        member.failure = failure;
        if again {
            let action = self.machine.decide(Signal::Changed(Stale::Command));
            debug_assert_eq!(action, None, "the run that is about to be told of still counts as running");
        } else if member.failure.is_empty() && member.stale == Stale::Command {
            member.stale = Stale::Files;
        }
    }

    /// The signal when no command runs any more.
    fn prepared(&mut self) -> Option<Signal> {
        if self.busy > 0 {
            return None;
        }
        // A command that failed keeps its Worker from being built.
        let failed = self.members.iter().filter(|member| member.stale == Stale::Command);
        self.failure = failed.flat_map(|member| member.failure.clone()).collect();
        Some(Signal::Prepared { ok: self.failure.is_empty() })
    }

    /// Does what can wait until the first code is evaluated: watches what the first bundles are made of, and looks for
    /// others who use the state. The signal, if something of the bundles was saved meanwhile.
    pub(super) fn watch_late(&mut self) -> Option<Signal> {
        if self.unwatched.is_empty() {
            return None;
        }
        if !std::mem::replace(&mut self.knows_users, true) {
            warn_of_users(self.state.root(), &self.options.report);
        }
        let mut saved = Stale::No;
        for (id, known, since) in std::mem::take(&mut self.unwatched) {
            self.members[id].follow(&self.options.report);
            saved = saved.max(self.unwatched_saves(id, &known, since).unwrap_or(Stale::No));
        }
        (saved > Stale::No).then_some(Signal::Changed(saved))
    }

    /// Notes what was saved since `since` in files that nobody watched then: all but the `known` ones. What has to be
    /// done anew for it.
    pub(super) fn unwatched_saves(
        &mut self,
        id: MemberId,
        known: &[PathBuf],
        since: Timestamp,
    ) -> Option<Stale> {
        let member = &mut self.members[id];
        let new = member.bundle_inputs.iter().filter(|input| known.binary_search(input).is_err());
        let saved: Vec<_> = changed_since(since, new).collect();
        // The configuration is watched a moment after it was read for the first time.
        let first = if self.was_ready { &[][..] } else { &member.project_inputs };
        let project = changed_since(since, first).next().is_some();
        let stale = match (project, saved.is_empty()) {
            (true, _) => Stale::Project,
            (false, false) => Stale::Files,
            (false, true) => return None,
        };
        member.changed.extend(saved);
        member.stale = member.stale.max(stale);
        Some(stale)
    }
}
