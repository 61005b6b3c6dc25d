//! What is read, what is refused, and that what is shown is read again.

use super::*;
use crate::codec;

#[test]
fn values_are_read_as_javascript_reads_them() {
    for (text, shown) in [
        ("1", "1"),
        ("-1.5", "-1.5"),
        ("-0", "-0"),
        ("'a'", "\"a\""),
        ("`a\nb`", "\"a\\nb\""),
        ("{\"b\": 1, \"a\": [true, null]}", "{ b: 1, a: [true, null] }"),
        ("{b: 1, 2: 'two', 1: 'one', b: 3}", "{ 1: \"one\", 2: \"two\", b: 3 }"),
        ("[1,,3]", "[1, , 3]"),
        ("[1,,]", "[1, ,]"),
        ("undefined", "undefined"),
        ("new Map([['a', 1], ['a', 2]])", "new Map([[\"a\", 2]])"),
        ("new Set([1, 1, 'x'])", "new Set([1, \"x\"])"),
        ("new Date('2026-01-31T12:00:00Z')", "new Date(\"2026-01-31T12:00:00.000Z\")"),
        ("new Date(0)", "new Date(\"1970-01-01T00:00:00.000Z\")"),
        ("-123456789012345678901234567890n", "-123456789012345678901234567890n"),
        ("0xffn", "255n"),
        ("/a+/gi", "/a+/gi"),
        ("new Uint8Array([1, 255, 256])", "Uint8Array.fromHex(\"01ff00\")"),
        ("new Int16Array([-1])", "new Int16Array([-1])"),
        ("new Uint8Array(2)", "Uint8Array.fromHex(\"0000\")"),
    ] {
        let value = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(codec::show(&value), shown, "{text}");
        let bytes = codec::write(&value).unwrap();
        assert_eq!(codec::show(&codec::read(&bytes).unwrap().0), shown, "{text} through its bytes");
    }
}

#[test]
fn programs_are_refused() {
    for (text, words) in [
        ("", "missing"),
        ("hello", "needs quotes"),
        ("1 + 1", "not a value"),
        ("fetch('x')", "cannot be called"),
        ("{ get a() { return 1 } }", "not a"),
        ("[...x]", "`...`"),
        ("new Worker()", "can be made here"),
        ("Uint8Array.fromHex('0')", "pairs of hexadecimal"),
        ("Uint8Array.fromHex('+1')", "pairs of hexadecimal"),
        ("new DataView(2)", "give the elements"),
        ("new Int16Array(new ArrayBuffer(4), 1)", "give the elements"),
        ("new Int16Array(new ArrayBuffer(4), 2, 2)", "give the elements"),
        ("Object.assign({}, {})", "an array and its properties"),
        ("Object.keys([])", "cannot be called"),
        ("Object(1, 2)", "give one value"),
        ("x.buffer", "needs quotes"),
        ("[].buffer", "only a typed array"),
        ("new Date('yesterday')", "give the date"),
        ("{", "at `{`"),
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

/// Whether an expression makes it: errors, resizable buffers and references have none.
fn has_expression(value: &Value) -> bool {
    let Value::Object(object) = value else { return !matches!(value, Value::Reference(_)) };
    match &object.kind {
        Kind::Plain(properties) | Kind::Sparse { properties, .. } => {
            properties.iter().all(|(key, value)| is_well_formed(key) && has_expression(value))
        }
        Kind::Dense { elements, properties } => {
            elements.iter().flatten().all(has_expression)
                && properties.iter().all(|(key, value)| is_well_formed(key) && has_expression(value))
        }
        Kind::Map(entries) => entries.iter().all(|(key, value)| has_expression(key) && has_expression(value)),
        Kind::Set(entries) => entries.iter().all(has_expression),
        Kind::Buffer { length_max, .. } => length_max.is_none(),
        Kind::View { buffer, .. } => has_expression(buffer),
        Kind::NativeError { .. } | Kind::HostError { .. } | Kind::DomException { .. } | Kind::Platform(_) => {
            false
        }
        Kind::Date(_)
        | Kind::BoxedBool(_)
        | Kind::BoxedNumber(_)
        | Kind::BoxedBigInt(_)
        | Kind::BoxedString(_)
        | Kind::RegExp { .. } => true,
    }
}

fn is_well_formed(key: &Key) -> bool {
    !matches!(key, Key::Text(text) if text.as_str().is_none())
}

/// What is shown is read as what is shown so again, also after it was stored.
fn comes_back(value: &Value) -> Result<(), String> {
    let shown = codec::show(value);
    let again = parse(&shown).map_err(|error| format!("{shown}: {error}"))?;
    let bytes = codec::write(&again).map_err(|error| format!("{shown}: {error}"))?;
    let (stored, _) = codec::read(&bytes).map_err(|error| format!("{shown}: {error:?}"))?;
    for found in [codec::show(&again), codec::show(&stored)] {
        if found != shown {
            return Err(format!("{shown} came back as {found}"));
        }
    }
    if codec::to_json(&stored) != codec::to_json(value) && !shown.contains("Array") && !shown.contains(", ,")
    {
        return Err(format!("{shown} came back as {}", codec::to_json(&stored)));
    }
    Ok(())
}

#[test]
fn what_is_shown_of_recorded_values_is_read_again() {
    use crate::codec::samples::{STORED, STORED_LEGACY};
    let mut count = 0;
    for (expression, hex) in STORED.iter().chain(STORED_LEGACY) {
        let bytes: Vec<u8> =
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let (value, _) = codec::read(&bytes).unwrap();
        if has_expression(&value) {
            comes_back(&value).unwrap_or_else(|error| panic!("{expression}: {error}"));
            count += 1;
        } else if !expression.contains('{') {
            // What has no expression is refused, not taken for something else.
            assert!(parse(&codec::show(&value)).is_err(), "{expression}");
        }
    }
    assert!(count > 80, "only {count} values have an expression");
}

proptest::proptest! {
    #[test]
    fn what_is_shown_is_read_again(value in crate::codec::tests::tree()) {
        if has_expression(&value) {
            comes_back(&value).map_err(proptest::test_runner::TestCaseError::fail)?;
        }
    }
}
