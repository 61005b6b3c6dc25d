//! What a clone costs: nanoseconds per value written and read. Run with `cargo bench --bench clone`.

use dodev::base::clock::Clock;
use dodev::engine::clone::{ErrorForm, NoHosts, deserialize, serialize};
use rquickjs::{Context, Runtime, Value};

const ROUNDS: u32 = 20_000;

fn main() {
    let clock = Clock::system();
    let runtime = Runtime::new().unwrap();
    Context::full(&runtime).unwrap().with(|ctx| {
        for source in [
            "7",
            "'a short string'",
            "'h\\u00e9llo'",
            "[]",
            "['method', 1]",
            "[1,2,3,4,5,6,7,8]",
            "({})",
            "({count: 1})",
            "({id: 'x1', name: 'some name', count: 5, tags: ['a', 'b'], done: false})",
            "Array.from({length: 100}, (_, i) => ({id: i, name: 'n' + i}))",
            "new Map([['a', 1], ['b', 2]])",
            "new Date(0)",
            "new Uint8Array(100)",
            "new Error('m')",
        ] {
            let value: Value = ctx.eval(source).unwrap();
            let hosts = NoHosts(ErrorForm::HostObject);
            let mut bytes = Vec::new();
            let begin = clock.elapsed();
            for _ in 0..ROUNDS {
                bytes.clear();
                serialize(&ctx, &value, &hosts, &mut bytes).unwrap();
            }
            let written = clock.elapsed();
            for _ in 0..ROUNDS {
                drop(deserialize(&ctx, &bytes, &hosts).unwrap());
            }
            let read = clock.elapsed();
            println!(
                "{:>7} ns written, {:>7} ns read, {:>5} bytes: {source}",
                (written - begin).as_nanos() / u128::from(ROUNDS),
                (read - written).as_nanos() / u128::from(ROUNDS),
                bytes.len()
            );
        }
    });
}
