//! Runs the `tests.js` files in an isolate with a clock of its own.

use std::rc::Rc;
use std::time::Duration;

use crate::base::clock::{Clock, Timestamp};
use crate::engine::exception::Exception;
use crate::engine::isolate::{Isolate, IsolateOptions};
use crate::engine::loader::ModuleSource;
use crate::engine::turn::Entered;
use crate::engine::{Completer, Completion, Extension, Host, LogRecord, RealmId};
use crate::project::{Compatibility, Date};

/// How far the clock may be moved before unfinished tests count as failed.
const TIME_MAX: Duration = Duration::from_secs(60);

/// Loads `source` as a test file and moves the clock from timer to timer until all tests are done.
fn run_tests(source: &str) -> Vec<String> {
    run_tests_with(source, &[])
}

/// The same in an isolate that has more than the Web platform.
pub fn run_tests_with(source: &str, more: &[Extension]) -> Vec<String> {
    let (failures, _) = run(source, more);
    failures
}

/// The same as the first, with what was logged.
pub fn run_logged(source: &str) -> (Vec<String>, Vec<LogRecord>) {
    run(source, &[])
}

fn run(source: &str, more: &[Extension]) -> (Vec<String>, Vec<LogRecord>) {
    let clock = Clock::manual(Timestamp(0));
    let logged = Rc::new(std::cell::RefCell::new(Vec::new()));
    let sink = logged.clone();
    let host = Host::new(
        clock.clone(),
        Completer::new(|_: Completion| {}),
        Box::new(move |record| sink.borrow_mut().push(record)),
    );
    let extensions = [super::EXTENSIONS, more].concat();
    let isolate = Isolate::new(host.clone(), &extensions, &IsolateOptions::default()).expect("an isolate");
    let modules = [
        ("harness.js".to_owned(), ModuleSource::EsModule(include_str!("harness.js").into())),
        ("tests.js".to_owned(), ModuleSource::EsModule(source.to_owned().into())),
        (
            "index.js".to_owned(),
            ModuleSource::EsModule(
                "import './harness.js'; import './tests.js';
                 globalThis.testFailures = [];
                 runTests((name, ok, message) => { if (!ok) testFailures.push(`${name}: ${message}`) })
                   .then(() => { globalThis.testsDone = true })"
                    .into(),
            ),
        ),
    ];
    isolate.set_user_modules(RealmId::FIRST, modules.into());
    let report = isolate.load(RealmId::FIRST, "index.js", |ctx, result| {
        if let Err(thrown) = result {
            panic!("{}", Exception::read(ctx, &thrown));
        }
    });
    let mut failures: Vec<String> = report.uncaught.iter().map(Exception::headline).collect();
    while !read(&isolate, "globalThis.testsDone === true") && clock.elapsed() < TIME_MAX {
        let next = host.timers.borrow_mut().next_due();
        let Some(due) = next else { break };
        clock.advance(due.saturating_sub(clock.elapsed()) + Duration::from_millis(1));
        loop {
            let due = host.timers.borrow_mut().take_due(clock.elapsed());
            let Some((id, _, scope)) = due else { break };
            let entered = host.clone();
            let report = isolate.turn(scope, move |ctx| {
                let called = entered.entry(ctx, "timer").and_then(|entry| entry.call((id,)));
                Entered::Root(called, Box::new(|_, _| {}))
            });
            failures.extend(report.uncaught.iter().map(Exception::headline));
        }
    }
    if !read(&isolate, "globalThis.testsDone === true") {
        failures.push("some test never ended".to_owned());
    }
    let count = Rc::new(std::cell::RefCell::new(Vec::new()));
    let found = count.clone();
    isolate.turn(crate::engine::Scope::NONE, move |ctx| {
        let names: Vec<String> = ctx.eval("testFailures").expect("the harness defines it");
        found.borrow_mut().extend(names);
        Entered::Done
    });
    failures.extend(count.take());
    let records = logged.take();
    (failures, records)
}

fn read(isolate: &Isolate, expression: &'static str) -> bool {
    let answer = Rc::new(std::cell::Cell::new(false));
    let note = answer.clone();
    isolate.turn(crate::engine::Scope::NONE, move |ctx| {
        note.set(ctx.eval(expression).expect("a condition"));
        Entered::Done
    });
    answer.get()
}

#[test]
fn refusals_name_what_is_missing() {
    let failures = run_tests(
        "const refused = (name) => [undefined, `dodev does not emulate ${name} yet`];
         test('classes', () => {
             assert.throws(() => new WebAssembly.Tag({}), ...refused('WebAssembly.Tag'));
         });",
    );
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn code_from_strings_ends_when_the_worker_has_started() {
    let host = Host::detached();
    let isolate =
        Isolate::new(host.clone(), super::EXTENSIONS, &IsolateOptions::default()).expect("an isolate");
    let forbidden = "(() => { const seen = [];
        for (const make of [() => (0, eval)('1+1'), () => new Function('return 2')(), () => Function('return 2')(),
            () => new (async () => {}).constructor('')]) {
            try { make(); seen.push('ok') } catch (error) { seen.push(`${error.name}: ${error.message}`) }
        }
        return seen.every((one) => one === seen[0]) && seen[0] !== 'ok' &&
            seen[0] === 'EvalError: Code generation from strings disallowed for this context' })()";
    assert!(read(&isolate, "(0, eval)('1+1') === 2 && new Function('a', 'return a')(3) === 3"));
    assert!(!read(&isolate, forbidden));
    isolate.turn(crate::engine::Scope::NONE, move |ctx| {
        host.entry(ctx, "forbid-eval").expect("registered").call::<_, ()>(()).expect("no exception");
        Entered::Done
    });
    assert!(read(&isolate, forbidden));
    assert!(read(&isolate, "eval(5) === 5 && (() => {}).constructor === Function"));
}

#[test]
fn older_dates_have_numbers_for_timers() {
    let flags = Compatibility { date: Date::new(2024, 4, 5), flags: Vec::new() }.all();
    let clock = Clock::manual(Timestamp(0));
    let host = Host::new(clock, Completer::new(|_: Completion| {}), Box::new(|_| {}));
    let isolate =
        Isolate::new(host.clone(), super::EXTENSIONS, &IsolateOptions::default()).expect("an isolate");
    isolate.turn(crate::engine::Scope::NONE, move |ctx| {
        let object = rquickjs::Object::new(ctx.clone()).expect("an object");
        for (name, on) in flags {
            object.set(name, on).expect("a property");
        }
        let entry = host.entry(ctx, "compatibility").expect("registered");
        entry.call::<_, ()>((object,)).expect("no exception");
        Entered::Done
    });
    assert!(read(&isolate, "typeof setTimeout(() => {}, 1) === 'number'"));
    assert!(read(
        &isolate,
        "Cloudflare.compatibilityFlags.rpc === true && !Cloudflare.compatibilityFlags.nodejs_compat"
    ));
}

macro_rules! test_files {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $name() {
                let failures = run_tests(include_str!($file));
                assert!(failures.is_empty(), "{}", failures.join("\n"));
            }
        )*
    };
}

test_files! {
    wasm: "../wasm/tests.js",
    date: "../date/tests.js",
    weak_ref: "../weak_ref/tests.js",
    dom_exception: "../dom_exception/tests.js",
    events: "../events/tests.js",
    abort: "../abort/tests.js",
    encoding: "../encoding/tests.js",
    timers: "../timers/tests.js",
    crypto: "../crypto/tests.js",
    performance: "../performance/tests.js",
    message: "../message/tests.js",
    lazy_globals: "lazy_tests.js",
    structured_clone: "../structured_clone/tests.js",
    navigator: "../navigator/tests.js",
    compression: "../compression/tests.js",
    harness: "tests.js",
    headers: "../headers/tests.js",
    fetch: "../fetch/tests.js",
    streams: "../streams/tests.js",
    url: "../url/tests.js",
    cache: "../cache/tests.js",
    event_source: "../event_source/tests.js",
    html_rewriter: "../html_rewriter/tests.js",
    url_pattern: "../url_pattern/tests.js",
    blob: "../blob/tests.js",
    form_data: "../form_data/tests.js",
    eval: "../eval/tests.js",
    intl: "../intl/tests.js",
    language: "../../engine/language/tests.js",
}
