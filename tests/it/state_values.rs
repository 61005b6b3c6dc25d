//! Values from the command line: written as JavaScript or JSON, printed as both, and put back equal.

use serde_json::Value;

use crate::state::{LOBBY, done, recorded, run, run_json};

const VALUES: &[(&str, &str)] = &[
    ("null", "null"),
    ("/a+/gi", "/a+/gi"),
    ("new Uint8Array([1, 2, 255])", r#"Uint8Array.fromHex("0102ff")"#),
    ("undefined", "undefined"),
    ("-0", "-0"),
    ("1e21", "1e+21"),
    ("NaN", "NaN"),
    ("-Infinity", "-Infinity"),
    ("2n", "2n"),
    ("-1208925819614629174706176n", "-1208925819614629174706176n"),
    (r#""it's \"ü\" \n \u{1F600}""#, "\"it's \\\"ü\\\" \\n 😀\""),
    ("[1,,3]", "[1, , 3]"),
    (r#"{ a: { "b-c": [true, false] } }"#, r#"{ a: { "b-c": [true, false] } }"#),
    (r#"new Date("2026-01-31T12:00:00Z")"#, r#"new Date("2026-01-31T12:00:00.000Z")"#),
    ("new Float64Array([1.5, -0])", "new Float64Array([1.5, -0])"),
    ("new Array(99)", "new Array(99)"),
    ("Object('a')", r#"Object("a")"#),
    (
        "new DataView(new ArrayBuffer(4), 1, 2)",
        r#"new DataView(Uint8Array.fromHex("00000000").buffer, 1, 2)"#,
    ),
    (
        r#"new Map([["a", 1n], [{ x: 1 }, new Set([1, "b"])]])"#,
        r#"new Map([["a", 1n], [{ x: 1 }, new Set([1, "b"])]])"#,
    ),
];

#[test]
fn values_are_printed_as_javascript_and_as_json_and_put_back_equal() {
    let project = recorded();
    let key = r#"a "key" of: it's / @ ü"#;
    for (written, printed) in VALUES {
        done(&project, &["state", "put", LOBBY, key, written]);
        let text = done(&project, &["state", "get", LOBBY, key]);
        assert_eq!(text.trim_end(), *printed, "{written}");
        let told = run_json(&project, &["state", "get", LOBBY, key], 0);
        let stored = told["v8"].as_str().expect("the bytes").to_owned();
        for (form, text) in
            [("json", told["value"].to_string()), ("v8", stored.clone()), ("js", text.trim_end().to_owned())]
        {
            done(&project, &["state", "put", LOBBY, key, "0"]);
            done(&project, &["state", "put", LOBBY, key, &text, "--from", form]);
            let again = run_json(&project, &["state", "get", LOBBY, key], 0);
            assert_eq!(again["v8"], stored.as_str(), "{written} from {form}");
        }
    }
    // What loses something as JSON comes back by its bytes.
    let cause = run_json(&project, &["state", "get", LOBBY, "cause"], 0);
    let as_json = cause["value"].to_string();
    run(&project, &["state", "put", LOBBY, key, &as_json, "--from", "json"])
        .expect(1, "")
        .expect_errors(&["--from v8"]);
    done(&project, &["state", "put", LOBBY, key, cause["v8"].as_str().expect("bytes"), "--from", "v8"]);
    let again: Value = run_json(&project, &["state", "get", LOBBY, key], 0);
    assert_eq!((&again["v8"], &again["value"]), (&cause["v8"], &cause["value"]));
    for (form, text) in [("v8", "no base64!"), ("v8", "AAAA"), ("json", "{"), ("js", "f()")] {
        run(&project, &["state", "put", LOBBY, key, text, "--from", form]).expect(1, "");
    }
}

#[test]
fn odd_keys_are_seen_and_tear_nothing() {
    let project = recorded();
    let name = "Room:a\u{1b}[2J\nb";
    let told = done(&project, &["state", "put", name, "", "1", "--create"]);
    assert_eq!(told, "Set `` of Room:a\\u{1b}[2J\\nb (4 B)\n");
    assert_eq!(done(&project, &["state", "get", name]), "\"\"  1\n");
    done(&project, &["state", "put", name, "k\n\u{7}", "2"]);
    for command in [&["state", "inspect", name][..], &["state", "list", "Room"], &["state", "get", name]] {
        let text = done(&project, command);
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(text.contains("\\n"), "{text:?}");
    }
    run(&project, &["state", "get", name, "\u{1b}"]).expect(3, "").expect_errors(&["has no key `\\u{1b}`"]);
    let told = done(&project, &["state", "delete", name, "", "k\n\u{7}"]);
    assert_eq!(told, "Deleted 2 keys of Room:a\\u{1b}[2J\\nb\n");
    let infinite = run_json(&project, &["state", "sql", LOBBY, "SELECT 1e999, -1e999"], 0);
    assert_eq!(infinite["rows"][0][0]["v"], "Infinity");
    assert_eq!(infinite["rows"][0][1]["v"], "-Infinity");
}

#[test]
fn a_mistake_in_sql_is_shown_at_its_place() {
    let project = recorded();
    let ran = run(&project, &["state", "sql", LOBBY, "SELECT id,\n  FROM messages"]);
    ran.expect(1, "").expect_errors(&[
        "near \"FROM\": syntax error (line 2, column 3)",
        "2 |   FROM messages",
        "|   ^",
    ]);
}
