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
//! The log is also where the history of objects comes from (`history`): before it is moved into the file, the
//! commits in it are taken over.
//!
//! Invariant: a connection is closed here only while its object is between batches.

use std::cell::{Cell, RefCell, RefMut};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use super::connection::{Connection, Settings};
use super::failure::SqliteFailure;
use super::history::{Cause, HistoryOptions, Position, Recorder};
use super::sqlite::{Database, Interrupt, LogIndex, LogState, OpenMode};
use crate::base::limits;

/// Files that may wait for [`Connections::tidy`]; beyond them, making room moves logs at once.
const UNFINISHED_FILES: usize = 4_096;
/// Frames in a log at which it is moved into the file: SQLite's own figure.
const LOG_FRAMES: u32 = 1_000;
/// Longest time that a commit waits to be taken over into the history.
const HISTORY_WAIT: Duration = Duration::from_secs(1);
/// Most commits that wait: what is written to the log is read soon, while the processor still has it at hand.
const HISTORY_COMMITS: usize = 128;
/// Most objects whose history is saved at once.
const HISTORY_SLICE: usize = 4;

/// The connections of one isolate's objects.
#[derive(Debug)]
pub struct Connections {
    slots: RefCell<Vec<Rc<Slot>>>,
    /// Slots whose files have been left with a log.
    unfinished: RefCell<Vec<Rc<Slot>>>,
    clock: Cell<u64>,
    limit: usize,
    interrupt: Interrupt,
    history: Option<Rc<HistoryOptions>>,
    /// Slots with commits that are not in the history.
    waiting: RefCell<Vec<Rc<Slot>>>,
    /// Those of them whose turn it is.
    saving: RefCell<Vec<Rc<Slot>>>,
    saved_at: Cell<Duration>,
    warnings: RefCell<Vec<String>>,
}

/// The place for one object's connection.
#[derive(Debug)]
pub struct Slot {
    path: PathBuf,
    /// Whether the file was left with a log.
    unfinished: Cell<bool>,
    /// Whether this is in the list of such files.
    listed: Cell<bool>,
    /// On the heap: most objects have none.
    connection: RefCell<Option<Box<Connection>>>,
    settings: RefCell<Settings>,
    used: Cell<u64>,
    pins: Cell<usize>,
    recorder: Option<RefCell<Recorder>>,
    damaged: Cell<bool>,
    seen: RefCell<Seen>,
}

/// What an object has last seen of its file, to notice that others wrote to it.
#[derive(Debug, Default)]
struct Seen {
    index: Option<LogIndex>,
    state: LogState,
    /// Of the file and its log, while no connection is open.
    files: Option<[(u64, Option<std::time::SystemTime>); 2]>,
    /// Whether somebody else committed between the last look and our own commit.
    missed: bool,
}

impl Connections {
    /// An empty cache for [`limits::OPEN_DATABASES`] connections.
    pub fn new() -> Rc<Self> {
        Self::with_limit(limits::OPEN_DATABASES)
    }

    /// An empty cache for `limit` connections.
    pub fn with_limit(limit: usize) -> Rc<Self> {
        Self::with_history(limit, None)
    }

    /// The same, keeping the history of the objects with these options.
    pub fn with_history(limit: usize, history: Option<HistoryOptions>) -> Rc<Self> {
        Rc::new(Self {
            history: history.map(Rc::new),
            waiting: RefCell::default(),
            saving: RefCell::default(),
            saved_at: Cell::default(),
            warnings: RefCell::default(),
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
        idle.iter().for_each(|slot| self.shut(slot, true));
        let first: Vec<_> = self.waiting.borrow().iter().chain(&*self.saving.borrow()).cloned().collect();
        first.iter().filter(|slot| !slot.is_open()).for_each(|slot| self.save_now(slot, false));
        self.tidy(usize::MAX);
    }

    /// Closes every connection that no transaction or cursor pins, and leaves the logs to be moved into the files later:
    /// the files that could not be closed.
    pub fn leave_idle(&self) -> Vec<PathBuf> {
        let (idle, pinned): (Vec<_>, Vec<_>) = self.slots.take().into_iter().partition(|slot| slot.is_idle());
        let open = pinned.iter().map(|slot| slot.path.clone()).collect();
        *self.slots.borrow_mut() = pinned;
        idle.into_iter().for_each(|slot| self.shut_leaving_log(slot));
        open
    }

    /// Closes the connections to the files that `is_meant`, of objects without a store, and forgets these files. What was
    /// committed goes to the histories; logs stay, for whoever uses the files next.
    pub fn forget_where(&self, is_meant: impl Fn(&Path) -> bool) {
        let take = |list: &RefCell<Vec<Rc<Slot>>>| {
            let (meant, others): (Vec<_>, Vec<_>) =
                list.take().into_iter().partition(|slot| is_meant(&slot.path));
            *list.borrow_mut() = others;
            meant
        };
        for slot in [&self.waiting, &self.saving].into_iter().flat_map(take) {
            self.recorded(&slot, |recorder| recorder.save(slot.is_open()));
        }
        take(&self.slots).iter().for_each(|slot| self.shut(slot, false));
        drop(take(&self.unfinished));
    }

    /// When commits are to be taken over into the history, counted as `now` in [`Connections::save_history`].
    pub fn history_due(&self) -> Option<Duration> {
        if !self.saving.borrow().is_empty() {
            return Some(Duration::ZERO);
        }
        (!self.waiting.borrow().is_empty()).then(|| self.saved_at.get() + HISTORY_WAIT)
    }

    /// Takes commits that wait over into the history, if it is time: `now` is the clock's `machine()`. A few objects
    /// at once, so that nobody waits long; while others are left, it is due again at once.
    pub fn save_history(&self, now: Duration) {
        if self.history_due().is_none_or(|due| due > now) {
            return;
        }
        if self.saving.borrow().is_empty() {
            self.saved_at.set(now);
            self.saving.swap(&self.waiting);
        }
        for _ in 0..HISTORY_SLICE {
            let Some(slot) = self.saving.borrow_mut().pop() else { return };
            self.recorded(&slot, |recorder| recorder.save(slot.is_open()));
        }
    }

    /// Takes over all commits that wait, without waiting for their time.
    pub fn save_all_history(&self) {
        let waiting: Vec<_> = [&self.saving, &self.waiting].into_iter().flat_map(RefCell::take).collect();
        for slot in waiting {
            self.recorded(&slot, |recorder| recorder.save(slot.is_open()));
        }
    }

    /// Says something to be shown to whoever runs the program.
    pub(super) fn warn(&self, text: String) {
        self.warnings.borrow_mut().push(text);
    }

    /// What is to be shown since this was last asked: histories that could not be kept, files that were set aside.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.borrow_mut())
    }

    /// The place for a connection to the file `path`.
    pub(super) fn slot(&self, path: PathBuf) -> Rc<Slot> {
        let recorder = self.history.as_ref().map(|options| Recorder::new(options.clone(), path.clone()));
        Slot::new(path, recorder)
    }

    /// Does `action` with what keeps the history of the object in `slot`. An error ends it for this session.
    pub(super) fn recorded(&self, slot: &Slot, action: impl FnOnce(&mut Recorder) -> std::io::Result<()>) {
        if let Some(recorder) = &slot.recorder {
            let mut recorder = recorder.borrow_mut();
            if let Err(reason) = action(&mut recorder) {
                recorder.give_up(&reason);
                let object = slot.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let why = recorder.off().unwrap_or_default().to_owned();
                self.warn(format!("the history of object `{object}` is off: {why}"));
            }
        }
    }

    /// To be called after a commit of the object in `slot`, made by `cause`.
    pub(super) fn committed(&self, slot: &Rc<Slot>, cause: Cause) -> Result<(), SqliteFailure> {
        let connection = slot.connection.borrow();
        let Some(connection) = connection.as_ref() else { return Ok(()) };
        let salt = slot.look_after_commit();
        if slot.recorder.is_none() {
            return Ok(());
        }
        let Some(frames) = connection.database().take_frames() else { return Ok(()) };
        let mut waiting = 0;
        self.noted(slot, |recorder| waiting = recorder.note(Position { salt, frame: frames }, cause));
        if frames >= LOG_FRAMES || waiting >= HISTORY_COMMITS {
            self.save_now(slot, true);
        }
        if frames >= LOG_FRAMES {
            let (frames, moved) = connection.database().move_log()?;
            if frames == moved {
                self.recorded(slot, |recorder| recorder.moved(Some(frames)));
            }
        }
        Ok(())
    }

    /// To be called when the file of the object in `slot` was made with `bytes`, which `cause` committed; `empty` is the
    /// file without rows. Both are points of the history.
    pub(super) fn committed_first(&self, slot: &Rc<Slot>, empty: &[u8], bytes: &[u8], cause: Cause) {
        slot.look();
        self.noted(slot, |recorder| {
            recorder.made(empty);
            recorder.note_first(bytes, cause);
        });
    }

    /// Has a commit noted by `note`; it is taken over when it is time, or at once where that is urgent.
    fn noted(&self, slot: &Rc<Slot>, note: impl FnOnce(&mut Recorder)) {
        let Some(recorder) = &slot.recorder else { return };
        let mut recorder = recorder.borrow_mut();
        let listed = recorder.is_waiting();
        note(&mut recorder);
        if !listed && recorder.is_waiting() {
            self.waiting.borrow_mut().push(slot.clone());
        }
        let urgent = recorder.take_urgent();
        drop(recorder);
        if urgent {
            self.recorded(slot, |recorder| recorder.save(slot.is_open()));
        }
    }

    /// Closes the connection in `slot`. If `finish`, SQLite moves the log into the file and removes it.
    fn shut(&self, slot: &Slot, finish: bool) {
        let connection = slot.connection.borrow_mut().take();
        if let Some(connection) = connection {
            slot.settings.replace(connection.settings());
            slot.seen.borrow_mut().index = None;
            if finish {
                self.save_now(slot, true);
                drop(connection);
                self.recorded(slot, |recorder| recorder.moved(None));
            } else {
                connection.database().leave_log();
                drop(connection);
            }
            slot.look();
        }
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
            self.recorded(slot, |recorder| recorder.save(false));
            let database = Database::open(&slot.path, OpenMode::Existing, &self.interrupt)?;
            database.run("PRAGMA synchronous = NORMAL")?;
            // Closing moves the log only if the connection has seen it.
            database.integer("SELECT count(*) FROM sqlite_schema")?;
            drop(database);
            self.recorded(slot, |recorder| recorder.moved(None));
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
            self.recorded(slot, Recorder::before_open);
            let opened = Connection::open(&slot.path, &slot.settings.borrow(), &self.interrupt)?;
            if slot.recorder.is_some() {
                opened.database().watch_log();
            }
            slot.seen.borrow_mut().index = opened.database().log_index();
            *connection = Some(Box::new(opened));
            slot.look();
            self.slots.borrow_mut().push(slot.clone());
            // Its own end takes care of the log now.
            slot.unfinished.set(false);
        }
        Ok(RefMut::map(connection, |connection| &mut **connection.as_mut().expect("opened above")))
    }

    /// Closes the connection in `slot`, if there is one. What was committed is in the history then.
    pub(super) fn disconnect(&self, slot: &Rc<Slot>) {
        if slot.is_open() {
            self.slots.borrow_mut().retain(|other| !Rc::ptr_eq(other, slot));
            self.shut(slot, true);
        } else if slot.recorder.as_ref().is_some_and(|recorder| recorder.borrow().is_waiting()) {
            // The first commit needed no connection.
            self.save_now(slot, false);
        }
    }

    /// Takes the commits of the object in `slot` over into the history without waiting for their time. `open` says
    /// whether its connection is open.
    fn save_now(&self, slot: &Slot, open: bool) {
        for list in [&self.waiting, &self.saving] {
            list.borrow_mut().retain(|other| !std::ptr::eq(&**other, slot));
        }
        self.recorded(slot, |recorder| recorder.save(open));
    }

    /// Closes the connection in `slot`, if there is one, whose file is about to be removed.
    pub(super) fn discard(&self, slot: &Rc<Slot>) {
        if slot.is_open() {
            self.slots.borrow_mut().retain(|other| !Rc::ptr_eq(other, slot));
            self.shut(slot, false);
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
        if slot.listed.get() || self.unfinished.borrow().len() < UNFINISHED_FILES {
            self.shut_leaving_log(slot);
        } else {
            self.shut(&slot, true);
            slot.unfinished.set(false);
        }
    }

    fn shut_leaving_log(&self, slot: Rc<Slot>) {
        self.shut(&slot, false);
        slot.unfinished.set(true);
        if !slot.listed.replace(true) {
            self.unfinished.borrow_mut().push(slot);
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
    fn new(path: PathBuf, recorder: Option<Recorder>) -> Rc<Self> {
        Rc::new(Self {
            path,
            recorder: recorder.map(RefCell::new),
            damaged: Cell::default(),
            seen: RefCell::default(),
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

    /// Makes the next connection one with the usual settings.
    pub fn forget_settings(&self) {
        self.settings.take();
    }

    fn is_idle(&self) -> bool {
        self.pins.get() == 0 && self.connection.try_borrow().is_ok()
    }

    /// Notes that the file is no database, or contradicts itself.
    pub fn note_damage(&self) {
        self.damaged.set(true);
    }

    /// Whether the file turned out to be damaged.
    pub fn is_damaged(&self) -> bool {
        self.damaged.get()
    }

    /// What keeps the object's history, where one is kept.
    pub fn recorder(&self) -> Option<&RefCell<Recorder>> {
        self.recorder.as_ref()
    }

    /// Notes the present state of the file, to be compared by [`Slot::is_changed`].
    fn look(&self) {
        let mut seen = self.seen.borrow_mut();
        match seen.index.as_ref().map(LogIndex::state) {
            Some(state) => seen.state = state,
            None => seen.files = Some(self.files()),
        }
    }

    /// To be called after a commit of ours: the salt of the log that it went to, 0 where that is not certain.
    fn look_after_commit(&self) -> u64 {
        let mut seen = self.seen.borrow_mut();
        let Some(state) = seen.index.as_ref().map(LogIndex::state) else { return 0 };
        // One of them is ours, unless nothing was written.
        let commits = state.commits_since(&seen.state);
        seen.missed |= commits > 1;
        seen.state = state;
        if commits == 1 { state.salt() } else { 0 }
    }

    /// Whether somebody else has written to the file since the object's last commit or look.
    ///
    /// Reads memory that the processes share while a connection is open, else asks for the dates of two files.
    pub fn is_changed(&self) -> bool {
        let mut seen = self.seen.borrow_mut();
        match seen.index.as_ref().map(LogIndex::state) {
            Some(state) => {
                let differs = std::mem::replace(&mut seen.state, state) != state;
                std::mem::take(&mut seen.missed) || differs
            }
            None => {
                let before = seen.files.replace(self.files());
                before.is_some() && before != seen.files
            }
        }
    }

    fn files(&self) -> [(u64, Option<std::time::SystemTime>); 2] {
        [self.path.clone(), super::history::log_path(&self.path)].map(|path| {
            std::fs::metadata(path).map_or((0, None), |metadata| (metadata.len(), metadata.modified().ok()))
        })
    }
}
