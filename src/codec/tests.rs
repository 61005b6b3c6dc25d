//! The tree against recorded bytes, against itself, and against garbage.

use proptest::collection::vec;
use proptest::prelude::*;

use super::samples::{STORED, STORED_LEGACY};
use super::value::{BigInt, Id, Key, Kind, Object, Text, UNSHARED, Value};
use super::wire::{ViewKind, ViewPart};
use super::*;

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn recorded_bytes_stay_the_same() {
    for (source, bytes) in STORED.iter().chain(STORED_LEGACY) {
        let (tree, length) = read(&from_hex(bytes)).unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(length * 2, bytes.len(), "{source}");
        assert_eq!(hex(&write(&tree).unwrap()), *bytes, "{source}");
    }
}

/// What workerd stored for instances of the platform's classes, as literals.
#[test]
fn objects_of_the_platform_stay_the_same_and_are_shown() {
    for (bytes, literal) in [
        ("ff0f5c0f06746578742f78026162", r#"new Blob([Uint8Array.fromHex("6162")], { type: "text/x" })"#),
        ("ff0f5c040300", "new Headers()"),
        (
            "ff0f5c0403040502c3a92903613d31000558 2d54776f01310005582d54776f0132",
            r#"new Headers([["accept", "é"], ["set-cookie", "a=1"], ["X-Two", "1"], ["X-Two", "2"]])"#,
        ),
        (
            "ff0f5c0509687474703a2f2f612f6f22066d6574686f642203505554 2207686561646572735c0403010001610131 2204626f6479307b03",
            r#"new Request("http://a/", { method: "PUT", headers: new Headers([["a", "1"]]), body: null })"#,
        ),
        (
            "ff0f5c06306f2206737461747573499803220a737461747573546578745f2207686561646572735c0403010001610162220263665f\
             2209776562536f636b65745f220a656e636f6465426f64795f7b06",
            r#"new Response(null, { status: 204, headers: new Headers([["a", "b"]]) })"#,
        ),
    ] {
        let bytes = from_hex(&bytes.replace(' ', ""));
        let (tree, length) = read(&bytes).unwrap_or_else(|error| panic!("{literal}: {error}"));
        assert_eq!(length, bytes.len(), "{literal}");
        assert_eq!(write(&tree).unwrap(), bytes, "{literal}");
        assert_eq!(show(&tree), literal);
    }
    for garbage in
        ["ff0f5c04", "ff0f5c040301", "ff0f5c04030130", "ff0f5c0403ffffff7f", "ff0f5c0563", "ff0f5c0630"]
    {
        read(&from_hex(garbage)).expect_err(garbage);
    }
}

#[test]
fn shown_as_literals_and_json() {
    for (bytes, literal, json) in [
        ("ff0f54", "true", "true"),
        ("ff0f30", "null", "null"),
        ("ff0f5f", "undefined", r#"{"$":"undefined"}"#),
        ("ff0f490e", "7", "7"),
        ("ff0f4e000000000000f83f", "1.5", "1.5"),
        ("ff0f4e0000000000000080", "-0", r#"{"$":"number","v":"-0"}"#),
        ("ff0f4e000000000000f07f", "Infinity", r#"{"$":"number","v":"Infinity"}"#),
        ("ff0f2203616263", r#""abc""#, r#""abc""#),
        ("ff0f2202220a", r#""\"\n""#, r#""\"\n""#),
        ("ff0f630200d8", r#""\ud800""#, "\"\u{fffd}\""),
        ("ff0f6f22016149027b01", "{ a: 1 }", r#"{"a":1}"#),
        ("ff0f6f7b00", "{}", "{}"),
        (
            "ff0f6f220124490249025f7b02",
            "{ $: 1, 1: undefined }",
            r#"{"$":"object","v":[["$",1],["1",{"$":"undefined"}]]}"#,
        ),
        (
            "ff0f42040102030456420004 00",
            r#"Uint8Array.fromHex("01020304")"#,
            r#"{"$":"Uint8Array","buffer":{"$":"ArrayBuffer","hex":"01020304"},"byteOffset":0,"byteLength":4}"#,
        ),
        (
            "ff0f7e030a0000005642000003",
            r#"new Uint8Array(Uint8Array.fromHex("000000").buffer <resizable to 10>, 0)"#,
            r#"{"$":"Uint8Array","buffer":{"$":"ArrayBuffer","hex":"000000","maxByteLength":10},"byteOffset":0,"byteLength":null}"#,
        ),
        (
            "ff0f6f22016f5e007b01",
            "<ref *0> { o: [ref *0] }",
            r#"{"$":"shared","id":0,"v":{"o":{"$":"reference","id":0}}}"#,
        ),
        ("ff0f61034900490249044906400203", "[1, , 3]", r#"[1,{"$":"hole"},3]"#),
        (
            "ff0f61a18d0649c09a0c49024001a18d06",
            "Object.assign(new Array(100001), { 100000: 1 })",
            r#"{"$":"Array","length":100001,"properties":[["100000",1]]}"#,
        ),
        ("ff0f4103492d2d240003", "", ""),
        ("ff0f410349022d2d240003", "[1, , ,]", r#"[1,{"$":"hole"},{"$":"hole"}]"#),
        (
            "ff0f4102490249042201784902240102",
            "Object.assign([1, 2], { x: 1 })",
            r#"{"$":"Array","v":[1,2],"properties":[["x",1]]}"#,
        ),
        (
            "ff0f440000000000000000",
            r#"new Date("1970-01-01T00:00:00.000Z")"#,
            r#"{"$":"Date","v":"1970-01-01T00:00:00.000Z"}"#,
        ),
        ("ff0f44000000000000f87f", "new Date(NaN)", r#"{"$":"Date","v":null}"#),
        (
            "ff0f5a2100000000000000000100000000000000",
            "-18446744073709551616n",
            r#"{"$":"bigint","v":"-18446744073709551616"}"#,
        ),
        (
            "ff0f3b490222016122016b6f7b003a04",
            r#"new Map([[1, "a"], ["k", {}]])"#,
            r#"{"$":"Map","v":[[1,"a"],["k",{}]]}"#,
        ),
        ("ff0f2749022201612c02", r#"new Set([1, "a"])"#, r#"{"$":"Set","v":[1,"a"]}"#),
        ("ff0f522203612b620300", "", ""),
        ("ff0f522203612b6203", "/a+b/gi", r#"{"$":"RegExp","v":"/a+b/gi"}"#),
        (
            "ff0f5c0a0222036261646f2205737461636b2201537b01",
            r#"TypeError { message: "bad", ...{ stack: "S" } }"#,
            r#"{"$":"Error","name":"TypeError","message":"bad","properties":{"stack":"S"}}"#,
        ),
        (
            "ff0f72546d2203626164732201532e",
            r#"TypeError { message: "bad", stack: "S" }"#,
            r#"{"$":"Error","name":"TypeError","message":"bad","stack":"S"}"#,
        ),
        (
            "ff0f5c0801410162 0163",
            r#"DOMException { name: "A", message: "b" }"#,
            r#"{"$":"DOMException","name":"A","message":"b","stack":"c"}"#,
        ),
    ] {
        if literal.is_empty() {
            continue;
        }
        let (tree, _) = read(&from_hex(&bytes.replace(' ', ""))).unwrap_or_else(|e| panic!("{bytes}: {e}"));
        assert_eq!(show(&tree), literal, "{bytes}");
        assert_eq!(to_json(&tree).to_string(), json, "{bytes}");
    }
}

#[test]
fn dates_are_those_of_the_calendar() {
    for (time, expected) in [
        (0.0, Some("1970-01-01T00:00:00.000Z")),
        (951_827_696_789.0, Some("2000-02-29T12:34:56.789Z")),
        (-1.0, Some("1969-12-31T23:59:59.999Z")),
        (-62_198_755_200_000.0, Some("-000001-01-01T00:00:00.000Z")),
        (8.64e15, Some("+275760-09-13T00:00:00.000Z")),
        (8.64e15 + 1.0, None),
        (f64::NAN, None),
    ] {
        assert_eq!(show::iso_date(time).as_deref(), expected);
    }
}

#[test]
fn damaged_bytes_are_errors() {
    for bytes in [
        "",
        "ff",
        "ff0f",
        "ff0c30",
        "ff1030",
        "ff0f41ffffffff0f",
        "ff0f5e00",
        "ff0f6f2201",
        "ff0f42ffffffff0f",
        "ff0f4204010203045642000500",
        "ff0f42040102030456570102",
        "ff0f5222012880807f",
        "ff0f5c63",
        "ff0f5c0a63",
        "ff0f6f300149027b01",
        "ff0f6f22016149027b02",
        "ff0f2749022c02",
        "ff0f49ffffffffffff",
        "ff0f7a",
    ] {
        assert!(read(&from_hex(bytes)).is_err(), "{bytes}");
    }
    let mut deep = vec![0xff, 15];
    deep.extend(std::iter::repeat_n([b'A', 1], 100_000).flatten());
    assert_eq!(read(&deep).unwrap_err().what, "values are nested too deeply");
    let mut deep = vec![0xff, 15];
    deep.extend(std::iter::repeat_n([b'?', 1], 100_000).flatten());
    assert_eq!(read(&deep).unwrap_err().what, "values are nested too deeply");
    // A host object of the program's names its number.
    assert_eq!(
        read(&from_hex("ff0f5c010300")).unwrap_err().what,
        "a host object of type 1, which only the program can read"
    );
}

#[test]
fn nesting_up_to_the_limit_is_read_and_written() {
    let mut bytes = vec![0xff, 15];
    bytes.extend(std::iter::repeat_n([b'A', 1], DEPTH_MAX - 1).flatten());
    bytes.extend([b'A', 0]);
    bytes.extend(std::iter::repeat_n([b'$', 0, 0], 1).flatten());
    bytes.extend(std::iter::repeat_n([b'$', 0, 1], DEPTH_MAX - 1).flatten());
    let (tree, _) = read(&bytes).unwrap();
    assert_eq!(write(&tree).unwrap(), bytes);
    assert_eq!(show(&tree), "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX));
    assert!(to_json(&tree).is_array());
    let deeper = Value::object(Kind::Set(vec![tree]));
    assert_eq!(write(&deeper), Err(WriteError::TooDeep));
}

#[test]
fn trees_that_make_no_sense_are_not_written() {
    let reference = Value::Reference(Id(3));
    assert_eq!(write(&reference), Err(WriteError::UnknownReference(Id(3))));
    let part = ViewPart {
        kind: ViewKind::Uint16,
        offset_bytes: 1,
        length_bytes: 2,
        tracks_length: false,
        resizable: false,
    };
    let buffer = Value::object(Kind::Buffer { bytes: vec![0; 8], length_max: None });
    assert_eq!(write(&Value::object(Kind::View { buffer, part })), Err(WriteError::View));
    let error = Kind::NativeError { class: "Zed", parts: Vec::new() };
    assert_eq!(write(&Value::object(error)), Err(WriteError::ErrorClass));
}

#[test]
fn objects_may_move_in_an_edited_tree() {
    let (tree, _) = read(&from_hex("ff0f41036f7b006f7b005e01240003")).unwrap();
    let Value::Object(array) = tree else { panic!("an array") };
    let Kind::Dense { mut elements, properties } = array.kind else { panic!("an array") };
    elements.insert(0, Some(Value::object(Kind::Set(Vec::new()))));
    let edited = Value::object(Kind::Dense { elements, properties });
    assert_eq!(hex(&write(&edited).unwrap()), "ff0f4104272c006f7b006f7b005e02240004");
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        "[a-z]{0,6}".prop_map(|text| text.as_str().into()),
        "\\PC{0,4}".prop_map(|text| text.as_str().into()),
        vec(any::<u16>(), 0..4).prop_map(Text::from_utf16),
    ]
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<i32>().prop_map(f64::from), any::<f64>(), Just(-0.0), Just(f64::INFINITY)]
        .prop_filter("NaN is not equal to itself", |number| !number.is_nan())
}

fn bigint() -> impl Strategy<Value = BigInt> {
    (any::<bool>(), vec(any::<u8>(), 0..20))
        .prop_map(|(negative, magnitude)| BigInt::new(negative, magnitude))
}

fn flat() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Undefined),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number().prop_map(Value::number),
        bigint().prop_map(Value::BigInt),
        text().prop_map(Value::String),
        number().prop_filter_map("within a Date", |time| {
            (time.abs() < 8.64e15).then(|| Value::object(Kind::Date(time.trunc() + 0.0)))
        }),
        text().prop_map(|text| Value::object(Kind::BoxedString(text))),
        number().prop_map(|number| Value::object(Kind::BoxedNumber(number))),
        any::<bool>().prop_map(|yes| Value::object(Kind::BoxedBool(yes))),
        bigint().prop_map(|number| Value::object(Kind::BoxedBigInt(number))),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Value::object(Kind::Buffer { bytes, length_max: None })),
        (vec(any::<u8>(), 8..9), 0..4u32, 0..2u32).prop_map(|(bytes, offset, length)| {
            let buffer = Value::object(Kind::Buffer { bytes, length_max: None });
            let part = ViewPart {
                kind: ViewKind::Int16,
                offset_bytes: offset * 2,
                length_bytes: length * 2,
                tracks_length: false,
                resizable: false,
            };
            Value::object(Kind::View { buffer, part })
        }),
    ]
}

/// Trees as V8 would write them: keys in order, numbers of an array in one form, no NaN.
pub(crate) fn tree() -> impl Strategy<Value = Value> {
    flat()
        .prop_recursive(4, 40, 5, |inner| {
            let key = "[a-z]{1,4}".prop_map(|name| Key::Text(name.as_str().into()));
            let unique = |keys: Vec<(Key, Value)>| {
                let mut kept: Vec<(Key, Value)> = Vec::new();
                for (key, value) in keys {
                    if !kept.iter().any(|(known, _)| *known == key) {
                        kept.push((key, value));
                    }
                }
                kept
            };
            prop_oneof![
                vec((key, inner.clone()), 0..5)
                    .prop_map(move |keys| Value::object(Kind::Plain(unique(keys)))),
                vec(inner.clone(), 0..5).prop_map(|elements| {
                    let elements = elements.into_iter().map(Some).collect();
                    Value::object(Kind::Dense { elements, properties: Vec::new() })
                }),
                vec(inner.clone(), 0..4).prop_map(|elements| {
                    let properties =
                        elements.into_iter().zip(0..).map(|(value, at)| (Key::Int(at * 2 + 1), value));
                    Value::object(Kind::Sparse { length: 20, properties: properties.collect() })
                }),
                // Identity of an object in a shared place.
                (inner.clone(), any::<u32>()).prop_map(|(value, id)| match value {
                    Value::Object(object) if object.id == UNSHARED => {
                        let id = Id(id);
                        let shared = Value::Object(Box::new(Object { id, kind: object.kind }));
                        let elements = vec![Some(shared), Some(Value::Reference(id))];
                        Value::object(Kind::Dense { elements, properties: Vec::new() })
                    }
                    other => other,
                }),
            ]
        })
        // Ids as the reader gives them out, so that trees can be compared.
        .prop_filter_map("ids are unique", |tree| write(&tree).ok().and_then(|bytes| read(&bytes).ok()))
        .prop_map(|(tree, _)| tree)
}

/// Bytes that get deep into the reader: pieces of recorded values, cut and changed.
pub(crate) fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let recorded =
        prop::sample::select(STORED.iter().chain(STORED_LEGACY).map(|row| row.1).collect::<Vec<_>>());
    let changed = (recorded, vec((any::<usize>(), any::<u8>()), 0..4), any::<usize>());
    let changed = changed.prop_map(|(text, changes, end)| {
        let mut bytes = from_hex(text);
        for (at, byte) in changes {
            let at = 2 + at % (bytes.len() - 2);
            bytes[at] = byte;
        }
        bytes.truncate(2 + end % bytes.len());
        bytes
    });
    let random = vec(any::<u8>(), 0..60).prop_map(|bytes| [&[0xff, 15][..], &bytes].concat());
    let tags = prop::sample::select(b"\"'$+,-.0:;?@ABDFINRSTUVZ\\^_acnorsxyz{~\0\x01\x02\x0a".to_vec());
    let tags = vec(tags, 0..60).prop_map(|bytes| [&[0xff, 15][..], &bytes].concat());
    prop_oneof![changed, random, tags]
}

proptest! {
    #[test]
    fn trees_survive_their_bytes(tree in tree()) {
        let bytes = write(&tree).unwrap();
        let (again, length) = read(&bytes).unwrap();
        prop_assert_eq!(length, bytes.len());
        prop_assert_eq!(&again, &tree);
        prop_assert_eq!(write(&again).unwrap(), bytes);
        show(&again);
        to_json(&again);
    }

    #[test]
    fn garbage_is_an_error_or_a_value(bytes in garbage()) {
        if let Ok((tree, length)) = read(&bytes) {
            prop_assert!(length <= bytes.len());
            show(&tree);
            to_json(&tree);
        }
    }
}
