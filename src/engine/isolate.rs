//! One QuickJS runtime with the prelude loaded, bound to the thread that made it.
//!
//! It has a realm for each Worker that runs in it: a context with a prelude, modules and a limit of its own. Heap,
//! turns and the tables of the host are shared, values are not: what goes from one realm to another is serialized.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use rquickjs::{Context, Ctx, Function, Module, Object, Persistent, Result, Runtime, Value};

use crate::base::limits;

use super::budget::Budget;
use super::exception::{self, Exception};
use super::heap::{Heap, HeapAllocator};
use super::host::{Extension, Host, RealmId, Scope};
use super::json;
use super::loader::{
    FileModules, HOST_GLOBAL, HOST_MODULE, Hides, ModuleMap, ModuleSource, Modules, RealmModules,
};
use super::promise_owners::PromiseOwners;
use super::roots::Roots;
use super::turn::{Entered, TurnReport};
use super::watchdog::Watchdog;

/// Heap growth before the first garbage collection, bytes: most requests free all they made by
/// reference counting alone.
const GC_THRESHOLD_BYTES: usize = 8 * 1024 * 1024;

/// Limits of an isolate.
#[derive(Debug, Clone)]
pub struct IsolateOptions {
    /// CPU time of one turn.
    pub turn_cpu: Duration,
    /// Heap, bytes.
    pub memory_bytes: usize,
}

impl Default for IsolateOptions {
    fn default() -> Self {
        Self { turn_cpu: limits::TURN_CPU, memory_bytes: limits::ISOLATE_MEMORY_BYTES }
    }
}

/// One runtime, its realms, and everything the host keeps about them.
///
/// Field order is drop order: handles to values first, the runtime last, but for what its callbacks look at.
pub struct Isolate {
    handles: Handles,
    realms: Vec<Realm>,
    modules: Rc<RealmModules>,
    watchdog: Watchdog,
    options: IsolateOptions,
    heap: Rc<Heap>,
    runtime: Runtime,
    promise_owners: Rc<PromiseOwners>,
}

/// One Worker's part of an isolate.
pub(super) struct Realm {
    pub context: Context,
    /// CPU time of one turn.
    pub turn_cpu: Cell<Duration>,
    modules: Rc<ModuleMap>,
    /// The object whose properties are the host's operations.
    operations: RefCell<Option<Persistent<Object<'static>>>>,
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.operations.borrow_mut().take();
    }
}

unsafe extern "C" {
    /// Does nothing. Only the engine that `build/quickjs.rs` compiles has it: a program with another one cannot be linked.
    safe fn dodev_engine();
}

/// Clears every table of JavaScript handles when the isolate goes.
struct Handles(Rc<Host>);

impl Drop for Handles {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl Isolate {
    /// Makes a runtime and evaluates the prelude of `extensions`.
    ///
    /// # Errors
    /// A sentence saying what failed; only a defect of the prelude or lack of memory can fail here.
    pub fn new(
        host: Rc<Host>,
        extensions: &[Extension],
        options: &IsolateOptions,
    ) -> std::result::Result<Self, String> {
        let heap = Heap::new(options.memory_bytes);
        dodev_engine();
        let runtime = Runtime::new_with_alloc(HeapAllocator(heap.clone())).map_err(|e| e.to_string())?;
        runtime.set_max_stack_size(limits::ISOLATE_STACK_BYTES);
        runtime.set_gc_threshold(GC_THRESHOLD_BYTES);
        let watchdog = Watchdog::default();
        heap.watch(watchdog.clone());
        let poll = watchdog.clone();
        runtime.set_interrupt_handler(Some(Box::new(move || poll.poll_counted())));
        let promise_owners = PromiseOwners::new(&host);
        let tracker = Rc::downgrade(&promise_owners);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, handled| {
            if let Some(owners) = tracker.upgrade()
                && (handled || !owners.is_waited_for(&ctx, &promise, &reason))
            {
                owners.host().violations.track(&ctx, promise, reason, handled);
            }
        })));
        let modules = Rc::new(RealmModules::default());
        runtime.set_loader(Modules(modules.clone()), Modules(modules.clone()));
        let (handles, options) = (Handles(host), options.clone());
        let mut isolate =
            Self { handles, realms: Vec::new(), modules, watchdog, options, heap, runtime, promise_owners };
        isolate.add_realm(extensions)?;
        Ok(isolate)
    }

    /// Adds a realm with the prelude of `extensions`; its memory is added to that of the isolate.
    ///
    /// # Errors
    /// As [`Isolate::new`].
    pub fn add_realm(&mut self, extensions: &[Extension]) -> std::result::Result<RealmId, String> {
        let id = RealmId(u8::try_from(self.realms.len()).map_err(|_| "more than 256 realms")?);
        let public = extensions.iter().flat_map(|e| e.public.iter().copied()).collect();
        self.heap.set_limit(self.options.memory_bytes * (self.realms.len() + 1));
        self.realms.push(Realm {
            context: Context::full(&self.runtime).map_err(|e| e.to_string())?,
            turn_cpu: Cell::new(self.options.turn_cpu),
            modules: Rc::new(ModuleMap { public, ..ModuleMap::default() }),
            operations: RefCell::default(),
        });
        let before = self.host().scope.replace(Scope::none_of(id));
        let installed = self.realm(id).context.with(|ctx| {
            self.install_prelude(&ctx, id, extensions).map_err(|error| {
                let thrown = ctx.catch();
                format!("the prelude failed: {error}: {}", Exception::read(&ctx, &thrown))
            })
        });
        self.host().scope.set(before);
        installed.map(|()| id)
    }

    fn install_prelude(&self, ctx: &Ctx<'_>, id: RealmId, extensions: &[Extension]) -> Result<()> {
        let realm = self.realm(id);
        // SAFETY: the box is dropped after the runtime.
        unsafe { self.promise_owners.install(ctx)? };
        json::install(ctx)?;
        self.modules.set(ctx, realm.modules.clone());
        if id == RealmId::FIRST {
            ctx.store_userdata(FileModules::new(self.modules.clone(), self.host()))
                .map_err(|_| rquickjs::Error::new_loading("modules of files"))?;
            ctx.store_userdata(Budget::new(self.heap.clone(), self.watchdog.clone()))
                .map_err(|_| rquickjs::Error::new_loading("the budget"))?;
        }
        let object = Object::new(ctx.clone())?;
        self.install_basics(ctx, id, &object)?;
        for extension in extensions {
            (extension.install)(ctx, &object, self.host())?;
        }
        ctx.globals().set(HOST_GLOBAL, object.clone())?;
        *realm.operations.borrow_mut() = Some(Persistent::save(ctx, object));
        evaluate(ctx, HOST_MODULE)?;
        ctx.globals().remove(HOST_GLOBAL)?;
        evaluate(ctx, "dodev:engine/errors")?;
        for name in extensions.iter().flat_map(|e| e.eager) {
            evaluate(ctx, name)?;
        }
        Ok(())
    }

    /// Operations that every prelude needs: `host.entry(name, function)` registers what turns call,
    /// `host.lazy(module)` evaluates a rare prelude module on first use and gives its namespace,
    /// `host.mapStack(text)` maps a stack's positions.
    fn install_basics<'js>(&self, ctx: &Ctx<'js>, id: RealmId, object: &Object<'js>) -> Result<()> {
        let host = Rc::downgrade(self.host());
        let register = move |ctx: Ctx<'js>, name: String, function: Function<'js>| {
            if let Some(host) = host.upgrade() {
                host.add_entry(id, name, Persistent::save(&ctx, function));
            }
        };
        object.set("entry", Function::new(ctx.clone(), register)?)?;
        object.set("lazy", Function::new(ctx.clone(), lazy)?)?;
        let host = Rc::downgrade(self.host());
        let map = move |stack: String| match host.upgrade() {
            Some(host) => host.map_stack(&stack),
            None => stack,
        };
        object.set("mapStack", Function::new(ctx.clone(), map)?)?;
        Ok(())
    }

    /// Adds operations that are known only now to the `host` object of the prelude of `realm`.
    pub fn install(&self, realm: RealmId, add: impl for<'js> FnOnce(&Ctx<'js>, &Object<'js>) -> Result<()>) {
        let realm = self.realm(realm);
        realm.context.with(|ctx| {
            let operations = realm.operations.borrow().clone();
            let operations = operations.expect("set when the isolate was made");
            let object = operations.restore(&ctx).expect("it belongs to this isolate");
            add(&ctx, &object).expect("setting properties of a plain object cannot throw");
        });
    }

    /// Limits the CPU time of the turns to come in `realm`.
    pub fn set_turn_cpu(&self, realm: RealmId, limit: Duration) {
        self.realm(realm).turn_cpu.set(limit);
    }

    /// Hides the public modules that `hidden` names from the user code of `realm`.
    pub fn hide_modules(&self, realm: RealmId, hidden: Hides) {
        self.realm(realm).modules.hidden.set(Some(hidden));
    }

    /// Gives the user modules of `realm` URLs, which `import.meta` and messages name.
    pub fn name_modules_by_url(&self, realm: RealmId) {
        self.realm(realm).modules.by_url.set(true);
    }

    /// Gives `realm` its user modules; they are loaded when first imported.
    pub fn set_user_modules(&self, realm: RealmId, modules: HashMap<String, ModuleSource>) {
        *self.realm(realm).modules.user.borrow_mut() = modules;
    }

    /// Compiles a module of `realm` before its turn to be loaded; whether the engine accepts it. Then [`Isolate::load`]
    /// takes it, under its name and in place of whatever text it has by then. It gets no `import.meta`.
    pub fn compile_ahead(&self, realm: RealmId, name: &str, code: &[u8]) -> bool {
        let accepted = Cell::new(false);
        let report = self.turn(Scope::none_of(realm), |ctx| {
            match Module::declare(ctx.clone(), name, code) {
                Ok(_) => accepted.set(true),
                // It is told when the module is loaded.
                Err(_) => drop(ctx.catch()),
            }
            Entered::Done
        });
        accepted.get() && !report.cpu_exceeded && !report.memory_exceeded
    }

    /// Evaluates the user's `entry` module of `realm` in one turn and hands its namespace to `done`.
    ///
    /// `done` gets the namespace, or what was thrown. It is called when top-level `await` is over.
    pub fn load(
        &self,
        realm: RealmId,
        entry: &str,
        done: impl for<'js> FnOnce(&Ctx<'js>, std::result::Result<Object<'js>, Value<'js>>) + 'static,
    ) -> TurnReport {
        entry.clone_into(&mut self.realm(realm).modules.main.borrow_mut());
        self.turn(Scope::none_of(realm), |ctx| {
            let promise = Module::import(ctx, entry).map(|promise| promise.into_value());
            Entered::Root(
                promise,
                Box::new(move |ctx, result| match result {
                    Ok(namespace) => match namespace.into_object() {
                        Some(namespace) => done(ctx, Ok(namespace)),
                        None => done(ctx, Err(Value::new_undefined(ctx.clone()))),
                    },
                    Err(thrown) => done(ctx, Err(thrown)),
                }),
            )
        })
    }

    /// What host operations share.
    pub fn host(&self) -> &Rc<Host> {
        &self.handles.0
    }

    /// Promises that calls from the host wait for.
    pub fn roots(&self) -> &Roots {
        &self.handles.0.roots
    }

    /// Heap in use, bytes. Walks the whole heap.
    pub fn memory_bytes(&self) -> u64 {
        u64::try_from(self.runtime.memory_usage().memory_used_size).unwrap_or(0)
    }

    /// How often JavaScript was entered.
    pub fn turns(&self) -> u64 {
        self.host().turns.get()
    }

    /// How often the engine asked whether to stop: once in ten thousand calls and loops.
    pub fn polls(&self) -> u64 {
        self.watchdog.polls()
    }

    /// Collects cyclic garbage. For quiet moments.
    pub fn collect_garbage(&self) {
        self.runtime.run_gc();
    }

    /// What it uses and may use.
    pub fn heap(&self) -> &Heap {
        &self.heap
    }

    /// Runs `turn`, in which only the host's own code runs: it cannot fail for lack of memory.
    pub fn without_limit<R>(&self, turn: impl FnOnce(&Self) -> R) -> R {
        self.heap.without_limit(|| turn(self))
    }

    /// Whether the running turn has used too much CPU time. Looks at the clock; for long work of the host's own.
    pub fn overrun_question(&self) -> Rc<dyn Fn() -> bool> {
        let watchdog = self.watchdog.clone();
        Rc::new(move || watchdog.poll())
    }

    /// Ends turns at once while another thread has raised `hurry`.
    pub fn obey(&self, hurry: Arc<AtomicBool>) {
        self.watchdog.obey(hurry);
    }

    /// The realms, in the order in which they were added.
    pub fn realms(&self) -> impl Iterator<Item = RealmId> + use<> {
        (0..self.realms.len()).map(|number| RealmId(u8::try_from(number).expect("few realms")))
    }

    pub(super) fn realm(&self, id: RealmId) -> &Realm {
        &self.realms[usize::from(id.0)]
    }

    pub(super) fn promise_owners(&self) -> &PromiseOwners {
        &self.promise_owners
    }

    pub(super) fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }
}

fn evaluate<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Object<'js>> {
    let promise = Module::import(ctx, name)?;
    promise.finish::<Object<'js>>()
}

/// Evaluates the prelude module `name` now and returns its namespace.
///
/// Invariant: callers keep the namespace, and no eager module imports a lazy one: each call makes a new
/// instance of the module.
pub fn lazy<'js>(ctx: Ctx<'js>, name: String) -> Result<Object<'js>> {
    let Some(bytecode) = super::prelude::bytecode(&name) else {
        return Err(exception::throw(&ctx, &super::OpError::new(format!("no prelude module {name}"))));
    };
    let (module, promise) = super::loader::load_bytecode(&ctx, bytecode)?.eval()?;
    promise.result::<()>().unwrap_or(Ok(()))?;
    module.namespace()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::OwnerId;

    fn isolate() -> Isolate {
        Isolate::new(Host::detached(), &[], &IsolateOptions::default()).expect("an isolate")
    }

    fn run(isolate: &Isolate, source: &str) -> TurnReport {
        let modules = [("index.js".to_owned(), ModuleSource::EsModule(source.to_owned().into()))];
        isolate.set_user_modules(RealmId::FIRST, modules.into());
        isolate.load(RealmId::FIRST, "index.js", |ctx, result| {
            if let Err(thrown) = result {
                panic!("{}", Exception::read(ctx, &thrown));
            }
        })
    }

    #[test]
    fn what_was_compiled_ahead_runs_in_place_of_its_text() {
        let isolate = isolate();
        let code = b"globalThis.seen = [globalThis.before, 'ahead']; export const own = 1;";
        assert!(isolate.compile_ahead(RealmId::FIRST, "index.js", code));
        isolate.turn(Scope::none_of(RealmId::FIRST), |ctx| {
            assert_eq!(ctx.eval::<String, _>("typeof seen").ok().as_deref(), Some("undefined"), "it runs");
            ctx.globals().set("before", "late").expect("a global");
            Entered::Done
        });
        run(&isolate, "globalThis.seen = 'the text';");
        isolate.turn(Scope::none_of(RealmId::FIRST), |ctx| {
            assert_eq!(ctx.eval::<String, _>("String(seen)").ok().as_deref(), Some("late,ahead"));
            Entered::Done
        });
    }

    #[test]
    fn functions_keep_their_text_and_not_the_data_around_them() {
        let isolate = isolate();
        let data = "x".repeat(8 << 20);
        run(&isolate, "globalThis.first = () => () => 1;");
        let before = isolate.memory_bytes();
        let module = format!("globalThis.kept = () => () => 2; /* {data} */");
        assert!(isolate.compile_ahead(RealmId::FIRST, "data.js", module.as_bytes()));
        isolate.load(RealmId::FIRST, "data.js", |_, result| assert!(result.is_ok()));
        isolate.turn(Scope::none_of(RealmId::FIRST), |ctx| {
            let texts = ctx.eval::<Vec<String>, _>("[first, first(), kept, kept()].map(String)").ok();
            let expected = ["() => () => 1", "() => 1", "() => () => 2", "() => 2"].map(str::to_owned);
            assert_eq!(texts.as_deref(), Some(&expected[..]));
            Entered::Done
        });
        let after = isolate.memory_bytes();
        assert!(after < before + (data.len() / 2) as u64, "{before} bytes became {after}");
    }

    #[test]
    fn what_cannot_be_compiled_ahead_is_refused_without_a_word() {
        let isolate = isolate();
        assert!(!isolate.compile_ahead(RealmId::FIRST, "index.js", b"let let = 1;"));
        assert!(!isolate.compile_ahead(RealmId::FIRST, "index.js", b"'\xff'"));
        let report = run(&isolate, "globalThis.seen = 'the text';");
        assert!(report.uncaught.is_empty());
        isolate.turn(Scope::none_of(RealmId::FIRST), |ctx| {
            assert_eq!(ctx.eval::<String, _>("seen").ok().as_deref(), Some("the text"));
            Entered::Done
        });
    }

    #[test]
    fn unhandled_rejections_are_reported_and_handled_ones_are_not() {
        let isolate = isolate();
        let report = run(
            &isolate,
            "Promise.reject(new TypeError('lost'));
             const later = Promise.reject(new Error('kept'));
             await null; later.catch(() => {});",
        );
        let lines: Vec<_> = report.uncaught.iter().map(Exception::headline).collect();
        assert_eq!(lines, ["TypeError: lost"]);
    }

    #[test]
    fn a_looping_turn_is_ended_and_the_isolate_lives_on() {
        let options = IsolateOptions { turn_cpu: Duration::from_millis(20), ..IsolateOptions::default() };
        let isolate = Isolate::new(Host::detached(), &[], &options).expect("an isolate");
        let scope = Scope { owner: OwnerId(1), section: super::super::SectionId(0) };
        let report = isolate.turn(scope, |ctx| {
            let result = ctx.eval::<Value<'_>, _>("try { for (;;) {} } finally { globalThis.seen = true }");
            Entered::Root(result, Box::new(|_, result| assert!(result.is_err())))
        });
        assert!(report.cpu_exceeded);
        let report = isolate.turn(scope, |ctx| {
            assert_eq!(ctx.eval::<bool, _>("globalThis.seen === undefined").ok(), Some(true));
            Entered::Done
        });
        assert!(!report.cpu_exceeded);
    }

    #[test]
    fn roots_settle_in_the_turn_that_resolves_them() {
        use std::cell::RefCell;
        let isolate = isolate();
        let scope = Scope { owner: OwnerId(1), section: super::super::SectionId(0) };
        let seen = Rc::new(RefCell::new(Vec::new()));
        let log = seen.clone();
        isolate.turn(scope, move |ctx| {
            let promise = ctx.eval("new Promise((resolve) => { globalThis.go = resolve })");
            Entered::Root(promise, Box::new(move |_, result| log.borrow_mut().push(result.is_ok())))
        });
        assert!(seen.borrow().is_empty());
        assert!(isolate.roots().any_of(OwnerId(1)));
        isolate.turn(scope, |ctx| {
            ctx.eval::<(), _>("go(1)").expect("a call");
            Entered::Done
        });
        assert_eq!(*seen.borrow(), [true]);
    }

    #[test]
    fn realms_have_globals_modules_and_limits_of_their_own() {
        let mut isolate = isolate();
        let second = isolate.add_realm(&[]).expect("a realm");
        assert_eq!(isolate.realms().collect::<Vec<_>>(), [RealmId::FIRST, second]);
        isolate.set_turn_cpu(second, Duration::from_millis(20));
        for realm in isolate.realms() {
            let source = format!("globalThis.mark = (globalThis.mark ?? '') + '{}'", realm.0);
            isolate.set_user_modules(
                realm,
                [("index.js".to_owned(), ModuleSource::EsModule(source.into()))].into(),
            );
            isolate.load(realm, "index.js", |_, result| assert!(result.is_ok()));
        }
        for realm in isolate.realms() {
            let scope = Scope { owner: OwnerId::of(realm, 7), section: super::super::SectionId(0) };
            assert!(!scope.owner.is_none() && scope.owner.realm() == realm);
            isolate.turn(scope, |ctx| {
                assert_eq!(ctx.eval::<String, _>("mark").ok(), Some(realm.0.to_string()));
                Entered::Done
            });
            let report = isolate.turn(scope, |ctx| {
                let busy = "const end = Date.now() + 200; while (Date.now() < end) {}";
                Entered::Root(ctx.eval::<Value<'_>, _>(busy), Box::new(|_, _| {}))
            });
            assert_eq!(report.cpu_exceeded, realm == second);
        }
    }

    #[test]
    fn roots_that_settle_elsewhere_are_handed_out_in_their_own_realm() {
        let mut isolate = isolate();
        let second = isolate.add_realm(&[]).expect("a realm");
        let scope = Scope { owner: OwnerId::of(second, 1), section: super::super::SectionId(0) };
        let seen = Rc::new(Cell::new(None));
        let (note, host) = (seen.clone(), isolate.host().clone());
        isolate.turn(scope, move |ctx| {
            let promise = ctx.eval("new Promise((resolve) => { globalThis.go = resolve })");
            Entered::Root(promise, Box::new(move |_, _| note.set(Some(host.realm()))))
        });
        isolate.turn(Scope::none_of(second), |ctx| {
            ctx.eval::<(), _>("go(1)").expect("a call");
            Entered::Done
        });
        assert_eq!(seen.get(), None);
        assert!(isolate.sweep());
        assert_eq!(seen.get(), Some(second));
    }

    #[test]
    fn user_code_cannot_import_the_prelude() {
        let isolate = isolate();
        isolate.set_user_modules(
            RealmId::FIRST,
            [("index.js".to_owned(), ModuleSource::EsModule("import 'dodev:host'".into()))].into(),
        );
        let failed = Rc::new(std::cell::Cell::new(false));
        let note = failed.clone();
        isolate.load(RealmId::FIRST, "index.js", move |_, result| note.set(result.is_err()));
        assert!(failed.get());
    }
}
