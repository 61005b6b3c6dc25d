//! The data of the objects of one isolate: a store per awake object, and which of them wrote.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use crate::base::ids::ObjectId;
use crate::base::limits;
use crate::storage::history::{CauseKind, HistoryOptions};
use crate::storage::{Backend, CommitError, Connections, ObjectStore, StorageError, facet_path};

use super::actor::{Namespace, Slot};
use super::demand::Extent;
use super::event::Event;

/// Path and query of a URL.
fn path_of(url: &str) -> &str {
    let after = url.find("://").map_or(0, |at| at + 3);
    url[after..].find('/').map_or("/", |at| &url[after + at..])
}

/// The store of one object.
pub type Store = Rc<RefCell<ObjectStore>>;

/// The stores by slot. An object has one while it is awake.
pub struct Stores {
    directory: PathBuf,
    connections: Rc<Connections>,
    open: RefCell<Vec<Option<Store>>>,
    touched: RefCell<Vec<Slot>>,
    commits: Cell<u64>,
}

impl Stores {
    /// Stores below `directory`, which holds one directory per namespace, with their `history` if one is to be kept.
    pub fn new(directory: PathBuf, history: Option<HistoryOptions>) -> Self {
        Self {
            directory,
            connections: Connections::with_history(limits::OPEN_DATABASES, history),
            open: RefCell::default(),
            touched: RefCell::default(),
            commits: Cell::default(),
        }
    }

    /// The file of an object.
    pub(super) fn path_of(&self, namespace: &Namespace, id: ObjectId) -> PathBuf {
        self.directory.join(namespace.key.as_str()).join(format!("{id}.sqlite"))
    }

    /// A store of what is in the file `path`, which no object has awake.
    pub(super) fn at(&self, path: PathBuf) -> Store {
        self.new_store(path, true, None)
    }

    fn new_store(&self, path: PathBuf, sqlite: bool, name: Option<&str>) -> Store {
        let backend = if sqlite { Backend::Sqlite } else { Backend::Kv };
        let mut store = ObjectStore::new(self.connections.clone(), path, backend);
        if let Some(name) = name {
            store = store.with_name(name);
        }
        Rc::new(RefCell::new(store))
    }

    /// Makes the store of an object that wakes, or of its facet numbered `facet`; reads nothing yet, unless an earlier state is to be brought back:
    /// whether it was.
    pub(super) fn open(
        &self,
        slot: Slot,
        namespace: &Namespace,
        id: ObjectId,
        facet: u16,
        name: Option<&str>,
    ) -> Result<bool, StorageError> {
        let store = match facet {
            0 => self.detached(namespace, id, name),
            _ => self.new_store(facet_path(&self.path_of(namespace, id), facet), namespace.sqlite, None),
        };
        let restored = store.borrow_mut().begin_session();
        store.borrow_mut().begin_event(CauseKind::Constructor, |_| {});
        let mut open = self.open.borrow_mut();
        let index = slot.0 as usize;
        if open.len() <= index {
            open.resize_with(index + 1, || None);
        }
        open[index] = Some(store);
        restored
    }

    /// An event begins that may write to the object in `slot`.
    pub(super) fn begin_event(&self, slot: Slot, event: &Event) {
        let Some(store) = self.get(slot) else { return };
        let Ok(mut store) = store.try_borrow_mut() else { return };
        match event {
            Event::Fetch { request, .. } | Event::FetchEntrypoint { request, .. } => {
                store.begin_event(CauseKind::Request, |detail| {
                    detail.push_str(request.method.as_str());
                    detail.push(' ');
                    detail.push_str(path_of(&request.url));
                });
            }
            Event::Call { path, .. }
            | Event::CallExport { path, .. }
            | Event::CallEntrypoint { path, .. } => {
                store.begin_event(CauseKind::Rpc, |detail| detail.push_str(&path.join(".")));
            }
            Event::Alarm { .. } => store.begin_event(CauseKind::Alarm, |_| {}),
            Event::Socket(_) => store.begin_event(CauseKind::Socket, |_| {}),
            Event::Farewell(_) => {
                store.begin_event(CauseKind::Rpc, |detail| detail.push_str("[onHibernate]"))
            }
            Event::Timer(_) => store.begin_event(CauseKind::Timer, |_| {}),
            Event::Control(call) => {
                store.begin_event(CauseKind::Command, |detail| call.change.describe(detail));
            }
            // They go on with what one of the others began.
            Event::Answer { .. }
            | Event::Complete(_)
            | Event::Leave { .. }
            | Event::DropExport { .. }
            | Event::Scheduled { .. } => {
                store.notice_changes();
            }
        }
    }

    /// Takes commits over into the history when it is time.
    pub fn save_history(&self, now: Duration) {
        self.connections.save_history(now);
    }

    /// Takes all commits over into the history now.
    pub(super) fn save_all_history(&self) {
        self.connections.save_all_history();
    }

    /// When [`Stores::save_history`] wants to be called.
    pub fn history_due(&self) -> Option<Duration> {
        self.connections.history_due()
    }

    /// What went wrong with the history since this was last asked.
    pub fn take_warnings(&self) -> Vec<String> {
        self.connections.take_warnings()
    }

    /// A store of an object that is asleep; reads nothing yet.
    pub(super) fn detached(&self, namespace: &Namespace, id: ObjectId, name: Option<&str>) -> Store {
        self.new_store(self.path_of(namespace, id), namespace.sqlite, name)
    }

    /// Whether an object has a file with data.
    pub(super) fn is_stored(&self, namespace: &Namespace, id: ObjectId) -> bool {
        self.path_of(namespace, id).metadata().is_ok_and(|metadata| metadata.len() > 0)
    }

    /// The objects that have something to commit in this batch.
    pub(super) fn dirty(&self) -> Vec<Slot> {
        let mut slots = self.touched.borrow().clone();
        slots.sort_unstable_by_key(|slot| slot.0);
        slots.dedup();
        slots.retain(|slot| self.is_dirty(*slot));
        slots
    }

    /// The store of the object in `slot`, while it is awake.
    pub fn get(&self, slot: Slot) -> Option<Store> {
        self.open.borrow().get(slot.0 as usize)?.clone()
    }

    /// Notes that the object in `slot` may have written in the running batch.
    pub fn touch(&self, slot: Slot) {
        let mut touched = self.touched.borrow_mut();
        if touched.last() != Some(&slot) {
            touched.push(slot);
        }
    }

    /// Whether the object in `slot` has writes that are not committed.
    pub(super) fn is_dirty(&self, slot: Slot) -> bool {
        self.get(slot).is_some_and(|store| store.borrow().is_dirty())
    }

    /// Commits every object that wrote in this batch; gives the objects whose commit failed.
    pub(super) fn commit_all(&self) -> Vec<(Slot, CommitError)> {
        let mut touched = std::mem::take(&mut *self.touched.borrow_mut());
        let failures = touched
            .iter()
            .filter_map(|slot| {
                let store = self.get(*slot)?;
                let result = store.borrow_mut().commit();
                result.err().map(|error| (*slot, error))
            })
            .collect();
        self.commits.set(self.commits.get() + touched.len() as u64);
        touched.clear();
        // Keep the allocation for the next batch.
        let mut place = self.touched.borrow_mut();
        if place.is_empty() {
            *place = touched;
        }
        failures
    }

    /// Commits so far.
    pub(super) fn commits(&self) -> u64 {
        self.commits.get()
    }

    /// Closes the store of an object that goes to sleep; uncommitted writes are rolled back.
    pub(super) fn close(&self, slot: Slot) {
        let store = self.open.borrow_mut().get_mut(slot.0 as usize).and_then(Option::take);
        if let Some(store) = store {
            // A file that cannot be closed well is found again, or reported, when it is opened next.
            let _ = store.borrow_mut().close();
        }
    }

    /// Closes the store of an object that sleeps for want of work, without the cost of finishing its file.
    pub(super) fn leave(&self, slot: Slot) {
        let store = self.open.borrow_mut().get_mut(slot.0 as usize).and_then(Option::take);
        if let Some(store) = store {
            // As above.
            let _ = store.borrow_mut().leave();
        }
    }

    /// Closes the files of the objects of `extent` as far as they are still open, and forgets them.
    pub(super) fn forget_files(&self, extent: &Extent) {
        self.connections.forget_where(|path| {
            let namespace = path.parent().and_then(|parent| parent.file_name()?.to_str());
            let id = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            match (namespace, id) {
                (Some(namespace), Some(id)) => extent.covers(&(namespace.to_owned(), id)),
                _ => false,
            }
        });
    }

    /// Closes all files without moving their logs; those that could not be closed. Their objects stay usable.
    pub(super) fn leave_files(&self) -> Vec<PathBuf> {
        self.connections.leave_idle()
    }

    /// Closes all stores and connections: nothing but the database files is left.
    pub fn close_all(&self) {
        let count = u32::try_from(self.open.borrow().len()).expect("slots are numbered by u32");
        (0..count).map(Slot).for_each(|slot| self.close(slot));
        self.connections.close_idle();
    }
}
