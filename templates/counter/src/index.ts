import { DurableObject } from "cloudflare:workers";

/** One counter for each name. Calls to the same counter never run at the same time. */
export class Counter extends DurableObject<Env> {
	async value(): Promise<number> {
		return (await this.ctx.storage.get<number>("value")) ?? 0;
	}

	async add(amount: number): Promise<number> {
		const value = (await this.value()) + amount;
		await this.ctx.storage.put("value", value);
		return value;
	}
}

export default {
	async fetch(request, env): Promise<Response> {
		const name = new URL(request.url).pathname.slice(1) || "main";
		const counter = env.COUNTER.getByName(name);

		switch (request.method) {
			case "GET":
				return Response.json({ name, value: await counter.value() });
			case "POST":
				return Response.json({ name, value: await counter.add(1) });
			default:
				return new Response("Use GET or POST\n", { status: 405, headers: { Allow: "GET, POST" } });
		}
	},
} satisfies ExportedHandler<Env>;
