//! Worlds on a clock that only the test moves: alarms, their retries and cron triggers.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::clock::{Clock, Timestamp};
use crate::base::generation::Generation;
use crate::base::limits;
use crate::bundle::{Bundle, Early, Module, OutputKind};
use crate::engine::LogRecord;
use crate::engine::http::{Body, FetchRequest};
use crate::objects::control::{Action, Address, Answer, Command, Target};
use crate::project::{LoadRequest, load};

use super::{SharedState, Warm, WorkerCode, World, WorldSpec};

const CONFIG: &str = r#"{
  "name": "w",
  "main": "index.js",
  "compatibility_date": "2026-11-01",
  "triggers": { "crons": ["*/10 * * * *"] },
  "durable_objects": { "bindings": [{ "name": "A", "class_name": "A" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["A"] }]
}"#;

const CODE: &str = r#"
import { DurableObject } from "cloudflare:workers";
const ran = [];
export class A extends DurableObject {
  async set(mode, at) {
    this.ctx.storage.kv.put("mode", mode);
    await this.ctx.storage.setAlarm(at);
  }
  async alarm({ retryCount, isRetry, scheduledTime }) {
    const { kv } = this.ctx.storage;
    kv.put("runs", [...(kv.get("runs") ?? []), `${retryCount}${isRetry ? "r" : ""}@${scheduledTime}`]);
    const mode = kv.get("mode");
    if (mode === "fail") throw new Error("no luck");
    if (mode === "hang") await new Promise(() => {});
    if (mode === "again" && kv.get("runs").length < 3) await this.ctx.storage.setAlarm(scheduledTime + 1000);
  }
  async look() {
    return `${(this.ctx.storage.kv.get("runs") ?? []).join(" ")} ${await this.ctx.storage.getAlarm()}`;
  }
}
export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const object = env.A.getByName("a");
    if (pathname === "/set") await object.set(searchParams.get("mode"), Number(searchParams.get("at")));
    if (pathname === "/cron") return new Response(ran.join(" "));
    return new Response(pathname === "/nothing" ? "" : await object.look());
  },
  scheduled({ cron, scheduledTime }) {
    ran.push(`${cron}@${scheduledTime}`);
  },
};
"#;

/// A project in a directory of its own, and what its worlds share.
struct Setting {
    directory: tempfile::TempDir,
    clock: Clock,
    state: Arc<SharedState>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Setting {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        std::fs::write(directory.path().join("wrangler.jsonc"), CONFIG).expect("writable");
        std::fs::write(directory.path().join("index.js"), CODE).expect("writable");
        let state = open(directory.path());
        Self { directory, clock: Clock::manual(Timestamp(1_000_000)), state, log: Arc::default() }
    }

    fn world(&self, generation: u64) -> World {
        self.world_in(generation, None)
    }

    fn world_in(&self, generation: u64, warm: Option<Warm>) -> World {
        let loaded = load(&LoadRequest::new(self.directory.path(), Clock::system()));
        let module = Module {
            name: "index.js".to_owned(),
            kind: OutputKind::EsModule,
            code: CODE.into(),
            source_map: None,
        };
        let bundle = Bundle { entry: "index.js".to_owned(), modules: vec![module], ..Bundle::default() };
        let log = self.log.clone();
        let spec = WorldSpec {
            workers: vec![WorkerCode {
                project: Arc::new(loaded.project.expect("a valid project")),
                bundle: Arc::new(bundle),
            }],
            generation: Generation(generation),
            state: self.state.clone(),
            log: Arc::new(move |record| log.lock().expect("no panic before").push(record.text)),
            clock: self.clock.clone(),
            test_scheduled: false,
            close_sockets: false,
            hibernate_after: limits::HIBERNATE_AFTER,
            warm,
        };
        World::spawn(spec).map_err(|failure| failure.diagnostics).expect("code that runs")
    }

    /// Moves the time, and lets the world see it.
    fn advance(&self, world: &World, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
        get(world, "/nothing");
    }

    /// Whether a line of the log contains `words`.
    fn logged(&self, words: &str) -> bool {
        self.log.lock().expect("no panic before").iter().any(|line| line.contains(words))
    }
}

fn open(directory: &Path) -> Arc<SharedState> {
    let state = Arc::new(SharedState::open(&directory.join("state")).expect("a state directory"));
    // Stands for the edge; ends with the process.
    let replies = state.replies().clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.expect("an event queue").block_on(replies.deliver());
    });
    state
}

fn get(world: &World, path: &str) -> String {
    let request = FetchRequest {
        method: http::Method::GET,
        url: format!("http://localhost{path}"),
        headers: Vec::new(),
        body: Body::Empty,
        cf: None,
        client: None,
    };
    let answer = world.fetch(request);
    world.wake();
    let response = answer.blocking_recv().expect("a world that lives").expect("no exception");
    match response.body {
        Body::Bytes(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
        Body::Empty => String::new(),
        Body::Stream(..) => panic!("short texts are not streamed"),
    }
}

const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn code_that_was_compiled_ahead_is_used_if_it_is_the_code_after_all() {
    let other = CODE.replace("new Response(pathname", "new Response('other' + pathname");
    for (name, ahead) in
        [("index.js", CODE), ("index.js", other.as_str()), ("other.js", CODE), ("index.js", "let let")]
    {
        let setting = Setting::new();
        let log = setting.log.clone();
        let log = Arc::new(move |record: LogRecord| log.lock().expect("no panic before").push(record.text));
        let warm = World::warm(log, setting.clock.clone());
        warm.compiler()(Early::Size(100_000));
        warm.compiler()(Early::Code(name.to_owned(), ahead.to_owned().into()));
        let world = setting.world_in(1, Some(warm));
        assert_eq!(get(&world, "/set?mode=once&at=1000100"), " 1000100", "{name}");
        setting.advance(&world, 200);
        assert_eq!(get(&world, "/look"), "0@1000100 null", "{name}");
        world.stop(Duration::from_secs(1));
        assert!(setting.log.lock().expect("no panic before").is_empty());
    }
}

#[test]
fn an_alarm_runs_when_it_is_due_and_may_set_the_next() {
    let setting = Setting::new();
    let world = setting.world(1);
    assert_eq!(get(&world, "/set?mode=again&at=1005000"), " 1005000");
    setting.advance(&world, 4_999);
    assert_eq!(get(&world, "/"), " 1005000");
    setting.advance(&world, 1);
    assert_eq!(get(&world, "/"), "0@1005000 1006000");
    setting.advance(&world, 1_000);
    setting.advance(&world, 1_000);
    assert_eq!(get(&world, "/"), "0@1005000 0@1006000 0@1007000 null");
    world.stop(LIMIT);
}

#[test]
fn an_alarm_that_keeps_failing_is_retried_six_times_and_dropped() {
    let setting = Setting::new();
    let world = setting.world(1);
    get(&world, "/set?mode=fail&at=1000000");
    let mut expected = "0@1000000".to_owned();
    for retry in 1..=6u64 {
        assert_eq!(get(&world, "/"), format!("{expected} 1000000"), "between tries the alarm is set");
        // The delay without its jitter is too short by one millisecond.
        setting.advance(&world, (1_000 << retry) - 1);
        assert_eq!(get(&world, "/"), format!("{expected} 1000000"));
        setting.advance(&world, (1_000 << retry) / 4 + 1);
        expected += &format!(" {retry}r@1000000");
    }
    assert_eq!(get(&world, "/"), format!("{expected} null"));
    assert!(setting.logged("retry 6 of 6"));
    assert!(setting.logged("the alarm is dropped and will not run again"));
    setting.advance(&world, 1_000_000);
    assert_eq!(get(&world, "/"), format!("{expected} null"));
    world.stop(LIMIT);
}

#[test]
fn a_handler_that_takes_too_long_resets_the_object_and_counts() {
    let setting = Setting::new();
    let world = setting.world(1);
    get(&world, "/set?mode=hang&at=1000000");
    assert_eq!(get(&world, "/"), "0@1000000 null", "it runs now");
    setting.advance(&world, 15 * 60_000 - 1);
    assert!(!setting.logged("exceeded"));
    setting.advance(&world, 1);
    get(&world, "/nothing");
    assert!(setting.logged("Alarm exceeded its allowed execution time"));
    setting.advance(&world, 2_500);
    assert_eq!(get(&world, "/"), "0@1000000 1r@1000000 null", "its second run hides the alarm");
    // Its second run hangs, and this clock would never reach a limit.
    world.stop(Duration::ZERO);
}

#[test]
fn retries_survive_a_reload_and_a_restart() {
    let mut setting = Setting::new();
    let old = setting.world(1);
    get(&old, "/set?mode=fail&at=1000000");
    assert_eq!(get(&old, "/"), "0@1000000 1000000");
    let new = setting.world(2);
    old.retire();
    assert_eq!(get(&new, "/"), "0@1000000 1000000", "a reload does not run it again");
    setting.advance(&new, 2_500);
    assert_eq!(get(&new, "/"), "0@1000000 1r@1000000 1000000");
    new.stop(LIMIT);
    old.stop(LIMIT);
    drop((new, old));
    // The lock on the directory goes with the state.
    let path = setting.directory.path().to_owned();
    setting.state = Arc::new(SharedState::open(&path.join("elsewhere")).expect("a state directory"));
    setting.state = open(&path);
    let world = setting.world(1);
    assert_eq!(get(&world, "/"), "0@1000000 1r@1000000 1000000", "nor does a restart");
    setting.advance(&world, 5_000);
    assert_eq!(get(&world, "/"), "0@1000000 1r@1000000 2r@1000000 1000000");
    world.stop(LIMIT);
}

#[test]
fn an_alarm_set_in_the_old_world_fires_in_the_new_one() {
    let setting = Setting::new();
    let old = setting.world(1);
    let new = setting.world(2);
    get(&old, "/set?mode=ok&at=1003000");
    old.retire();
    setting.advance(&new, 3_000);
    assert_eq!(get(&new, "/"), "0@1003000 null");
    new.stop(LIMIT);
}

#[test]
fn cron_triggers_run_in_the_newest_world() {
    let setting = Setting::new();
    let old = setting.world(1);
    // 1,000,000 ms is 16 minutes and 40 seconds after the epoch.
    setting.advance(&old, 199_999);
    assert_eq!(get(&old, "/cron"), "");
    setting.advance(&old, 1);
    assert_eq!(get(&old, "/cron"), "*/10 * * * *@1200000");
    let new = setting.world(2);
    get(&new, "/nothing");
    setting.advance(&new, 600_000);
    assert_eq!(get(&new, "/cron"), "*/10 * * * *@1800000");
    assert_eq!(get(&old, "/cron"), "*/10 * * * *@1200000", "the old world no longer listens");
    new.stop(LIMIT);
    old.stop(LIMIT);
}

/// The state of the object, as the control surface tells it.
fn state(world: &World) -> &'static str {
    let object = Address::Name("a".to_owned());
    let target = Target { class: "A".to_owned(), object };
    let asked = world.control(Command::Object { target, action: Action::Facts });
    match asked.blocking_recv().expect("a world that lives") {
        Ok(Answer::Object(facts)) => facts.state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_idle_object_is_evicted_and_a_busy_one_is_not() {
    let setting = Setting::new();
    let world = setting.world(1);
    get(&world, "/");
    assert_eq!(state(&world), "awake");
    setting.clock.advance(limits::EVICT_AFTER_MIN - Duration::from_millis(1));
    assert_eq!(state(&world), "awake", "not before its time");
    get(&world, "/");
    setting.clock.advance(limits::EVICT_AFTER_MIN - Duration::from_millis(1));
    assert_eq!(state(&world), "awake", "a request counts as activity");
    setting.clock.advance(limits::EVICT_AFTER_MAX);
    // A question is answered before the step in which the object goes.
    state(&world);
    assert_eq!(state(&world), "asleep");
    world.stop(LIMIT);
}
