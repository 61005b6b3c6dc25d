//! A project goes through create, rename, transfer, delete and undo. Values, alarms, retries of alarms and
//! history are looked at after every step, and the process ends before every single file operation.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{A_TO_B, NEW_A, migrations, project};
use crate::base::clock::{Clock, Timestamp};
use crate::base::ids::{NamespaceKey, ObjectId};
use crate::migrate::apply::{MigrateError, Migrator};
use crate::migrate::files::Files;
use crate::migrate::ledger::Ledger;
use crate::project::Project;
use crate::storage::{AlarmIndex, AlarmRetries, Backend, Connections, FormerIds, ObjectStore, StoredRetry};

const RETRY: StoredRetry = StoredRetry {
    scheduled: Timestamp(5_000),
    due: Timestamp(9_000),
    counted: 2,
    backoff: 2,
    last_counted: true,
};

fn clock() -> Clock {
    Clock::manual(Timestamp(1_000))
}

/// A directory in memory, where there is such: these tests wait for the disk for nearly all of their time.
fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Stores an object with a value, an alarm with a retry, a history file and a facet.
fn store(root: &Path, namespace: &str, id: ObjectId, name: Option<&str>, value: &str) {
    let directory = root.join("do").join(namespace);
    let path = directory.join(format!("{id}.sqlite"));
    let mut store = ObjectStore::new(Connections::new(), path, Backend::Sqlite);
    if let Some(name) = name {
        store = store.with_name(name);
    }
    store.put("value", value.as_bytes().to_vec()).unwrap();
    store.set_alarm(Some(RETRY.scheduled)).unwrap();
    store.commit().unwrap();
    store.close().unwrap();
    AlarmIndex::new(&directory).set(&id, RETRY.scheduled, name).unwrap();
    let own = root.join("dodev");
    AlarmRetries::new(&own).put(namespace, &id, RETRY).unwrap();
    let history = own.join("history").join(namespace);
    fs::create_dir_all(&history).unwrap();
    fs::write(history.join(format!("{id}.log")), value).unwrap();
    fs::write(directory.join(format!("{id}.1.sqlite")), value).unwrap();
}

/// Everything that a state directory holds, by namespace and id.
fn look(root: &Path) -> BTreeMap<String, String> {
    let mut seen = BTreeMap::new();
    let own = root.join("dodev");
    let Ok(entries) = fs::read_dir(root.join("do")) else { return seen };
    for entry in entries {
        let directory = entry.unwrap().path();
        let namespace = directory.file_name().unwrap().to_string_lossy().into_owned();
        let retries: BTreeMap<_, _> = AlarmRetries::new(&own).list(&namespace).unwrap().into_iter().collect();
        let alarms = AlarmIndex::new(&directory).list().unwrap();
        let alarms: BTreeMap<_, _> = alarms.iter().map(|entry| (entry.id, entry.time)).collect();
        for (id, rest) in crate::migrate::rename_ids::files_by_id(&directory).unwrap() {
            if rest != ".sqlite" {
                continue;
            }
            let path = directory.join(format!("{id}.sqlite"));
            let mut store = ObjectStore::new(Connections::new(), path, Backend::Sqlite);
            let value = store.get("value").unwrap().unwrap();
            let value = String::from_utf8(value.to_vec()).unwrap();
            let history = own.join("history").join(&namespace).join(format!("{id}.log"));
            assert_eq!(fs::read_to_string(&history).ok().as_ref(), Some(&value), "history of {value}");
            let facet = fs::read_to_string(directory.join(format!("{id}.1.sqlite"))).ok();
            assert_eq!(facet.as_ref(), Some(&value), "facet of {value}");
            assert_eq!(store.alarm().unwrap(), Some(RETRY.scheduled), "alarm of {value}");
            assert_eq!(alarms.get(&id), Some(&RETRY.scheduled), "listed alarm of {value}");
            assert_eq!(retries.get(&id), Some(&RETRY), "retry of {value}");
            assert!(NamespaceKey::of(&namespace).owns(&id), "{value} can be addressed");
            seen.insert(format!("{namespace}/{id}"), value);
        }
    }
    seen
}

fn at(namespace: &str, id: ObjectId) -> String {
    format!("{namespace}/{id}")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

type Act<'a> = &'a dyn Fn(&Migrator) -> Result<(), MigrateError>;

/// Does `act` on copies of `root`, ended before each file operation, and at last on `root` itself. After each
/// crash and recovery the state is the old or the new one, and another run ends with the new one.
fn cut_everywhere(root: &Path, act: Act<'_>) {
    let whole = scratch();
    copy(root, whole.path());
    let before = (look(root), Ledger::read(&root.join("dodev")).unwrap());
    act(&Migrator::with_files(whole.path(), clock(), Files::default())).unwrap();
    let after = (look(whole.path()), Ledger::read(&whole.path().join("dodev")).unwrap());
    let mut operations = 0;
    loop {
        let scratch = self::scratch();
        copy(root, scratch.path());
        let cut = Migrator::with_files(scratch.path(), clock(), Files::ending_after(operations));
        if act(&cut).is_ok() {
            break;
        }
        // The process that recovers may end as well.
        let recovering = Files::ending_after(operations % 4);
        drop(Migrator::with_files(scratch.path(), clock(), recovering).recover());
        Migrator::with_files(scratch.path(), clock(), Files::default()).recover().unwrap();
        let found = (look(scratch.path()), Ledger::read(&scratch.path().join("dodev")).unwrap());
        assert!(found == before || found == after, "after {operations} operations: {found:#?}");
        if found != after {
            act(&Migrator::with_files(scratch.path(), clock(), Files::default())).unwrap();
            let found = (look(scratch.path()), Ledger::read(&scratch.path().join("dodev")).unwrap());
            assert_eq!(found, after, "a second run finishes what ended after {operations} operations");
        }
        assert!(!scratch.path().join("dodev/journal.json").exists());
        assert!(!scratch.path().join("dodev/moving").exists());
        operations += 1;
    }
    assert!(operations > 1, "there was something to cut");
    act(&Migrator::with_files(root, clock(), Files::default())).unwrap();
}

/// Applies the first migration that is pending.
fn migrate(project: &Project) -> impl Fn(&Migrator) -> Result<(), MigrateError> + '_ {
    |migrator| {
        let plan = migrator.plan(project, None)?;
        assert!(plan.errors.is_empty(), "{:?}", plan.errors);
        migrator.adopt(&project.name, &plan.adopted)?;
        let first = plan.pending.first().expect("something is pending");
        migrator.apply(&project.name, first).map(drop)
    }
}

fn undo(worker: &str) -> impl Fn(&Migrator) -> Result<(), MigrateError> + '_ {
    |migrator| migrator.undo(worker).map(drop)
}

#[test]
fn a_project_walks_through_its_life() {
    let state = scratch();
    let root = state.path();
    let [a, b, c] = ["w-A", "w-B", "x-C"].map(NamespaceKey::of);
    let named = |key: &NamespaceKey| key.id_from_name("n");
    let unnamed = a.unique_id([7; 16]);
    let both = |key: &NamespaceKey| {
        let of = |id, value: &str| (at(key.as_str(), id), value.to_owned());
        BTreeMap::from([of(named(key), "named"), of(key.resign(&unnamed), "unnamed")])
    };

    let created = project("w", &migrations(&[NEW_A]));
    cut_everywhere(root, &migrate(&created));
    store(root, "w-A", named(&a), Some("n"), "named");
    store(root, "w-A", unnamed, None, "unnamed");
    assert_eq!(look(root), both(&a));

    let renamed = project("w", &migrations(&[NEW_A, A_TO_B]));
    cut_everywhere(root, &migrate(&renamed));
    assert_eq!(look(root), both(&b));
    let former = FormerIds::read(&FormerIds::path(&root.join("dodev"), "w-B")).unwrap();
    assert_eq!(former.present(&b, &named(&a)), Some(named(&b)), "ids that the program stored stay valid");
    assert_eq!(former.present(&b, &unnamed), Some(b.resign(&unnamed)));

    cut_everywhere(root, &undo("w"));
    assert_eq!(look(root), both(&a), "the very same ids again");
    cut_everywhere(root, &migrate(&renamed));

    let transfer = r#""transferred_classes": [{ "from": "B", "from_script": "w", "to": "C" }]"#;
    let other = project("x", &migrations(&[("x1", transfer)]));
    cut_everywhere(root, &migrate(&other));
    assert_eq!(look(root), both(&c));
    let ledger = Ledger::read(&root.join("dodev")).unwrap();
    assert!(ledger.workers["w"].classes.is_empty(), "the class has left the other Worker");
    assert_eq!(ledger.workers["x"].classes.len(), 1);

    let deleted = ("x2", r#""deleted_classes": ["C"]"#);
    let again = ("x3", r#""new_sqlite_classes": ["C"]"#);
    let gone = project("x", &migrations(&[("x1", transfer), deleted, again]));
    cut_everywhere(root, &migrate(&gone));
    cut_everywhere(root, &migrate(&gone));
    assert_eq!(look(root), BTreeMap::new());
    let young = c.id_from_name("young");
    store(root, "x-C", young, Some("young"), "young");

    cut_everywhere(root, &undo("x"));
    assert_eq!(look(root), BTreeMap::new(), "the class that was made anew is gone");
    cut_everywhere(root, &undo("x"));
    assert_eq!(look(root), both(&c), "what was deleted is back");
    migrate(&gone)(&Migrator::new(root, clock())).unwrap();
    cut_everywhere(root, &migrate(&gone));
    assert_eq!(look(root), BTreeMap::from([(at("x-C", young), "young".to_owned())]), "as before the undoing");

    let pruner = Migrator::new(root, clock());
    assert_eq!(pruner.prune().unwrap().len(), 1);
    assert_eq!(pruner.prune().unwrap(), []);
    assert!(!root.join("dodev/copies").exists());
    pruner.undo("x").unwrap();
    let refused = pruner.undo("x").unwrap_err();
    assert!(matches!(refused, MigrateError::Pruned { .. }), "{refused}");
}

#[test]
fn what_is_in_the_way_is_put_aside_and_comes_back() {
    let state = scratch();
    let root = state.path();
    let [a, b] = ["w-A", "w-B"].map(|key| (key, NamespaceKey::of(key)));
    migrate(&project("w", &migrations(&[NEW_A])))(&Migrator::new(root, clock())).unwrap();
    store(root, a.0, a.1.id_from_name("n"), Some("n"), "old");
    store(root, b.0, b.1.id_from_name("n"), Some("n"), "in the way");
    let before = look(root);
    cut_everywhere(root, &migrate(&project("w", &migrations(&[NEW_A, A_TO_B]))));
    assert_eq!(look(root), BTreeMap::from([(at(b.0, b.1.id_from_name("n")), "old".to_owned())]));
    cut_everywhere(root, &undo("w"));
    assert_eq!(look(root), before);
}

#[test]
fn classes_swap_their_names_in_one_migration() {
    let state = scratch();
    let root = state.path();
    let two = ("v1", r#""new_sqlite_classes": ["A", "B"]"#);
    let swap = (
        "v2",
        r#""deleted_classes": ["B"], "renamed_classes": [{ "from": "A", "to": "B" }], "new_sqlite_classes": ["A"]"#,
    );
    let [a, b] = ["w-A", "w-B"].map(|key| (key, NamespaceKey::of(key)));
    migrate(&project("w", &migrations(&[two])))(&Migrator::new(root, clock())).unwrap();
    store(root, a.0, a.1.id_from_name("n"), Some("n"), "goes on");
    store(root, b.0, b.1.id_from_name("n"), Some("n"), "goes");
    let before = look(root);
    cut_everywhere(root, &migrate(&project("w", &migrations(&[two, swap]))));
    assert_eq!(look(root), BTreeMap::from([(at(b.0, b.1.id_from_name("n")), "goes on".to_owned())]));
    cut_everywhere(root, &undo("w"));
    assert_eq!(look(root), before);
}

#[test]
fn a_renamed_worker_keeps_its_state() {
    let state = scratch();
    let root = state.path();
    let old = NamespaceKey::of("old-A");
    let new = NamespaceKey::of("new-A");
    // Nobody kept a ledger: wrangler wrote it.
    store(root, "old-A", old.id_from_name("n"), Some("n"), "kept");
    let renamed = project("new", &migrations(&[NEW_A]));
    assert_eq!(Migrator::new(root, clock()).renamed_from(&renamed).unwrap().as_deref(), Some("old"));
    Migrator::new(root, clock()).carry_over(&renamed, "old").unwrap();
    assert_eq!(look(root), BTreeMap::from([(at("new-A", new.id_from_name("n")), "kept".to_owned())]));
    assert!(Migrator::new(root, clock()).plan(&renamed, None).unwrap().is_empty());
    cut_everywhere(root, &undo("new"));
    assert_eq!(look(root), BTreeMap::from([(at("old-A", old.id_from_name("n")), "kept".to_owned())]));
}
