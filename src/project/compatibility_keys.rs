//! Reads `compatibility_date` and `compatibility_flags`, and says what the platform would not take.
//!
//! A flag of the command line wins over the configuration, and has no place to point at.

use std::ops::Range;

use super::compatibility::{Compatibility, Date, InvalidDate};
use super::flags::{self, Flag};
use super::keys::{self, KEYS};
use super::load::LoadRequest;
use super::main_module::{move_up, stray};
use super::nearest::{nearest, nearest_key};
use super::overlay::Layers;
use super::report::{Language, Report};
use super::tree::Node;
use crate::base::diag::{Diagnostic, Label};

/// The compatibility date and flags. `has_file` says whether there is a configuration to add a date to.
///
/// Fidelity: wrangler 4.164.0 refuses dates after today, and warns when none is given and takes its own.
pub fn compatibility(
    report: &mut Report,
    layers: &Layers<'_>,
    request: &LoadRequest,
    has_file: bool,
) -> Compatibility {
    let flags = given_flags(layers, request);
    check_flags(report, &flags);
    let found = layers.find("compatibility_date");
    let given = match (&request.overrides.compatibility_date, &found) {
        (Some(text), _) => Some((text.as_str(), None)),
        (None, Some(found)) => {
            let node = &found.entry.node;
            node.as_text().map(|text| (text, Some(node.span.clone())))
        }
        (None, None) => {
            if has_file {
                warn_of_no_date(report, layers);
            }
            None
        }
    };
    let date = given.and_then(|(text, span)| read_date(report, text, span, request));
    Compatibility {
        date: date.unwrap_or(Date::LATEST),
        flags: flags.into_iter().map(|given| given.name).collect(),
    }
}

fn warn_of_no_date(report: &mut Report, layers: &Layers<'_>) {
    // A misspelt one is told as an unknown key.
    let is_misspelt = |key: &str| {
        keys::key(key).is_none()
            && nearest_key(key, KEYS.iter().map(|key| key.name)) == Some("compatibility_date")
    };
    if layers.top().entries().iter().any(|entry| is_misspelt(&entry.key)) {
        return;
    }
    let line = match report.language() {
        Language::Json => format!("\"compatibility_date\": \"{}\"", Date::LATEST),
        Language::Toml => format!("compatibility_date = \"{}\"", Date::LATEST),
    };
    let stray = stray(report, layers.top(), "compatibility_date");
    let message = format!("no `compatibility_date` is given, {} is used", Date::LATEST);
    let added = report.warning("config/no-date", 0..0, message);
    match stray {
        Some((span, table)) => added
            .also(span, format!("this belongs to `[{table}]`"))
            .help(move_up("compatibility_date", &table)),
        None => added.help(format!("add {line}")),
    };
}

/// A flag and where it is written, unless the command line gave it.
struct GivenFlag {
    name: String,
    span: Option<Range<usize>>,
}

fn given_flags(layers: &Layers<'_>, request: &LoadRequest) -> Vec<GivenFlag> {
    if let Some(flags) = &request.overrides.compatibility_flags {
        return flags.iter().map(|name| GivenFlag { name: name.clone(), span: None }).collect();
    }
    let items = layers.get("compatibility_flags").map(Node::items).unwrap_or_default();
    let given =
        |item: &Node| Some(GivenFlag { name: item.as_text()?.to_owned(), span: Some(item.span.clone()) });
    items.iter().filter_map(given).collect()
}

/// Fidelity: workerd refuses flags that it does not know, that are given twice, and that contradict each other; wrangler
/// 4.164.0 refuses `nodejs_compat` together with `nodejs_compat_v2`. Deployment refuses experimental flags, which run
/// locally.
fn check_flags(report: &mut Report, flags: &[GivenFlag]) {
    for (index, flag) in flags.iter().enumerate() {
        let (name, before) = (flag.name.as_str(), &flags[..index]);
        let earlier = |other: &str| before.iter().find(|flag| flag.name == other && !other.is_empty());
        let Some(known) = Flag::of(name) else {
            let message = match name.trim() {
                "" => "a compatibility flag has no name".to_owned(),
                _ => format!("unknown compatibility flag `{name}`"),
            };
            tell(report, Diagnostic::error("config/unknown-flag", message), flag, None).help =
                Some(meant(name));
            continue;
        };
        if let Some(first) = earlier(name) {
            let error = Diagnostic::error(
                "config/bad-flag",
                format!("the compatibility flag `{name}` is given twice"),
            );
            tell(report, error, flag, Some((first, "here too"))).help =
                Some("remove one of the two".to_owned());
            continue;
        }
        let opposite = if known.name == name { known.opposite } else { known.name };
        if let Some(first) = earlier(opposite) {
            let (on, off) = (known.name, known.opposite);
            let message = format!("the compatibility flags `{on}` and `{off}` contradict each other");
            let error = Diagnostic::error("config/bad-flag", message);
            tell(report, error, flag, Some((first, "against this"))).help =
                Some("remove one of the two".to_owned());
        }
        let version = match name {
            "nodejs_compat" => "nodejs_compat_v2",
            "nodejs_compat_v2" => "nodejs_compat",
            _ => "",
        };
        if let Some(first) = earlier(version) {
            let message = "the compatibility flags `nodejs_compat` and `nodejs_compat_v2` exclude each other";
            let error = Diagnostic::error("config/bad-flag", message);
            tell(report, error, flag, Some((first, "beside this"))).help =
                Some("keep `nodejs_compat`, which means the other one since 2024-09-23".to_owned());
        }
        // The opposite of a flag that is off at the newest date asks for what is so anyway.
        let newest = known.since.is_some() || known.implied.is_some();
        if name == known.opposite && newest && !flags::is_followed(known.name) {
            let message =
                format!("the compatibility flag `{name}` has no effect: dodev behaves as at the newest date");
            tell(report, Diagnostic::warning("config/flag-without-effect", message), flag, None);
        }
        if flags::is_experimental(name) {
            let message = format!("the compatibility flag `{name}` is experimental: it cannot be deployed");
            tell(report, Diagnostic::warning("config/experimental-flag", message), flag, None);
        }
    }
}

/// Adds `diagnostic` at `flag`, and at `other` with a few words.
fn tell<'a>(
    report: &'a mut Report,
    diagnostic: Diagnostic,
    flag: &GivenFlag,
    other: Option<(&GivenFlag, &str)>,
) -> &'a mut Diagnostic {
    let source = report.source().clone();
    let mut diagnostic = diagnostic;
    let places = [(Some(flag), ""), (other.map(|(flag, _)| flag), other.map_or("", |(_, words)| words))];
    for (flag, words) in places {
        if let Some(span) = flag.and_then(|flag| flag.span.clone()) {
            diagnostic.labels.push(Label { source: source.clone(), span, text: words.to_owned() });
        }
    }
    report.push(diagnostic).into_diagnostic()
}

/// What to do with a flag `name` that is none.
fn meant(name: &str) -> String {
    let bare = name.trim().trim_start_matches("experimental:");
    let dashes = bare.replace('-', "_");
    let known = [bare, &dashes].into_iter().find(|name| Flag::of(name).is_some());
    match known.or_else(|| nearest(bare, flags::names())) {
        Some(known) => format!("did you mean `{known}`?"),
        None if bare.is_empty() => "remove it".to_owned(),
        None => format!(
            "remove it; the platform refuses flags that it does not know, and dodev knows those of {}",
            Date::NEWEST
        ),
    }
}

/// The date that `text` at `span` means.
fn read_date(
    report: &mut Report,
    text: &str,
    span: Option<Range<usize>>,
    request: &LoadRequest,
) -> Option<Date> {
    let latest = Date::LATEST;
    let (diagnostic, date) = match text.parse::<Date>() {
        Ok(date) if date > request.today() => {
            let message = format!("the compatibility date `{text}` is in the future");
            let help = format!("use today's date at most, for example {latest}");
            (Diagnostic::error("config/future-date", message).help(help), None)
        }
        // Fidelity: workerd takes the years 2000 to 2999.
        Ok(date) if date < Date::FIRST => {
            let message = format!("the compatibility date `{text}` is before the platform's time");
            let help = format!("the oldest one is {}; for a new Worker use {latest}", Date::FIRST);
            (Diagnostic::error("config/bad-date", message).help(help), None)
        }
        Ok(date) if date > Date::NEWEST => {
            let message = format!("the compatibility date `{text}` is newer than dodev knows");
            let help = format!(
                "what became the default after {} is not emulated; a newer dodev may know it",
                Date::NEWEST
            );
            (Diagnostic::warning("config/newer-date", message).help(help), Some(date))
        }
        Ok(date) => return Some(date),
        Err(InvalidDate::Form) => {
            let help = match text.contains(['–', '—']) {
                true => "use plain hyphens (-) instead of dashes".to_owned(),
                false => format!("write it as YYYY-MM-DD, for example {latest}"),
            };
            let message = format!("`{text}` is not a compatibility date");
            (Diagnostic::error("config/bad-date", message).help(help), None)
        }
        Err(InvalidDate::NoSuchDay) => {
            let message = format!("the compatibility date `{text}` does not exist");
            let help = format!("use a day of the calendar, for example {latest}");
            (Diagnostic::error("config/bad-date", message).help(help), None)
        }
    };
    let diagnostic = match span {
        Some(span) => diagnostic.at(report.source(), span, ""),
        None => diagnostic,
    };
    report.push(diagnostic);
    date
}
