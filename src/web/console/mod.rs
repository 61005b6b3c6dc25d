//! `console`: hands formatted text to the developer, and tells `inspect` what JavaScript cannot see.
//!
//! How values look as text is JavaScript's part; where text goes is the server's.

use std::rc::Rc;

use rquickjs::promise::PromiseState;
use rquickjs::{Array, Ctx, Function, IntoJs, Object, Result, Value};

use crate::engine::bytes::Text;
use crate::engine::exception::throw;
use crate::engine::{Extension, Host, LogLevel, OpError};

/// `host.log(level, text)`, `host.elapsedMs()`, `host.promiseState(value)`, `host.proxyTarget(value)`.
pub const EXTENSION: Extension = Extension { install, eager: &["dodev:web/console"], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, engine: &Rc<Host>) -> Result<()> {
    let weak = Rc::downgrade(engine);
    let log = move |ctx: Ctx<'js>, level: String, Text(text): Text| -> Result<()> {
        let level = parse_level(&level)
            .ok_or_else(|| throw(&ctx, &OpError::of("TypeError", format!("no log level `{level}`"))))?;
        if let Some(engine) = weak.upgrade() {
            engine.write_log(level, text);
        }
        Ok(())
    };
    host.set("log", Function::new(ctx.clone(), log)?)?;
    let weak = Rc::downgrade(engine);
    let elapsed = move || weak.upgrade().map_or(0.0, |engine| engine.clock.elapsed().as_secs_f64() * 1_000.0);
    host.set("elapsedMs", Function::new(ctx.clone(), elapsed)?)?;
    host.set("promiseState", Function::new(ctx.clone(), promise_state)?)?;
    host.set("proxyTarget", Function::new(ctx.clone(), proxy_target)?)
}

fn parse_level(name: &str) -> Option<LogLevel> {
    Some(match name {
        "debug" => LogLevel::Debug,
        "log" => LogLevel::Log,
        "info" => LogLevel::Info,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        _ => return None,
    })
}

/// `[state, result]` of a promise, without handling it; `undefined` for other values.
fn promise_state<'js>(ctx: Ctx<'js>, value: Value<'js>) -> Result<Value<'js>> {
    let Some(promise) = value.as_promise() else { return Ok(Value::new_undefined(ctx)) };
    let result = match promise.result::<Value<'js>>() {
        Some(Ok(value)) => value,
        Some(Err(_)) => ctx.catch(),
        None => Value::new_undefined(ctx.clone()),
    };
    let state = match promise.state() {
        PromiseState::Pending => "pending",
        PromiseState::Resolved => "fulfilled",
        PromiseState::Rejected => "rejected",
    };
    let pair = Array::new(ctx.clone())?;
    pair.set(0, state)?;
    pair.set(1, result)?;
    pair.into_js(&ctx)
}

/// The target of a proxy, `undefined` if it was revoked, `null` if the binding cannot tell since it is
/// callable; other values as they are.
fn proxy_target<'js>(ctx: Ctx<'js>, value: Value<'js>) -> Value<'js> {
    if !value.is_proxy() {
        return value;
    }
    let Some(proxy) = value.as_proxy() else { return Value::new_null(ctx) };
    match proxy.target() {
        Ok(target) => target.into_value(),
        Err(_) => {
            drop(ctx.catch());
            Value::new_undefined(ctx)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::web::testing::run_logged;

    fn logged(source: &str) -> Vec<String> {
        let (failures, records) = run_logged(&format!("test('calls', () => {{ {source} }});"));
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        records.into_iter().map(|record| format!("{:?} {}", record.level, record.text)).collect()
    }

    #[test]
    fn methods_say_what_they_count_group_and_doubt() {
        let lines = logged(
            "console.count(); console.count(); console.countReset(); console.count(); console.countReset('x');
             console.group('g'); console.log('a\\nb'); console.groupEnd(); console.warn('out');
             console.assert(true, 'no'); console.assert(false, 'yes %d', 1); console.assert(0, {a: 1});
             console.dir({a: {b: {c: {}}}}, {depth: 0}); console.timeEnd('nope'); console.debug(1); console.info(2);
             console.time('t'); console.timeEnd('t'); console.error('bad');",
        );
        assert_eq!(
            lines,
            [
                "Log default: 1",
                "Log default: 2",
                "Log default: 1",
                "Warn Count for 'x' does not exist",
                "Log g",
                "Log   a\n  b",
                "Warn out",
                "Error Assertion failed: yes 1",
                "Error Assertion failed { a: 1 }",
                "Log { a: [Object] }",
                "Warn Timer 'nope' does not exist",
                "Debug 1",
                "Info 2",
                "Log t: 0ms",
                "Error bad",
            ]
        );
    }

    #[test]
    fn tables_have_a_column_per_key() {
        let lines = logged("console.table([{ a: 1, b: 'x' }, { a: 2 }, 3]); console.table(5);");
        let table = "\
┌─────────┬───┬─────┬────────┐
│ (index) │ a │ b   │ Values │
├─────────┼───┼─────┼────────┤
│ 0       │ 1 │ 'x' │        │
│ 1       │ 2 │     │        │
│ 2       │   │     │ 3      │
└─────────┴───┴─────┴────────┘";
        assert_eq!(lines, [format!("Log {table}"), "Log 5".to_owned()]);
    }

    #[test]
    fn errors_show_stack_cause_and_properties() {
        let lines = logged(
            "class MyErr extends Error {}
             const strip = (error) => { error.stack = '    at f (x.js:1:2)'; return error; };
             console.log(strip(new Error('x', { cause: strip(new TypeError('y')) })));
             console.log({ e: strip(Object.assign(new MyErr('m'), { code: 5 })) });
             console.log(strip(new AggregateError([], 'agg')));
             console.log(strip(new DOMException('d', 'AbortError')) instanceof Error);",
        );
        assert_eq!(
            lines[0],
            "Log Error: x\n    at f (x.js:1:2) {\n  [cause]: TypeError: y\n      at f (x.js:1:2)\n}"
        );
        assert_eq!(lines[1], "Log {\n  e: MyErr [Error]: m\n      at f (x.js:1:2) {\n    code: 5\n  }\n}");
        assert_eq!(lines[2], "Log AggregateError: agg\n    at f (x.js:1:2) {\n  [errors]: []\n}");
    }

    #[test]
    fn what_is_huge_is_cut() {
        let lines = logged(
            "const wide = {}; for (let i = 0; i < 100000; i++) wide['key' + i] = 'value'.repeat(100);
             let deep = {}; for (let i = 0; i < 100000; i++) deep = { deep };
             const tree = (n) => n === 0 ? 'x'.repeat(5000) : Array.from({ length: 90 }, () => tree(n - 1));
             console.log(wide); console.log(deep); console.log('x'.repeat(1000000));
             console.log(tree(2)); console.log('%o', deep); console.log(new Set(Object.keys(wide)));",
        );
        let elements = logged(
            "console.log(Array.from({ length: 2e6 }, (_, i) => i)); console.log(new Uint8Array(4e6));
             const sparse = new Array(4e9); sparse[3e9] = 1; sparse.x = 2; console.log(sparse);",
        );
        assert!(elements[0].ends_with("... 1999900 more items\n]"), "{}", elements[0]);
        assert!(
            elements[1].starts_with("Log Uint8Array(4000000) [")
                && elements[1].ends_with("3999900 more items\n]")
        );
        assert_eq!(elements[2], "Log [ <3000000000 empty items>, 1, <999999999 empty items>, x: 2 ]");
        for line in lines {
            assert!(line.len() < 300_000, "{} bytes", line.len());
        }
    }

    #[test]
    fn values_look_as_under_workerd() {
        let calls = include_str!("calls.txt");
        let source = format!("test('cases', () => {{ {calls} }});");
        let (failures, records) = run_logged(&source);
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        let printed: String = records.iter().map(|record| format!("{}\n", record.text)).collect();
        let expected = include_str!("printed.txt");
        for (number, (ours, theirs)) in printed.lines().zip(expected.lines()).enumerate() {
            assert_eq!(ours, theirs, "line {} of printed.txt", number + 1);
        }
        assert_eq!(printed.lines().count(), expected.lines().count());
    }
}
