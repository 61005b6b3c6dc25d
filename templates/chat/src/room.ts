import { DurableObject } from "cloudflare:workers";

const HISTORY_LENGTH = 50;

type Member = { name: string };

export type Message =
	| { type: "joined" | "left"; name: string }
	| { type: "message"; name: string; text: string; sentAt: number };

/**
 * One chat room. Its sockets hibernate: while nobody writes, the object can leave memory and the
 * connections stay open.
 */
export class Room extends DurableObject<Env> {
	constructor(ctx: DurableObjectState, env: Env) {
		super(ctx, env);
		// Answered without waking the object.
		ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
		ctx.storage.sql.exec(`
			CREATE TABLE IF NOT EXISTS messages (
				id INTEGER PRIMARY KEY,
				name TEXT NOT NULL,
				text TEXT NOT NULL,
				sent_at INTEGER NOT NULL
			)
		`);
	}

	async fetch(request: Request): Promise<Response> {
		if (request.headers.get("Upgrade") !== "websocket") {
			return new Response("Connect with a WebSocket\n", { status: 426 });
		}
		const name = new URL(request.url).searchParams.get("name") || "anonymous";
		const { 0: client, 1: server } = new WebSocketPair();

		this.ctx.acceptWebSocket(server);
		// Survives hibernation, unlike fields of this class.
		server.serializeAttachment({ name } satisfies Member);
		for (const message of this.history()) {
			server.send(JSON.stringify(message));
		}
		this.broadcast({ type: "joined", name });

		return new Response(null, { status: 101, webSocket: client });
	}

	async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
		if (typeof data !== "string" || data.trim() === "") {
			return;
		}
		const { name } = socket.deserializeAttachment() as Member;
		const sentAt = Date.now();
		this.ctx.storage.sql.exec(
			"INSERT INTO messages (name, text, sent_at) VALUES (?, ?, ?)",
			name,
			data,
			sentAt,
		);
		this.broadcast({ type: "message", name, text: data, sentAt });
	}

	async webSocketClose(socket: WebSocket, code: number, reason: string, wasClean: boolean): Promise<void> {
		const { name } = socket.deserializeAttachment() as Member;
		this.broadcast({ type: "left", name }, socket);
		// A client that says goodbye waits for an answer. Code 1005 stands for none.
		if (wasClean) {
			socket.close(code === 1005 ? 1000 : code, reason);
		}
	}

	/** The last messages, oldest first. */
	private history(): Message[] {
		const rows = this.ctx.storage.sql
			.exec<{ name: string; text: string; sent_at: number }>(
				"SELECT name, text, sent_at FROM messages ORDER BY id DESC LIMIT ?",
				HISTORY_LENGTH,
			)
			.toArray();
		return rows
			.reverse()
			.map(({ name, text, sent_at }) => ({ type: "message", name, text, sentAt: sent_at }));
	}

	private broadcast(message: Message, except?: WebSocket): void {
		const text = JSON.stringify(message);
		for (const socket of this.ctx.getWebSockets()) {
			if (socket !== except && socket.readyState === WebSocket.OPEN) {
				socket.send(text);
			}
		}
	}
}
