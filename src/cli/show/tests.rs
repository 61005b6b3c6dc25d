//! Tables of what a person reads.

use http::Method;
use http::uri::PathAndQuery;

use super::*;

fn style() -> Style {
    let cwd = "/p".into();
    Style {
        level: LogLevel::Log,
        quiet: false,
        json: false,
        terminal: false,
        colour: false,
        error_colour: false,
        keys: false,
        cwd,
    }
}

fn texts(report: Report, style: &Style) -> Vec<String> {
    lines(&Item::Report(report), style).into_iter().map(|line| line.text).collect()
}

fn record(status: u16, duration: Duration) -> RequestRecord {
    RequestRecord {
        method: Method::GET,
        target: PathAndQuery::from_static("/a?b"),
        status,
        is_asset: false,
        duration,
    }
}

#[test]
fn durations_have_two_or_three_digits() {
    for (micros, expected) in [
        (0, "0.00 ms"),
        (420, "0.42 ms"),
        (4_200, "4.2 ms"),
        (42_400, "42 ms"),
        (999_000, "999 ms"),
        (1_500_000, "1.5 s"),
    ] {
        assert_eq!(show_duration(Duration::from_micros(micros)), expected);
    }
}

#[test]
fn a_request_is_one_line() {
    let duration = Duration::from_micros(1_250);
    assert_eq!(texts(Report::Request(record(404, duration)), &style()), ["GET /a?b 404 1.2 ms"]);
    let coloured = Style { colour: true, ..style() };
    let text = texts(Report::Request(record(500, duration)), &coloured).remove(0);
    assert_eq!(text, "GET /a?b \u{1b}[31m500\u{1b}[0m 1.2 ms");
    let quiet = Style { quiet: true, ..style() };
    assert!(texts(Report::Request(record(200, duration)), &quiet).is_empty());
}

#[test]
fn levels_decide_what_is_shown_and_where() {
    use Level::{Debug, Error, Info, Log, Uncaught, Warn};
    for (least, expected) in [
        (LogLevel::Debug, vec![Debug, Log, Info, Warn, Error, Uncaught]),
        (LogLevel::Info, vec![Log, Info, Warn, Error, Uncaught]),
        (LogLevel::Log, vec![Log, Info, Warn, Error, Uncaught]),
        (LogLevel::Warn, vec![Warn, Error, Uncaught]),
        (LogLevel::Error, vec![Error, Uncaught]),
        (LogLevel::None, vec![]),
    ] {
        let style = Style { level: least, ..style() };
        for level in [Debug, Log, Info, Warn, Error, Uncaught] {
            let origin = Origin::Object { class: "Counter".to_owned(), name: "global".to_owned() };
            let record = LogRecord { origin, level, text: "hi".to_owned() };
            let lines = lines(&Item::Report(Report::Log(record)), &style);
            assert_eq!(!lines.is_empty(), expected.contains(&level), "{level:?} at {least:?}");
            for line in lines {
                let stream = if matches!(level, Warn | Error | Uncaught) { Stream::Err } else { Stream::Out };
                assert_eq!((line.text.as_str(), line.stream), ("[Counter:global] hi", stream));
            }
        }
    }
}

#[test]
fn reloads_and_moved_ports_are_told() {
    let reloaded = Report::Reloaded {
        generation: crate::base::generation::Generation(2),
        duration: Duration::from_millis(12),
    };
    assert_eq!(texts(reloaded, &style()), ["Reloaded in 12 ms"]);
    let moved = Report::PortMoved { wanted: 8787, holder: None, taken: 8788 };
    assert_eq!(texts(moved, &style()), ["warning: port 8787 is in use; using 8788 instead"]);
}

#[test]
fn mistakes_are_drawn_with_file_line_column_and_arrow() {
    let source = SourceFile::new("/p/wrangler.jsonc", "{\n  \"nam\": 1\n}\n");
    let diagnostic = Diagnostic::error("config/unknown-key", "unknown key `nam`")
        .at(&source, 4..9, "not known")
        .help("did you mean `name`?");
    let broken = Broken {
        diagnostics: vec![diagnostic],
        address: ([127, 0, 0, 1], 8787).into(),
        secure: false,
        older_code_serves: true,
    };
    let texts = texts(Report::Broken(broken), &style());
    for part in
        ["unknown key `nam`", "[wrangler.jsonc:2:3]", "not known", "did you mean `name`?", "2 │   \"nam\": 1"]
    {
        assert!(texts[0].contains(part), "{part}: {}", texts[0]);
    }
    assert!(!texts[0].contains('\u{1b}'));
    assert_eq!(texts[1], "The last good code goes on serving");
}

#[test]
fn places_outside_the_text_do_not_hide_the_words() {
    let source = SourceFile::new("a.ts", "x");
    for span in [0..0, 1..1, 5..9] {
        let text = diagnostic(&Diagnostic::error("a/b", "the words").at(&source, span.clone(), ""), &style());
        assert!(text.contains("the words"), "{span:?}: {text}");
    }
}

#[test]
fn long_lists_are_wrapped() {
    assert_eq!(wrap("a, b, c", 80), ["a, b, c"]);
    assert_eq!(wrap("aaa, bbb, ccc", 9), ["aaa, bbb,", "ccc"]);
    assert_eq!(wrap("a-very-long-word", 5), ["a-very-long-word"]);
    assert_eq!(show_url(([0, 0, 0, 0], 1).into(), false), "http://127.0.0.1:1");
    assert_eq!(show_url("[::1]:2".parse().unwrap(), true), "https://[::1]:2");
}
