//! Which modules of Node.js can be imported, by compatibility date and flag.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::project::{TestProject, repository};

/// What workerd can import and dodev cannot yet.
const MISSING: &[&str] = &["_stream_wrap", "_tls_common", "_tls_wrap", "test"];

const CODE: &str = r#"
export default {
  async fetch(request) {
    const names = (await request.text()).split(" ");
    const found = async (prefix) => {
      const there = [];
      for (const name of names) await import(prefix + name).then(() => there.push(name), () => {});
      return there.join(" ");
    };
    const globals = ["Buffer", "process", "global"].map((name) => name in globalThis);
    return Response.json({ names: await found("node:"), bare: await found(""), globals });
  },
};
"#;

/// The record is of workerd 1.20261117.1, which has names by date; wrangler brings the others from `nodejs_compat_v2` on.
#[test]
fn names_exist_as_on_the_platform() {
    let text =
        std::fs::read_to_string(repository().join("fixtures/node-names/names.json")).expect("a record");
    let record: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let words = |value: &Value| -> BTreeSet<String> {
        value.as_str().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    let without_missing = |names: BTreeSet<String>| -> BTreeSet<String> {
        names.into_iter().filter(|name| !MISSING.contains(&name.as_str())).collect()
    };
    let all = words(&record.last().expect("rows")["names"]);
    let asked = all.iter().cloned().collect::<Vec<_>>().join(" ");
    for row in &record {
        let (date, flag) =
            (row["date"].as_str().unwrap_or_default(), row["flag"].as_str().unwrap_or_default());
        // Each date that changes something, and the first and the last.
        if !["2023-01-01", "2024-09-22", "2024-09-23", "2025-09-15", "2026-08-03", "2026-08-04", "2026-11-17"]
            .contains(&date)
        {
            continue;
        }
        let flags = if flag.is_empty() { "[]".to_owned() } else { format!("[\"{flag}\"]") };
        let config = format!(
            r#"{{ "name": "names", "main": "index.js", "compatibility_date": "{date}", "compatibility_flags": {flags},
                 "no_bundle": true, "rules": [{{ "type": "ESModule", "globs": ["**/*.js"] }}] }}"#
        );
        let server = TestProject::with_files(&[("wrangler.jsonc", &config), ("index.js", CODE)]).start();
        let request = crate::http::Request::new("POST", "/").body(asked.clone());
        let text = server.request(&request).text();
        let found: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"));
        let is_full = !words(&row["bare"]).is_empty();
        let expected = if is_full { all.clone() } else { words(&row["names"]) };
        assert_eq!(words(&found["names"]), without_missing(expected.clone()), "{date} {flag}");
        let bare = if is_full { expected } else { BTreeSet::new() };
        assert_eq!(words(&found["bare"]), without_missing(bare), "{date} {flag} without a prefix");
        assert_eq!(found["globals"], row["globals"], "{date} {flag}");
    }
}
