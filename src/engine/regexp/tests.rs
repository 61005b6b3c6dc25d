//! Searches with a filter against the engine's alone.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use rquickjs::{Context, Ctx, Function, Runtime};

use super::filter::Window;
use super::*;

thread_local! {
    static ASKED: Cell<Option<Asked>> = const { Cell::new(None) };
}

pub(super) fn asked() -> Option<Asked> {
    ASKED.get()
}

/// Everything that methods say of a pattern and a text; `null` where the pattern is none.
const WORK: &str = r#"
    globalThis.work = (source, flags, text) => {
        const make = (flags) => new RegExp(source, flags);
        try {
            make(flags);
        } catch {
            return null;
        }
        const show = (match) => match && [match.index, match.input === text, [...match], { ...match.groups }, match.indices, { ...match.indices?.groups }];
        const one = make(flags);
        const out = [0, 1, 7, text.length - 3, text.length, text.length + 1].map((lastIndex) => {
            one.lastIndex = lastIndex;
            return [show(one.exec(text)), one.lastIndex, one.test(text), one.lastIndex];
        });
        const all = flags.includes("g") ? flags : flags + "g";
        return JSON.stringify([
            out,
            [...text.matchAll(make(all))].map(show),
            text.match(make(all)),
            text.replace(make(all), "<$&|$1>"),
            text.replace(make(all), ""),
            text.replace(one, ""),
            one.lastIndex,
            text.split(make(flags)),
            text.search(make(flags)),
        ]);
    };
"#;

/// Questions whether to stop after which a pattern takes too long for a test.
const POLLS_MAX: usize = 200;

/// Runs `test` with a function that compares both ways; it says whether there was something to compare.
fn with_both(test: impl FnOnce(&dyn Fn(&str, &str, &str) -> bool)) {
    let runtime = Runtime::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || {
        counted.set(counted.get() + 1);
        counted.get() > POLLS_MAX
    })));
    Context::full(&runtime).unwrap().with(|ctx| {
        ctx.eval::<(), _>(WORK).unwrap();
        let work: Function<'_> = ctx.globals().get("work").unwrap();
        test(&|source, flags, text| {
            let run = |who| {
                polls.set(0);
                ASKED.set(Some(who));
                let found = work.call::<_, Option<String>>((source, flags, text));
                ASKED.set(None);
                found.map_err(|_| ctx.catch()).ok()
            };
            let (Some(engine), Some(filter)) = (run(Asked::Engine), run(Asked::Filter)) else { return false };
            assert!(
                engine == filter,
                "/{source}/{flags} in {text:?}\n engine {engine:?}\n filter {filter:?}"
            );
            engine.is_some()
        });
    });
}

#[test]
fn patterns_of_all_kinds_find_what_the_engine_finds() {
    let texts = [
        "",
        "a",
        "to alpha@mail.example, b@c.d and 2026-11-22 10.0.0.1\n\n  aab  <a href='x'>y</a> aaaa \t\u{b5}\u{ff}\u{df}\u{e9}\u{c9} K ",
        "wide \u{212a}\u{17f}\u{3c0} a@b \u{1f600}\u{1f601}aab\u{2028}x\u{2029} 2026-11-22 kKsS",
        "aabaaab\nabab ab\r\nba",
    ];
    let patterns = [
        r"\b[\w.]+@[\w.]+\b",
        r"\b(\d{4})-(\d\d)-(\d\d)\b",
        r"-\d+-",
        r"\w+:?@|@",
        r"(?:a|@)*'b?",
        r"[^@]+@[^@]+@",
        r"(a)\1@",
        "a*b",
        "(?:ab)*a",
        "(a*)*b",
        "(a|ab)(c|bcd)?",
        "a+?b|aa",
        "a|b|",
        "",
        "^",
        "$",
        "^a",
        r"^\s+|\s+$",
        r"\s+$",
        r"a+$|^t",
        "(?:^|,)b",
        "(?:a$|b)",
        r"\n$",
        "^$",
        r"(['a]).*?\1",
        r"(?<x>a)(?<y>b)?\k<x>",
        r"(?=a)a+(?!b)",
        r"(?<=a)b",
        r"(?<!a)b",
        r"(?<=^a+)b",
        r"(?:(?=(a+))a)+b",
        "k",
        "s+",
        "[^k]",
        r"[\u00b5\u00ff]",
        r"\u{1f600}",
        r"[\u{1f600}-\u{1f601}]+a",
        ".",
        ".+b",
        r"\Bb",
        r"\W+a",
        r"\S+@",
        r"[^\s]+\s",
        r"a{2,3}b",
        r"(?:a{2}){1,2}?b",
        r"(?:a|b|){3}\n",
        r"\d{1,3}(?:\.\d{1,3}){3}",
        r"<(\w+)[^>]*>(.*?)</\1>",
        r"(?i:A)a",
        r"(?:(a)|b)*\n",
        r"(z)((a+)?(b+)?(c))*|b",
        r"[\p{L}--a]",
        r"\p{Lu}",
    ];
    with_both(|same| {
        let mut compared = 0;
        for pattern in patterns {
            for flags in ["", "g", "y", "i", "m", "s", "u", "d", "iu", "im", "gy", "v", "iv", "gimsd"] {
                for text in texts {
                    compared += usize::from(same(pattern, flags, text));
                }
            }
        }
        assert!(compared > 2_500, "{compared}");
    });
}

/// Patterns, most of them valid, with everything that patterns have.
fn patterns() -> impl Strategy<Value = String> {
    let atom = prop_oneof![
        6 => prop::sample::select(vec!["a", "b", "c", "A", " ", "@", "0", "_", "é", "ÿ", "µ", "ß", "ſ", "K", "π", "\\n", "😀"]),
        4 => prop::sample::select(vec!["\\w", "\\W", "\\d", "\\D", "\\s", "\\S", ".", "[ab]", "[^a]", "[a-c@]", "[^\\w]", "[\\s0]", "[é-ÿ]", "[π-ω]", "[^]", "[K-ſ]"]),
        2 => prop::sample::select(vec!["^", "$", "\\b", "\\B", "\\1", "\\2", "(?=a)", "(?!b)", "(?<=a)", "(?<!b)", ""]),
    ]
    .prop_map(str::to_owned);
    atom.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            4 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            2 => prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("(?:{})", parts.join("|"))),
            2 => inner.clone().prop_map(|part| format!("({part})")),
            1 => (inner.clone(), prop::sample::select(vec!["?=", "?!", "?<=", "?<!", "?i:", "?-i:", "?m:", "?s:"]))
                .prop_map(|(part, kind)| format!("({kind}{part})")),
            4 => (inner, prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{0,2}", "{2,}", "{1,3}?", "{0}"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

fn texts() -> impl Strategy<Value = String> {
    let narrow = prop::sample::select(vec![
        'a', 'a', 'b', 'b', 'c', 'A', ' ', '@', '0', '_', '\n', '\r', 'é', 'É', 'ÿ', 'µ', 'ß', '\u{85}',
        '\u{a0}', 's', 'k', 'K',
    ]);
    let wide =
        prop::sample::select(vec!['a', 'b', 'A', ' ', '0', '\n', 'ſ', 'K', 'π', 'Ÿ', '\u{2028}', '😀']);
    prop_oneof![
        3 => prop::collection::vec(narrow.clone(), 0..40).prop_map(String::from_iter),
        1 => prop::collection::vec(prop_oneof![narrow, wide], 0..40).prop_map(String::from_iter),
    ]
}

#[test]
fn random_patterns_find_what_the_engine_finds() {
    let flags =
        prop::sample::select(vec!["", "", "g", "y", "i", "m", "s", "u", "iu", "im", "gd", "v", "gimsu"]);
    let cases = ProptestConfig::default().cases.max(1_500);
    let cases = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(cases);
    let compared = Cell::new(0);
    with_both(|same| {
        runner
            .run(&(patterns(), flags, prop::collection::vec(texts(), 3)), |(pattern, flags, texts)| {
                for text in texts {
                    compared.set(compared.get() + usize::from(same(&pattern, flags, &text)));
                }
                Ok(())
            })
            .unwrap();
    });
    assert!(compared.get() > 2_000, "{}", compared.get());
}

/// The filter of a pattern, by way of the engine's compiler.
fn filter_of(ctx: &Ctx<'_>, pattern: &str) -> Option<Rc<Fast>> {
    ENTRIES_HERE.with_borrow_mut(Vec::clear);
    ASKED.set(Some(Asked::Filter));
    ctx.globals().set("source", pattern).unwrap();
    ctx.eval::<(), _>("new RegExp(source).test('')").unwrap();
    ASKED.set(None);
    ENTRIES_HERE.with_borrow(|entries| {
        let entry = entries.iter().flatten().next().expect("the pattern ran");
        match &entry.stage {
            Stage::Filtered(fast) => Some(fast.clone()),
            _ => None,
        }
    })
}

#[test]
fn a_filter_names_the_places_where_the_first_match_may_begin() {
    let text = b"one two@three  2026-11-22 ababac xx";
    Context::full(&Runtime::new().unwrap()).unwrap().with(|ctx| {
        for (pattern, expected) in [
            (r"[\w.]+@[\w.]+", Some((4, 9))),
            (r"\d{4}-\d\d", Some((15, 22))),
            ("@", Some((7, 8))),
            ("two|q", Some((4, 7))),
            ("(?:ab)*ac", Some((26, 32))),
            ("z", None),
            ("z-b", None),
            (r"\d\d-2", Some((15, 24))),
            ("[a-c]+ x", Some((26, 34))),
            ("(?:ab)+c", None),
            ("x+$", Some((33, 36))),
            ("^x", None),
        ] {
            let fast = filter_of(&ctx, pattern).expect("a filter");
            let found = fast.filter.next(text.as_slice(), 0);
            assert_eq!(found, expected.map(|(start, end)| Window { start, end }), "{pattern}");
            assert_eq!(fast.filter.tries_start, pattern.starts_with('^'), "{pattern}");
            let wide: Vec<u16> = text.iter().map(|unit| u16::from(*unit)).collect();
            assert_eq!(fast.filter.next(&wide, 0), found, "{pattern}");
        }
        for nothing_gained in ["a*", "", r"\b", "a|", "(?=a)"] {
            assert!(filter_of(&ctx, nothing_gained).is_none(), "{nothing_gained}");
        }
    });
}

#[test]
fn long_texts_get_a_filter_and_short_ones_none() {
    let runtime = Runtime::new().unwrap();
    Context::full(&runtime).unwrap().with(|ctx| {
        let stage = |code: &str| {
            ENTRIES_HERE.with_borrow_mut(Vec::clear);
            ctx.eval::<(), _>(code).unwrap();
            ENTRIES_HERE.with_borrow(|entries| {
                entries
                    .iter()
                    .flatten()
                    .map(|entry| match &entry.stage {
                        Stage::New(seen) => format!("seen {seen}"),
                        Stage::Unfit => "unfit".to_owned(),
                        Stage::Filtered(fast) => format!("gain {}", fast.gain.get() > 0),
                    })
                    .collect::<Vec<_>>()
                    .join(",")
            })
        };
        for (code, expected) in [
            ("for (let i = 0; i < 1e4; i++) /ab/.test('x'.repeat(100))", ""),
            ("/ab/.test('x'.repeat(1000))", "seen 1000"),
            ("/x/.test('x'.repeat(1000))", "seen 1"),
            ("const text = 'x'.repeat(1000); for (let i = 0; i < 20; i++) /ab/.test(text)", "gain true"),
            ("/ab/.test('x'.repeat(1e6))", "gain true"),
            ("/a*/.test('x'.repeat(1e6))", "unfit"),
            ("/a/y.test('x'.repeat(1e6))", "unfit"),
            ("/\\p{Nd}\\p{Sc}/u.test('a'.repeat(1e6))", "gain true"),
            ("/\\p{L}{9}\\p{L}\\p{L}\\p{Lu}/u.test('1'.repeat(1e6))", ""),
        ] {
            assert_eq!(stage(code), expected, "{code}");
        }
    });
}

#[test]
fn a_filter_that_gains_nothing_rests() {
    Context::full(&Runtime::new().unwrap()).unwrap().with(|ctx| {
        ENTRIES_HERE.with_borrow_mut(Vec::clear);
        ctx.eval::<(), _>("'x'.repeat(50_000).replace(/x/g, 'y')").unwrap();
        ENTRIES_HERE.with_borrow(|entries| {
            let Some(Stage::Filtered(fast)) = entries.iter().flatten().map(|entry| &entry.stage).next()
            else {
                panic!("no filter");
            };
            assert!(fast.rest.get() > 0);
        });
    });
}

#[test]
fn a_search_that_takes_too_long_is_ended() {
    let runtime = Runtime::new().unwrap();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    runtime.set_interrupt_handler(Some(Box::new(move || {
        counted.set(counted.get() + 1);
        counted.get() > 20
    })));
    Context::full(&runtime).unwrap().with(|ctx| {
        for code in [
            // Tried at each place, in one window.
            "/[ab]*c(?<=x)/.test('ab'.repeat(50_000) + 'c')",
            // Tried at each place, each in a window of its own.
            "/a(?=b)/.test('a'.repeat(10_000_000))",
            // One place, tried without end.
            "/(?:a|a)*b(?<=x)/.test('a'.repeat(1_000) + 'b')",
        ] {
            polls.set(0);
            ENTRIES_HERE.with_borrow_mut(Vec::clear);
            assert!(ctx.eval::<(), _>(code).is_err(), "{code}");
            let error = ctx.catch();
            let message: String = error.as_object().expect("an error").get("message").unwrap();
            assert_eq!(message, "interrupted", "{code}");
        }
    });
}
