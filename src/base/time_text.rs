//! Times and durations as people write them: `2027-01-01T00:00Z`, `1h30m`.
//!
//! Pure. A time without a zone is refused rather than guessed, but for a bare day, which is UTC's as on the
//! platform; a number without a unit is refused as a duration.

use std::time::Duration;

use super::clock::Timestamp;

const DAY_MS: i64 = 86_400_000;

/// What is wrong with a text, as a sentence with an example.
pub type Mistake = String;

/// The duration that `text` says, such as `30d`, `1h30m` or `250ms`.
///
/// # Errors
/// When it is no duration.
pub fn parse_duration(text: &str) -> Result<Duration, Mistake> {
    let wrong = || format!("`{text}` is not a duration; give for example `30d`, `1h30m`, `10s` or `250ms`");
    let mut rest = text.trim().strip_prefix('+').unwrap_or(text.trim());
    let mut total: u64 = 0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit: u64 = match &rest[..letters] {
            "ms" => 1,
            "s" | "sec" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => DAY_MS.cast_unsigned(),
            "w" => 7 * DAY_MS.cast_unsigned(),
            _ => return Err(wrong()),
        };
        total = count.checked_mul(unit).and_then(|ms| total.checked_add(ms)).ok_or_else(wrong)?;
        rest = rest[letters..].trim_start();
    }
    Ok(Duration::from_millis(total))
}

/// The time that `text` says: `2027-01-01`, `2027-01-01T00:00Z`, with seconds, a fraction or an offset, or
/// milliseconds since 1970 as a plain number.
///
/// # Errors
/// When it is no time.
pub fn parse_time(text: &str) -> Result<Timestamp, Mistake> {
    let wrong = || {
        format!(
            "`{text}` is not a time; give for example `2027-01-01T09:30Z`, `2027-01-01` or milliseconds since 1970"
        )
    };
    let text = text.trim();
    if text.len() > 10 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(Timestamp).map_err(|_| wrong());
    }
    let mut reader = Reader(text);
    let (year, month, day) = (|| {
        let year = reader.number(4)?;
        reader.sign(b"-")?;
        let month = reader.number(2)?;
        reader.sign(b"-")?;
        Some((year, month, reader.number(2)?))
    })()
    .filter(|(year, month, day)| (1..=12).contains(month) && *day >= 1 && *day <= days_in(*year, *month))
    .ok_or_else(wrong)?;
    let midnight = days_from_civil(year, month, day) * DAY_MS;
    if reader.0.is_empty() {
        return Ok(Timestamp(midnight));
    }
    let of_day = reader.time_of_day().filter(|_| reader.0.is_empty()).ok_or_else(wrong)?;
    Ok(Timestamp(midnight + of_day))
}

/// `time` as `Date.prototype.toISOString` writes it.
pub fn show_time(time: Timestamp) -> String {
    let (year, month, day) = civil_from_days(time.0.div_euclid(DAY_MS));
    let ms = time.0.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    let ms = ms % 1_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// `ms` milliseconds as people write a duration, with its two largest units: `30d`, `1h 30m`, `2.5s`.
pub fn show_duration(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    if ms < 1_000 {
        return format!("{sign}{ms}ms");
    }
    if ms < 60_000 {
        let (whole, rest) = (ms / 1_000, ms % 1_000);
        let fraction = format!("{rest:03}");
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        return format!("{sign}{whole}{point}{fraction}s");
    }
    let units = [("d", DAY_MS.cast_unsigned()), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let counts = units.iter().scan(ms, |left, (name, unit)| {
        let count = *left / unit;
        *left %= unit;
        Some((count, *name))
    });
    let counts: Vec<_> = counts.skip_while(|(count, _)| *count == 0).take(2).collect();
    let shown = counts.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count}{name}"));
    format!("{sign}{}", shown.collect::<Vec<_>>().join(" "))
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let text = self.0.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.0 = &self.0[digits..];
        text.parse().ok()
    }

    fn sign(&mut self, any_of: &[u8]) -> Option<u8> {
        let byte = self.0.bytes().next().filter(|byte| any_of.contains(byte))?;
        self.0 = &self.0[1..];
        Some(byte)
    }

    /// What follows the day: milliseconds since its midnight in UTC.
    fn time_of_day(&mut self) -> Option<i64> {
        self.sign(b"Tt ")?;
        let hour = self.number(2).filter(|hour| *hour < 24)?;
        self.sign(b":")?;
        let minute = self.number(2).filter(|minute| *minute < 60)?;
        let mut ms = (hour * 60 + minute) * 60_000;
        if self.sign(b":").is_some() {
            ms += self.number(2).filter(|second| *second < 60)? * 1_000;
            if self.sign(b".").is_some() {
                let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
                let fraction = format!("{:0<3.3}", self.0.get(..digits).filter(|text| !text.is_empty())?);
                self.0 = &self.0[digits..];
                ms += fraction.parse::<i64>().ok()?;
            }
        }
        let offset = match self.sign(b"Zz+-")? {
            b'Z' | b'z' => 0,
            sign => {
                let hours = self.number(2).filter(|hours| *hours < 24)?;
                self.sign(b":")?;
                let minutes = self.number(2).filter(|minutes| *minutes < 60)?;
                let offset = (hours * 60 + minutes) * 60_000;
                if sign == b'-' { -offset } else { offset }
            }
        };
        Some(ms - offset)
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years begin in March here, so that leap days come last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, ms) in [
            ("30d", Some(30 * DAY_MS)),
            ("1h30m", Some(5_400_000)),
            ("+1h 30m", Some(5_400_000)),
            ("10s", Some(10_000)),
            ("250ms", Some(250)),
            ("2w", Some(14 * DAY_MS)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("d", None),
            ("-1d", None),
            ("1y", None),
            ("1.5h", None),
            ("99999999999999999d", None),
        ] {
            let got = parse_duration(text).ok().map(|duration| duration.as_millis().cast_signed());
            assert_eq!(got, ms.map(i128::from), "{text}");
        }
    }

    #[test]
    fn times_have_a_zone() {
        for (text, shown) in [
            ("2027-01-01", Some("2027-01-01T00:00:00.000Z")),
            ("2027-01-01T00:00Z", Some("2027-01-01T00:00:00.000Z")),
            ("2028-02-29t09:30:15.5z", Some("2028-02-29T09:30:15.500Z")),
            ("2027-01-01T00:30+01:00", Some("2026-12-31T23:30:00.000Z")),
            ("2026-12-31 22:00-05:00", Some("2027-01-01T03:00:00.000Z")),
            ("1798761600000", Some("2027-01-01T00:00:00.000Z")),
            ("2027-02-29", None),
            ("2027-13-01", None),
            ("2027-01-01T00:00", None),
            ("2027-01-01T24:00Z", None),
            ("2027-01-01T00:00Zx", None),
            ("tomorrow", None),
            ("2027", None),
        ] {
            assert_eq!(parse_time(text).ok().map(show_time).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn durations_are_shown_by_their_largest_units() {
        for (ms, shown) in [
            (0, "0ms"),
            (999, "999ms"),
            (2_500, "2.5s"),
            (60_000, "1m"),
            (5_400_000, "1h 30m"),
            (30 * DAY_MS, "30d"),
            (30 * DAY_MS + 61_000, "30d"),
            (-DAY_MS - 3_600_000, "-1d 1h"),
        ] {
            assert_eq!(show_duration(ms), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same_time(ms in -62_000_000_000_000i64..253_000_000_000_000) {
            prop_assert_eq!(parse_time(&show_time(Timestamp(ms))), Ok(Timestamp(ms)));
        }
    }
}
