//! How often the keys of rate limits were asked for, in the windows that run now.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::base::limits::RATE_LIMIT_KEYS;

/// One call, as the binding asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Whose keys are counted.
    pub namespace: String,
    /// What is counted.
    pub key: String,
    /// How much a window has for a key.
    pub limit: f64,
    /// The length of a window, in seconds.
    pub period: u32,
    /// How much this call takes.
    pub weight: f64,
    /// The time, in ms since 1970.
    pub now: i64,
}

/// The counts of all rate limits. They outlive worlds.
#[derive(Debug, Default)]
pub struct RateCounts(Mutex<HashMap<(String, u32), Window>>);

impl RateCounts {
    /// Whether `call` is within its limit; nothing if there are too many keys to count another one.
    pub fn take(&self, call: Call) -> Option<bool> {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        windows.entry((call.namespace.clone(), call.period)).or_default().take(call, RATE_LIMIT_KEYS)
    }
}

/// The counts of one namespace, in the window number `epoch` since 1970.
///
/// Fidelity: miniflare 4's: all keys begin anew at the same time, and a call is refused when its key's count has reached the limit, whatever it takes
/// itself. What is refused is not counted.
#[derive(Debug, Default)]
struct Window {
    epoch: i64,
    counts: HashMap<String, f64>,
}

impl Window {
    fn take(&mut self, call: Call, keys_max: usize) -> Option<bool> {
        let epoch = call.now.div_euclid(i64::from(call.period) * 1_000);
        if epoch != self.epoch {
            *self = Self { epoch, counts: HashMap::new() };
        }
        let count = self.counts.get(&call.key).copied().unwrap_or_default();
        if count >= call.limit {
            return Some(false);
        }
        if count == 0.0 && self.counts.len() >= keys_max {
            return None;
        }
        self.counts.insert(call.key, count + call.weight);
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, RateCounts, Window};

    fn call(key: &str, weight: f64, now: i64) -> Call {
        Call { namespace: "n".to_owned(), key: key.to_owned(), limit: 2.0, period: 10, weight, now }
    }

    #[test]
    fn keys_are_counted_until_their_window_ends() {
        let counts = RateCounts::default();
        let take = |key, weight, now| counts.take(call(key, weight, now));
        assert_eq!(take("a", 1.0, 9_998), Some(true));
        assert_eq!(take("a", 5.0, 9_998), Some(true), "it may go beyond once");
        assert_eq!(take("a", 1.0, 9_999), Some(false));
        assert_eq!(take("b", 1.0, 9_999), Some(true));
        let other = Call { namespace: "m".to_owned(), ..call("a", 1.0, 9_999) };
        assert_eq!(counts.take(other), Some(true));
        let longer = Call { period: 60, ..call("a", 1.0, 9_999) };
        assert_eq!(counts.take(longer), Some(true));
        assert_eq!(take("a", 1.0, 10_000), Some(true));
    }

    #[test]
    fn there_is_a_limit_of_keys() {
        let mut window = Window::default();
        assert_eq!(window.take(call("a", 1.0, 1), 1), Some(true));
        assert_eq!(window.take(call("b", 1.0, 1), 1), None);
        assert_eq!(window.take(call("a", 1.0, 1), 1), Some(true));
        assert_eq!(window.take(call("b", 1.0, 10_000), 1), Some(true));
    }
}
