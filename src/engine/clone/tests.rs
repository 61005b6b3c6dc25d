//! JavaScript values against the bytes that the platform has for them, both ways, and against the tree.

use rquickjs::{CatchResultExt, Context, Ctx, Object, Runtime, Value};

use super::*;
use crate::base::limits;
use crate::codec::samples::{REFUSED, REFUSED_BY_RPC, STORED, STORED_LEGACY};

fn in_engine<T>(test: impl FnOnce(Ctx<'_>) -> T) -> T {
    let runtime = Runtime::new().unwrap();
    Context::full(&runtime).unwrap().with(test)
}

fn eval<'js>(ctx: &Ctx<'js>, source: &str) -> Value<'js> {
    match ctx.eval::<Value, _>(format!("({source})")).catch(ctx) {
        Ok(value) => value,
        Err(error) => panic!("{source}: {error}"),
    }
}

fn bytes_of<'js>(value: &Value<'js>, hosts: &dyn HostObjects<'js>) -> Result<Vec<u8>, CloneError> {
    let mut out = Vec::new();
    serialize(value.ctx(), value, hosts, &mut out).map(|()| out)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const STORAGE: NoHosts = NoHosts(ErrorForm::HostObject);

struct Rpc;

impl HostObjects<'_> for Rpc {
    fn policy(&self) -> Policy {
        Policy::RPC
    }
}

fn check_written(samples: &[(&str, &str)], hosts: &NoHosts) {
    let mut wrong = Vec::new();
    for (source, expected) in samples {
        let found = in_engine(|ctx| match bytes_of(&eval(&ctx, source), hosts) {
            Ok(bytes) => hex(&bytes),
            Err(error) => format!("{error} {:?}", ctx.catch().as_exception().map(|e| e.message())),
        });
        if found != *expected {
            wrong.push(format!("{source}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn writes_what_the_platform_writes() {
    check_written(STORED, &STORAGE);
}

#[test]
fn writes_the_plainest_values() {
    check_written(
        &[
            ("true", "ff0f54"),
            ("false", "ff0f46"),
            ("null", "ff0f30"),
            ("undefined", "ff0f5f"),
            ("7", "ff0f490e"),
            ("-1", "ff0f4901"),
            ("1.5", "ff0f4e000000000000f83f"),
            ("0.5 + 0.5", "ff0f4902"),
            ("''", "ff0f2200"),
            ("'abc'", "ff0f2203616263"),
            ("{a: 1}", "ff0f6f22016149027b01"),
            ("[]", "ff0f4100240000"),
        ],
        &STORAGE,
    );
}

#[test]
fn writes_errors_as_older_workers_do() {
    check_written(STORED_LEGACY, &NoHosts(ErrorForm::Native));
}

#[test]
fn reads_what_the_platform_wrote() {
    for (errors, samples) in [(ErrorForm::HostObject, STORED), (ErrorForm::Native, STORED_LEGACY)] {
        for (source, bytes) in samples {
            in_engine(|ctx| {
                let value = deserialize(&ctx, &from_hex(bytes), &STORAGE);
                if errors == ErrorForm::HostObject && source.contains("e.cause=e") {
                    // The platform cannot read these two either.
                    assert!(matches!(value, Err(CloneError::Corrupt(_))), "{source}");
                    return;
                }
                if errors == ErrorForm::HostObject && source.contains("e.message=5") {
                    assert!(matches!(value, Err(CloneError::DataClone(_))), "{source}");
                    return;
                }
                let value = value.unwrap_or_else(|error| panic!("{source} {bytes}: {error}"));
                let written = hex(&bytes_of(&value, &NoHosts(errors)).unwrap());
                // Not again the same: an array is not frozen any more, a hole makes it sparse, and what was written of
                // an error is its own and enumerable now.
                let changed = ["freeze", "a.length=1", "Error"].iter().any(|word| source.contains(word));
                assert!(changed || written == *bytes, "{source}\n  {bytes}\n  {written}");
            });
        }
    }
}

#[test]
fn refuses_with_the_words_of_the_platform() {
    let mut wrong = Vec::new();
    for (samples, hosts) in [(REFUSED, &STORAGE as &dyn for<'js> HostObjects<'js>), (REFUSED_BY_RPC, &Rpc)] {
        for (source, expected) in samples {
            let found = in_engine(|ctx| match bytes_of(&eval(&ctx, source), hosts) {
                Err(CloneError::DataClone(message)) => message,
                other => format!("{other:?} {:?}", ctx.catch()),
            });
            if found != *expected {
                wrong.push(format!("{source}\n  expected {expected}\n  found    {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Evaluates `source` with `value` bound to the clone of `of`.
fn check_clone(of: &str, source: &str) {
    in_engine(|ctx| {
        let bytes = bytes_of(&eval(&ctx, of), &STORAGE).unwrap();
        let value = deserialize(&ctx, &bytes, &STORAGE).unwrap();
        ctx.globals().set("value", value).unwrap();
        let holds: bool = eval(&ctx, source).get().unwrap();
        assert!(holds, "{of}: {source}");
    });
}

#[test]
fn clones_keep_identity_and_kind() {
    for (of, source) in [
        (
            "{a: 1, get b() { return this.a + 1 }}",
            "value.b === 2 && Object.getOwnPropertyDescriptor(value, 'b').value === 2",
        ),
        ("(() => { const o = {}; o.self = o; return o })()", "value.self === value"),
        (
            "(() => { const o = {}; return [o, {o}, new Map([[o, o]])] })()",
            "value[0] === value[1].o && value[2].get(value[0]) === value[0]",
        ),
        ("JSON.parse('{\"__proto__\": 1}')", "Object.hasOwn(value, '__proto__') && value.__proto__ === 1"),
        (
            "(() => { const b = new ArrayBuffer(8); return [new Uint8Array(b, 4), new DataView(b)] })()",
            "(value[0][0] = 7, value[1].getUint8(4) === 7) && value[0].buffer === value[1].buffer",
        ),
        (
            "new Uint16Array([1, 2, 3]).subarray(1)",
            "value.length === 2 && value[0] === 2 && value.byteOffset === 2",
        ),
        (
            "new ArrayBuffer(2, {maxByteLength: 5})",
            "value.resizable && value.maxByteLength === 5 && value.byteLength === 2",
        ),
        ("[1, , 3]", "!(1 in value) && value.length === 3 && value[2] === 3"),
        ("[1.5, , 3, ,]", "value.length === 4 && !(3 in value)"),
        ("-(3n ** 100n)", "value === -(3n ** 100n)"),
        ("2n ** 64n - 1n", "value === 2n ** 64n - 1n"),
        ("-(2n ** 63n)", "value === -(2n ** 63n)"),
        ("'a\\ud800\\u00e9' + 'x'.repeat(5)", "value === 'a\\ud800\\u00e9xxxxx'"),
        ("'h\\u00e9'", "value === 'h\\u00e9'"),
        (
            "{'\\u00e9': 1, '\\u20ac': 2, 3000000000: 3, '-1': 4}",
            "JSON.stringify(value) === '{\"3000000000\":3,\"é\":1,\"€\":2,\"-1\":4}'",
        ),
        ("new Date(1e12)", "value instanceof Date && value.getTime() === 1e12"),
        ("/a\\/b/gi", "value instanceof RegExp && String(value) === '/a\\\\/b/gi'"),
        ("Object('x')", "value instanceof String && value == 'x'"),
        ("Object(false)", "value instanceof Boolean && value == false"),
        (
            "new RangeError('m', {cause: {a: 1}})",
            "value instanceof RangeError && value.message === 'm' && value.cause.a === 1 && typeof value.stack === 'string' && Object.keys(value).join() === 'stack,cause'",
        ),
        (
            "Object.assign(new Error('m'), {name: 'Zed', code: 5})",
            "value.constructor === Error && value.name === 'Zed' && value.code === 5",
        ),
        (
            "new AggregateError([1], 'm')",
            "value instanceof AggregateError && value.errors[0] === 1 && value.message === 'm'",
        ),
        ("new (class A { x = 1; #y = 2; f() {} })()", "value.x === 1 && value.constructor === Object"),
        (
            "Object.assign(new Uint8Array([1, 2]), {x: 1})",
            "value.length === 2 && value[1] === 2 && value.x === undefined",
        ),
        ("Array.from({length: 40}, () => ({}))", "new Set(value).size === 40"),
        (
            "(() => { const a = Array.from({length: 40}, () => ({})); return [a, a.toReversed()] })()",
            "value[0].every((o, i) => o === value[1][39 - i])",
        ),
    ] {
        check_clone(of, source);
    }
}

#[test]
fn objects_that_a_getter_drops_keep_their_identity() {
    // Without holding them, the address of a dropped object would come to stand for the next one.
    check_clone(
        "{get a() { return {n: 1} }, get b() { return {n: 2} }, get c() { return [{n: 3}, {n: 4}] }}",
        "value.a.n === 1 && value.b.n === 2 && value.c[0].n === 3 && value.c[1].n === 4",
    );
}

#[test]
fn a_getter_that_throws_is_the_error() {
    in_engine(|ctx| {
        let mut out = b"before".to_vec();
        let value = eval(&ctx, "{a: 1, get b() { throw new RangeError('boo') }}");
        let result = serialize(&ctx, &value, &STORAGE, &mut out);
        assert!(matches!(result, Err(CloneError::Thrown)));
        assert_eq!(out, b"before");
        assert_eq!(ctx.catch().as_exception().unwrap().message().as_deref(), Some("boo"));
    });
}

/// Runs `test` with the stack that an isolate has.
fn in_isolate(test: fn(Ctx<'_>)) {
    let thread = std::thread::Builder::new().stack_size(limits::ISOLATE_THREAD_STACK_BYTES);
    let run = move || {
        let runtime = Runtime::new().unwrap();
        runtime.set_max_stack_size(limits::ISOLATE_STACK_BYTES);
        Context::full(&runtime).unwrap().with(test);
    };
    thread.spawn(run).expect("a thread").join().expect("the test passes");
}

#[test]
fn nesting_ends_in_an_error() {
    in_isolate(too_deep);
}

fn too_deep(ctx: Ctx<'_>) {
    let value = eval(&ctx, "(() => { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return a })()");
    assert!(matches!(bytes_of(&value, &STORAGE), Err(CloneError::Thrown)));
    let message = ctx.catch().as_exception().unwrap().message();
    assert_eq!(message.as_deref(), Some("Maximum call stack size exceeded"));

    let mut bytes = vec![0xff, 15];
    bytes.extend(std::iter::repeat_n([b'A', 1], 100_000).flatten());
    let result = deserialize(&ctx, &bytes, &STORAGE);
    assert!(matches!(result, Err(CloneError::Corrupt(_))), "{result:?}");
}

#[test]
fn what_could_be_written_can_be_read() {
    in_isolate(deepest_of_each_kind);
}

fn deepest_of_each_kind(ctx: Ctx<'_>) {
    for wrap in ["[v]", "{ v }", "new Map([[1, v]])", "new Set([v])"] {
        let mut depth = 100;
        loop {
            let source =
                format!("(() => {{ let v = 1; for (let i = 0; i < {depth}; i++) v = {wrap}; return v }})()");
            let Ok(bytes) = bytes_of(&eval(&ctx, &source), &STORAGE) else { break };
            assert!(deserialize(&ctx, &bytes, &STORAGE).is_ok(), "{wrap} {depth}");
            depth += depth / 10;
        }
        ctx.catch();
        assert!(depth > 200, "{wrap} {depth}");
    }
}

#[test]
fn appends_behind_what_is_there() {
    in_engine(|ctx| {
        for value in ["'€'", "['a', '€']", "{a: {b: '€€'}}"] {
            let value = eval(&ctx, value);
            let alone = bytes_of(&value, &STORAGE).unwrap();
            let mut behind = vec![1];
            serialize(&ctx, &value, &STORAGE, &mut behind).unwrap();
            assert_eq!(behind[1..], alone);
        }
    });
}

/// A host with one class: objects that have `host`, written as number 40 and the value of `host`.
struct Boxes;

impl<'js> HostObjects<'js> for Boxes {
    fn policy(&self) -> Policy {
        Policy::RPC
    }

    fn write(
        &self,
        object: &Object<'js>,
        candidate: Candidate,
        out: &mut Serializer<'_, 'js>,
    ) -> Result<Written, CloneError> {
        if candidate == Candidate::Function {
            out.bytes().varint(41);
            return Ok(Written::Done);
        }
        // Written in vain: nothing of it may stay.
        out.bytes().varint(40);
        if !object.contains_key("host")? {
            return Ok(Written::NotMine);
        }
        let value: Value = object.get("host")?;
        out.value(&value)?;
        Ok(Written::Done)
    }

    fn read(&self, tag: u32, input: &mut Deserializer<'_, '_, 'js>) -> Result<Value<'js>, CloneError> {
        match tag {
            40 => input.value(),
            41 => Ok(Value::new_int(input.ctx().clone(), 41)),
            _ => Err(CloneError::Corrupt("unknown".into())),
        }
    }
}

#[test]
fn hosts_write_and_read_their_objects() {
    in_engine(|ctx| {
        let value = eval(
            &ctx,
            "(() => { class Box { host = {a: 1} } const b = new Box(); return [b, b.host, () => 1] })()",
        );
        let bytes = bytes_of(&value, &Boxes).unwrap();
        assert_eq!(hex(&bytes), "ff0f41035c286f22016149027b015e025c29240003");
        let value = deserialize(&ctx, &bytes, &Boxes).unwrap();
        ctx.globals().set("value", value).unwrap();
        assert!(
            eval(&ctx, "value[0] === value[1] && value[0].a === 1 && value[2] === 41").get::<bool>().unwrap()
        );

        let refused = bytes_of(&eval(&ctx, "new (class Foo {})()"), &Boxes).unwrap_err().to_string();
        assert_eq!(
            refused,
            "Could not serialize object of type \"Foo\". This type does not support serialization."
        );
    });
}

#[test]
fn shadowed_parts_of_a_view_are_refused() {
    in_engine(|ctx| {
        for source in [
            "Object.defineProperty(new Uint8Array(2), 'buffer', {value: 1})",
            "Object.defineProperty(new DataView(new ArrayBuffer(2)), 'buffer', {value: {}})",
            "Object.defineProperty(new DataView(new ArrayBuffer(2)), 'byteLength', {value: 9})",
        ] {
            let result = bytes_of(&eval(&ctx, source), &STORAGE);
            assert!(matches!(result, Err(CloneError::DataClone(_))), "{source}: {result:?}");
        }
    });
}

#[test]
fn nested_arrays_take_no_more_room_than_they_have_bytes() {
    // Each says that it has as many elements as bytes follow.
    let mut bytes = vec![0xff, 15];
    for left in (0..1000u32).rev() {
        let length = left * 3;
        bytes.extend([b'A', length as u8 | 0x80, (length >> 7) as u8]);
    }
    in_engine(|ctx| {
        let error = deserialize(&ctx, &bytes, &STORAGE).unwrap_err().to_string();
        assert!(error.starts_with("an array is longer than its bytes"), "{error}");
    });
}

#[test]
fn nothing_is_left_behind() {
    let runtime = Runtime::new().unwrap();
    let context = Context::full(&runtime).unwrap();
    let pass = || {
        context.with(|ctx| {
            for (source, _) in STORED.iter().chain(REFUSED).chain(REFUSED_BY_RPC) {
                let value = eval(&ctx, source);
                for hosts in [&STORAGE as &dyn for<'js> HostObjects<'js>, &Rpc, &NoHosts(ErrorForm::Native)] {
                    let bytes = bytes_of(&value, hosts).unwrap_or_default();
                    for end in 0..=bytes.len() {
                        if let Err(CloneError::Thrown) = deserialize(&ctx, &bytes[..end], hosts) {
                            ctx.catch();
                        }
                    }
                }
            }
        });
        runtime.run_gc();
        let usage = runtime.memory_usage();
        (usage.obj_count, usage.str_count, usage.atom_count, usage.prop_count)
    };
    // The first fills caches.
    pass();
    let after = pass();
    assert_eq!(pass(), after);
}

#[test]
fn errors_over_rpc_get_a_new_stack() {
    in_engine(|ctx| {
        let value = eval(&ctx, "Object.assign(new TypeError('bad'), {stack: 'secret', code: 1})");
        let bytes = bytes_of(&value, &Rpc).unwrap();
        ctx.globals().set("value", deserialize(&ctx, &bytes, &Rpc).unwrap()).unwrap();
        let source = "value instanceof TypeError && value.stack !== 'secret' && value.code === 1";
        assert!(eval(&ctx, source).get::<bool>().unwrap());
    });
}

#[test]
fn damaged_bytes_are_errors() {
    in_engine(|ctx| {
        for bytes in [
            "",
            "ff",
            "ff0f",
            "ff0c30",
            "ff1030",
            "ff0f41ffffffff0f",
            "ff0f5e00",
            "ff0f6f2201",
            "ff0f42ffffffff0f",
            "ff0f7e02ffffffff0f0000",
            "ff0f4204010203045642000500",
            "ff0f42040102030456570102",
            "ff0f52220128ff7f",
            "ff0f52220128 00",
            "ff0f5c63",
            "ff0f6f300149027b01",
            "ff0f6f22016149027b02",
            "ff0f2749022c02",
        ] {
            let bytes = from_hex(&bytes.replace(' ', ""));
            let result = deserialize(&ctx, &bytes, &STORAGE);
            assert!(matches!(result, Err(CloneError::Corrupt(_))), "{} {result:?}", hex(&bytes));
        }
        // Version 13 without a header, as very old objects have it.
        assert_eq!(deserialize(&ctx, b"\"\x01a", &STORAGE).unwrap().get::<String>().unwrap(), "a");
    });
}

#[test]
fn class_numbers_are_the_engines() {
    use super::class::*;
    in_engine(|ctx| {
        for (source, number) in [
            ("{}", OBJECT),
            ("[]", ARRAY),
            ("new Error()", ERROR),
            ("Object(1)", NUMBER),
            ("Object('')", STRING),
            ("Object(true)", BOOLEAN),
            ("new Date()", DATE),
            ("function(){}", FUNCTION),
            ("(function(){}).bind()", BOUND_FUNCTION),
            ("/a/", REGEXP),
            ("new ArrayBuffer(1)", ARRAY_BUFFER),
            ("new DataView(new ArrayBuffer(1))", DATA_VIEW),
            ("Object(1n)", BIGINT),
            ("new Map()", MAP),
            ("new Set()", SET),
            ("new (class extends Iterator {})()", ITERATOR),
            ("new Map().entries()", MAP_ITERATOR),
            ("new Set().values()", SET_ITERATOR),
            ("new Proxy({}, {})", PROXY),
            ("new DOMException('')", DOM_EXCEPTION),
            ("JSON.rawJSON('1')", LAST),
        ] {
            assert_eq!(of(eval(&ctx, source).as_raw()), number, "{source}");
        }
        for (place, kind) in TYPED_ARRAY_KINDS.iter().enumerate() {
            let array = eval(&ctx, &format!("new {}(1)", kind.class_name()));
            assert_eq!(of(array.as_raw()), TYPED_ARRAYS.start() + place as u32);
        }
        // What a host registers is behind the engine's own; functions of the host among it.
        let function = rquickjs::Function::new(ctx.clone(), || 1).unwrap().with_name("mine").unwrap();
        assert!(of(function.as_value().as_raw()) > LAST);
        let refused = bytes_of(function.as_value(), &STORAGE).unwrap_err().to_string();
        assert_eq!(refused, "function mine() { [native code] } could not be cloned.");
        assert_eq!(hex(&bytes_of(function.as_value(), &Boxes).unwrap()), "ff0f5c29");
        let refused = bytes_of(&eval(&ctx, "new DOMException('')"), &STORAGE).unwrap_err().to_string();
        assert_eq!(
            refused,
            "Could not serialize object of type \"DOMException\". This type does not support serialization."
        );
        let atom = super::raw::Atom::from_index(ctx.as_raw().as_ptr(), 7).unwrap();
        assert_eq!(super::raw::atom_index(atom.get()), Some(7));
        let atom = super::raw::Atom::from_ascii(ctx.as_raw().as_ptr(), b"x").unwrap();
        assert_eq!(super::raw::atom_index(atom.get()), None);
    });
}

#[test]
fn the_tree_reads_what_the_engine_writes_and_the_other_way_round() {
    for (source, _) in STORED.iter().chain(STORED_LEGACY) {
        in_engine(|ctx| {
            let value = eval(&ctx, source);
            for errors in [ErrorForm::HostObject, ErrorForm::Native] {
                let bytes = bytes_of(&value, &NoHosts(errors)).unwrap();
                let (tree, length) = crate::codec::read(&bytes).unwrap();
                assert_eq!(length, bytes.len(), "{source}");
                let written = crate::codec::write(&tree).unwrap();
                assert_eq!(hex(&written), hex(&bytes), "{source}");
            }
        });
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    #[test]
    fn trees_survive_the_engine(tree in crate::codec::tests::tree()) {
        let bytes = crate::codec::write(&tree).unwrap();
        in_engine(|ctx| {
            let value = deserialize(&ctx, &bytes, &STORAGE).unwrap();
            let written = bytes_of(&value, &STORAGE).unwrap();
            let (again, _) = crate::codec::read(&written).unwrap();
            proptest::prop_assert_eq!(crate::codec::show(&again), crate::codec::show(&tree));
            Ok(())
        })?;
    }

    #[test]
    fn garbage_is_an_error_and_no_panic(bytes in crate::codec::tests::garbage()) {
        in_engine(|ctx| {
            let result = deserialize(&ctx, &bytes, &STORAGE);
            if matches!(result, Err(CloneError::Thrown)) {
                ctx.catch();
            }
        });
    }
}
