//! Keys, values, lists, the alarm slot, and emptying an object.

use super::*;
use crate::base::clock::Timestamp;
use crate::base::ids::NamespaceKey;
use crate::storage::{AlarmIndex, IndexChange, ListOptions, StorageError};

fn keys(store: &mut ObjectStore, options: &ListOptions) -> Vec<String> {
    store.list(options).unwrap().into_iter().map(|(key, _)| key).collect()
}

#[test]
fn reading_makes_no_file() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    assert_eq!(store.get("k").unwrap(), None);
    assert_eq!(store.list(&ListOptions::default()).unwrap(), []);
    assert_eq!(store.alarm().unwrap(), None);
    assert!(!store.delete("k").unwrap());
    assert_eq!(store.recorded_name().unwrap(), None);
    assert!(!store.is_dirty());
    store.commit().unwrap();
    store.roll_back().unwrap();
    store.close().unwrap();
    assert!(!fixture.path("a").exists());
    assert!(!fixture.path("a").parent().unwrap().exists());
}

#[test]
fn keys_are_listed_in_byte_order() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    for key in ["b1", "Z", "a2", "ż", "a", "c", "b", "a1", "～", "🐢", ""] {
        store.put(key, key.as_bytes().to_vec()).unwrap();
    }
    let text = |text: &str| Some(text.to_owned());
    let all = ListOptions::default();
    let check = |options: ListOptions, store: &mut ObjectStore, expected: &[&str]| {
        assert_eq!(keys(store, &options), expected, "{options:?}");
        let mut iterator = store.iterate(&options).unwrap();
        let mut lazily = Vec::new();
        while let Some((key, value)) = iterator.next(store).unwrap() {
            assert_eq!(key.as_bytes(), &*value);
            lazily.push(key);
        }
        assert_eq!(lazily, expected, "{options:?}");
    };
    let store = &mut store;
    check(all.clone(), store, &["", "Z", "a", "a1", "a2", "b", "b1", "c", "ż", "～", "🐢"]);
    check(ListOptions { prefix: text("a"), ..all.clone() }, store, &["a", "a1", "a2"]);
    check(ListOptions { prefix: text("a"), reverse: true, ..all.clone() }, store, &["a2", "a1", "a"]);
    check(ListOptions { start: text("a1"), end: text("b1"), ..all.clone() }, store, &["a1", "a2", "b"]);
    check(ListOptions { start_after: text("b1"), limit: Some(2), ..all.clone() }, store, &["c", "ż"]);
    check(ListOptions { end: text("a1"), reverse: true, ..all.clone() }, store, &["a", "Z", ""]);
    check(ListOptions { limit: Some(2), reverse: true, ..all }, store, &["🐢", "～"]);
}

#[test]
fn an_iterator_sees_what_is_written_meanwhile() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    for key in ["a", "a1", "a2", "b", "b1", "c"] {
        store.put(key, vec![0]).unwrap();
    }
    let mut iterator = store.iterate(&ListOptions::default()).unwrap();
    let mut seen = Vec::new();
    while let Some((key, _)) = iterator.next(&mut store).unwrap() {
        if key == "a" {
            store.delete("b").unwrap();
            store.put("bb", vec![0]).unwrap();
        }
        seen.push(key);
    }
    assert_eq!(seen, ["a", "a1", "a2", "b1", "bb", "c"]);
}

#[test]
fn limits_have_the_platforms_words() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    let long = "k".repeat(2_049);
    let expected = "Keys cannot be larger than 2048 bytes. A key of size 2049 was provided.";
    assert_eq!(store.put(&long, vec![]).unwrap_err().to_string(), expected);
    assert_eq!(store.get(&long).unwrap_err().to_string(), expected);
    store.put(&long[1..], vec![]).unwrap();
    let most = 2 * 1024 * 1024 - 1;
    store.put("k", vec![0; most]).unwrap();
    store.commit().unwrap();
    assert_eq!(value(&mut fixture.store("a"), "k").map(|value| value.len()), Some(most));
    assert_eq!(store.put("k", vec![0; most + 1]), Err(StorageError::TooBig));

    let mut store = ObjectStore::new(fixture.connections.clone(), fixture.path("b"), Backend::Kv);
    store.put("k", vec![0; 131_072 + 34]).unwrap();
    assert_eq!(
        store.put("k", vec![0; 131_072 + 35]).unwrap_err().to_string(),
        "Values cannot be larger than 131072 bytes. A value of size 131107 was provided."
    );
}

#[test]
fn rolling_back_forgets_all_since_the_commit() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    store.put("k", vec![2]).unwrap();
    store.put("l", vec![2]).unwrap();
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    store.set_alarm(Some(Timestamp(5))).unwrap();
    store.roll_back().unwrap();
    assert_eq!((value(&mut store, "k"), value(&mut store, "l")), (Some(vec![1]), None));
    assert_eq!(store.alarm().unwrap(), None);
    assert_eq!(refused(&mut store, "SELECT * FROM t"), "no such table: t: SQLITE_ERROR");
    assert!(!store.is_dirty());
}

#[test]
fn emptying_takes_effect_with_the_commit_and_can_keep_the_alarm() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    rows(&mut store, "CREATE TABLE t(a)", &[]).unwrap();
    store.set_alarm(Some(Timestamp(5))).unwrap();
    store.commit().unwrap();

    store.delete_all(true).unwrap();
    assert_eq!((value(&mut store, "k"), store.alarm().unwrap()), (None, Some(Timestamp(5))));
    store.put("new", vec![2]).unwrap();
    assert_eq!(refused(&mut store, "SELECT * FROM t"), "no such table: t: SQLITE_ERROR");
    store.roll_back().unwrap();
    assert_eq!((value(&mut store, "k"), value(&mut store, "new")), (Some(vec![1]), None));
    rows(&mut store, "SELECT * FROM t", &[]).unwrap();

    store.delete_all(true).unwrap();
    store.commit().unwrap();
    assert_eq!(fixture.store("a").alarm().unwrap(), Some(Timestamp(5)));
    store.delete_all(false).unwrap();
    store.commit().unwrap();
    assert!(!fixture.path("a").exists());
    assert_eq!(fixture.store("a").alarm().unwrap(), None);
    let savepoint = store.savepoint().unwrap();
    assert_eq!(
        store.delete_all(false).unwrap_err().to_string(),
        "Cannot call deleteAll() within a transaction"
    );
    store.release(savepoint).unwrap();
}

#[test]
fn an_emptying_that_was_not_committed_is_undone_by_the_next_process() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    store.put("k", vec![1]).unwrap();
    store.commit().unwrap();
    store.delete_all(false).unwrap();
    store.put("new", vec![2]).unwrap();
    store.savepoint().unwrap();
    // The process ends here: nothing of the store's own clean-up runs.
    std::mem::forget(store);
    let mut next = fixture.store("a");
    assert_eq!((value(&mut next, "k"), value(&mut next, "new")), (Some(vec![1]), None));
}

#[test]
fn alarms_of_a_namespace_are_listed_in_order() {
    let fixture = Fixture::new();
    let namespace = NamespaceKey::new("w", "C");
    let directory = fixture.directory.path().join("do").join(namespace.as_str());
    let mut index = AlarmIndex::new(&directory);
    let (a, b) = (namespace.id_from_name("a"), namespace.id_from_name("b"));
    assert_eq!(index.list().unwrap(), []);
    assert!(!index.remove(&a).unwrap());
    assert!(!directory.exists());
    index.set(&a, Timestamp(2_000), Some("a")).unwrap();
    index.set(&b, Timestamp(1_000), None).unwrap();
    index.set(&a, Timestamp(3_000), None).unwrap();
    let mut again = AlarmIndex::new(&directory);
    let listed = again.list().unwrap();
    let short: Vec<_> = listed.iter().map(|entry| (entry.id, entry.time.0, entry.name.as_deref())).collect();
    assert_eq!(short, [(b, 1_000, None), (a, 3_000, Some("a"))]);
    assert_eq!(again.due(Timestamp(2_999)).unwrap(), listed[..1]);
    assert!(again.remove(&b).unwrap());
    assert_eq!(index.list().unwrap(), listed[1..]);
    let change = |id, time| IndexChange { id, time, name: None };
    index.apply(&[change(a, None), change(b, Some(Timestamp(5_000)))]).unwrap();
    let listed: Vec<_> = again.list().unwrap().into_iter().map(|entry| (entry.id, entry.time.0)).collect();
    assert_eq!(listed, [(b, 5_000)]);
}

#[test]
fn bookmarks_grow_and_survive() {
    let fixture = Fixture::new();
    let mut store = fixture.store("a");
    let first = store.current_bookmark().unwrap();
    assert_eq!(first, "00000000-00000000-00000000-00000000000000000000000000000000");
    let second = store.current_bookmark().unwrap();
    assert_eq!(second, "00000000-00000001-00000000-00000000000000000000000000000000");
    store.commit().unwrap();
    store.current_bookmark().unwrap();
    store.roll_back().unwrap();
    drop(store);
    let third = fixture.store("a").current_bookmark().unwrap();
    assert_eq!(&third[..17], "00000000-00000002");
}
