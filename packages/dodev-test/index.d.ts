/** What is known of a WebSocket that an object accepted with `acceptWebSocket()`. */
export interface SocketInfo {
  id: number;
  tags: string[];
  readyState: number;
  /** What `serializeAttachment()` was given, or `null`. */
  attachment: unknown;
  answeredAt: number | null;
}

/** One thing that keeps an object awake. */
export interface Pin {
  kind: string;
  what: string;
  /** `file:line:column` of the code that began it. */
  at: string | null;
  dueInMs: number | null;
}

export interface ObjectInfo {
  class: string;
  namespace: string;
  id: string;
  name: string | null;
  state: "asleep" | "waiting" | "constructing" | "awake";
  awakeSince: number | null;
  pendingEvents: number;
  resets: number;
  lastReset: string | null;
  pins: Pin[];
  alarm: { scheduled: number; due: number; retryCount: number; running: boolean } | null;
  stored: boolean;
}

export interface LogLine {
  at: number;
  level: "debug" | "log" | "info" | "warn" | "error" | "uncaught";
  text: string;
  class?: string;
  name?: string;
}

/** Something that became due: an alarm, a timer, a retry or a cron trigger. */
export interface Fired {
  kind: string;
  object: { class: string; name: string; id: string | null } | null;
  due: string;
  due_ms: number;
  detail?: string;
  outcome?: string;
  error?: string;
}

export interface ClockReport {
  now: string;
  now_ms: number;
  state: "frozen" | "running";
  ahead_ms: number;
  next: Fired | null;
  /** Absent for `freeze` and `resume`, like all that follows. */
  from?: string;
  moved_ms?: number;
  /** Whether everything that was due has ended. */
  settled?: boolean;
  note?: string | null;
  fired?: Fired[];
  more?: number;
}

export interface Clock {
  /** Milliseconds since the epoch, as the Worker sees them. */
  now(): Promise<number>;
  freeze(): Promise<ClockReport>;
  resume(): Promise<ClockReport>;
  /** To the next thing that is due. */
  next(): Promise<ClockReport>;
  /** By milliseconds or by a text such as `"30d"`; resolves when everything that was due has run. */
  advance(by: number | string): Promise<ClockReport>;
  jump(to: number | string | Date): Promise<ClockReport>;
}

export type Row = Record<string, string | number | bigint | null | Uint8Array>;

export class DodevObject {
  alarm: {
    /** The time it is set for, or `null`. */
    get(): Promise<number | null>;
    set(time: number | Date): Promise<void>;
    delete(): Promise<void>;
    /** Runs the handler now and waits for its end. */
    run(): Promise<"done" | "failed" | "dropped" | "moved">;
  };
  kv: {
    get<T = unknown>(key: string): Promise<T | undefined>;
    put(key: string, value: unknown): Promise<void>;
    delete(key: string): Promise<boolean>;
    list<T = unknown>(options?: {
      prefix?: string;
      start?: string;
      startAfter?: string;
      end?: string;
      reverse?: boolean;
      limit?: number;
    }): Promise<Map<string, T>>;
  };
  call<T = unknown>(method: string, ...args: unknown[]): Promise<T>;
  fetch(input?: string | URL | Request, init?: RequestInit): Promise<Response>;
  sql<T extends object = Row>(query: string, ...params: unknown[]): Promise<T[] & { rowsRead: number; rowsWritten: number }>;
  info(): Promise<ObjectInfo>;
  sockets(): Promise<SocketInfo[]>;
  /** Whether there was an instance to end; rejects, with `pins`, while something keeps the object awake. */
  hibernate(): Promise<boolean>;
  /** Rejects, and says what keeps it awake, unless the object hibernates with all of its WebSockets. */
  expectHibernates(): Promise<void>;
  evict(options?: { webSockets?: "hibernate" | "close" }): Promise<boolean>;
  reset(reason?: string): Promise<boolean>;
}

export class Server {
  constructor(options: { url: string; token?: string; stop?: () => Promise<void> });
  /** The Worker's, `http://127.0.0.1:<port>`. */
  readonly url: string;
  clock: Clock;
  fetch(input?: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** `className` is the class's name, not the binding's. */
  object(className: string, nameOrId: string | { id: string }): DodevObject;
  logs(): Promise<LogLine[]>;
  clearLogs(): Promise<void>;
  hibernate(): Promise<number>;
  /** A session of the present state, or of the snapshot `from`. */
  session(options?: { from?: string }): Promise<Session>;
  control(method: string, path: string, body?: unknown): Promise<any>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A copy of a server's state and clock, with a URL of its own. `stop()` ends it. */
export class Session extends Server {
  readonly id: string;
  /** Goes back to the state and the time when it was made; WebSockets are closed. */
  reset(): Promise<void>;
}

/** What the control API refused, or what an object's code threw. */
export class DodevError extends Error {
  /** The status, if the control API refused. */
  status?: number;
  /** What keeps the object awake. */
  pins?: Pin[];
  /** The stack in the object, if its code threw. */
  remoteStack?: string;
  /** Whether the object's code threw it, and not the platform. */
  remote?: boolean;
  retryable?: boolean;
  overloaded?: boolean;
  durableObjectReset?: boolean;
}

export interface StartOptions {
  /** The project's directory. */
  cwd?: string;
  /** Flags of `dodev dev`. */
  args?: string[];
  /** The binary; else `DODEV_BIN`, else `dodev` on the path. */
  program?: string;
}

/** The server that runs already: the one given, or the one of `dodev test`. */
export function connect(options?: { url?: string; token?: string }): Server;
/** Starts a server with fresh state. */
export function start(options?: StartOptions): Promise<Server>;
/** A session for one test file: of the server of `dodev test`, or of one that is started for it. */
export function session(options?: StartOptions & { from?: string }): Promise<Session>;
/** The server of `dodev test` if there is one, else one of its own. */
export function open(options?: StartOptions): Promise<Server>;
