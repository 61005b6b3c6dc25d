//! The policy for alarms that failed: when to try again, and when to give up.
//!
//! Pure: a failure goes in, a delay or the end comes out. Randomness is handed in.
//!
//! Fidelity: the platform's documentation on alarms (first retry after 2 s, doubling, at most 6 retries) and
//! workerd's `src/workerd/server/alarm-scheduler.{h,c++}` (up to 25 % jitter, the longest delay, failures that
//! are not the program's retry without being counted). Deviation: such a failure never makes us give up, as
//! production promises; workerd gives up on it too once six have been counted.

use crate::base::limits::{ALARM_BACKOFF_MAX, ALARM_RETRIES};

/// The first delay.
const FIRST_DELAY_MS: i64 = 2_000;
/// Largest part of the delay that is added by chance.
const JITTER: f64 = 0.25;

/// How an alarm has fared since it was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retries {
    /// Retries that count against the limit; `retryCount` of the handler.
    pub counted: u32,
    /// Exponent of the next delay.
    pub backoff: u32,
    /// Whether the last failure counted.
    pub last_counted: bool,
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTry {
    /// Try again after so many milliseconds.
    After(i64),
    /// The alarm is dropped.
    Never,
}

impl Retries {
    /// Notes a failure; `counts` says that it is the program's own, `chance` is between 0 and 1.
    pub fn fail(&mut self, counts: bool, chance: f64) -> NextTry {
        if counts {
            if self.counted >= ALARM_RETRIES {
                return NextTry::Never;
            }
            self.counted += 1;
            if !self.last_counted {
                // What went wrong before was ours: the program's own failure starts with short delays.
                self.backoff = 0;
            }
        }
        self.last_counted = counts;
        self.backoff = self.backoff.min(ALARM_BACKOFF_MAX);
        let delay = FIRST_DELAY_MS << self.backoff;
        self.backoff += 1;
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "below 2^21 ms")]
        let jitter = (delay as f64 * JITTER * chance.clamp(0.0, 1.0)) as i64;
        NextTry::After(delay + jitter)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn delays_double_and_the_seventh_failure_is_the_last() {
        let mut retries = Retries::default();
        for (n, delay) in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000].into_iter().enumerate() {
            assert_eq!(retries.fail(true, 0.0), NextTry::After(delay));
            assert_eq!(retries.counted as usize, n + 1);
        }
        assert_eq!(retries.fail(true, 0.0), NextTry::Never);
    }

    #[test]
    fn jitter_adds_up_to_a_quarter() {
        assert_eq!(Retries::default().fail(true, 1.0), NextTry::After(2_500));
        assert_eq!(Retries::default().fail(true, 0.5), NextTry::After(2_250));
    }

    #[test]
    fn failures_of_the_platform_are_not_counted_and_go_on_for_ever() {
        let mut retries = Retries::default();
        for _ in 0..40 {
            assert!(matches!(retries.fail(false, 0.0), NextTry::After(_)));
        }
        assert_eq!(retries.counted, 0);
        assert_eq!(retries.fail(false, 0.0), NextTry::After(2_000 << ALARM_BACKOFF_MAX));
        assert_eq!(retries.fail(true, 0.0), NextTry::After(2_000), "the program starts afresh");
    }

    proptest! {
        /// Whatever fails in whatever order: exactly six counted retries, delays within their bounds.
        #[test]
        fn the_limit_counts_the_programs_failures_alone(
            failures in prop::collection::vec((any::<bool>(), 0.0f64..=1.0), 0..60),
        ) {
            let mut retries = Retries::default();
            let mut own = 0;
            for (counts, chance) in failures {
                own += u32::from(counts);
                match retries.fail(counts, chance) {
                    NextTry::After(delay) => {
                        prop_assert!(!counts || own <= ALARM_RETRIES);
                        prop_assert!((2_000..=(2_000 << ALARM_BACKOFF_MAX) * 5 / 4).contains(&delay));
                        prop_assert_eq!(retries.counted, own.min(ALARM_RETRIES));
                    }
                    NextTry::Never => {
                        prop_assert!(counts && own > ALARM_RETRIES);
                        return Ok(());
                    }
                }
            }
        }
    }
}
