//! The policy for calls by stubs that failed: whether to make them again, and when.
//!
//! Pure: a failure goes in, a delay or the end comes out. Locally such failures happen only when a fault is
//! injected (`control/faults.rs`).
//!
//! Fidelity: the platform's documentation on automatic retries: what never reached the object and may succeed is
//! called again, five attempts in all and none that begins more than ten seconds after the first, or what
//! `get(id, { retry })` says; never what is overloaded. A connection that drops when the object may have received the
//! call is followed by the same call again; an object that received it refuses it, unless its method is marked with
//! `retryable()`, and the call fails as it did at first. The documentation names no delays: ours double from 50 ms.

use std::time::Duration;

use super::failure::{Failure, OVERLOADED, RETRYABLE};

/// The first delay.
const FIRST_DELAY: Duration = Duration::from_millis(50);
/// Most doublings of it.
const DOUBLINGS_MAX: u32 = 5;

/// What a stub allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryLimits {
    /// Attempts after the first, at most.
    pub retries: u32,
    /// How long after the first attempt another may begin.
    pub within: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self { retries: 4, within: Duration::from_secs(10) }
    }
}

impl RetryLimits {
    /// Reads what a stub gives as one number: 0 is the default; else milliseconds in the lower 16 bits, and
    /// retries plus one above them.
    pub fn unpack(packed: u32) -> Self {
        match (packed >> 16, packed & 0xffff) {
            (0, _) => Self::default(),
            (retries, ms) => Self { retries: retries - 1, within: Duration::from_millis(ms.into()) },
        }
    }
}

/// The attempts of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    limits: RetryLimits,
    failed: u32,
    began: Option<Duration>,
}

impl Attempts {
    /// A call that was not made yet.
    pub fn new(limits: RetryLimits) -> Self {
        Self { limits, failed: 0, began: None }
    }

    /// An attempt failed at `now` before it reached the object: how long to wait for the next one, if any.
    pub fn fail(&mut self, failure: &Failure, now: Duration) -> Option<Duration> {
        let began = *self.began.get_or_insert(now);
        let may_succeed = failure.flags.contains(&RETRYABLE) && !failure.flags.contains(&OVERLOADED);
        if !may_succeed || self.failed >= self.limits.retries {
            return None;
        }
        let delay = FIRST_DELAY * (1 << self.failed.min(DOUBLINGS_MAX));
        self.failed += 1;
        (now + delay <= began + self.limits.within).then_some(delay)
    }
}

/// Whether an object takes an attempt of a call of which it received one that failed with `before`, if it did.
pub fn is_taken(before: Option<&Failure>, is_marked: impl FnOnce() -> bool) -> bool {
    before.is_none() || is_marked()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lost() -> Failure {
        Failure::platform("lost", &[RETRYABLE])
    }

    #[test]
    fn five_attempts_and_no_overloaded_one() {
        let mut attempts = Attempts::new(RetryLimits::default());
        let mut now = Duration::from_secs(7);
        for ms in [50, 100, 200, 400] {
            let delay = attempts.fail(&lost(), now).expect("it is tried again");
            assert_eq!(delay, Duration::from_millis(ms));
            now += delay;
        }
        assert_eq!(attempts.fail(&lost(), now), None);
        for flags in [&[][..], &[OVERLOADED], &[RETRYABLE, OVERLOADED]] {
            let mut attempts = Attempts::new(RetryLimits::default());
            assert_eq!(attempts.fail(&Failure::platform("x", flags), now), None, "{flags:?}");
        }
    }

    #[test]
    fn stubs_pack_their_limits_into_a_number() {
        let limits = |retries, ms| RetryLimits { retries, within: Duration::from_millis(ms) };
        for (packed, expected) in [
            (0, RetryLimits::default()),
            ((1 << 16) | 500, limits(0, 500)),
            ((11 << 16) | 60_000, limits(10, 60_000)),
        ] {
            assert_eq!(RetryLimits::unpack(packed), expected);
        }
    }

    proptest! {
        /// Connections drop before or after the object got the call: a method that is not marked never runs twice, none
        /// runs more often than attempts are allowed, and a refused attempt means that an earlier one ran.
        #[test]
        fn only_marked_methods_run_again(
            marked in any::<bool>(),
            retries in 0u32..=10,
            drops in prop::collection::vec(any::<bool>(), 0..14),
        ) {
            let limits = RetryLimits { retries, within: Duration::from_secs(60) };
            let mut attempts = Attempts::new(limits);
            let (mut now, mut before, mut runs, mut made) = (Duration::ZERO, None, 0, 0);
            for received in drops.into_iter().map(Some).chain([None]) {
                made += 1;
                let arrives = received != Some(false);
                if arrives && !is_taken(before.as_ref(), || marked) {
                    prop_assert_eq!(runs, 1);
                    break;
                }
                runs += u32::from(arrives);
                if received == Some(true) {
                    before.get_or_insert(lost());
                }
                if received.is_none() {
                    break;
                }
                let Some(delay) = attempts.fail(&lost(), now) else { break };
                now += delay;
            }
            prop_assert!(made <= retries + 1);
            let most = if marked { retries + 1 } else { 1 };
            prop_assert!(runs <= most);
        }

        /// Whatever happens when: never more attempts than allowed, and none too late.
        #[test]
        fn attempts_are_limited_in_number_and_time(
            retries in 0u32..=10,
            within_ms in 500u64..=60_000,
            waits in prop::collection::vec(0u64..5_000, 0..30),
        ) {
            let limits = RetryLimits { retries, within: Duration::from_millis(within_ms) };
            let mut attempts = Attempts::new(limits);
            let (mut now, mut made) = (Duration::ZERO, 0);
            for wait in waits {
                // Each attempt takes a while until it fails.
                now += Duration::from_millis(wait);
                let began = attempts.began.unwrap_or(now);
                let Some(delay) = attempts.fail(&lost(), now) else { break };
                now += delay;
                made += 1;
                prop_assert!(made <= retries && now <= began + limits.within);
            }
        }
    }
}
