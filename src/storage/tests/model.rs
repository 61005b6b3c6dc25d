//! The storage of keys against a model: an ordered map with snapshots.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::storage::{ListOptions, SavepointId};

type Model = BTreeMap<String, Vec<u8>>;

#[derive(Debug, Clone)]
enum Operation {
    Put(String, Vec<u8>),
    Delete(String),
    Get(String),
    List(ListOptions),
    Iterate(ListOptions),
    Savepoint,
    Release,
    RollBackTo,
    RollBack,
    Commit,
    DeleteAll,
    Forget,
    CloseIdle,
    Reopen,
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "a", "a\0b", "aa", "ab", "b", "ż", "～", "🐢", "zz"])
        .prop_map(str::to_owned)
}

fn options() -> impl Strategy<Value = ListOptions> {
    let maybe = || prop::option::weighted(0.4, key());
    (maybe(), any::<bool>(), maybe(), maybe(), any::<bool>(), prop::option::weighted(0.3, 1u32..5)).prop_map(
        |(start, after, end, prefix, reverse, limit)| {
            let (start, start_after) = if after { (None, start) } else { (start, None) };
            ListOptions { start, start_after, end, prefix, reverse, limit }
        },
    )
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (key(), prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(key, value)| Operation::Put(key, value)),
        4 => key().prop_map(Operation::Delete),
        4 => key().prop_map(Operation::Get),
        3 => options().prop_map(Operation::List),
        2 => options().prop_map(Operation::Iterate),
        2 => Just(Operation::Savepoint),
        1 => Just(Operation::Release),
        1 => Just(Operation::RollBackTo),
        1 => Just(Operation::RollBack),
        3 => Just(Operation::Commit),
        1 => Just(Operation::DeleteAll),
        1 => Just(Operation::Forget),
        1 => Just(Operation::CloseIdle),
        1 => Just(Operation::Reopen),
    ]
}

fn expected(model: &Model, options: &ListOptions) -> Vec<(String, Vec<u8>)> {
    let matches = |key: &str| {
        options.start.as_deref().is_none_or(|start| key >= start)
            && options.start_after.as_deref().is_none_or(|after| key > after)
            && options.end.as_deref().is_none_or(|end| key < end)
            && options.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    };
    let mut rows: Vec<_> = model
        .iter()
        .filter(|(key, _)| matches(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if options.reverse {
        rows.reverse();
    }
    rows.truncate(options.limit.map_or(usize::MAX, |limit| limit as usize));
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_behave_like_an_ordered_map(operations in prop::collection::vec(operation(), 1..60)) {
        let fixture = Fixture::with_limit(2);
        let mut store = fixture.store("a");
        let mut model = Model::new();
        let mut committed = Model::new();
        let mut savepoints: Vec<(SavepointId, Model)> = Vec::new();
        for operation in operations {
            match operation {
                Operation::Put(key, value) => {
                    store.put(&key, value.clone()).unwrap();
                    model.insert(key, value);
                }
                Operation::Delete(key) => {
                    prop_assert_eq!(store.delete(&key).unwrap(), model.remove(&key).is_some());
                }
                Operation::Get(key) => prop_assert_eq!(value(&mut store, &key), model.get(&key).cloned()),
                Operation::List(options) => {
                    let rows = store.list(&options).unwrap();
                    let rows: Vec<_> = rows.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
                    prop_assert_eq!(rows, expected(&model, &options));
                }
                Operation::Iterate(options) => {
                    let mut rows = Vec::new();
                    let mut iterator = store.iterate(&options).unwrap();
                    while let Some((key, value)) = iterator.next(&mut store).unwrap() {
                        rows.push((key, value.to_vec()));
                    }
                    prop_assert_eq!(rows, expected(&model, &options));
                }
                Operation::Savepoint => savepoints.push((store.savepoint().unwrap(), model.clone())),
                Operation::Release => {
                    if let Some((id, _)) = savepoints.pop() {
                        store.release(id).unwrap();
                    }
                }
                Operation::RollBackTo => {
                    if let Some((id, before)) = savepoints.pop() {
                        store.roll_back_to(id).unwrap();
                        model = before;
                    }
                }
                Operation::RollBack => {
                    store.roll_back().unwrap();
                    savepoints.clear();
                    model = committed.clone();
                }
                Operation::Commit => {
                    store.commit().unwrap();
                    if savepoints.is_empty() {
                        committed = model.clone();
                    }
                }
                Operation::DeleteAll => {
                    if savepoints.is_empty() {
                        store.delete_all(false).unwrap();
                        model.clear();
                    } else {
                        prop_assert!(store.delete_all(false).is_err());
                    }
                }
                Operation::Forget => store.forget_reads(),
                Operation::CloseIdle => fixture.connections.close_idle(),
                Operation::Reopen => {
                    drop(store);
                    store = fixture.store("a");
                    savepoints.clear();
                    model = committed.clone();
                }
            }
        }
        for (id, _) in savepoints.into_iter().rev() {
            store.release(id).unwrap();
        }
        store.commit().unwrap();
        store.close().unwrap();
        let rows = fixture.store("a").list(&ListOptions::default()).unwrap();
        let rows: Vec<_> = rows.into_iter().map(|(key, value)| (key, value.to_vec())).collect();
        prop_assert_eq!(rows, expected(&model, &ListOptions::default()));
    }
}
