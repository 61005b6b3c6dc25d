//! Every limit of the system, by name: production's limits for user code, and our own bounds on
//! queues, caches and waits.
//!
//! Fidelity: figures are those of the platform's documentation on limits for Workers and Durable
//! Objects, and of workerd's `src/workerd/util/sqlite.c++` and `src/workerd/api/actor-state.c++`.

use std::time::Duration;

/// Memory of one isolate, bytes.
pub const ISOLATE_MEMORY_BYTES: usize = 128 * 1024 * 1024;
/// Memory of an isolate from which on it is replaced after a turn that met its limit, percent.
pub const MEMORY_WORN_PERCENT: usize = 75;
/// JavaScript stack of an isolate, bytes. Its thread gets twice as much.
pub const ISOLATE_STACK_BYTES: usize = 8 * 1024 * 1024;
/// Stack of an isolate's thread, bytes.
pub const ISOLATE_THREAD_STACK_BYTES: usize = 16 * 1024 * 1024;
/// CPU time of one turn when the configuration names none.
pub const TURN_CPU: Duration = Duration::from_secs(30);
/// Requests and calls of other services that one event may make when the configuration names no number.
pub const SUBREQUESTS: u32 = 10_000;
/// Workers and objects in a chain of calls.
pub const CALL_DEPTH: u32 = 16;
/// Time beyond its CPU limit after which a turn that does not end is refused memory.
pub const TURN_OVERDUE: Duration = Duration::from_millis(500);
/// What WebAssembly may do between two looks at the CPU clock, about one instruction each.
pub const WASM_FUEL: u64 = 1_000_000;
/// Calls within WebAssembly that may be under way at once.
pub const WASM_CALLS: usize = 20_000;
/// What the locals of these calls may take, bytes.
pub const WASM_STACK_BYTES: usize = 8 * 1024 * 1024;
/// Rejections and exceptions without a handler that are reported of one turn; more are counted.
pub const TURN_UNCAUGHT: usize = 100;
/// Longest name, message or stack of an error that is told, characters.
pub const ERROR_CHARS: usize = 64 * 1024;
/// Turns of one batch before the mailbox is looked at again.
pub const BATCH_TURNS: usize = 1_000;
/// Time after which a batch takes no further turn before the mailbox is looked at again: what others wait for turns that
/// somebody has in plenty.
pub const BATCH_TIME: Duration = Duration::from_millis(20);
/// Quiet time after a reload before an isolate is made for the next one: saves that follow at once come first.
pub const STANDBY_DELAY: Duration = Duration::from_millis(20);
/// How long such an isolate is kept.
pub const STANDBY_IDLE: Duration = Duration::from_secs(300);
/// Quiet time before it is told that the main module has no code: whoever empties a file is about to write it, as some editors do
/// with every save.
pub const UNWRITTEN: Duration = Duration::from_millis(150);
/// CPU time of the Worker's top level. Production allows about one second, which its local tools do not enforce; the
/// engine here takes ten times as long and more for the same code, so that what passes there passes here.
pub const STARTUP_CPU: Duration = Duration::from_secs(10);
/// How long the top level runs before that is told: longer than production allows.
pub const STARTUP_SHOWN: Duration = Duration::from_secs(1);
/// Longest time that top-level `await` may take.
pub const STARTUP_WAIT: Duration = Duration::from_secs(30);
/// Longest time a `blockConcurrencyWhile` callback may take.
pub const BLOCK_CONCURRENCY_WHILE: Duration = Duration::from_secs(30);
/// Time that an object's `[onHibernate]` handler may take. Observed with workerd 1.20261117.1.
pub const FAREWELL: Duration = Duration::from_secs(10);
/// Deepest nesting of `blockConcurrencyWhile`.
pub const BLOCK_CONCURRENCY_DEPTH: usize = 64;

/// Longest time an alarm handler may take.
pub const ALARM_HANDLER: Duration = Duration::from_secs(15 * 60);
/// Retries of an alarm that fails by its own fault; then it is dropped.
pub const ALARM_RETRIES: u32 = 6;
/// Largest exponent of the delay between two tries of an alarm.
pub const ALARM_BACKOFF_MAX: u32 = 9;
/// Alarms that are begun in one batch; requests are looked at between two batches.
pub const ALARM_BATCH: usize = 64;
/// Longest time that the slot of a delivered alarm, by the machine's clock, waits to be emptied on disk.
pub const ALARM_END_WAIT: Duration = Duration::from_millis(500);
/// Slots that are emptied in one step; requests are looked at between two steps.
pub const ALARM_END_BATCH: usize = 2;
/// Longest sleep while an alarm or a cron trigger is pending: the machine's clock may be set, or have slept.
pub const WALL_CLOCK_CHECK: Duration = Duration::from_secs(30);
/// Longest time, by the machine's clock, that moving the time may take.
pub const TIME_MOVE: Duration = Duration::from_secs(20);
/// How long time stands still for requests to the world outside, by the machine's clock; then it moves on.
pub const TIME_OUTSIDE: Duration = Duration::from_secs(1);
/// Things that fired while the time was moved that are listed; more are counted.
pub const TIME_FIRED: usize = 10_000;

/// Largest serialized RPC arguments or result, bytes.
pub const RPC_MESSAGE_BYTES: usize = 32 * 1024 * 1024;

/// Most keys of one batch of `get`, `put` or `delete`.
pub const KV_BATCH_KEYS: usize = 128;
/// Longest key of a KV-backed object, bytes.
pub const KV_KEY_BYTES: usize = 2_048;
/// Largest value of a KV-backed object, bytes, before the serialization header.
pub const KV_VALUE_BYTES: usize = 131_072;
/// Largest key and value together, string, blob or row of a SQLite-backed object, bytes.
pub const SQLITE_VALUE_BYTES: usize = 2 * 1024 * 1024;
/// Largest database, bytes.
pub const SQLITE_DATABASE_BYTES: u64 = 10 * 1024 * 1024 * 1024;
/// Longest SQL text, bytes.
pub const SQL_LENGTH_BYTES: usize = 100_000;
/// Most columns of a table or result.
pub const SQL_COLUMNS: usize = 100;
/// Most bound parameters.
pub const SQL_PARAMETERS: usize = 100;
/// SQL text kept compiled per object, bytes.
pub const SQL_STATEMENT_CACHE_BYTES: usize = 1024 * 1024;
/// How far back `getBookmarkForTime()` goes, and how long history is kept if nothing else was said, milliseconds.
pub const BOOKMARK_AGE_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Most bytes of an object's history if nothing else was said.
pub const HISTORY_BYTES: u64 = 256 * 1024 * 1024;
/// Open database connections kept at a time.
pub const OPEN_DATABASES: usize = 128;

/// Calls and requests that may wait for one object. The platform has such a limit and does not publish it.
pub const OBJECT_QUEUE: usize = 10_000;
/// Share of a limit from which on the log warns of it, percent.
pub const WARN_AT_PERCENT: usize = 80;

/// Time without an event after which an object with hibernatable WebSockets loses its instance.
pub const HIBERNATE_AFTER: Duration = Duration::from_secs(10);
/// Shortest time without an event after which an object without WebSockets loses its instance.
pub const EVICT_AFTER_MIN: Duration = Duration::from_secs(70);
/// Longest such time.
pub const EVICT_AFTER_MAX: Duration = Duration::from_secs(140);
/// Objects that are awake at a time before those that were idle for the longest time lose their instance.
pub const AWAKE_OBJECTS: usize = 20_000;
/// Most hibernatable WebSockets of one object.
pub const OBJECT_SOCKETS: usize = 32_768;
/// Most tags of a hibernatable WebSocket.
pub const SOCKET_TAGS: usize = 10;
/// Longest tag of a hibernatable WebSocket, bytes.
pub const SOCKET_TAG_BYTES: usize = 256;
/// Largest attachment of a WebSocket, bytes, serialized.
pub const SOCKET_ATTACHMENT_BYTES: usize = 16_384;
/// Longest reason of a WebSocket's close message, bytes.
pub const SOCKET_REASON_BYTES: usize = 123;
/// How long what a client sends after the end of its WebSocket is still read.
pub const SOCKET_LINGER: Duration = Duration::from_secs(2);
/// Largest message of a WebSocket that is received, bytes.
pub const SOCKET_MESSAGE_BYTES: usize = 32 * 1024 * 1024;
/// The same with the compatibility flag `increase_websocket_message_size`, bytes.
pub const SOCKET_LARGE_MESSAGE_BYTES: usize = 128 * 1024 * 1024;
/// Bytes that arrived on one WebSocket and wait for the Worker before its client is held back.
pub const SOCKET_ARRIVED_BYTES: usize = 1024 * 1024;
/// Messages that arrived on one WebSocket and wait for the Worker before its client is held back.
pub const SOCKET_ARRIVED_MESSAGES: usize = 1_024;
/// Bytes that may wait for the client of one WebSocket; a client that lets more wait is given up.
pub const SOCKET_LEAVING_BYTES: usize = 128 * 1024 * 1024;
/// Messages that may wait for the client of one WebSocket.
pub const SOCKET_LEAVING_MESSAGES: usize = 65_536;
/// Longest time limit that a program may set for its WebSocket handlers, milliseconds.
pub const SOCKET_EVENT_TIMEOUT_MS: f64 = 604_800_000.0;

/// Largest request and response of a WebSocket auto-response, bytes.
pub const AUTO_RESPONSE_BYTES: usize = 2_048;

/// Most connections at a time where the system sets no limit to open files.
pub const CONNECTIONS: usize = 100_000;
/// Connections that may wait to be accepted.
pub const BACKLOG: u16 = 4_096;
/// Open files that are kept for databases and everything else that is no connection.
pub const FILES_KEPT: usize = 640;
/// Longest time for the head of a request to come, from the connection's start or the answer before it.
pub const HEAD_WAIT: Duration = Duration::from_secs(30);
/// Bytes of a streamed body that may wait between two threads before the writer is held back.
pub const BODY_PIPE_BYTES: usize = 256 * 1024;
/// Largest request body that is read whole before the Worker sees the request, bytes.
pub const BODY_INLINE_BYTES: usize = 64 * 1024;
/// Requests that may wait in one isolate's mailbox.
pub const MAILBOX_EVENTS: usize = 65_536;
/// Time that requests in flight get to finish when the server stops or code is replaced. With what may follow, a stop
/// takes less than a second.
pub const DRAIN: Duration = Duration::from_millis(650);
/// What is left for the last commits when requests in flight took all of that.
pub const LAST_COMMIT: Duration = Duration::from_millis(100);
/// Time beyond that after which code that still runs is ended.
pub const STOP_MARGIN: Duration = Duration::from_millis(100);
const _: () = assert!(DRAIN.as_millis() + LAST_COMMIT.as_millis() + STOP_MARGIN.as_millis() <= 900);
/// Time that a world then has to commit and close, before the process ends without it.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// Ports tried, from the wanted one upwards, when it was not named on the command line.
pub const PORT_ATTEMPTS: u16 = 64;
/// Files and directories that are watched for the user's build command.
pub const COMMAND_SOURCES: usize = 20_000;
/// Events that may wait for the development session.
pub const SESSION_EVENTS: usize = 1_024;
/// Reports that may wait to be printed; requests and logs beyond that are counted instead.
pub const OUTPUT_REPORTS: usize = 65_536;
/// Time after a first build before packages are built apart: until then the Worker itself needs the processors.
pub const PACKAGES_AFTER: Duration = Duration::from_millis(200);
/// Bytes of logs that may wait to be printed.
pub const OUTPUT_BYTES: usize = 64 * 1024 * 1024;
/// Time after the last build that the bundler's process is kept.
pub const BUNDLER_IDLE: Duration = Duration::from_secs(2);
/// The same after a save.
pub const BUNDLER_KEPT: Duration = Duration::from_secs(60);

/// Events that may wait for a slow listener of the control surface before it misses some.
pub const FEED_EVENTS: usize = 4_096;
/// Log lines that are kept for the control surface.
pub const FEED_LOGS: usize = 1_000;
/// Longest text of a log line there, characters.
pub const FEED_LOG_CHARS: usize = 8_192;
/// How long the rest of a request's body is read that nobody wants, while its answer is on its way.
pub const UNREAD_BODY: Duration = Duration::from_secs(30);
/// Largest body of a request to the control surface, bytes.
pub const CONTROL_BODY_BYTES: usize = 48 * 1024 * 1024;
/// Largest body of a request to the control surface that imports objects, bytes.
pub const CONTROL_IMPORT_BYTES: usize = 512 * 1024 * 1024;
/// How long running code may take until it leaves objects whose files are replaced, or stands still.
pub const CONTROL_TAKE_OUT: Duration = Duration::from_secs(10);
/// Most rows of one answer of the control surface.
pub const CONTROL_ROWS: usize = 10_000;
/// Most bytes of keys, values, rows or a response in one answer of the control surface.
pub const CONTROL_ANSWER_BYTES: usize = 32 * 1024 * 1024;
/// Longest time that the control surface waits for an object.
pub const CONTROL_WAIT: Duration = Duration::from_secs(60);
/// Processes that read stored objects for the control surface at the same time; who asks for one more waits.
pub const CONTROL_READERS: usize = 2;
/// Most faults that wait to be injected.
pub const FAULTS: usize = 1_024;

/// Most keys that a rate limit counts at a time.
pub const RATE_LIMIT_KEYS: usize = 1_000_000;

/// Largest body that `caches` keeps, in bytes.
pub const CACHE_BODY_BYTES_MAX: usize = 512 * 1024 * 1024;
