//! What is planned for which ledger, configuration and disk.

use std::collections::BTreeMap;

use super::{A_TO_B, NEW_A, migrations, project};
use crate::base::diag::Diagnostic;
use crate::migrate::carry::renamed_from;
use crate::migrate::ledger::{Copy, Entry, How, Ledger, Storage, WorkerLedger};
use crate::migrate::plan::{Facts, Plan, Planned, is_settled, plan};
use crate::project::Project;

/// A ledger of the Worker `w` with `classes`, whose last tag is `tag`.
fn ledger(tag: Option<&str>, classes: &[(&str, Storage)]) -> Ledger {
    let mut ledger = Ledger::default();
    let entry = Entry { tag: tag.map(str::to_owned), at_ms: 0, how: How::Applied, steps: Vec::new() };
    let classes = classes.iter().map(|(class, storage)| ((*class).to_owned(), *storage)).collect();
    ledger.workers.insert("w".to_owned(), WorkerLedger { classes, entries: vec![entry] });
    ledger
}

fn disk(keys: &[(&str, usize)]) -> BTreeMap<String, usize> {
    keys.iter().map(|(key, objects)| ((*key).to_owned(), *objects)).collect()
}

fn told(list: &[Planned]) -> Vec<String> {
    list.iter().map(|planned| format!("{}: {}", planned.title(), planned.describe())).collect()
}

/// `code text under the first label`
fn marked(list: &[Diagnostic]) -> Vec<String> {
    let mark = |diagnostic: &Diagnostic| match diagnostic.labels.first() {
        Some(label) => format!("{} {}", diagnostic.code, &label.source.text[label.span.clone()]),
        None => diagnostic.code.to_owned(),
    };
    list.iter().map(mark).collect()
}

fn planned(project: &Project, ledger: &Ledger, keys: &[(&str, usize)]) -> Plan {
    plan(Facts { project, ledger, disk: &disk(keys), exports: None })
}

#[test]
fn what_is_pending_follows_the_last_applied_tag() {
    let both = project("w", &migrations(&[NEW_A, A_TO_B]));
    let fresh = planned(&both, &Ledger::default(), &[]);
    assert!(fresh.adopted.is_empty());
    assert_eq!(told(&fresh.pending), ["v1: create A (SQLite)", "v2: rename A to B (0 objects)"]);

    let at_v1 = ledger(Some("v1"), &[("A", Storage::Sqlite)]);
    let rename = planned(&both, &at_v1, &[("w-A", 3)]);
    assert_eq!(told(&rename.pending), ["v2: rename A to B (3 objects)"]);
    assert!(!rename.pending[0].is_destructive() && !is_settled(&both, &at_v1));

    let in_the_way = planned(&both, &at_v1, &[("w-A", 3), ("w-B", 1)]);
    let expected = "v2: rename A to B (3 objects), putting aside the 1 object that B has";
    assert_eq!(told(&in_the_way.pending), [expected]);
    assert!(in_the_way.pending[0].is_destructive());

    let at_v2 = ledger(Some("v2"), &[("B", Storage::Sqlite)]);
    assert!(planned(&both, &at_v2, &[("w-B", 3)]).is_empty() && is_settled(&both, &at_v2));

    let none = project("w", r#""vars": {}"#);
    assert!(is_settled(&none, &Ledger::default()) && planned(&none, &Ledger::default(), &[]).is_empty());
}

#[test]
fn every_list_becomes_a_step() {
    let all = project(
        "w",
        &migrations(&[
            ("v1", r#""new_classes": ["K"], "new_sqlite_classes": ["A", "D"]"#),
            ("v2", r#""deleted_classes": ["D"], "renamed_classes": [{ "from": "A", "to": "B" }]"#),
            ("v3", r#""transferred_classes": [{ "from": "T", "from_script": "o", "to": "U" }]"#),
            ("v4", r#""new_sqlite_classes": ["D"]"#),
        ]),
    );
    let mut at_v1 =
        ledger(Some("v1"), &[("K", Storage::LegacyKv), ("A", Storage::Sqlite), ("D", Storage::Sqlite)]);
    at_v1.workers.entry("o".into()).or_default().classes.insert("T".into(), Storage::Sqlite);
    let on_disk = [("w-A", 1), ("w-D", 2), ("o-T", 4)];
    assert_eq!(
        told(&planned(&all, &at_v1, &on_disk).pending),
        [
            "v2: delete D (2 objects), rename A to B (1 object)",
            "v3: transfer T of o to U (4 objects)",
            "v4: create D (SQLite)",
        ]
    );
    // A creation that was taken back brings its objects back.
    at_v1.copies.push(Copy {
        id: 7,
        worker: "w".into(),
        class: "D".into(),
        objects: 5,
        at_ms: 0,
        tag: Some("v4".into()),
        undone: true,
    });
    let last = planned(&all, &at_v1, &on_disk).pending.pop().unwrap();
    assert_eq!(last.describe(), "create D (SQLite, with the 5 objects it had)");
}

#[test]
fn what_a_deployment_refuses_is_refused_at_its_place() {
    let check = |keys: &str, ledger: &Ledger, errors: &[&str]| {
        let found = planned(&project("w", keys), ledger, &[("w-A", 1)]);
        assert_eq!(marked(&found.errors), errors, "{keys}");
    };
    let at_v1 = |storage| ledger(Some("v1"), &[("A", storage)]);
    check(&migrations(&[NEW_A]), &ledger(Some("v9"), &[]), &["migrate/unknown-tag \"v1\""]);
    let own = r#""exports": { "B": { "type": "durable-object", "state": "expecting-transfer", "storage": "sqlite", "transfer_from": "w" } }"#;
    check(own, &ledger(None, &[]), &["migrate/own-transfer \"B\""]);
    check(
        &migrations(&[("v1", r#""new_classes": []"#), ("v2", r#""new_sqlite_classes": ["A"]"#)]),
        &at_v1(Storage::LegacyKv),
        &["migrate/storage-kept \"A\""],
    );
    check(
        &migrations(&[("v1", r#""new_classes": []"#), ("v2", r#""new_sqlite_classes": ["A"]"#)]),
        &at_v1(Storage::Sqlite),
        &["migrate/class-exists \"A\""],
    );
    let gone = ledger(Some("v1"), &[]);
    check(&migrations(&[NEW_A, A_TO_B]), &gone, &["migrate/unknown-class \"A\""]);
    check(
        &migrations(&[NEW_A, ("v2", r#""deleted_classes": ["A"]"#)]),
        &gone,
        &["migrate/unknown-class \"A\""],
    );
    let both = ledger(Some("v1"), &[("A", Storage::Sqlite), ("B", Storage::Sqlite)]);
    check(&migrations(&[NEW_A, A_TO_B]), &both, &["migrate/class-exists \"B\""]);
    check(
        r#""exports": { "A": { "type": "durable-object", "storage": "sqlite" } }"#,
        &at_v1(Storage::LegacyKv),
        &["migrate/storage-kept \"A\""],
    );
}

#[test]
fn bound_and_exported_classes_are_compared_with_what_exists() {
    let check = |keys: &str, exports: &[&str], remarks: &[&str]| {
        let (project, ledger) = (project("w", keys), Ledger::default());
        let exports: Vec<_> = exports.iter().map(|&export| export.to_owned()).collect();
        let facts = Facts { project: &project, ledger: &ledger, disk: &disk(&[]), exports: Some(&exports) };
        assert_eq!(marked(&plan(facts).remarks), remarks, "{keys}");
    };
    let bound = r#""durable_objects": { "bindings": [{ "name": "X", "class_name": "A" }] }"#;
    let with = |list: &[(&str, &str)]| format!("{bound}, {}", migrations(list));
    let deleted = ("v2", r#""deleted_classes": ["A"]"#);
    check(&with(&[NEW_A]), &["default", "A"], &[]);
    check(bound, &["A"], &["migrate/bound-class \"A\""]);
    check(&with(&[NEW_A, deleted]), &[], &["migrate/bound-class \"A\""]);
    check(&with(&[NEW_A, deleted]), &["A"], &["migrate/bound-class \"A\"", "migrate/still-exported \"A\""]);
    check(&with(&[NEW_A]), &["default"], &["migrate/not-exported \"A\""]);
    check(
        &migrations(&[NEW_A, A_TO_B]),
        &["A"],
        &["migrate/not-exported \"B\"", "migrate/still-exported \"A\""],
    );
}

#[test]
fn a_state_that_wrangler_wrote_is_adopted_where_its_directories_say_it_is() {
    let check = |list: &[(&str, &str)], keys: &[(&str, usize)], adopted: usize, pending: &[&str]| {
        let found = planned(&project("w", &migrations(list)), &Ledger::default(), keys);
        assert_eq!((found.adopted.len(), told(&found.pending)), (adopted, own(pending)), "{list:?} {keys:?}");
    };
    fn own(list: &[&str]) -> Vec<String> {
        list.iter().map(|&text| text.to_owned()).collect()
    }
    let deleted = ("v2", r#""deleted_classes": ["A"]"#);
    let again = ("v3", r#""new_sqlite_classes": ["A"]"#);
    check(&[NEW_A], &[("w-A", 2)], 1, &[]);
    check(&[NEW_A], &[("other-A", 2)], 0, &["v1: create A (SQLite)"]);
    check(&[NEW_A, A_TO_B], &[("w-A", 2)], 1, &["v2: rename A to B (2 objects)"]);
    check(&[NEW_A, A_TO_B], &[("w-B", 2)], 2, &[]);
    check(&[NEW_A, A_TO_B], &[("w-A", 2), ("w-B", 2)], 2, &[]);
    check(&[NEW_A, deleted], &[("w-A", 2)], 1, &["v2: delete A (2 objects)"]);
    check(&[NEW_A, deleted, again], &[("w-A", 2)], 3, &[]);
    let b_to_c = ("v3", r#""renamed_classes": [{ "from": "B", "to": "C" }]"#);
    check(&[NEW_A, A_TO_B, b_to_c], &[("w-A", 1), ("w-C", 1)], 3, &[]);
    let chain = ["v2: rename A to B (1 object)", "v3: rename B to C (1 object)"];
    check(&[NEW_A, A_TO_B, b_to_c], &[("w-A", 1)], 1, &chain);
}

#[test]
fn exports_are_compared_with_the_classes_that_exist() {
    let object = |rest: &str| format!(r#"{{ "type": "durable-object", {rest} }}"#);
    let live = object(r#""storage": "sqlite""#);
    let renamed = object(r#""state": "renamed", "renamed_to": "B""#);
    let text = format!(r#""exports": {{ "A": {renamed}, "B": {live} }}"#);
    let project_of = |text: &str| project("w", text);
    let at_a = ledger(None, &[("A", Storage::Sqlite)]);
    let check = |text: &str, ledger: &Ledger, keys: &[(&str, usize)], expected: &[&str]| {
        let found = planned(&project_of(text), ledger, keys);
        assert_eq!(
            (marked(&found.errors), told(&found.pending)),
            (vec![], expected.iter().map(|&t| t.to_owned()).collect()),
            "{text}"
        );
        assert_eq!(is_settled(&project_of(text), ledger), expected.is_empty(), "{text}");
    };
    check(&text, &at_a, &[("w-A", 2)], &["exports: rename A to B (2 objects)"]);
    check(&text, &ledger(None, &[("B", Storage::Sqlite)]), &[("w-B", 2)], &[]);
    check(&text, &Ledger::default(), &[("w-A", 2)], &["exports: rename A to B (2 objects)"]);
    let deleted = object(r#""state": "deleted""#);
    check(
        &format!(r#""exports": {{ "A": {deleted} }}"#),
        &at_a,
        &[("w-A", 2)],
        &["exports: delete A (2 objects)"],
    );
    let leaves = object(r#""state": "transferred", "transferred_to": "o""#);
    check(&format!(r#""exports": {{ "A": {leaves} }}"#), &at_a, &[("w-A", 2)], &["exports: leave A to o"]);
    let comes = object(r#""state": "expecting-transfer", "storage": "sqlite", "transfer_from": "o""#);
    let expected = ["exports: transfer A of o to A (4 objects)"];
    check(&format!(r#""exports": {{ "A": {comes} }}"#), &Ledger::default(), &[("o-A", 4)], &expected);
}

#[test]
fn a_renamed_worker_is_noticed_and_its_neighbours_are_not() {
    let keys = migrations(&[NEW_A]);
    let bound = format!(
        r#"{keys}, "durable_objects": {{ "bindings": [{{ "name": "X", "class_name": "A", "script_name": "old" }}] }}"#
    );
    let known = ledger(Some("v1"), &[("A", Storage::Sqlite)]);
    for (name, keys, ledger, on_disk, expected) in [
        ("w", &keys, &Ledger::default(), vec![("old-A", 1)], Some("old")),
        ("w", &keys, &Ledger::default(), vec![("old-A", 0)], None),
        ("w", &keys, &Ledger::default(), vec![("old-A", 1), ("w-A", 0)], None),
        ("w", &keys, &Ledger::default(), vec![("old-A", 1), ("older-A", 1)], None),
        ("w", &keys, &Ledger::default(), vec![("old-B", 1)], None),
        ("w-staging", &keys, &Ledger::default(), vec![("w-A", 1)], None),
        ("w", &keys, &known, vec![("old-A", 1)], None),
        ("w", &bound, &Ledger::default(), vec![("old-A", 1)], None),
    ] {
        let found = renamed_from(&project(name, keys), ledger, &disk(&on_disk));
        assert_eq!(found.as_deref(), expected, "{name} {on_disk:?}");
    }
}
