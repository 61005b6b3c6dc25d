//! Time zones: names and offsets, from the rules that jiff brings along.

use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

fn database() -> &'static TimeZoneDatabase {
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    BUNDLED.get_or_init(TimeZoneDatabase::bundled)
}

fn zone(name: &str) -> Option<TimeZone> {
    database().get(name).ok()
}

/// A time of JavaScript (milliseconds since 1970) as jiff's, brought into the range it knows; rules do not change beyond.
fn timestamp(epoch_ms: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "within the range of a Date")]
    let ms = epoch_ms.floor() as i64;
    let limits = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(ms.clamp(limits.0, limits.1)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The name of a zone as its database spells it, whatever the case of `name`; nothing if there is no such zone.
pub fn name(name: String) -> Option<String> {
    zone(&name)?.iana_name().map(str::to_owned)
}

/// All names, links too.
pub fn names() -> Vec<String> {
    database().available().map(|name| name.as_str().to_owned()).collect()
}

/// Seconds east of Greenwich at a time in ms since 1970, and 1 during daylight saving time, else 0.
pub fn offset(name: String, epoch_ms: f64) -> Option<Vec<i32>> {
    let zone = zone(&name)?;
    let info = zone.to_offset_info(timestamp(epoch_ms));
    Some(vec![info.offset().seconds(), i32::from(info.dst().is_dst())])
}

/// Whether the zone has no daylight saving time within half a year of a time.
///
/// Fidelity: ICU shows the standard name instead of the generic one then (`TimeZoneGenericNames`, 184 days each way).
pub fn keeps_offset(name: String, epoch_ms: f64) -> bool {
    const NEAR_MS: f64 = 184.0 * 86_400_000.0;
    let Some(zone) = zone(&name) else { return true };
    let now = timestamp(epoch_ms);
    if zone.to_offset_info(now).dst().is_dst() {
        return false;
    }
    let until = timestamp(epoch_ms + NEAR_MS);
    let after =
        zone.following(now).take_while(|next| next.timestamp() <= until).any(|next| next.dst().is_dst());
    let since = timestamp(epoch_ms - NEAR_MS);
    let before = zone.to_offset_info(since).dst().is_dst()
        || zone.preceding(now).take_while(|last| last.timestamp() >= since).any(|last| last.dst().is_dst());
    !(after || before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_follow_the_rules() {
        assert_eq!(offset("America/New_York".into(), 0.0), Some(vec![-18_000, 0]));
        assert_eq!(offset("america/new_york".into(), 1_720_000_000_000.0), Some(vec![-14_400, 1]));
        assert_eq!(offset("Nowhere/City".into(), 0.0), None);
        assert_eq!(name("europe/WARSAW".into()).as_deref(), Some("Europe/Warsaw"));
        assert!(keeps_offset("Asia/Tokyo".into(), 0.0));
        assert!(!keeps_offset("Europe/Berlin".into(), 1_700_000_000_000.0));
        // Times beyond what the database counts take its last rules.
        assert!(offset("Europe/Berlin".into(), 8.64e15).is_some());
    }
}
