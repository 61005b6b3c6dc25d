import { DurableObject } from "cloudflare:workers";

export type Note = { id: number; text: string; updated_at: number };

/** Each step brings the tables of an older notebook up to date; only ever add to the end. */
const SCHEMA = [
	`CREATE TABLE notes (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		text TEXT NOT NULL,
		updated_at INTEGER NOT NULL
	)`,
	"CREATE INDEX notes_by_time ON notes (updated_at DESC)",
];

/** The notes of one person, in a SQLite database of their own. */
export class Notebook extends DurableObject<Env> {
	private readonly sql = this.ctx.storage.sql;

	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		ctx.storage.transactionSync(() => this.migrate());
	}

	async create(text: string): Promise<Note> {
		return this.sql
			.exec<Note>("INSERT INTO notes (text, updated_at) VALUES (?, ?) RETURNING *", text, Date.now())
			.one();
	}

	/** Notes that contain `words`, the newest first. */
	async search(words: string): Promise<Note[]> {
		return this.sql
			.exec<Note>(
				"SELECT * FROM notes WHERE instr(lower(text), lower(?)) ORDER BY updated_at DESC, id DESC LIMIT 100",
				words,
			)
			.toArray();
	}

	async read(id: number): Promise<Note | null> {
		return this.sql.exec<Note>("SELECT * FROM notes WHERE id = ?", id).toArray()[0] ?? null;
	}

	async update(id: number, text: string): Promise<Note | null> {
		const updated = this.sql.exec<Note>(
			"UPDATE notes SET text = ?, updated_at = ? WHERE id = ? RETURNING *",
			text,
			Date.now(),
			id,
		);
		return updated.toArray()[0] ?? null;
	}

	async remove(id: number): Promise<boolean> {
		return this.sql.exec("DELETE FROM notes WHERE id = ? RETURNING id", id).toArray().length > 0;
	}

	private migrate(): void {
		this.sql.exec("CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY)");
		const { done } = this.sql
			.exec<{ done: number }>("SELECT count(*) AS done FROM schema_steps")
			.one();
		for (let step = done; step < SCHEMA.length; step++) {
			this.sql.exec(SCHEMA[step]);
			this.sql.exec("INSERT INTO schema_steps VALUES (?)", step);
		}
	}
}
