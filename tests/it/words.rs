//! What the engine says of mistakes, in V8's words, and where.

use serde_json::Value;

use crate::project::TestProject;
use crate::recorded::{answers_in_groups, assert_as_recorded};

/// `error.message` of each expression, as workerd 1.20261117.1 gives it.
const MESSAGES: &[(&str, &str)] = &[
    ("undefined.a", "Cannot read properties of undefined (reading 'a')"),
    ("({}).x.y", "Cannot read properties of undefined (reading 'y')"),
    ("[][0].x", "Cannot read properties of undefined (reading 'x')"),
    ("undefined[0]", "Cannot read properties of undefined (reading '0')"),
    ("(null).f()", "Cannot read properties of null (reading 'f')"),
    ("(() => { null.x = 1 })()", "Cannot set properties of null (setting 'x')"),
    ("(() => { x1; let x1 = 1 })()", "Cannot access 'x1' before initialization"),
    (
        "new (class A extends Object { constructor() {} })()",
        "Must call super constructor in derived class before accessing 'this' or returning from derived constructor",
    ),
    ("missing", "missing is not defined"),
    ("new Array(-1)", "Invalid array length"),
    ("1n + 1", "Cannot mix BigInt and other types, use explicit conversions"),
    ("`${Symbol()}`", "Cannot convert a Symbol value to a string"),
    ("[].reduce((a) => a)", "Reduce of empty array with no initial value"),
    ("decodeURIComponent('%')", "URI malformed"),
    ("new Date(NaN).toISOString()", "Invalid time value"),
    ("new RegExp('(')", "Invalid regular expression: /(/: Unterminated group"),
    ("new RegExp('a**', 'g')", "Invalid regular expression: /a**/g: Nothing to repeat"),
    ("new RegExp('\\\\p{Foo}', 'u')", "Invalid regular expression: /\\p{Foo}/u: Invalid property name"),
    (
        "(() => { if (/^a-b$/v.exec('a-b').index === 0 && /^[[a-c]--b]&&$/v.test('a&&')) throw Error('fits') })()",
        "fits",
    ),
    (
        "(class { #n; read() { this.#n } }).prototype.read.call()",
        "Cannot read properties of undefined (reading '#n')",
    ),
    (
        "(class { #n; read() { this.#n } }).prototype.read.call(null)",
        "Cannot read properties of null (reading '#n')",
    ),
    (
        "(class { #n; read() { this.#n } }).prototype.read.call(5)",
        "Cannot read private member #n from an object whose class did not declare it",
    ),
    (
        "(class { #n; write() { this.#n = 1 } }).prototype.write.call()",
        "Cannot set properties of undefined (setting '#n')",
    ),
    (
        "(class { #n; write() { this.#n = 1 } }).prototype.write.call({})",
        "Cannot write private member #n to an object whose class did not declare it",
    ),
    (
        "(class { #n; write() { this.#n = 1 } }).prototype.write.call('text')",
        "Cannot write private member #n to an object whose class did not declare it",
    ),
    (
        "(() => { class A { #m() {} m() { this.#m() } } A.prototype.m.call() })()",
        "Cannot read properties of undefined (reading 'A')",
    ),
    (
        "(() => { class A { #m() {} m() { this.#m() } } A.prototype.m.call(null) })()",
        "Cannot read properties of null (reading 'A')",
    ),
    (
        "(() => { class A { #m() {} m() { this.#m() } } new Proxy(new A(), {}).m() })()",
        "Receiver must be an instance of class A",
    ),
    (
        "(() => { class A { #m() {} m() { this.#m() } } A.prototype.m.call(5) })()",
        "Receiver must be an instance of class A",
    ),
    (
        "(() => { class A { get #g() {} g() { this.#g } } A.prototype.g.call({}) })()",
        "Receiver must be an instance of class A",
    ),
    ("(() => { class A { static #s() {} static s(o) { o.#s() } } A.s({}) })()", "Receiver must be class A"),
    ("(() => { class A { static #s() {} static s(o) { o.#s() } } A.s(1) })()", "Receiver must be class A"),
    (
        "new (class { #m() {} m() { ({}).x; (1, {}).#m() } })().m()",
        "Receiver must be an instance of class anonymous",
    ),
    (
        "(() => { class B { constructor(o) { return o } } class A extends B { #x } const o = {}; new A(o); new A(o) })()",
        "Cannot initialize #x twice on the same object",
    ),
    (
        "new (class { #n; is(o) { return #n in o } })().is()",
        "Cannot use 'in' operator to search for '#n' in undefined",
    ),
    (
        "new (class { #n; is(o) { return #n in o } })().is('text')",
        "Cannot use 'in' operator to search for '#n' in text",
    ),
    ("'a' in undefined", "Cannot use 'in' operator to search for 'a' in undefined"),
    ("'a' in 'text'", "Cannot use 'in' operator to search for 'a' in text"),
    ("1.5 in 'é'", "Cannot use 'in' operator to search for '1.5' in é"),
    ("Symbol('q') in true", "Cannot use 'in' operator to search for 'Symbol(q)' in true"),
    ("null in Symbol('s')", "Cannot use 'in' operator to search for 'null' in Symbol(s)"),
    ("10n in -5n", "Cannot use 'in' operator to search for '10' in -5"),
    ("JSON.stringify(1n)", "Do not know how to serialize a BigInt"),
    ("JSON.parse('')", "Unexpected end of JSON input"),
    ("JSON.parse('{a:1}')", "Expected property name or '}' in JSON at position 1 (line 1 column 2)"),
    ("JSON.parse('undefined')", "\"undefined\" is not valid JSON"),
    ("JSON.parse('[1,]', (k, v) => v)", "Unexpected token ']', \"[1,]\" is not valid JSON"),
    ("JSON.parse('[1]', () => { throw new SyntaxError('mine') })", "mine"),
    (
        "JSON.stringify((() => { const a = {}; a.a = a; return a })())",
        "Converting circular structure to JSON\n    --> starting at object with constructor 'Object'\n    --- property 'a' closes the circle",
    ),
    (
        "JSON.stringify({ q: (() => { class K {} const a = new K(); a.x = { y: [{ z: a }] }; return a })() })",
        "Converting circular structure to JSON\n    --> starting at object with constructor 'K'\n    \
         |     property 'x' -> object with constructor 'Object'\n    |     property 'y' -> object with constructor 'Array'\n    \
         |     index 0 -> object with constructor 'Object'\n    --- property 'z' closes the circle",
    ),
    (
        "JSON.stringify((() => { const a = { b: { c: { d: { e: {} } } } }; a.b.c.d.e.f = a; return a })())",
        "Converting circular structure to JSON\n    --> starting at object with constructor 'Object'\n    \
         |     property 'b' -> object with constructor 'Object'\n    |     property 'c' -> object with constructor 'Object'\n    \
         |     ...\n    |     property 'e' -> object with constructor 'Object'\n    --- property 'f' closes the circle",
    ),
];

#[test]
fn mistakes_are_told_in_v8s_words() {
    let tries: Vec<String> = MESSAGES.iter().map(|(code, _)| format!("() => {code}")).collect();
    let code = format!(
        "const tries = [{}];
         const message = (run) => {{ try {{ run() }} catch (error) {{ return error.message }} }};
         export default {{ fetch: () => Response.json(tries.map(message)) }};",
        tries.join(",\n")
    );
    let config = r#"{ "name": "words", "main": "index.js", "compatibility_date": "2026-01-01", "no_bundle": true,
        "rules": [{ "type": "ESModule", "globs": ["**/*.js"] }] }"#;
    let server = TestProject::with_files(&[("wrangler.jsonc", config), ("index.js", &code)]).start();
    let text = server.get("/").text();
    let found: Vec<Option<String>> =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no list: {text}"));
    for ((code, expected), found) in MESSAGES.iter().zip(found) {
        assert_eq!(found.as_deref(), Some(*expected), "{code}");
    }
}

const ENGINE: &str = "the engine's words";
const GLOBAL: &str = "the global object has another class";
const TEXT: &str = "the expression is not all in the code";

/// Where we say otherwise, and why. An entry that says what the peer says fails the test.
#[rustfmt::skip]
const DEVIATIONS: &[(&str, &str)] = &[
    ("made (un)[f()]", ENGINE),
    ("made ({ ...a }).x()", TEXT),
    ("made ({ [k]: 1 }).x()", TEXT),
    ("made /x/.exec.call({})", ENGINE),
    ("made Array.prototype.map.call(un, f)", ENGINE),
    ("made Boolean.prototype.valueOf.call(1)", ENGINE),
    ("made Error.captureStackTrace(1)", ENGINE),
    ("made JSON.rawJSON({})", ENGINE),
    ("made Map.groupBy([1], 5)", ENGINE),
    ("made Math.max(1n)", ENGINE),
    ("made NaN = 1", GLOBAL),
    ("made Number.prototype.toFixed.call(\"x\")", ENGINE),
    ("made Object.fromEntries(un)", ENGINE),
    ("made Object.groupBy([1], 5)", ENGINE),
    ("made Object.setPrototypeOf(1)", ENGINE),
    ("made Object.setPrototypeOf({}, 1)", ENGINE),
    ("made Reflect.get(1)", ENGINE),
    ("made Reflect.ownKeys(1)", ENGINE),
    ("made RegExp.prototype.exec.call(1)", ENGINE),
    ("made Symbol.keyFor(1)", ENGINE),
    ("made Symbol.prototype.toString.call(1)", ENGINE),
    ("made [, 1].x()", TEXT),
    ("made [...{ [Symbol.iterator]: 1 }]", TEXT),
    ("made a.x(...[1], 2)", TEXT),
    ("made await Array.fromAsync(5, 5)", ENGINE),
    ("made const { nope: [y] } = a", TEXT),
    ("made const { x } = (un, nul)", TEXT),
    ("made const { x } = k ? un : 1", TEXT),
    ("made const { x } = un ?? nul", TEXT),
    ("made for (const [x] of [un]) {}", TEXT),
    ("made for (const { x } of [1, nul]) {}", TEXT),
    ("made for (const { x } of [un]) {}", TEXT),
    ("made function pp({ x } = un) {} pp()", TEXT),
    ("made gen().next.call(1)", ENGINE),
    ("made gen().return.call({})", ENGINE),
    ("made globalThis.undefined = 1", GLOBAL),
    ("made isNaN(1n)", ENGINE),
    ("made new (class Bar { static get x() { return 1 } }).x", TEXT),
    ("made new (class { #p() {} static t(o) { o.#p() } }).constructor.t({})", TEXT),
    ("made new (class { #p() {} t() { this.#p = 1 } })().t()", TEXT),
    ("made new (class { #p; static t(o) { o.#p = 1 } }).constructor.t({})", TEXT),
    ("made new (class { #p; static t(o) { return o.#p } }).constructor.t({})", TEXT),
    ("made new (class { get #p() { return 1 } t() { this.#p = 1 } })().t()", TEXT),
    ("made new (class { set #p(x) {} t() { return this.#p } })().t()", TEXT),
    ("made new DataView(1)", ENGINE),
    ("made new FinalizationRegistry(1)", ENGINE),
    ("made new Symbol()", ENGINE),
    ("made new WeakRef(1)", ENGINE),
    ("made new new Foo().x()", TEXT),
    ("made try { throw un } catch ({ x }) {}", TEXT),
    ("made un[{}]", ENGINE),
    ("made undefined = 1", GLOBAL),
];

/// `fixtures/mistakes` as wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-23.
#[test]
fn mistakes_are_told_with_their_text() {
    assert_as_recorded::<Value>("mistakes", DEVIATIONS, answers_in_groups);
}

const OPERATOR: &str = "the place is that of an operand";
const PATTERN: &str = "the place is that of the pattern";
const AWAITED: &str = "the caller awaits what was rejected already";
const CLASS: &str = "static fields are at the class, as its own code";
const UNREAD: &str =
    "the text is not followed so far: regular expressions, templates in keys, calls before an index";

/// Where we see mistakes elsewhere, and why. An entry that is where the peer sees it fails the test.
const PLACES: &[(&str, &str)] = &[
    ("at (await f(o)).un.x", AWAITED),
    ("at class B { static y = o.un.x }", CLASS),
    ("at const [x] = un", PATTERN),
    ("at const c = 1; c = 2", OPERATOR),
    ("at delete un.x", OPERATOR),
    ("at f(/\\(/).un.x", UNREAD),
    ("at f(o)[k].x", UNREAD),
    ("at o[`${k}`].x", UNREAD),
];

/// `fixtures/places`, as for the words.
#[test]
fn mistakes_are_where_they_are() {
    assert_as_recorded::<Value>("places", PLACES, answers_in_groups);
}

/// `fixtures/bundled-mistakes`, as for the words: what variables stand for does not take their place.
#[test]
fn bundled_mistakes_name_variables() {
    assert_as_recorded::<Value>("bundled-mistakes", &[], answers_in_groups);
}

/// `fixtures/awaiting`, as for the words: stacks go on with who waits.
#[test]
fn stacks_tell_who_waits() {
    assert_as_recorded::<Value>("awaiting", &[], answers_in_groups);
}
