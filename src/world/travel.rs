//! Moving the time of a world that runs: one journey at a time, and what is told of it at its end.
//!
//! The clock stands while a journey lasts. Requests that arrive meanwhile are answered; they see whatever time
//! it is then. An older world that is not finished yet hears of every step, but takes no part in the order.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::base::clock::{Clock, Timestamp};
use crate::objects::{Fired, Objects};

use super::journey::{Decision, Ending, Goal, Journey, Seen};

/// What is asked of a world's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeCommand {
    /// Only tell.
    Show,
    /// Go forward by so much.
    By(Duration),
    /// Go forward to this time.
    To(Timestamp),
    /// Go to the next moment at which an alarm, a timer or a cron trigger is due.
    Next,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeReport {
    /// The time before.
    pub from: Timestamp,
    /// The time now.
    pub now: Timestamp,
    /// How far the clock is ahead of the machine's, milliseconds.
    pub ahead_ms: i64,
    /// Whether the clock stands until it is resumed.
    pub frozen: bool,
    /// How it ended; `None` if nothing was to be moved.
    pub ending: Option<Ending>,
    /// Whether requests to the world outside are still under way.
    pub outside: bool,
    /// What fired, in order.
    pub fired: Vec<Fired>,
    /// How much more fired that is not listed.
    pub more: usize,
    /// What is due next.
    pub next: Option<Fired>,
}

/// Who waits for a report; dropped if the world ends first.
pub type Answer = oneshot::Sender<TimeReport>;

struct Going {
    journey: Journey,
    from: Timestamp,
    answer: Answer,
}

/// The journeys of one world.
#[derive(Default)]
pub struct Travel {
    going: Option<Going>,
    waiting: VecDeque<(TimeCommand, Answer)>,
}

impl Travel {
    /// Takes a command in; it is worked off by [`Travel::go_on`].
    pub fn ask(&mut self, command: TimeCommand, answer: Answer) {
        self.waiting.push_back((command, answer));
    }

    /// Does the next step, when there is nothing to run: how long to wait for messages by the machine's time,
    /// `Some(ZERO)` if there is something to do at once, `None` if nobody travels.
    ///
    /// `outside` is what is under way in the world outside, `cron` gives the next cron trigger as it will be told when it fires.
    pub fn go_on(
        &mut self,
        objects: &Objects,
        clock: &Clock,
        outside: Option<u64>,
        cron: impl Fn() -> Option<Fired>,
    ) -> Option<Duration> {
        loop {
            let Some(going) = &mut self.going else {
                let (command, answer) = self.waiting.pop_front()?;
                self.begin(command, answer, objects, clock, &cron);
                continue;
            };
            let cron_at = cron().map(|cron| objects.moment_of(cron.due));
            let first = objects.first_due();
            let awaited = objects.first_awaited().map(|fired| objects.moment_of(fired.due));
            let seen = Seen {
                elapsed: clock.elapsed(),
                machine: clock.machine(),
                due: [first.map(|due| due.at), cron_at].into_iter().flatten().min(),
                awaited: [awaited, cron_at].into_iter().flatten().min(),
                outside,
            };
            match going.journey.decide(&seen) {
                Decision::Go(at) => {
                    clock.advance(at.saturating_sub(seen.elapsed));
                    return Some(Duration::ZERO);
                }
                Decision::Wait(limit) => return Some(limit),
                Decision::Stop(ending) => {
                    let Going { from, answer, .. } = self.going.take().expect("it was just looked at");
                    let report = report(from, Some(ending), objects, clock, &cron);
                    clock.release();
                    // Whoever hung up does not want it.
                    drop(answer.send(report));
                }
            }
        }
    }

    fn begin(
        &mut self,
        command: TimeCommand,
        answer: Answer,
        objects: &Objects,
        clock: &Clock,
        cron: &impl Fn() -> Option<Fired>,
    ) {
        objects.settle_alarm_ends();
        let from = clock.now();
        let goal = match command {
            TimeCommand::Show => {
                drop(answer.send(report(from, None, objects, clock, cron)));
                return;
            }
            TimeCommand::By(by) => {
                clock.hold();
                Goal::At(clock.elapsed() + by)
            }
            TimeCommand::To(time) => {
                clock.hold();
                Goal::At(objects.moment_of(time))
            }
            TimeCommand::Next => {
                clock.hold();
                Goal::Next
            }
        };
        objects.journal.begin();
        self.going = Some(Going { journey: Journey::new(goal, clock.machine()), from: clock.now(), answer });
    }

    /// Whether nobody wants anything.
    pub fn is_idle(&self) -> bool {
        self.going.is_none() && self.waiting.is_empty()
    }

    /// The world gets a successor or ends: whoever waits is not answered, and the clock is free.
    pub fn break_off(&mut self, objects: &Objects, clock: &Clock) {
        self.waiting.clear();
        if self.going.take().is_some() {
            objects.journal.take();
            clock.release();
        }
    }
}

fn report(
    from: Timestamp,
    ending: Option<Ending>,
    objects: &Objects,
    clock: &Clock,
    cron: impl Fn() -> Option<Fired>,
) -> TimeReport {
    let (fired, more) = if ending.is_some() { objects.journal.take() } else { (Vec::new(), 0) };
    let next = [objects.first_awaited(), cron()].into_iter().flatten().min_by_key(|fired| fired.due);
    TimeReport {
        from,
        now: clock.now(),
        ahead_ms: clock.ahead_ms(),
        frozen: clock.is_frozen(),
        ending,
        outside: objects.newest_outside().is_some(),
        fired,
        more,
        next,
    }
}
