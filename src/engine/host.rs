//! What one isolate's host operations share: who is running, what is pending, where logs go.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Persistent, Result, Value};

use crate::base::clock::Clock;

use super::bodies::Bodies;
use super::clone::ErrorForm;
use super::exception::throw;
use super::kept::Kept;
use super::ops::{Completer, Completion, OpError, Ops};
use super::pipe::Reason;
use super::places::{Places, first_of};
use super::roots::Roots;
use super::running::Running;
use super::timers::Timers;
use super::turn::Violations;

/// A part of the platform: host operations in Rust, and the prelude modules that use them.
#[derive(Clone, Copy)]
pub struct Extension {
    /// Adds this extension's operations to the `host` object that prelude modules import.
    pub install: for<'js> fn(&Ctx<'js>, &Object<'js>, &Rc<Host>) -> Result<()>,
    /// Prelude modules to evaluate when an isolate starts, in order.
    pub eager: &'static [&'static str],
    /// Names that user code may import → the prelude modules behind them.
    pub public: &'static [(&'static str, &'static str)],
}

/// One Worker's part of an isolate: a global object, a prelude and modules of its own. The first is number 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RealmId(pub u8);

impl RealmId {
    /// The realm that every isolate has.
    pub const FIRST: Self = Self(0);
}

/// On whose behalf a turn runs: a stateless request, or one awake object. Never reused. The upper byte is the number of
/// the realm that it runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(pub u64);

/// Where the realm stands in an owner's number.
const REALM_SHIFT: u32 = 56;

impl OwnerId {
    /// The owner of what runs outside any event, in the first realm: the evaluation of modules.
    pub const NONE: Self = Self(0);

    /// The owner numbered `serial` in `realm`.
    pub fn of(realm: RealmId, serial: u64) -> Self {
        debug_assert!(serial >> REALM_SHIFT == 0, "fewer than 2^56 owners");
        Self((u64::from(realm.0) << REALM_SHIFT) | serial)
    }

    /// The owner of what runs outside any event in `realm`.
    pub fn none_of(realm: RealmId) -> Self {
        Self::of(realm, 0)
    }

    /// Whether it runs outside any event.
    pub fn is_none(self) -> bool {
        self.serial() == 0
    }

    /// Its number in its realm; 0 outside any event.
    pub fn serial(self) -> u64 {
        self.0 & ((1 << REALM_SHIFT) - 1)
    }

    /// Where it runs.
    pub fn realm(self) -> RealmId {
        RealmId((self.0 >> REALM_SHIFT) as u8)
    }
}

/// A critical section of an object's input gate; 0 is outside all sections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SectionId(pub u32);

/// Owner and critical section of the running turn, inherited by every operation that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Who is running.
    pub owner: OwnerId,
    /// The critical section it runs in.
    pub section: SectionId,
}

impl Scope {
    /// The scope of module evaluation.
    pub const NONE: Self = Self { owner: OwnerId::NONE, section: SectionId(0) };

    /// The scope of module evaluation in `realm`.
    pub fn none_of(realm: RealmId) -> Self {
        Self { owner: OwnerId::none_of(realm), section: SectionId(0) }
    }
}

/// Who wrote a log line: the Worker, or an object of a class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The stateless Worker.
    Worker,
    /// The stateless Worker of this name, where several run.
    OneOf(String),
    /// An object: its class, and its name or the start of its id.
    Object {
        /// Name of the class.
        class: String,
        /// Name of the object, or the first digits of its id.
        name: String,
    },
}

/// The `console` method that wrote a line, or `Uncaught` for errors nobody caught.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// `console.debug`, `console.trace`
    Debug,
    /// `console.log`
    Log,
    /// `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
    /// An exception or rejection that nobody handled.
    Uncaught,
}

/// One thing to show to the developer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Who wrote it.
    pub origin: Origin,
    /// How.
    pub level: LogLevel,
    /// The formatted text, without a final line break.
    pub text: String,
}

/// What is thrown in the global scope by everything that needs a request or an object.
///
/// Fidelity: recorded from wrangler 4.164.0 (`fixtures/global-scope`).
const GLOBAL_SCOPE: &str = "Disallowed operation called within global scope. Asynchronous I/O (ex: fetch() or \
    connect()), setting a timeout, and generating random values are not allowed within global scope. To fix this \
    error, perform this operation within a handler. https://developers.cloudflare.com/workers/runtime-apis/handlers/";

/// The entry functions that the prelude of each realm registers, by what they are for.
pub type Entries = RefCell<Vec<Vec<(String, Persistent<Function<'static>>)>>>;

/// Takes values that JavaScript gives as reasons out of one isolate and into another.
pub trait Reasons {
    /// See [`Host::pack`].
    fn pack<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>, thrown: bool) -> Option<Reason>;
    /// See [`Host::unpack`].
    fn unpack<'js>(&self, ctx: &Ctx<'js>, reason: &Reason) -> Option<Value<'js>>;
}

/// Rewrites a stack trace's positions from the bundle's to the user's files.
type MapStack = Box<dyn Fn(&str) -> String>;

/// Modules of a Worker are being evaluated.
pub struct GlobalScope(Rc<Host>);

impl Drop for GlobalScope {
    fn drop(&mut self) {
        self.0.evaluates.set(false);
    }
}

/// Shared by all host operations of one isolate; lives on its thread.
pub struct Host {
    /// The scope of the running turn.
    pub scope: Running,
    /// How many turns there were, with the running one.
    pub turns: Cell<u64>,
    /// Whether the call into JavaScript was ended by the watchdog.
    pub interrupted: Cell<bool>,
    /// Operations that JavaScript waits for.
    pub ops: Ops,
    /// Promises that calls from the host wait for.
    pub roots: Roots,
    /// Bodies that JavaScript reads and writes.
    pub bodies: Bodies,
    /// Where operations and timers began.
    pub places: Rc<Places>,
    /// Timers that JavaScript set.
    pub timers: RefCell<Timers>,
    /// Source of time.
    pub clock: Clock,
    /// Finished operations enter the isolate's mailbox here, from any thread.
    pub completer: Completer,
    /// Exceptions and rejections that nobody handled during the running turn.
    pub violations: Violations,
    /// What weak references gave out during the running turn.
    pub kept: Kept,
    /// Functions of the prelude that turns call.
    pub entries: Entries,
    /// Where log records go.
    pub log: Box<dyn Fn(LogRecord)>,
    /// Whether modules of a Worker are being evaluated, in what the platform calls the global scope.
    evaluates: Cell<bool>,
    own_dir: RefCell<Option<PathBuf>>,
    reasons: RefCell<Option<Rc<dyn Reasons>>>,
    origin: RefCell<Box<dyn Fn(OwnerId) -> Origin>>,
    alive: RefCell<Box<dyn Fn(OwnerId) -> bool>>,
    /// By realm; those without one show stacks as they are.
    map_stack: RefCell<Vec<Option<MapStack>>>,
    /// Realms whose errors are serialized in the older form.
    native_errors: RefCell<Vec<RealmId>>,
}

impl Host {
    /// Makes the shared state of one isolate.
    pub fn new(clock: Clock, completer: Completer, log: Box<dyn Fn(LogRecord)>) -> Rc<Self> {
        let places = Rc::new(Places::default());
        let host = Rc::new(Self {
            scope: Running::default(),
            turns: Cell::new(0),
            interrupted: Cell::new(false),
            evaluates: Cell::new(false),
            ops: Ops::new(places.clone()),
            places,
            roots: Roots::default(),
            bodies: Bodies::default(),
            timers: RefCell::default(),
            clock,
            completer,
            violations: Violations::default(),
            kept: Kept::default(),
            entries: RefCell::default(),
            log,
            own_dir: RefCell::default(),
            reasons: RefCell::default(),
            origin: RefCell::new(Box::new(|_| Origin::Worker)),
            alive: RefCell::new(Box::new(|_| true)),
            map_stack: RefCell::default(),
            native_errors: RefCell::default(),
        });
        let weak = Rc::downgrade(&host);
        host.places.set_find(move |ctx| {
            let host = weak.upgrade()?;
            let stack: String = host.entry(ctx, "stack").ok()?.call(()).ok()?;
            first_of(&host.map_stack(&stack))
        });
        host
    }

    /// A host for isolates that no server owns: nothing is logged, nothing completes from outside.
    pub fn detached() -> Rc<Self> {
        Self::new(Clock::system(), Completer::new(|_: Completion| {}), Box::new(|_| {}))
    }

    /// Sets the directory for what only dodev keeps.
    pub fn set_own_dir(&self, directory: PathBuf) {
        *self.own_dir.borrow_mut() = Some(directory);
    }

    /// The directory for what only dodev keeps; `None` where nothing is kept.
    pub fn own_dir(&self) -> Option<PathBuf> {
        self.own_dir.borrow().clone()
    }

    /// Sets who names the owner of the running turn in log records.
    pub fn set_origin(&self, origin: impl Fn(OwnerId) -> Origin + 'static) {
        *self.origin.borrow_mut() = Box::new(origin);
    }

    /// Sets what tells whether an owner still exists.
    pub fn set_alive(&self, alive: impl Fn(OwnerId) -> bool + 'static) {
        *self.alive.borrow_mut() = Box::new(alive);
    }

    /// Sets who takes reasons out of JavaScript and in again.
    pub fn set_reasons(&self, reasons: Rc<dyn Reasons>) {
        *self.reasons.borrow_mut() = Some(reasons);
    }

    /// `value` in a form that may go to another isolate: as what was `thrown`, or as it is; nothing if it cannot be told.
    pub fn pack<'js>(&self, ctx: &Ctx<'js>, value: &Value<'js>, thrown: bool) -> Option<Reason> {
        let reasons = self.reasons.borrow().clone()?;
        reasons.pack(ctx, value, thrown)
    }

    /// What [`Host::pack`] made, as a value of this isolate.
    pub fn unpack<'js>(&self, ctx: &Ctx<'js>, reason: &Reason) -> Option<Value<'js>> {
        let reasons = self.reasons.borrow().clone()?;
        reasons.unpack(ctx, reason)
    }

    /// Whether `owner` still exists: its request is not over, its object was not reset or evicted.
    pub fn is_alive(&self, owner: OwnerId) -> bool {
        (self.alive.borrow())(owner)
    }

    /// Sets what rewrites a stack trace's positions from the bundle's of `realm` to the user's files.
    pub fn set_map_stack(&self, realm: RealmId, map: impl Fn(&str) -> String + 'static) {
        let mut maps = self.map_stack.borrow_mut();
        let place = usize::from(realm.0);
        if maps.len() <= place {
            maps.resize_with(place + 1, || None);
        }
        maps[place] = Some(Box::new(map));
    }

    /// The stack trace `stack` of the running turn with positions in the user's files.
    pub fn map_stack(&self, stack: &str) -> String {
        let maps = self.map_stack.borrow();
        let map = maps.get(usize::from(self.realm().0)).and_then(Option::as_ref);
        map.map_or_else(|| stack.to_owned(), |map| map(stack))
    }

    /// Sets how errors of `realm` are serialized.
    pub fn set_error_form(&self, realm: RealmId, form: ErrorForm) {
        let mut native = self.native_errors.borrow_mut();
        native.retain(|other| *other != realm);
        if form == ErrorForm::Native {
            native.push(realm);
        }
    }

    /// How the running turn serializes errors.
    pub fn error_form(&self) -> ErrorForm {
        match self.native_errors.borrow().contains(&self.realm()) {
            true => ErrorForm::Native,
            false => ErrorForm::HostObject,
        }
    }

    /// Whether any realm serializes errors in the older form.
    pub fn knows_native_errors(&self) -> bool {
        !self.native_errors.borrow().is_empty()
    }

    /// Whether the running turn evaluates a Worker's modules, on behalf of no request and no object.
    pub fn in_global_scope(&self) -> bool {
        self.evaluates.get() && self.scope.get().owner.is_none()
    }

    /// Modules of a Worker are evaluated from now on, until the result is dropped.
    #[must_use]
    pub fn enter_global_scope(self: &Rc<Self>) -> GlobalScope {
        self.evaluates.set(true);
        GlobalScope(self.clone())
    }

    /// Throws in the global scope, where nothing may be done that needs a request or an object.
    pub fn require_event(&self, ctx: &Ctx<'_>) -> Result<()> {
        match self.in_global_scope() {
            true => Err(throw(ctx, &OpError::new(GLOBAL_SCOPE))),
            false => Ok(()),
        }
    }

    /// The realm of the running turn.
    pub fn realm(&self) -> RealmId {
        self.scope.get().owner.realm()
    }

    /// Registers the entry function `name` of `realm`.
    pub(super) fn add_entry(&self, realm: RealmId, name: String, function: Persistent<Function<'static>>) {
        let mut entries = self.entries.borrow_mut();
        let place = usize::from(realm.0);
        if entries.len() <= place {
            entries.resize_with(place + 1, Vec::new);
        }
        entries[place].push((name, function));
    }

    /// Logs `text` on behalf of the running turn's owner.
    pub fn write_log(&self, level: LogLevel, text: String) {
        let origin = (self.origin.borrow())(self.scope.get().owner);
        (self.log)(LogRecord { origin, level, text });
    }

    /// The entry function that the prelude of the running turn's realm registered as `name`.
    pub fn entry<'js>(&self, ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
        let entries = self.entries.borrow();
        let (_, function) = entries[usize::from(self.realm().0)]
            .iter()
            .find(|(n, _)| *n == name)
            .unwrap_or_else(|| panic!("the prelude registers the entry `{name}` when it is evaluated"));
        function.clone().restore(ctx)
    }

    /// Drops every handle to a JavaScript value; must happen before the runtime is freed.
    pub(super) fn clear(&self) {
        self.ops.clear();
        self.places.clear();
        self.roots.clear();
        self.entries.borrow_mut().clear();
        self.violations.clear();
        self.kept.clear();
        *self.origin.borrow_mut() = Box::new(|_| Origin::Worker);
        *self.alive.borrow_mut() = Box::new(|_| true);
    }
}
