//! The table of what the platform's engine answers: `fixtures/intl`.
//!
//! `answers.json` holds pairs of an expression and its answer, recorded from workerd by `wrangler-compat/intl-table.py`;
//! `differs.json` what is answered here where that is something else.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::web::testing::run_tests_with;

const SHOW: &str = "const show = (value) => typeof value === 'string' ? value : value === undefined ? 'undefined'
    : typeof value === 'bigint' ? `${value}n` : typeof value === 'function' ? value.name : JSON.stringify(value);
  const answer = (run) => { try { return show(run()) } catch (error) { return `THROWS ${error.name}: ${error.message}` } };
";

#[test]
fn answers_are_the_platforms() {
    let answers: Vec<(String, String)> =
        serde_json::from_str(include_str!("../../../fixtures/intl/answers.json")).expect("a table");
    let differs: BTreeMap<String, String> =
        serde_json::from_str(include_str!("../../../fixtures/intl/differs.json")).expect("a table");
    let mut source = SHOW.to_owned();
    for (expression, answer) in &answers {
        let (expected, name) = (differs.get(expression).unwrap_or(answer), serde_json::json!(expression));
        let expected = serde_json::json!(expected);
        writeln!(source, "test({name}, () => assert.equal(answer(() => ({expression})), {expected}));")
            .expect("strings take text");
    }
    let failures = run_tests_with(&source, &[]);
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), answers.len(), failures.join("\n"));
    for (expression, ours) in &differs {
        let recorded = answers.iter().find(|(other, _)| other == expression).map(|(_, answer)| answer);
        assert!(recorded.is_some_and(|answer| answer != ours), "{expression} does not differ");
    }
}
