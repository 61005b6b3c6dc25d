//! The compatibility date and flags of a Worker: which behaviour of the platform it asked for.
//!
//! Only the calendar and the lookup are here; the platform's flags stand in `flags`.

use std::fmt;
use std::str::FromStr;

use super::flags::{self, Flag};
use crate::base::clock::Timestamp;

/// A day of the Gregorian calendar; days compare as they follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is not a [`Date`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDate {
    /// It is not of the form `YYYY-MM-DD`.
    #[error("not of the form YYYY-MM-DD")]
    Form,
    /// It has the form, but the calendar lacks that day.
    #[error("no such day in the calendar")]
    NoSuchDay,
}

impl Date {
    /// The date of a Worker that gives none.
    ///
    /// Fidelity: `DEFAULT_COMPAT_DATE` of wrangler 4.164.0, whose runtime is the recorded reference.
    pub const LATEST: Self = Self::new(2026, 11, 17);

    /// The newest date whose flags are known.
    ///
    /// Fidelity: the newest one that workerd 1.20261117.1 takes.
    pub const NEWEST: Self = Self::new(2026, 11, 24);

    /// The first date that the platform takes.
    pub const FIRST: Self = Self::new(2000, 1, 1);

    /// The day `year`-`month`-`day`, which must exist.
    pub const fn new(year: u16, month: u8, day: u8) -> Self {
        assert!(day >= 1 && month >= 1 && month <= 12 && day <= days_in(year, month));
        Self { year, month, day }
    }

    /// The day of `time` in UTC.
    pub fn of(time: Timestamp) -> Self {
        // Days since 1 March of year 0, when leap days come last; 400 years have 146,097 days.
        let days = time.0.div_euclid(86_400_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Self { year: year.clamp(0, i64::from(u16::MAX)) as u16, month: month as u8, day: day as u8 }
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Self, InvalidDate> {
        let bytes = text.as_bytes();
        let form = bytes.len() == 10
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !form {
            return Err(InvalidDate::Form);
        }
        let number =
            |range: std::ops::Range<usize>| text[range].parse::<u16>().map_err(|_| InvalidDate::Form);
        let (year, month, day) = (number(0..4)?, number(5..7)? as u8, number(8..10)? as u8);
        if !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
            return Err(InvalidDate::NoSuchDay);
        }
        Ok(Self { year, month, day })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Which behaviour of the platform a Worker asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compatibility {
    /// Behaviour that became the default on or before this day is on.
    pub date: Date,
    /// Flags that switch single behaviours on or off, in the order given.
    pub flags: Vec<String>,
}

impl Compatibility {
    /// Every flag of the platform, and whether it is on.
    pub fn all(&self) -> Vec<(&'static str, bool)> {
        flags::all().map(|flag| (flag.name, flag.is_on(self))).collect()
    }

    /// Whether `flag` is on: by its name, or by the date from `default_on` on, unless `no_<flag>` is given.
    pub fn enabled(&self, flag: &str, default_on: impl Into<Option<Date>>) -> bool {
        self.enabled_unless(flag, &format!("no_{flag}"), default_on)
    }

    /// As [`Compatibility::enabled`], for a flag whose opposite has a name of its own, `opposite`.
    pub fn enabled_unless(&self, flag: &str, opposite: &str, default_on: impl Into<Option<Date>>) -> bool {
        if self.has(opposite) {
            return false;
        }
        self.has(flag) || default_on.into().is_some_and(|day| self.date >= day)
    }

    /// Whether the platform's `flag` is on, by its name, by the date, or because another flag implies it.
    pub fn is_on(&self, flag: &str) -> bool {
        match Flag::of(flag) {
            Some(known) => known.is_on(self),
            None => self.has(flag),
        }
    }

    /// Whether Node's modules can be imported: either version of the flag brings them.
    pub fn has_node_modules(&self) -> bool {
        self.is_on("nodejs_compat") || self.is_on("nodejs_compat_v2")
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|given| given == flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_must_exist() {
        for (text, expected) in [
            ("2024-02-29", Ok(Date::new(2024, 2, 29))),
            ("2023-02-29", Err(InvalidDate::NoSuchDay)),
            ("2024-13-01", Err(InvalidDate::NoSuchDay)),
            ("2024-00-10", Err(InvalidDate::NoSuchDay)),
            ("2024-1-5", Err(InvalidDate::Form)),
            ("yesterday", Err(InvalidDate::Form)),
            ("2024-01-01T00:00:00Z", Err(InvalidDate::Form)),
            ("2024–01–01", Err(InvalidDate::Form)),
        ] {
            assert_eq!(text.parse::<Date>(), expected, "{text}");
        }
        assert_eq!(Date::new(2024, 2, 9).to_string(), "2024-02-09");
        assert!(Date::new(2024, 2, 9) < Date::new(2024, 10, 1));
    }

    #[test]
    fn times_have_days() {
        for (ms, expected) in [
            (0, Date::new(1970, 1, 1)),
            (951_782_400_000, Date::new(2000, 2, 29)),
            (1_795_305_599_999, Date::new(2026, 11, 21)),
            (1_795_305_600_000, Date::new(2026, 11, 22)),
        ] {
            assert_eq!(Date::of(Timestamp(ms)), expected, "{ms}");
        }
    }

    #[test]
    fn flags_win_over_the_date() {
        let day = Date::new(2024, 9, 23);
        let of = |date, flags: &[&str]| Compatibility {
            date,
            flags: flags.iter().map(|flag| flag.to_string()).collect(),
        };
        assert!(of(day, &[]).enabled("x", day));
        assert!(!of(Date::new(2024, 9, 22), &[]).enabled("x", day));
        assert!(of(Date::new(2024, 9, 22), &["x"]).enabled("x", day));
        assert!(!of(day, &["no_x"]).enabled("x", day));
        assert!(!of(day, &["keep_x"]).enabled_unless("x", "keep_x", day));
        assert!(!of(day, &[]).enabled("x", None));
    }
}
