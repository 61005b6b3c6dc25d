//! Decides what a session does next: signals in, actions out, nothing else.
//!
//! At most one build runs. What changes meanwhile is remembered, and the build's result is thrown away for
//! another build at once: no fixed pause, and no queue of builds. Evaluations run beside builds, because
//! code may loop at its top level; only the newest one counts. The code that serves stays until newer code
//! has been evaluated, whatever fails.

use crate::base::generation::Generation;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Something changed.
    Changed(Stale),
    /// The project was read again.
    Loaded {
        /// Whether it is valid.
        ok: bool,
    },
    /// The user's command before the build ended, or there is none.
    Prepared {
        /// Whether it succeeded.
        ok: bool,
    },
    /// A build ended.
    Built(Outcome),
    /// The world of this generation is of no more use.
    Lost(Generation),
    /// An evaluation ended.
    Evaluated {
        /// Which one.
        generation: Generation,
        /// Whether there is a world now.
        ok: bool,
    },
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With a bundle.
    Bundle,
    /// With the bundle that serves already, for the project that it serves.
    Same,
    /// With errors.
    Failed,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read the project again and signal [`Signal::Loaded`].
    Load,
    /// Run the user's command before the build and signal [`Signal::Prepared`].
    Prepare,
    /// Build what changed and signal [`Signal::Built`].
    Build,
    /// Make a world of the last bundle and signal [`Signal::Evaluated`].
    Evaluate(Generation),
    /// Make a world, of this generation, of the code that serves.
    Revive(Generation),
    /// Let this world serve in place of the one before it.
    Serve(Generation),
    /// Nobody wants this world any more.
    Discard(Generation),
    /// Show why the newest change does not serve.
    ShowBroken,
    /// Say that the newest change left the code as it is.
    ShowUnchanged,
}

/// What has to be done anew, all later steps included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stale {
    /// Nothing.
    No,
    /// Files of the bundle: build.
    Files,
    /// Files that the user's command reads: run it.
    Command,
    /// The configuration: read it.
    Project,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Idle,
    Loading,
    Preparing,
    Building,
}

/// The state of a session.
#[derive(Debug)]
pub struct Machine {
    work: Work,
    /// What changed since the running work began.
    stale: Stale,
    evaluating: Option<Generation>,
    serving: Option<Generation>,
    last: Generation,
}

impl Machine {
    /// A session whose project has been loaded, and its first action.
    pub fn start() -> (Self, Action) {
        let machine = Self {
            work: Work::Preparing,
            stale: Stale::No,
            evaluating: None,
            serving: None,
            last: Generation::default(),
        };
        (machine, Action::Prepare)
    }

    /// Whether the evaluation of `generation` is the one that counts.
    pub fn awaits(&self, generation: Generation) -> bool {
        self.evaluating == Some(generation)
    }

    /// What to do after `signal`.
    pub fn decide(&mut self, signal: Signal) -> Option<Action> {
        match signal {
            Signal::Changed(stale) => {
                self.stale = self.stale.max(stale);
                if self.work == Work::Idle { self.begin() } else { None }
            }
            Signal::Loaded { ok } => {
                self.work = Work::Idle;
                self.go_on(Stale::Project, ok, Work::Preparing, Action::Prepare)
            }
            Signal::Prepared { ok } => {
                self.work = Work::Idle;
                self.go_on(Stale::Command, ok, Work::Building, Action::Build)
            }
            Signal::Built(outcome) => {
                self.work = Work::Idle;
                if self.stale > Stale::No {
                    return self.begin();
                }
                match outcome {
                    Outcome::Bundle => {
                        self.last = self.last.next();
                        self.evaluating = Some(self.last);
                        Some(Action::Evaluate(self.last))
                    }
                    Outcome::Same => {
                        // An evaluation of older code must not replace the code that was saved last.
                        self.evaluating = None;
                        Some(Action::ShowUnchanged)
                    }
                    Outcome::Failed => Some(Action::ShowBroken),
                }
            }
            Signal::Lost(generation) => {
                // What is being evaluated takes its place.
                if self.serving != Some(generation) || self.evaluating.is_some() {
                    return None;
                }
                self.last = self.last.next();
                self.evaluating = Some(self.last);
                Some(Action::Revive(self.last))
            }
            Signal::Evaluated { generation, ok } if self.evaluating == Some(generation) => {
                self.evaluating = None;
                if ok {
                    self.serving = Some(generation);
                    return Some(Action::Serve(generation));
                }
                // Newer code is on its way and will be judged by itself.
                (self.work == Work::Idle).then_some(Action::ShowBroken)
            }
            Signal::Evaluated { generation, ok } => ok.then_some(Action::Discard(generation)),
        }
    }

    /// After a step that has to be repeated if something as bad as `outdated` happened meanwhile.
    fn go_on(&mut self, outdated: Stale, ok: bool, work: Work, action: Action) -> Option<Action> {
        if self.stale >= outdated {
            return self.begin();
        }
        self.stale = Stale::No;
        if !ok {
            return Some(Action::ShowBroken);
        }
        self.work = work;
        Some(action)
    }

    fn begin(&mut self) -> Option<Action> {
        let stale = std::mem::replace(&mut self.stale, Stale::No);
        let (work, action) = match stale {
            Stale::No => return None,
            Stale::Files => (Work::Building, Action::Build),
            Stale::Command => (Work::Preparing, Action::Prepare),
            Stale::Project => (Work::Loading, Action::Load),
        };
        self.work = work;
        Some(action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Action::{Build, Discard, Evaluate, Load, Prepare, Serve, ShowBroken, ShowUnchanged};

    const FILES: Signal = Signal::Changed(Stale::Files);
    const SOURCES: Signal = Signal::Changed(Stale::Command);
    const CONFIG: Signal = Signal::Changed(Stale::Project);
    const PREPARED: Signal = Signal::Prepared { ok: true };
    const LOADED: Signal = Signal::Loaded { ok: true };
    const BUILT: Signal = Signal::Built(Outcome::Bundle);
    const SAME: Signal = Signal::Built(Outcome::Same);
    const BROKEN: Signal = Signal::Built(Outcome::Failed);
    const G1: Generation = Generation(1);
    const G2: Generation = Generation(2);
    const G3: Generation = Generation(3);

    const fn evaluated(generation: Generation) -> Signal {
        Signal::Evaluated { generation, ok: true }
    }

    fn threw(generation: Generation) -> Signal {
        Signal::Evaluated { generation, ok: false }
    }

    fn check(serving: Option<Generation>, steps: &[(Signal, Option<Action>)]) {
        let (mut machine, first) = Machine::start();
        assert_eq!(first, Prepare);
        assert_eq!(machine.decide(PREPARED), Some(Build));
        for (number, (signal, expected)) in steps.iter().enumerate() {
            assert_eq!(machine.decide(*signal), *expected, "step {number}: {signal:?} of {steps:?}");
        }
        assert_eq!(machine.serving, serving, "{steps:?}");
    }

    const START: [(Signal, Option<Action>); 2] =
        [(BUILT, Some(Evaluate(G1))), (evaluated(G1), Some(Serve(G1)))];

    fn after_start(serving: Generation, steps: &[(Signal, Option<Action>)]) {
        check(Some(serving), &[&START, steps].concat());
    }

    #[test]
    fn a_save_is_built_evaluated_and_serves() {
        after_start(
            G2,
            &[(FILES, Some(Build)), (BUILT, Some(Evaluate(G2))), (evaluated(G2), Some(Serve(G2)))],
        );
    }

    #[test]
    fn a_world_that_is_lost_is_made_anew_once() {
        let lost = Signal::Lost(G1);
        after_start(
            G2,
            &[(lost, Some(Action::Revive(G2))), (lost, None), (evaluated(G2), Some(Serve(G2))), (lost, None)],
        );
        // Newer code is on its way.
        after_start(
            G2,
            &[
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (lost, None),
                (evaluated(G2), Some(Serve(G2))),
            ],
        );
        // A build in between may end with what serves already.
        after_start(
            G2,
            &[
                (FILES, Some(Build)),
                (lost, Some(Action::Revive(G2))),
                (evaluated(G2), Some(Serve(G2))),
                (SAME, Some(ShowUnchanged)),
            ],
        );
    }

    #[test]
    fn saves_during_a_build_make_one_more_build() {
        after_start(
            G2,
            &[
                (FILES, Some(Build)),
                (FILES, None),
                (FILES, None),
                (BUILT, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (evaluated(G2), Some(Serve(G2))),
            ],
        );
        // The broken state in between is not shown.
        after_start(
            G1,
            &[(FILES, Some(Build)), (FILES, None), (BROKEN, Some(Build)), (SAME, Some(ShowUnchanged))],
        );
    }

    #[test]
    fn the_old_code_serves_while_the_new_one_is_broken() {
        after_start(G1, &[(FILES, Some(Build)), (BROKEN, Some(ShowBroken))]);
        after_start(
            G3,
            &[
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (threw(G2), Some(ShowBroken)),
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G3))),
                (evaluated(G3), Some(Serve(G3))),
            ],
        );
        check(None, &[(BROKEN, Some(ShowBroken))]);
        check(None, &[(BUILT, Some(Evaluate(G1))), (threw(G1), Some(ShowBroken))]);
    }

    #[test]
    fn only_the_newest_evaluation_counts() {
        after_start(
            G3,
            &[
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G3))),
                (evaluated(G3), Some(Serve(G3))),
                (evaluated(G2), Some(Discard(G2))),
            ],
        );
        after_start(
            G1,
            &[
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (FILES, Some(Build)),
                (threw(G2), None),
                (BROKEN, Some(ShowBroken)),
            ],
        );
        // A save that is taken back while its code loops at the top level.
        after_start(
            G1,
            &[
                (FILES, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (FILES, Some(Build)),
                (SAME, Some(ShowUnchanged)),
                (threw(G2), None),
            ],
        );
    }

    #[test]
    fn a_changed_configuration_is_read_before_the_next_build() {
        after_start(
            G2,
            &[
                (CONFIG, Some(Load)),
                (LOADED, Some(Prepare)),
                (PREPARED, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (evaluated(G2), Some(Serve(G2))),
            ],
        );
        after_start(G1, &[(CONFIG, Some(Load)), (Signal::Loaded { ok: false }, Some(ShowBroken))]);
        after_start(
            G1,
            &[
                (FILES, Some(Build)),
                (CONFIG, None),
                (FILES, None),
                (BUILT, Some(Load)),
                (LOADED, Some(Prepare)),
                (PREPARED, Some(Build)),
            ],
        );
        after_start(
            G1,
            &[
                (CONFIG, Some(Load)),
                (CONFIG, None),
                (LOADED, Some(Load)),
                (FILES, None),
                (LOADED, Some(Prepare)),
                (PREPARED, Some(Build)),
            ],
        );
    }

    #[test]
    fn the_users_command_runs_before_the_build() {
        after_start(
            G2,
            &[
                (SOURCES, Some(Prepare)),
                // What it writes is built once it is done.
                (FILES, None),
                (PREPARED, Some(Build)),
                (BUILT, Some(Evaluate(G2))),
                (evaluated(G2), Some(Serve(G2))),
            ],
        );
        // A failure shows, and what was saved meanwhile makes it run again.
        let failed = Signal::Prepared { ok: false };
        after_start(
            G1,
            &[
                (SOURCES, Some(Prepare)),
                (failed, Some(ShowBroken)),
                (SOURCES, Some(Prepare)),
                (SOURCES, None),
                (failed, Some(Prepare)),
                (CONFIG, None),
                (PREPARED, Some(Load)),
            ],
        );
        after_start(G1, &[(FILES, Some(Build)), (SOURCES, None), (BUILT, Some(Prepare))]);
    }
}
