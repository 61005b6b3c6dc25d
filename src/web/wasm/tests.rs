//! What the host sees of WebAssembly: time, memory, and what is given back.

use std::time::Duration;

use super::group::number;
use crate::engine::loader::ModuleSource;
use crate::engine::turn::TurnReport;
use crate::engine::{Host, Isolate, IsolateOptions, RealmId};

/// A memory of 16 pages, a function that never ends, and one that calls the import `env.f` and is called `go`.
const MODULE: &str = "const module = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,
    1,4,1,0x60,0,0, 2,9,1,3,101,110,118,1,102,0,0, 3,3,2,0,0, 5,3,1,0,16,
    7,19,3,4,108,111,111,112,0,1,2,103,111,0,2,3,109,101,109,2,0,
    10,14,2,7,0,3,0x40,12,0,11,11,4,0,0x10,0,11]));
    const make = (f = () => {}) => new WebAssembly.Instance(module, { env: { f } }).exports;";

fn isolate() -> Isolate {
    Isolate::new(Host::detached(), super::super::EXTENSIONS, &IsolateOptions::default()).expect("an isolate")
}

fn run(isolate: &Isolate, source: &str) -> (TurnReport, Result<(), String>) {
    let source = format!("{MODULE} {source}");
    isolate.set_user_modules(
        RealmId::FIRST,
        [("index.js".to_owned(), ModuleSource::EsModule(source.into()))].into(),
    );
    let outcome = std::rc::Rc::new(std::cell::RefCell::new(Err("never ended".to_owned())));
    let note = outcome.clone();
    let report = isolate.load(RealmId::FIRST, "index.js", move |ctx, result| {
        *note.borrow_mut() = match result {
            Ok(_) => Ok(()),
            Err(thrown) => Err(crate::engine::exception::Exception::read(ctx, &thrown).headline()),
        };
    });
    let outcome = outcome.borrow().clone();
    (report, outcome)
}

#[test]
fn an_endless_loop_is_ended_like_one_of_javascript() {
    for source in [
        "make().loop()",
        "try { make().loop() } finally { while (true) {} }",
        "make(() => { while (true) {} }).go()",
    ] {
        let isolate = isolate();
        isolate.set_turn_cpu(RealmId::FIRST, Duration::from_millis(50));
        let (report, _) = run(&isolate, source);
        assert!(report.cpu_exceeded, "{source}");
    }
}

#[test]
fn what_nobody_holds_is_given_back() {
    let isolate = isolate();
    // A hundred instances of a megabyte each, in a cycle with the closure that they call.
    let source = "let sizes = 0;
        for (let n = 0; n < 100; n++) { const one = make(() => one.mem); one.go(); sizes += one.mem.buffer.byteLength }
        if (sizes !== 100 * 1048576) throw new Error(`${sizes}`)";
    let before = isolate.heap().used();
    for _ in 0..2 {
        let isolate = &isolate;
        isolate.collect_garbage();
    }
    let (_, outcome) = run(&isolate, source);
    isolate.collect_garbage();
    assert!(outcome.is_ok(), "{outcome:?}");
    let kept = isolate.heap().used().saturating_sub(before);
    assert!(kept < 4 << 20, "{kept}");
}

#[test]
fn memory_is_charged_to_the_isolate() {
    let isolate = isolate();
    let source = "globalThis.kept = []; try { while (true) kept.push(make()) } catch (error) {
        if (!(error instanceof RangeError) || kept.length < 90 || kept.length > 128) throw error;
        if (error.message !== 'WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance') throw error;
    }";
    let (_, outcome) = run(&isolate, source);
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(isolate.heap().used() > 90 << 20);
}

#[test]
fn a_call_that_an_exception_left_is_forgotten() {
    let isolate = isolate();
    let source = "const one = make(() => { throw new Error('left') });
        for (let n = 0; n < 1000; n++) try { one.go() } catch (error) { if (error.message !== 'left') throw error }";
    let (_, outcome) = run(&isolate, source);
    assert!(outcome.is_ok(), "{outcome:?}");
}

/// On a stack like that of a world's thread, which the engine's limit is made for.
#[test]
fn recursion_through_both_ends_as_in_javascript() {
    let thread = std::thread::Builder::new().stack_size(crate::base::limits::ISOLATE_THREAD_STACK_BYTES);
    let thread = thread.spawn(|| {
        let source = "const one = make(() => one.go());
            let caught; try { one.go() } catch (error) { caught = error }
            if (!(caught instanceof RangeError) || caught.message !== 'Maximum call stack size exceeded') throw caught;
            let calls = 0; const two = make(() => { calls++ }); two.go(); if (calls !== 1) throw new Error(`${calls}`)";
        run(&isolate(), source).1
    });
    let outcome = thread.expect("a thread").join().expect("no panic");
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn a_broken_file_is_named() {
    let isolate = isolate();
    let source = "import broken from './0123456789012345678901234567890123456789-a.wasm'";
    let modules = [
        ("index.js".to_owned(), ModuleSource::EsModule(source.into())),
        (
            "0123456789012345678901234567890123456789-a.wasm".to_owned(),
            ModuleSource::Wasm(std::sync::Arc::new(b"\0asm\x02".to_vec())),
        ),
    ];
    isolate.set_user_modules(RealmId::FIRST, modules.into());
    isolate.load(RealmId::FIRST, "index.js", |ctx, result| {
        let text = crate::engine::exception::Exception::read(ctx, &result.expect_err("no module")).headline();
        assert!(text.starts_with("CompileError: a.wasm: "), "{text}");
    });
}

#[test]
fn handles_print_their_numbers() {
    let engine = wasmi::Engine::default();
    let mut store = wasmi::Store::new(&engine, ());
    let first = number(&wasmi::Func::wrap(&mut store, || {}));
    let second = number(&wasmi::Func::wrap(&mut store, || {}));
    assert_eq!(second, first + 1);
}
