import { DurableObject } from "cloudflare:workers";

export type Reminder = { id: number; text: string; dueAt: number; done: boolean };

type Row = { id: number; text: string; due_at: number; done: number };

/**
 * The reminders of one person. An object has a single alarm, so it is always set to the reminder that is
 * due next.
 */
export class Reminders extends DurableObject<Env> {
	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		ctx.storage.sql.exec(`
			CREATE TABLE IF NOT EXISTS reminders (
				id INTEGER PRIMARY KEY,
				text TEXT NOT NULL,
				due_at INTEGER NOT NULL,
				done INTEGER NOT NULL DEFAULT 0
			)
		`);
	}

	async add(text: string, dueAt: number): Promise<Reminder> {
		const row = this.ctx.storage.sql
			.exec<Row>("INSERT INTO reminders (text, due_at) VALUES (?, ?) RETURNING *", text, dueAt)
			.one();
		await this.schedule();
		return toReminder(row);
	}

	async list(): Promise<Reminder[]> {
		return this.ctx.storage.sql
			.exec<Row>("SELECT * FROM reminders ORDER BY due_at, id")
			.toArray()
			.map(toReminder);
	}

	/** Runs when a reminder is due; when it throws, it is tried again. */
	async alarm(): Promise<void> {
		const due = this.ctx.storage.sql
			.exec<Row>("UPDATE reminders SET done = 1 WHERE done = 0 AND due_at <= ? RETURNING *", Date.now())
			.toArray();
		for (const { text } of due) {
			// The place to send a mail or to call a webhook.
			console.log(`Reminder: ${text}`);
		}
		await this.schedule();
	}

	private async schedule(): Promise<void> {
		const { next } = this.ctx.storage.sql
			.exec<{ next: number | null }>("SELECT min(due_at) AS next FROM reminders WHERE done = 0")
			.one();
		if (next !== null) {
			await this.ctx.storage.setAlarm(next);
		}
	}
}

function toReminder({ id, text, due_at, done }: Row): Reminder {
	return { id, text, dueAt: due_at, done: done === 1 };
}
