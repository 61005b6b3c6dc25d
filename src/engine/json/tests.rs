//! The fast functions against the engine's own, over corners and random values and texts.

use proptest::prelude::*;
use rquickjs::function::IntoArgs;
use rquickjs::{CatchResultExt, Context, Ctx, Function, Runtime, Value};

use super::*;

/// Runs `test` in a realm with the fast functions, where `own` has the engine's and `same(a, b)` compares two ways to a value.
fn in_engine<T>(test: impl FnOnce(Ctx<'_>) -> T) -> T {
    let runtime = Runtime::new().unwrap();
    Context::full(&runtime).unwrap().with(|ctx| {
        ctx.eval::<(), _>("globalThis.own = { parse: JSON.parse, stringify: JSON.stringify }").unwrap();
        install(&ctx).unwrap();
        ctx.eval::<(), _>(COMPARISON).unwrap();
        test(ctx)
    })
}

/// `show` tells values apart down to attributes, order of names, -0 and prototypes; errors by class and stack, and by
/// message where that is the engine's.
const COMPARISON: &str = r#"
    globalThis.show = (value) => {
        if (Object.is(value, -0)) return "-0";
        if (typeof value === "string") return '"' + Array.from({ length: value.length }, (_, i) => value.charCodeAt(i)).join() + '"';
        if (typeof value !== "object" || value === null) return String(value);
        const names = Reflect.ownKeys(value).map((name) => {
            const { value: inner, ...flags } = Object.getOwnPropertyDescriptor(value, name);
            return show(String(name)) + Object.values(flags).map(Number).join("") + ":" + show(inner);
        });
        const prototype = Object.getPrototypeOf(value);
        const kind = prototype === Object.prototype ? "object" : prototype === Array.prototype ? "array" : "other";
        return kind + "{" + names.join() + "}";
    };
    globalThis.run = (work) => {
        globalThis.log = [];
        try {
            return show(work()) + log;
        } catch (error) {
            if (!(error instanceof Error)) return "thrown " + show(error) + log;
            // What is wrong is told in other words: the tests of `mistake` hold them.
            const words = error.name === "SyntaxError" || error.message.includes("circular") ? "" : error.message;
            return error.constructor.name + " " + words + error.stack.replace(/eval_script.*/gs, "") + log;
        }
    };
    globalThis.parsed = (text) => [run(() => own.parse(text)), run(() => JSON.parse(text))];
    globalThis.written = (make) => [
        run(() => { const value = make(); return own.stringify(value) }),
        run(() => { const value = make(); return JSON.stringify(value) }),
    ];
"#;

fn check_pair<'js>(ctx: &Ctx<'js>, name: &str, what: impl IntoArgs<'js>) -> (String, String) {
    let function: Function<'js> = ctx.globals().get(name).unwrap();
    let pair: Vec<String> = match function.call(what).catch(ctx) {
        Ok(pair) => pair,
        Err(error) => panic!("{error}"),
    };
    (pair[0].clone(), pair[1].clone())
}

#[test]
fn texts_are_read_as_by_the_engine() {
    let deep = |count: usize| "[".repeat(count) + &"]".repeat(count);
    let long = format!("[{}]", vec!["{\"a\":1,\"b\":{\"c\":[1,2]}}"; 40_000].join(","));
    let mut texts: Vec<String> = [
        "",
        " ",
        "1",
        " 1 ",
        "-",
        "-0",
        "0",
        "00",
        "01",
        "-01",
        "1.",
        ".5",
        "1.5",
        "-1.5e3",
        "1e",
        "1e+",
        "1E-2",
        "1e400",
        "-1e400",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9007199254740993",
        "123456789012345678901234567890",
        "0.1",
        "5e-324",
        "1e-400",
        "-0.0",
        "-0e5",
        "+1",
        "1a",
        "1 2",
        "NaN",
        "Infinity",
        "true",
        "false",
        "null",
        "tru",
        "truex",
        "nul",
        "undefined",
        "\"\"",
        "\"a",
        "\"",
        "\"\\",
        "\"\\\"",
        "\"a\\nb\\t\\r\\b\\f\\/\\\\\\\"\"",
        "\"\\x\"",
        "\"\\u00e9\"",
        "\"\\u20AC\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\\ud83d\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"a\u{0}b\"",
        "\"é\"",
        "\"ÿ\"",
        "\"€\"",
        "\"😀\"",
        "\"😀\\ud83d\"",
        "\"퟿한국\"",
        "\"\u{E000}\u{FFFF}\"",
        "\"한\\n국\"",
        "'a'",
        "[]",
        "[ ]",
        "[1",
        "[1,",
        "[1,]",
        "[,]",
        "[1 2]",
        "[1,2]",
        "[[],[[]],{}]",
        "]",
        "{}",
        "{ }",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "{1:2}",
        "}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":1,\"b\":2,\"a\":{}}",
        "{\"__proto__\":{\"x\":1}}",
        "{\"__proto__\":1,\"__proto__\":2}",
        "{\"2\":1,\"1\":2,\"b\":3,\"a\":4,\"0\":5,\"4294967295\":6,\"4294967294\":7,\"01\":8,\"-1\":9}",
        "{\"\":1,\"\":2}",
        "{\"é\":1,\"Ã©\":2,\"€\":3}",
        "{\"\\u0061\":1,\"a\":2}",
        "{\"\\ud800\":1}",
        "{\"toJSON\":1,\"constructor\":2,\"length\":3}",
        "\t\r\n {\t\"a\"\r:\n1 ,\"b\":[ 1 , 2 ] } \n",
        "\u{b}1",
        "\u{feff}1",
        "\u{a0}1",
        "1\u{0}",
        "\u{0}",
        "/*a*/1",
        "[1]//",
        "{\"a\":tru}",
        "[\"a\\u\"]",
        "é",
        "{\"é\":é}",
    ]
    .map(String::from)
    .into();
    texts.extend([
        deep(10),
        deep(127),
        deep(128),
        deep(129),
        deep(2_000),
        deep(100_000),
        "[".repeat(500),
        long.clone(),
        long + "x",
    ]);
    texts.push(format!("[{}]", vec!["1"; 16 * 1024].join(",")));
    texts.push(format!("[{}]", vec!["1"; 16 * 1024 + 1].join(",")));
    texts.push(format!("[{},]", vec!["1"; 16 * 1024].join(",")));
    texts.push(format!("[{}", vec!["1"; 17 * 1024].join(",")));
    texts.push(format!(
        "{{{}}}",
        (0..2_000).map(|i| format!("\"name{i}\":{i}")).collect::<Vec<_>>().join(",")
    ));
    in_engine(|ctx| {
        for text in texts {
            let (expected, found) = check_pair(&ctx, "parsed", (text.as_str(),));
            assert!(expected == found, "{text:.200}\n expected {expected:.400}\n found    {found:.400}");
        }
    });
}

#[test]
fn texts_that_are_no_utf_8_and_no_strings_are_read_as_by_the_engine() {
    in_engine(|ctx| {
        for text in [
            "'\"\\ud800\"'",
            "'\"a\\udc00b\\ud800\"'",
            "'{\"\\ud800\":1}'",
            "'\\ud800'",
            "'\"\\ud800\\\\udc00\"'",
            "1",
            "null",
            "undefined",
            "true",
            "[1]",
            "[[]]",
            "{ toString() { log.push('asked'); return '[1]' } }",
            "{ toString() { throw new RangeError('no') } }",
            "Symbol.iterator",
            "1n",
            "new String('\"a\"')",
            "'[' + 'x'.repeat(3) + ']'",
            "'\"' + 'é'.repeat(40) + '\"'",
        ] {
            let (expected, found): (String, String) = {
                let value: Value<'_> = ctx.eval(format!("({text})")).unwrap();
                check_pair(&ctx, "parsed", (value,))
            };
            assert_eq!(found, expected, "{text}");
        }
        let revived = "(parse) => parse('{\"a\":[1,{\"b\":2}],\"c\":3}', function (name, value, context) {
            log.push(name, JSON.isRawJSON(this), context?.source); return name === 'c' ? undefined : value })";
        let (expected, found): (String, String) = (
            ctx.eval(format!("run(() => ({revived})(own.parse))")).unwrap(),
            ctx.eval(format!("run(() => ({revived})(JSON.parse))")).unwrap(),
        );
        assert_eq!(found, expected);
    });
}

#[test]
fn values_are_written_as_by_the_engine() {
    const VALUES: &[&str] = &[
        "undefined",
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.5",
        "-1",
        "1e21",
        "1e-7",
        "NaN",
        "-Infinity",
        "2 ** 53",
        "0.1 + 0.2",
        "123456789012345680000",
        "''",
        "'a\"b\\\\c\\n\\r\\t\\b\\f\\x00\\x1f\\x7f/'",
        "'\\u2028é€😀'",
        "'\\ud800'",
        "'a\\udc00\\ud800b'",
        "'\\ud83d\\ude00'",
        "'한국\\ud7ff\\ue000'",
        "'é'.repeat(50) + '\"'",
        "'x'.repeat(15) + '\"'",
        "'x'.repeat(16) + '\\n'",
        "'x'.repeat(100) + 'y'.repeat(3000)",
        "'a'.repeat(100000)",
        "Symbol()",
        "1n",
        "[1n]",
        "() => 1",
        "[() => 1, undefined, Symbol(), NaN]",
        "{ a: () => 1, b: undefined, c: Symbol(), d: 1 }",
        "{ a: undefined }",
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[1, 'a', null, [2, { b: 3 }]]",
        "{ b: 1, a: 2, 1: 3, 0: 4 }",
        "{ 'é': 1, '€': 2, '\\ud800': 3, '\"': 4, '': 5 }",
        "[, 1]",
        "new Array(3)",
        "Object.assign([1, 2], { x: 1 })",
        "Object.defineProperty([1, 2], 0, { get() { log.push('get'); return 7 } })",
        "[1, 2, 3].slice(1)",
        "Object.freeze([1, { a: 1 }])",
        "Object.assign([], { length: 2, 5: 1 })",
        "{ get a() { log.push('a'); return 1 }, b: 2 }",
        "Object.defineProperty({ a: 1 }, 'b', { value: 2 })",
        "Object.create({ inherited: 1 })",
        "Object.create(null)",
        "Object.assign(Object.create(null), { a: 1 })",
        "Object.assign(Object.create({ toJSON() { log.push('up'); return 'json' } }), { a: 1 })",
        "Object.create({ get toJSON() { log.push('get'); return undefined } })",
        "Object.setPrototypeOf({ a: 1 }, new Proxy({}, { get(_, name) { log.push(String(name)) } }))",
        "{ toJSON(name) { log.push(typeof name + name); return { a: 1 } } }",
        "{ a: { toJSON(name) { log.push(name); return undefined } }, b: [{ toJSON: (name) => name }] }",
        "{ toJSON: 1 }",
        "Object.defineProperty({ a: 1 }, 'toJSON', { value: () => 'hidden' })",
        "Object.assign([1], { toJSON() { return 'array' } })",
        "{ a: 1, get b() { delete this.c; return 2 }, c: 3 }",
        "{ a: 1, b: { toJSON() { throw new RangeError('no') } } }",
        "new Date(0)",
        "[new Date(NaN)]",
        "{ at: new Date(1e12), b: 1 }",
        "new Map([[1, 2]])",
        "new Set([1])",
        "/a/g",
        "new Error('x')",
        "new Uint8Array(3)",
        "new ArrayBuffer(2)",
        "Promise.resolve()",
        "Object(1)",
        "Object('a')",
        "Object(true)",
        "Object(1n)",
        "Object(Symbol())",
        "[Object(-0), Object('b')]",
        "JSON.rawJSON('1.50')",
        "{ a: JSON.rawJSON('\"x\"') }",
        "new Proxy({ a: 1 }, { ownKeys(t) { log.push('keys'); return Reflect.ownKeys(t) } })",
        "new Proxy([1, 2], {})",
        "(() => arguments)",
        "(function () { return arguments })(1, 2)",
        "class A { x = 1 }",
        "new (class A { x = 1; #y = 2; get z() { return 3 } })()",
        "new (class B extends Array {})(3)",
        "new (class C { toJSON() { return 'c' } })()",
        "(() => { const a = {}; a.a = a; return a })()",
        "(() => { const a = []; a.push([a]); return a })()",
        "(() => { const a = { x: 1 }; return [a, a, { a }] })()",
        "(() => { let a = []; for (let i = 0; i < 127; i++) a = [a]; return a })()",
        "(() => { let a = {}; for (let i = 0; i < 128; i++) a = { a }; return a })()",
        "(() => { let a = []; for (let i = 0; i < 3000; i++) a = [a]; return a })()",
        "(() => { let a = 1; for (let i = 0; i < 300000; i++) a = [a]; return a })()",
        "Array.from({ length: 300 }, (_, i) => ({ ['name' + i]: i, ['other' + i % 70]: 'x' }))",
        "Array.from({ length: 3000 }, (_, i) => ({ id: i, text: 'line ' + i, tags: ['a', i / 8] }))",
        "Object.fromEntries(Array.from({ length: 500 }, (_, i) => ['k' + i, i]))",
    ];
    in_engine(|ctx| {
        for source in VALUES {
            let make: Function<'_> = ctx.eval(format!("(() => ({source}))")).unwrap();
            let (expected, found) = check_pair(&ctx, "written", (make,));
            assert!(expected == found, "{source}\n expected {expected:.400}\n found    {found:.400}");
        }
    });
}

#[test]
fn changed_prototypes_arguments_and_long_texts_are_as_with_the_engine() {
    in_engine(|ctx| {
        for source in [
            "['x', undefined, null, 0, 2, '--', ['a'], {}, (k, v) => (log.push(k), v)].map((replacer) => stringify({ a: [1, { b: 2 }], c: 3 }, replacer))",
            "[undefined, null, 0, 1, 12, '--', 'long enough to cut', {}, Object(2), true].map((space) => stringify({ a: [1, { b: 2 }], c: [] }, null, space))",
            "stringify()",
            "stringify.call(undefined, [1])",
            "{ const a = ['a'.repeat(1 << 20)]; for (let i = 0; i < 5; i++) a.push(...a); const text = stringify(a); return text.length + text.slice(-9) }",
            "{ const a = [1, 2, 3]; Array.prototype.toJSON = function () { log.push('array'); return this.length }; try { return stringify({ a }) } finally { delete Array.prototype.toJSON } }",
            "{ Object.prototype.toJSON = function (name) { log.push(name); return 5 }; try { return stringify([{}, 1]) } finally { delete Object.prototype.toJSON } }",
            "{ Object.setPrototypeOf(Array.prototype, { toJSON: () => 'up' }); try { return stringify([[1]]) } finally { Object.setPrototypeOf(Array.prototype, Object.prototype) } }",
            "{ Array.prototype[0] = 'hole'; try { return stringify([, 1]) } finally { delete Array.prototype[0] } }",
            "{ Object.defineProperty(Object.prototype, 'a', { set() { log.push('set') }, configurable: true }); try { return parse('{\"a\":1}') } finally { delete Object.prototype.a } }",
            "{ Object.defineProperty(Array.prototype, 0, { set() { log.push('set') }, configurable: true }); try { return parse('[1]') } finally { delete Array.prototype[0] } }",
            "{ const list = parse('[1,2]'); list.push(3); list[5] = 1; const [one] = parse('[{\"a\":1,\"b\":2}]'); delete one.a; one.c = 3; return [list, list.length, one] }",
            "{ const rows = parse('[' + Array(20).fill('{\"a\":1,\"b\":{\"c\":2,\"d\":3}}') + ']'); delete rows[3].a; rows[4].e = 5; rows[5].b.c = 6; return rows }",
            "parse('1', {})",
            "parse.call(null, '[1]')",
            "new parse('1')",
            "new stringify(1)",
            "[parse.name, parse.length, stringify.name, stringify.length, String(parse), String(stringify), 'prototype' in parse, Reflect.ownKeys(parse), Reflect.ownKeys(stringify)]",
        ] {
            let body =
                if source.starts_with('{') { source.to_owned() } else { format!("{{ return {source} }}") };
            let work = format!("(({{ parse, stringify }}) => {body})");
            let both = |with: &str| ctx.eval::<String, _>(format!("run(() => {work}({with}))")).unwrap();
            let (expected, found) = (both("own"), both("JSON"));
            assert!(expected == found, "{source}\n expected {expected:.400}\n found    {found:.400}");
        }
        let attributes = "Reflect.ownKeys(JSON).map((name) => { const { value, ...flags } = Object.getOwnPropertyDescriptor(JSON, name); return String(name) + Object.values(flags) }).join()";
        let found: String = ctx.eval(attributes).unwrap();
        let untouched: String =
            Context::full(&Runtime::new().unwrap()).unwrap().with(|ctx| ctx.eval(attributes).unwrap());
        assert_eq!(found, untouched);
    });
}

#[test]
fn the_engine_numbers_its_classes_so() {
    in_engine(|ctx| {
        for (source, class) in
            [("({})", CLASS_OBJECT), ("[]", CLASS_ARRAY), ("new (class A {})()", CLASS_OBJECT)]
        {
            let value: Value<'_> = ctx.eval(source).unwrap();
            // SAFETY: the value is alive.
            assert_eq!(unsafe { qjs::JS_GetClassID(value.as_raw()) }, class, "{source}");
        }
    });
}

#[test]
fn without_memory_both_end_with_an_error_and_lose_nothing() {
    let runtime = Runtime::new().unwrap();
    let context = Context::full(&runtime).unwrap();
    context.with(|ctx| {
        install(&ctx).unwrap();
        ctx.eval::<(), _>("globalThis.text = JSON.stringify(Array.from({ length: 5000 }, (_, i) => ({ id: i, more: [i, 'x'.repeat(9), null] }))); globalThis.value = JSON.parse(text);").unwrap();
    });
    for work in ["JSON.parse(text)", "JSON.stringify(value)"] {
        let used = runtime.memory_usage().malloc_size as usize;
        runtime.set_memory_limit(used + 100_000);
        let outcome = context.with(|ctx| {
            let failed = ctx.eval::<Value<'_>, _>(work).is_err();
            ctx.catch();
            failed
        });
        runtime.set_memory_limit(0);
        assert!(outcome, "{work}");
        runtime.run_gc();
        let after = runtime.memory_usage().malloc_size as usize;
        assert!(after < used + 50_000, "{work}: {used} bytes, then {after}");
    }
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|b| b.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        (any::<i32>(), any::<i64>(), 0..12usize)
            .prop_map(|(n, m, d)| format!("{n}.{:.d$}", m.unsigned_abs().to_string())),
        any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:e}")),
        (any::<i32>(), 0..40u32).prop_map(|(n, e)| format!("{n}.{e}E-{e}")),
        "\"([ -!#-\\[\\]-~]|é|€|😀|\\\\n|\\\\u[0-9a-f]{4}|\\\\ud83d\\\\ude00){0,30}\"",
    ];
    leaf.prop_recursive(5, 60, 12, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..14).prop_map(|list| format!("[{}]", list.join(","))),
            proptest::collection::vec(("[a-c]{0,2}|[0-9]{1,2}|é", inner.clone()), 0..8).prop_map(|list| {
                let members: Vec<_> =
                    list.iter().map(|(name, value)| format!("\"{name}\" : {value}")).collect();
                format!("{{{}}}", members.join(", "))
            }),
            (inner, 1..20usize).prop_map(|(one, count)| format!("[{}]", vec![one; count].join("\n,"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_texts_are_read_and_written_as_by_the_engine(
        text in json_text(),
        at in any::<prop::sample::Index>(),
        insert in "[\\[\\]{},:\"\\\\0-9eE.+ -]|tru|\u{1}|é|null",
        cut in 0..3usize,
    ) {
        in_engine(|ctx| {
            let (expected, found) = check_pair(&ctx, "parsed", (text.as_str(),));
            assert_eq!(found, expected);
            let make: Function<'_> = ctx.eval("((text) => () => own.parse(text))").unwrap();
            let make: Function<'_> = make.call((text.as_str(),)).unwrap();
            let (expected, found) = check_pair(&ctx, "written", (make,));
            assert_eq!(found, expected);
            let mut broken: Vec<char> = text.chars().collect();
            let at = at.index(broken.len());
            broken.splice(at..(at + cut).min(broken.len()), insert.chars());
            let broken: String = broken.into_iter().collect();
            let (expected, found) = check_pair(&ctx, "parsed", (broken.as_str(),));
            assert_eq!(found, expected, "{broken}");
        });
    }

    #[test]
    fn random_numbers_are_written_as_by_the_engine(bits in any::<u64>(), mantissa in any::<i64>(), power in -30..30i32) {
        in_engine(|ctx| {
            for number in [f64::from_bits(bits), mantissa as f64 * 10f64.powi(power), (mantissa >> 40) as f64 / 8.0, (mantissa >> 20) as f64 / 10f64.powi(power & 7), (mantissa >> 44) as f64 / 10f64.powi(power & 7), (mantissa >> 10) as f64 / f64::from(1 << (power & 15))] {
                let make: Function<'_> = ctx.eval("((number) => () => number)").unwrap();
                let make: Function<'_> = make.call((number,)).unwrap();
                let (expected, found) = check_pair(&ctx, "written", (make,));
                assert_eq!(found, expected);
            }
        });
    }
}
