//! Days in calendars other than the Gregorian one, by ICU4X.

use icu_calendar::types::{RataDie, YearInfo};
use icu_calendar::{AnyCalendar, AnyCalendarKind, Date, Iso};

fn kind(calendar: &str) -> Option<AnyCalendarKind> {
    Some(match calendar {
        "buddhist" => AnyCalendarKind::Buddhist,
        "chinese" => AnyCalendarKind::Chinese,
        "coptic" => AnyCalendarKind::Coptic,
        "dangi" => AnyCalendarKind::Dangi,
        "ethioaa" => AnyCalendarKind::EthiopianAmeteAlem,
        "ethiopic" => AnyCalendarKind::Ethiopian,
        "hebrew" => AnyCalendarKind::Hebrew,
        "indian" => AnyCalendarKind::Indian,
        "islamic-civil" => AnyCalendarKind::HijriTabularTypeIIFriday,
        "islamic-tbla" => AnyCalendarKind::HijriTabularTypeIIThursday,
        "islamic-umalqura" => AnyCalendarKind::HijriUmmAlQura,
        "japanese" => AnyCalendarKind::Japanese,
        "persian" => AnyCalendarKind::Persian,
        "roc" => AnyCalendarKind::Roc,
        _ => return None,
    })
}

/// The day `epoch_day` (days since 1970-01-01) in `calendar`: era, year of the era, extended year, code of the month
/// (`M05L`), its ordinal, day of the month; parted by spaces. Nothing for calendars that are not known.
pub fn day(calendar: String, epoch_day: f64) -> Option<String> {
    const EPOCH: i64 = 719_163;
    #[expect(clippy::cast_possible_truncation, reason = "within the range of a Date")]
    let rata_die = RataDie::new(epoch_day.floor() as i64 + EPOCH);
    let date = Date::from_rata_die(rata_die, Iso).to_calendar(AnyCalendar::new(kind(&calendar)?));
    let (era, era_year) = match date.year() {
        YearInfo::Era(year) => (year.era.to_string(), year.year),
        YearInfo::Cyclic(year) => ("-".to_owned(), i32::from(year.year)),
        other => ("-".to_owned(), other.extended_year()),
    };
    let month = date.month();
    Some(format!(
        "{era} {era_year} {} {} {} {}",
        date.year().extended_year(),
        month.to_input().code(),
        month.ordinal,
        date.day_of_month().0
    ))
}

#[cfg(test)]
mod tests {
    use super::day;

    #[test]
    fn days_in_other_calendars() {
        for (calendar, expected) in [
            ("buddhist", "be 2513 2513 M01 1 1"),
            ("japanese", "showa 45 1970 M01 1 1"),
            ("roc", "roc 59 59 M01 1 1"),
            ("hebrew", "am 5730 5730 M04 4 23"),
            ("persian", "ap 1348 1348 M10 10 11"),
        ] {
            assert_eq!(day(calendar.into(), 0.0).as_deref(), Some(expected), "{calendar}");
        }
        assert_eq!(day("martian".into(), 0.0), None);
    }
}
