//! The open connections of one isolate: a cache with a limit.
//!
//! An open database costs 69 KB and two file descriptors; an object without one costs next to
//! nothing. So objects borrow a connection, and when too many are open the one that was used
//! longest ago is closed, unless a transaction or a cursor pins it.
//!
//! Moving the log into the file needs syncs, some milliseconds on a disk, which a batch that only
//! needs room must not wait for. So a connection closed for room leaves its log, which is as safe,
//! and [`Connections::tidy`] finishes the work when there is nothing else to do.
//!
//! Invariant: a connection is closed here only while its object is between batches.

use std::cell::{Cell, RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::connection::{Connection, Settings};
use super::failure::SqliteFailure;
use super::sqlite::{Database, Interrupt, OpenMode};
use crate::base::limits;

/// Files that may wait for [`Connections::tidy`]; beyond them, making room moves logs at once.
const UNFINISHED_FILES: usize = 4_096;

/// The connections of one isolate's objects.
#[derive(Debug)]
pub struct Connections {
    slots: RefCell<Vec<Rc<Slot>>>,
    /// Slots whose files have been left with a log.
    unfinished: RefCell<Vec<Rc<Slot>>>,
    clock: Cell<u64>,
    limit: usize,
    interrupt: Interrupt,
}

/// The place for one object's connection.
#[derive(Debug)]
pub struct Slot {
    path: PathBuf,
    /// Whether the file was left with a log.
    unfinished: Cell<bool>,
    /// Whether this is in the list of such files.
    listed: Cell<bool>,
    connection: RefCell<Option<Connection>>,
    settings: RefCell<Settings>,
    used: Cell<u64>,
    pins: Cell<usize>,
}

impl Connections {
    /// An empty cache for [`limits::OPEN_DATABASES`] connections.
    pub fn new() -> Rc<Self> {
        Self::with_limit(limits::OPEN_DATABASES)
    }

    /// An empty cache for `limit` connections.
    pub fn with_limit(limit: usize) -> Rc<Self> {
        Rc::new(Self {
            slots: RefCell::default(),
            unfinished: RefCell::default(),
            clock: Cell::new(0),
            limit: limit.max(1),
            interrupt: Interrupt::default(),
        })
    }

    /// The flag that ends running statements with `SQLITE_INTERRUPT`, for a watchdog on another
    /// thread. Whoever raises it lowers it again when the statement has ended.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    /// Number of connections that are open now.
    pub fn open_count(&self) -> usize {
        self.slots.borrow().len()
    }

    /// Closes every connection that no transaction or cursor pins, and finishes what was left;
    /// their objects stay usable.
    pub fn close_idle(&self) {
        let idle: Vec<_> = {
            let mut slots = self.slots.borrow_mut();
            let (idle, pinned) = slots.drain(..).partition(|slot| slot.is_idle());
            *slots = pinned;
            idle
        };
        idle.iter().for_each(|slot| slot.shut(true));
        self.tidy(usize::MAX);
    }

    /// Moves the logs of at most `most` files into them that were left when room was needed: whether
    /// more are waiting. Costs some milliseconds per file on a disk.
    ///
    /// A file that cannot be finished keeps its log, which is valid state; its next use reports the
    /// reason.
    pub fn tidy(&self, most: usize) -> bool {
        for _ in 0..most {
            let Some(slot) = self.unfinished.borrow_mut().pop() else { return false };
            slot.listed.set(false);
            let _ = self.finish(&slot);
        }
        !self.unfinished.borrow().is_empty()
    }

    /// Moves the log of the file in `slot` into it, if it was left.
    pub(super) fn finish(&self, slot: &Rc<Slot>) -> Result<(), SqliteFailure> {
        if slot.unfinished.get() && !slot.is_open() {
            slot.unfinished.set(false);
            let database = Database::open(&slot.path, OpenMode::Existing, &self.interrupt)?;
            database.run("PRAGMA synchronous = NORMAL")?;
            // Closing moves the log only if the connection has seen it.
            database.integer("SELECT count(*) FROM sqlite_schema")?;
        }
        Ok(())
    }

    /// The connection in `slot`, opened if it is not.
    pub(super) fn connect<'a>(&self, slot: &'a Rc<Slot>) -> Result<RefMut<'a, Connection>, SqliteFailure> {
        self.clock.set(self.clock.get() + 1);
        slot.used.set(self.clock.get());
        let mut connection = slot.connection.borrow_mut();
        if connection.is_none() {
            self.make_room();
            *connection = Some(Connection::open(&slot.path, &slot.settings.borrow(), &self.interrupt)?);
            self.slots.borrow_mut().push(slot.clone());
            // Its own end takes care of the log now.
            slot.unfinished.set(false);
        }
        Ok(RefMut::map(connection, |connection| connection.as_mut().expect("opened above")))
    }

    /// Closes the connection in `slot`, if there is one.
    pub(super) fn disconnect(&self, slot: &Rc<Slot>) {
        if slot.is_open() {
            self.slots.borrow_mut().retain(|other| !Rc::ptr_eq(other, slot));
            slot.shut(true);
        }
    }

    /// Closes the connection in `slot`, if there is one, and leaves its log to be moved into the file later: that
    /// would cost some milliseconds now.
    pub(super) fn leave(&self, slot: &Rc<Slot>) {
        if slot.is_open() {
            self.slots.borrow_mut().retain(|other| !Rc::ptr_eq(other, slot));
            self.shut_later(slot.clone());
        }
    }

    /// Closes the connection in `slot`; its log is left if not too many are.
    fn shut_later(&self, slot: Rc<Slot>) {
        let mut unfinished = self.unfinished.borrow_mut();
        let leave = slot.listed.get() || unfinished.len() < UNFINISHED_FILES;
        slot.shut(!leave);
        slot.unfinished.set(leave);
        if leave && !slot.listed.replace(true) {
            unfinished.push(slot);
        }
    }

    fn make_room(&self) {
        let mut slots = self.slots.borrow_mut();
        while slots.len() >= self.limit {
            let oldest = slots
                .iter()
                .enumerate()
                .filter(|(_, slot)| slot.is_idle())
                .min_by_key(|(_, slot)| slot.used.get())
                .map(|(index, _)| index);
            // All pinned: better one too many than a lost transaction.
            let Some(oldest) = oldest else { return };
            self.shut_later(slots.swap_remove(oldest));
        }
    }
}

impl Slot {
    /// The place for a connection to the file `path`.
    pub fn new(path: PathBuf) -> Rc<Self> {
        Rc::new(Self {
            path,
            unfinished: Cell::default(),
            listed: Cell::default(),
            connection: RefCell::default(),
            settings: RefCell::default(),
            used: Cell::default(),
            pins: Cell::default(),
        })
    }

    /// The object's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the connection open until [`Slot::unpin`] was called as often.
    pub fn pin(&self) {
        self.pins.set(self.pins.get() + 1);
    }

    /// Takes back one [`Slot::pin`].
    pub fn unpin(&self) {
        self.pins.set(self.pins.get().saturating_sub(1));
    }

    /// Whether a connection is open.
    pub fn is_open(&self) -> bool {
        self.connection.borrow().is_some()
    }

    fn is_idle(&self) -> bool {
        self.pins.get() == 0 && self.connection.try_borrow().is_ok()
    }

    /// Closes the connection. If `finish`, SQLite moves the log into the file and removes it.
    fn shut(&self, finish: bool) {
        if let Some(connection) = self.connection.borrow_mut().take() {
            self.settings.replace(connection.settings());
            if !finish {
                connection.database().leave_log();
            }
        }
    }
}
