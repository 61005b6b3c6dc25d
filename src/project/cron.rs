//! Cron expressions as the platform reads them: five fields, UTC, and when they come true next.
//!
//! Own and small on purpose: the platform counts weekdays from 1 (Sunday) to 7, where the usual libraries
//! count from 0, and has the signs `L`, `W` and `#`. When both days are restricted, either may fit.
//!
//! Fidelity: the page on cron triggers of the Workers documentation (fields, ranges, signs).
//! Seconds, years, `?` and names like `@daily` are refused there and here.

use crate::base::clock::Timestamp;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
/// The longest that an expression can wait: from one 29 February to the next across 2100.
const DAYS_MAX: i64 = 8 * 366 + 1;
const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// A cron expression that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronSchedule {
    minutes: u64,
    hours: u64,
    months: u64,
    days: Vec<MonthDay>,
    any_day: bool,
    weekdays: Vec<Weekday>,
    any_weekday: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MonthDay {
    On(u64),
    /// So many days before the last one.
    BeforeLast(u32),
    /// The working day nearest to this one, in the same month.
    NearestWorkday(u32),
    LastWorkday,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weekday {
    On(u64),
    Last(u32),
    Nth(u32, u32),
}

/// A field: its name and values.
struct Field {
    name: &'static str,
    first: u32,
    last: u32,
    names: &'static [&'static str],
}

impl Field {
    /// The bits of the values that `item` (`*`, `a`, `a-b`, each with `/step`) stands for.
    fn bits(&self, item: &str) -> Result<u64, String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => match step.parse::<u32>() {
                Ok(step) if (1..=self.last).contains(&step) => (range, Some(step)),
                _ => return Err(format!("`{item}` has a step that does not fit into the {}", self.name)),
            },
            None => (item, None),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.first, self.last),
            Some((from, to)) => (self.value(from)?, self.value(to)?),
            None => {
                let from = self.value(range)?;
                (from, if step.is_some() { self.last } else { from })
            }
        };
        if from > to {
            return Err(format!("`{item}` runs backwards"));
        }
        Ok((from..=to).step_by(step.unwrap_or(1) as usize).fold(0, |bits, value| bits | 1 << value))
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let value = match named {
            Some(index) => u32::try_from(index).ok().map(|index| index + self.first),
            None => text.parse().ok().filter(|value| (self.first..=self.last).contains(value)),
        };
        value.ok_or_else(|| {
            let Field { name, first, last, .. } = self;
            format!("`{text}` is none of the {name}, which go from {first} to {last}")
        })
    }
}

const MINUTES: Field = Field { name: "minutes", first: 0, last: 59, names: &[] };
const HOURS: Field = Field { name: "hours", first: 0, last: 23, names: &[] };
const DAYS: Field = Field { name: "days of the month", first: 1, last: 31, names: &[] };
const MONTHS_OF_YEAR: Field = Field { name: "months", first: 1, last: 12, names: MONTHS };
const DAYS_OF_WEEK: Field = Field { name: "days of the week", first: 1, last: 7, names: WEEKDAYS };

impl CronSchedule {
    /// Reads `text`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without a capital.
    pub fn parse(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            let count = fields.len();
            let fields = if count == 1 { "field" } else { "fields" };
            return Err(format!("it has {count} {fields}; minutes, hours, days, months, weekdays are five"));
        };
        let bits = |field: &Field, list: &str| {
            list.split(',').try_fold(0, |bits, item| Ok::<_, String>(bits | field.bits(item)?))
        };
        Ok(Self {
            minutes: bits(&MINUTES, minutes)?,
            hours: bits(&HOURS, hours)?,
            months: bits(&MONTHS_OF_YEAR, months)?,
            days: days.split(',').map(month_day).collect::<Result<_, _>>()?,
            any_day: days == "*",
            weekdays: weekdays.split(',').map(weekday).collect::<Result<_, _>>()?,
            any_weekday: weekdays == "*",
        })
    }

    /// The first full minute after `time` at which it comes true; `None` if there is no such day.
    pub fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        let start = (time.0.div_euclid(MINUTE_MS) + 1) * MINUTE_MS;
        let first_day = start.div_euclid(DAY_MS);
        (first_day..=first_day + DAYS_MAX).find_map(|day| {
            if !self.fits(day) {
                return None;
            }
            let from = if day == first_day { start.rem_euclid(DAY_MS) / MINUTE_MS } else { 0 };
            let minute = (from..24 * 60).find(|minute| {
                self.hours >> (minute / 60) & 1 == 1 && self.minutes >> (minute % 60) & 1 == 1
            })?;
            Some(Timestamp(day * DAY_MS + minute * MINUTE_MS))
        })
    }

    /// Whether it comes true on `day`, counted from the epoch.
    fn fits(&self, day: i64) -> bool {
        let Date { month, day: day_of_month, length } = Date::of(day);
        if self.months >> month & 1 == 0 {
            return false;
        }
        let weekday = weekday_of(day);
        let first_weekday = weekday_of(day - i64::from(day_of_month) + 1);
        let by_day = self.days.iter().any(|rule| rule.fits(day_of_month, length, first_weekday));
        let by_weekday = self.weekdays.iter().any(|rule| rule.fits(weekday, day_of_month, length));
        match (self.any_day, self.any_weekday) {
            (true, true) => true,
            (true, false) => by_weekday,
            (false, true) => by_day,
            (false, false) => by_day || by_weekday,
        }
    }
}

fn month_day(item: &str) -> Result<MonthDay, String> {
    let upper = item.to_ascii_uppercase();
    if upper == "LW" {
        return Ok(MonthDay::LastWorkday);
    }
    if let Some(rest) = upper.strip_prefix('L') {
        let before = rest.strip_prefix('-').map_or(rest.is_empty().then_some(0), |n| n.parse().ok());
        return match before.filter(|before| *before < DAYS.last) {
            Some(before) => Ok(MonthDay::BeforeLast(before)),
            None => Err(format!("`{item}` is no day before the last one")),
        };
    }
    if let Some(day) = upper.strip_suffix('W') {
        return Ok(MonthDay::NearestWorkday(DAYS.value(day)?));
    }
    Ok(MonthDay::On(DAYS.bits(item)?))
}

fn weekday(item: &str) -> Result<Weekday, String> {
    let upper = item.to_ascii_uppercase();
    if let Some((day, number)) = upper.split_once('#') {
        return match number.parse() {
            Ok(number) if (1..=5).contains(&number) => Ok(Weekday::Nth(DAYS_OF_WEEK.value(day)?, number)),
            _ => Err(format!("`{item}` names none of the first to fifth weekday of a month")),
        };
    }
    if upper == "L" {
        return Ok(Weekday::On(1 << DAYS_OF_WEEK.last));
    }
    match upper.strip_suffix('L') {
        Some(day) => Ok(Weekday::Last(DAYS_OF_WEEK.value(day)?)),
        None => Ok(Weekday::On(DAYS_OF_WEEK.bits(item)?)),
    }
}

impl MonthDay {
    /// Whether it is `day` in a month of `length` days that begins on `first_weekday`.
    fn fits(self, day: u32, length: u32, first_weekday: u32) -> bool {
        // 1 is Sunday, 7 is Saturday.
        let weekday = |day: u32| (first_weekday + day - 2) % 7 + 1;
        match self {
            Self::On(days) => days >> day & 1 == 1,
            Self::BeforeLast(before) => day + before == length,
            Self::LastWorkday => match weekday(length) {
                1 => day == length - 2,
                7 => day == length - 1,
                _ => day == length,
            },
            Self::NearestWorkday(wanted) if wanted > length => false,
            Self::NearestWorkday(wanted) => match weekday(wanted) {
                7 if wanted == 1 => day == 3,
                7 => day == wanted - 1,
                1 if wanted == length => day == wanted - 2,
                1 => day == wanted + 1,
                _ => day == wanted,
            },
        }
    }
}

impl Weekday {
    fn fits(self, weekday: u32, day: u32, length: u32) -> bool {
        match self {
            Self::On(days) => days >> weekday & 1 == 1,
            Self::Last(wanted) => weekday == wanted && day + 7 > length,
            Self::Nth(wanted, number) => weekday == wanted && (day - 1) / 7 + 1 == number,
        }
    }
}

/// The weekday of `day`, counted from the epoch (a Thursday): 1 is Sunday.
fn weekday_of(day: i64) -> u32 {
    u32::try_from((day + 4).rem_euclid(7)).expect("below seven") + 1
}

/// A day of the calendar.
struct Date {
    month: u32,
    day: u32,
    /// Days of its month.
    length: u32,
}

impl Date {
    /// The date of `day`, counted from the epoch.
    fn of(day: i64) -> Self {
        let mut year = 1970 + day.div_euclid(366);
        let start = |year: i64| {
            let before = year - 1;
            (year - 1970) * 365 + (before / 4 - before / 100 + before / 400)
                - (1969 / 4 - 1969 / 100 + 1969 / 400)
        };
        while start(year + 1) <= day {
            year += 1;
        }
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let mut left = u32::try_from(day - start(year)).expect("within the year");
        let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            if left < length {
                return Self { month, day: left + 1, length };
            }
            left -= length;
        }
        unreachable!("a year has no more days than its months")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Milliseconds of a day and minute, by counting.
    fn at(year: i64, month: u32, day: u32, hour: i64, minute: i64) -> Timestamp {
        let days = (0..).find(|n| {
            let date = Date::of(*n);
            (date.month, date.day) == (month, day) && year_of(*n) == year
        });
        Timestamp(days.expect("after the epoch") * DAY_MS + (hour * 60 + minute) * MINUTE_MS)
    }

    fn year_of(day: i64) -> i64 {
        1970 + i64::try_from((1..=day).filter(|d| (Date::of(*d).month, Date::of(*d).day) == (1, 1)).count())
            .expect("few years")
    }

    #[test]
    fn the_calendar_is_right() {
        for (day, expected) in [
            (0, (1, 1, 31)),
            (58, (2, 28, 28)),
            (59, (3, 1, 31)),
            (789, (2, 29, 29)),
            (11_016, (2, 29, 29)),
            (20_779, (11, 22, 30)),
        ] {
            let date = Date::of(day);
            assert_eq!((date.month, date.day, date.length), expected, "day {day}");
        }
        assert_eq!(weekday_of(20_779), 1, "22 November 2026 is a Sunday");
    }

    #[test]
    fn expressions_come_true_when_they_should() {
        // 22 November 2026 is a Sunday.
        let now = at(2026, 11, 22, 11, 30);
        for (text, expected) in [
            ("* * * * *", at(2026, 11, 22, 11, 31)),
            ("*/5 * * * *", at(2026, 11, 22, 11, 35)),
            ("30 11 * * *", at(2026, 11, 23, 11, 30)),
            ("7/20 * * * *", at(2026, 11, 22, 11, 47)),
            ("0 9-17/4 * * *", at(2026, 11, 22, 13, 0)),
            ("0 0 1 JAN,jul *", at(2027, 1, 1, 0, 0)),
            ("0 0 * * 1", at(2026, 11, 29, 0, 0)),
            ("0 0 * * SUN", at(2026, 11, 29, 0, 0)),
            ("0 0 * * MON-FRI", at(2026, 11, 23, 0, 0)),
            ("0 0 * * 7", at(2026, 11, 28, 0, 0)),
            ("0 0 * * L", at(2026, 11, 28, 0, 0)),
            ("0 0 * * 6L", at(2026, 11, 27, 0, 0)),
            ("0 0 * * FRI#2", at(2026, 12, 11, 0, 0)),
            ("59 23 L * *", at(2026, 11, 30, 23, 59)),
            ("0 0 L-2 * *", at(2026, 11, 28, 0, 0)),
            ("0 0 LW 1 *", at(2027, 1, 29, 0, 0)),
            // 5 December 2026 is a Saturday, 1 May 2027 too; 31 January 2027 is a Sunday.
            ("0 0 5W 12 *", at(2026, 12, 4, 0, 0)),
            ("0 0 1W 5 *", at(2027, 5, 3, 0, 0)),
            ("0 0 31W 1 *", at(2027, 1, 29, 0, 0)),
            ("0 0 29 2 *", at(2028, 2, 29, 0, 0)),
            // Either day may fit.
            ("0 0 24 * MON", at(2026, 11, 23, 0, 0)),
        ] {
            let schedule = CronSchedule::parse(text).expect(text);
            assert_eq!(schedule.next_after(now), Some(expected), "{text}");
        }
        let never = CronSchedule::parse("0 0 31 2 *").expect("well formed");
        assert_eq!(never.next_after(now), None);
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("* * * *", "it has 4 fields; minutes, hours, days, months, weekdays are five"),
            ("60 * * * *", "`60` is none of the minutes, which go from 0 to 59"),
            ("* * * * 0", "`0` is none of the days of the week, which go from 1 to 7"),
            ("* * * FOO *", "`FOO` is none of the months, which go from 1 to 12"),
            ("*/0 * * * *", "`*/0` has a step that does not fit into the minutes"),
            ("* 5-3 * * *", "`5-3` runs backwards"),
            ("* * ? * *", "`?` is none of the days of the month, which go from 1 to 31"),
            ("* * L-31 * *", "`L-31` is no day before the last one"),
            ("* * * * 2#6", "`2#6` names none of the first to fifth weekday of a month"),
        ] {
            assert_eq!(CronSchedule::parse(text), Err(expected.to_owned()), "{text}");
        }
    }

    proptest! {
        /// Any text is read or refused, never a panic; what is read comes true later than now, on a minute.
        #[test]
        fn the_next_time_is_later_and_on_a_minute(
            text in "([0-9*,/LW#-]{1,5} ){4}[0-9*,/LW#-]{1,4}",
            now in 0i64..4_000_000_000_000,
        ) {
            if let Ok(schedule) = CronSchedule::parse(&text)
                && let Some(next) = schedule.next_after(Timestamp(now))
            {
                prop_assert!(next.0 > now);
                prop_assert_eq!(next.0 % MINUTE_MS, 0);
            }
        }
    }
}
