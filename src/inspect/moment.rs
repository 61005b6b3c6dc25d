//! Points in time as people write and read them: ISO 8601 in UTC, and distances such as `in 5 min`.

use crate::base::clock::Timestamp;
use crate::codec;

const MS_PER_DAY: i64 = 86_400_000;

/// The milliseconds since 1970 that `text` is: `2026-01-31`, or with a time and `Z` or `+01:00`.
///
/// A time without a zone would mean another instant on another machine and is not taken.
pub fn parse_date(text: &str) -> Option<i64> {
    let (date, time) = match text.split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.splitn(3, '-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    let day_ms = days_since_1970(year, month, day) * MS_PER_DAY;
    let Some(time) = time else { return Some(day_ms) };
    let (time, offset_min) = match time.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let offset = number(hours, 2)? * 60 + number(minutes, 2)?;
            (&time[..at], if time[at..].starts_with('-') { -offset } else { offset })
        }
    };
    let mut parts = time.splitn(3, ':');
    let (hours, minutes) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (seconds, fraction) = match parts.next() {
        Some(rest) => rest.split_once('.').unwrap_or((rest, "")),
        None => ("00", ""),
    };
    let seconds = number(seconds, 2)?;
    if hours > 23 || minutes > 59 || seconds > 59 || fraction.len() > 9 {
        return None;
    }
    let ms: i64 = match fraction {
        "" => 0,
        digits if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            format!("{digits:0<3}")[..3].parse().ok()?
        }
        _ => return None,
    };
    Some(day_ms + ((hours * 60 + minutes - offset_min) * 60 + seconds) * 1_000 + ms)
}

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|digit| digit.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their leap day at the end.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `time` as ISO 8601 in UTC; the number where it lies beyond all dates.
pub fn iso(time: Timestamp) -> String {
    codec::iso_date(time.0 as f64).unwrap_or_else(|| time.0.to_string())
}

/// How far `time` is from `now`, in one unit: `in 5 min`, `3 d ago`, `now`.
pub fn distance(time: Timestamp, now: Timestamp) -> String {
    let ms = time.0.saturating_sub(now.0);
    let seconds = ms.unsigned_abs() / 1_000;
    let text = match seconds {
        0 => return "now".to_owned(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        86_400..63_072_000 => format!("{} d", seconds / 86_400),
        _ => format!("{} years", seconds / 31_556_952),
    };
    if ms > 0 { format!("in {text}") } else { format!("{text} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2000-02-29", Some(951_782_400_000)),
            ("2026-11-22T13:07:29Z", Some(1_795_352_849_000)),
            ("2026-11-22T13:07:29.5Z", Some(1_795_352_849_500)),
            ("2026-11-22T14:07+01:00", Some(1_795_352_820_000)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2026-11-22T13:07:29", None),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }

    #[test]
    fn distances_have_one_unit() {
        let now = Timestamp(1_000_000_000);
        for (ms, expected) in [
            (0, "now"),
            (999, "now"),
            (-5_000, "5 s ago"),
            (300_000, "in 5 min"),
            (-7_200_000, "2 h ago"),
            (400_000_000, "in 4 d"),
            (-70_000_000_000, "2 years ago"),
        ] {
            assert_eq!(distance(now.plus_ms(ms), now), expected);
        }
    }
}
