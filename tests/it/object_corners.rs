//! Some two hundred odd corners of ids, stubs, contexts, facets and resets (`fixtures/object-corners`), against what
//! wrangler 4.164.0 with workerd 1.20261117.1 answered on 2026-11-22.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::TestProject;
use crate::recorded::{differences, recorded};

/// Where we answer otherwise, and why. An entry that answers like the peer fails the test.
const DEVIATIONS: &[(&str, &str)] = &[
    ("jur j", "jurisdictions are labels, as the platform has them"),
    ("more propsStub", "the peer serializes the fields of a stub"),
    ("surrogate auto", "a lone surrogate is one replacement character, not three"),
    ("surrogate domex", "lone surrogates stay in texts that are only kept"),
    ("surrogate ev", "lone surrogates stay in texts that are only kept"),
    ("surrogate fd", "a lone surrogate is one replacement character, not three"),
    ("surrogate fetch", "a lone surrogate is one replacement character, not three"),
    ("surrogate label", "a lone surrogate is one replacement character, not three"),
    ("surrogate method", "a lone surrogate is three replacement characters, not one"),
    ("surrogate perf", "lone surrogates stay in texts that are only kept"),
    ("surrogate req", "a lone surrogate is one replacement character, not three"),
    ("surrogate status", "a lone surrogate is one replacement character, not three"),
    ("surrogate tag", "a lone surrogate is one replacement character, not three"),
];

#[test]
fn corners_of_objects_are_as_recorded() {
    let recorded = recorded("object-corners");
    let project = TestProject::from_fixture("object-corners");
    let server = project.start();
    let mut wrong = Vec::new();
    let mut given = BTreeMap::new();
    for group in server.get("/").text().lines() {
        let answer: Value = serde_json::from_slice(&server.get(&format!("/{group}")).body).expect("JSON");
        match answer {
            Value::Object(answers) => {
                given.extend(answers.into_iter().map(|(name, answer)| (format!("{group} {name}"), answer)));
            }
            Value::Array(answers) => {
                let numbered = answers.into_iter().enumerate();
                given.extend(numbered.map(|(number, answer)| (format!("{group} {number}"), answer)));
            }
            other => wrong.push(format!("{group}\n  given    {other}")),
        }
    }
    wrong.extend(differences(&recorded, &given, DEVIATIONS));
    assert_eq!(given.len(), recorded.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop();
}
