//! Cron triggers of one world: when they are due, and the requests that run them at will.
//!
//! Times that passed while no world served are not made up for: neither does the platform.
//!
//! Fidelity: wrangler 4.164: `/cdn-cgi/handler/scheduled` takes `cron`, `time` (milliseconds) and `format`,
//! and is older known as `/cdn-cgi/mf/scheduled`; `/__scheduled` takes `cron` and exists with
//! `--test-scheduled` alone. Unlike wrangler the triggers of the configuration also run by themselves.

use std::time::Duration;

use url::Url;

use crate::base::clock::Timestamp;
use crate::base::limits;
use crate::engine::Origin;
use crate::engine::http::FetchRequest;
use crate::objects::{DueKind, Event, Fired, ReplyTo, ScheduledAnswer};
use crate::project::CronSchedule;

const HANDLER_PATHS: [&str; 2] = ["/cdn-cgi/handler/scheduled", "/cdn-cgi/mf/scheduled"];
const TEST_PATH: &str = "/__scheduled";

struct Cron {
    text: String,
    schedule: CronSchedule,
    next: Option<Timestamp>,
}

/// Whether a request for `url` runs the scheduled handler, with `/__scheduled` if it is tested by that.
pub fn is_run(url: &str, test_scheduled: bool) -> bool {
    url.contains("scheduled")
        && Url::parse(url).is_ok_and(|url| {
            HANDLER_PATHS.contains(&url.path()) || (test_scheduled && url.path() == TEST_PATH)
        })
}

/// The cron triggers of one world.
pub struct Crons {
    crons: Vec<Cron>,
    test_scheduled: bool,
}

impl Crons {
    /// The triggers `expressions`, which are not due before [`Crons::begin`].
    pub fn new(expressions: &[String], test_scheduled: bool) -> Self {
        let cron = |text: &String| {
            // The project was refused if one of them is wrong.
            let schedule = CronSchedule::parse(text).ok()?;
            Some(Cron { text: text.clone(), schedule, next: None })
        };
        Self { crons: expressions.iter().filter_map(cron).collect(), test_scheduled }
    }

    /// The world serves from `now` on.
    pub fn begin(&mut self, now: Timestamp) {
        for cron in &mut self.crons {
            cron.next = cron.schedule.next_after(now);
        }
    }

    /// The trigger that is due next, and when.
    pub fn next(&self) -> Option<(Timestamp, &str)> {
        let all = self.crons.iter().filter_map(|cron| Some((cron.next?, cron.text.as_str())));
        all.min_by_key(|(due, _)| *due)
    }

    /// How long to wait at most before asking [`Crons::take_due`] again.
    pub fn wait(&self, now: Timestamp) -> Option<Duration> {
        let (next, _) = self.next()?;
        let wait = Duration::from_millis(next.0.saturating_sub(now.0).max(0).cast_unsigned());
        Some(wait.min(limits::WALL_CLOCK_CHECK))
    }

    /// The triggers that are due: their times and expressions. One that was due several times since it was last
    /// asked comes once, for its first time.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<(Timestamp, String)> {
        let mut due = Vec::new();
        for cron in &mut self.crons {
            let Some(time) = cron.next.filter(|next| *next <= now) else { continue };
            cron.next = cron.schedule.next_after(now);
            due.push((time, cron.text.clone()));
        }
        due.sort_by_key(|(time, _)| *time);
        due
    }

    /// The event for the trigger `cron` that was due at `time`; `done` is told whether it succeeded.
    pub fn due_event(time: Timestamp, cron: String, done: impl FnOnce(bool) + 'static) -> Event {
        // What it throws is logged; nobody else waits for it.
        let reply = ReplyTo::Edge(Box::new(|result| done(result.is_ok_and(|answer| answer.status < 400))));
        Event::Scheduled { cron, time_ms: ms_of(time), answer: ScheduledAnswer::Outcome, reply }
    }

    /// The event for a request that arrived at `now`: a run of the scheduled handler, or the fetch that it is.
    pub fn event(&self, request: FetchRequest, reply: ReplyTo, now: Timestamp) -> Event {
        if !request.url.contains("scheduled") {
            return Event::Fetch { request, reply };
        }
        match Url::parse(&request.url) {
            Ok(url) if HANDLER_PATHS.contains(&url.path()) => {
                let parameter = |wanted: &str| {
                    url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
                };
                // What is no number is handed on, and refused by the prelude as the platform does.
                let time = parameter("time").filter(|text| !text.is_empty());
                let time = time.map_or_else(|| ms_of(now), |text| text.parse().map_or(f64::NAN, f64::trunc));
                let json = parameter("format").as_deref() == Some("json");
                let answer = if json { ScheduledAnswer::Json } else { ScheduledAnswer::Outcome };
                Event::Scheduled { cron: parameter("cron").unwrap_or_default(), time_ms: time, answer, reply }
            }
            Ok(url) if self.test_scheduled && url.path() == TEST_PATH => {
                let cron = url.query_pairs().find(|(name, _)| name == "cron");
                let cron = cron.map(|(_, value)| value.into_owned()).unwrap_or_default();
                Event::Scheduled { cron, time_ms: ms_of(now), answer: ScheduledAnswer::Sentence, reply }
            }
            _ => Event::Fetch { request, reply },
        }
    }
}

/// The entry for the trigger `cron` that is due at `due`.
pub fn fired(due: Timestamp, cron: &str) -> Fired {
    Fired {
        kind: DueKind::Cron,
        origin: Origin::Worker,
        id: None,
        due,
        detail: Some(cron.to_owned()),
        outcome: "waiting".to_owned(),
        error: None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "JavaScript's times are doubles")]
fn ms_of(time: Timestamp) -> f64 {
    time.0 as f64
}

#[cfg(test)]
mod tests {
    use crate::base::clock::Clock;
    use crate::engine::http::Body;

    use super::*;

    fn reply() -> ReplyTo {
        ReplyTo::Edge(Box::new(|_| {}))
    }

    fn runs(event: &Event) -> Option<(&str, f64, ScheduledAnswer)> {
        match event {
            Event::Scheduled { cron, time_ms, answer, .. } => Some((cron.as_str(), *time_ms, *answer)),
            _ => None,
        }
    }

    #[test]
    fn triggers_are_due_on_a_manual_clock() {
        let clock = Clock::manual(Timestamp(30_000));
        let mut crons = Crons::new(&["*/2 * * * *".to_owned(), "* * * * *".to_owned()], false);
        assert_eq!(crons.wait(clock.now()), None, "not before it serves");
        crons.begin(clock.now());
        assert_eq!(crons.wait(clock.now()), Some(Duration::from_secs(30)));
        assert!(crons.take_due(clock.now()).is_empty());
        clock.advance(Duration::from_secs(30));
        let due = crons.take_due(clock.now());
        assert_eq!(due, [(Timestamp(60_000), "* * * * *".to_owned())]);
        assert_eq!(crons.next(), Some((Timestamp(120_000), "*/2 * * * *")));
        let (time, cron) = due.into_iter().next().expect("it is due");
        let event = Crons::due_event(time, cron, |_| {});
        assert_eq!(runs(&event), Some(("* * * * *", 60_000.0, ScheduledAnswer::Outcome)));
        assert!(crons.take_due(clock.now()).is_empty(), "once");
        clock.advance(Duration::from_secs(600));
        let due = crons.take_due(clock.now());
        let both = ["*/2 * * * *", "* * * * *"].map(|cron| (Timestamp(120_000), cron.to_owned()));
        assert_eq!(due, both, "what was missed is not made up");
    }

    #[test]
    fn requests_that_run_the_handler() {
        use ScheduledAnswer::{Json, Outcome, Sentence};
        let now = Timestamp(7);
        for (test, path, expected) in [
            (false, "/cdn-cgi/handler/scheduled", Some(("", 7.0, Outcome))),
            (
                false,
                "/cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=1000",
                Some(("* * * * *", 1_000.0, Outcome)),
            ),
            (false, "/cdn-cgi/mf/scheduled?cron=a&format=json", Some(("a", 7.0, Json))),
            (false, "/cdn-cgi/handler/scheduled?time=", Some(("", 7.0, Outcome))),
            (false, "/cdn-cgi/handler/scheduled?time=1.5", Some(("", 1.0, Outcome))),
            (false, "/__scheduled?cron=a", None),
            (true, "/__scheduled?cron=a", Some(("a", 7.0, Sentence))),
            (true, "/__scheduled/x", None),
            (true, "/cdn-cgi/handler/scheduled/x", None),
            (true, "/?scheduled", None),
        ] {
            let crons = Crons::new(&[], test);
            let url = format!("http://127.0.0.1:8787{path}");
            let request = FetchRequest {
                method: http::Method::GET,
                url,
                headers: Vec::new(),
                body: Body::Empty,
                cf: None,
                client: None,
            };
            let event = crons.event(request, reply(), now);
            assert_eq!(runs(&event), expected, "{path}");
        }
    }
}
