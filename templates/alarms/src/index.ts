export { Reminders } from "./reminders";

export default {
	async fetch(request, env): Promise<Response> {
		const person = new URL(request.url).pathname.slice(1);
		if (!person) {
			return new Response("Whose reminders? Try /ada\n", { status: 404 });
		}
		const reminders = env.REMINDERS.getByName(person);

		switch (request.method) {
			case "GET":
				return Response.json(await reminders.list());
			case "POST": {
				const body = await request.json<{ text?: unknown; seconds?: unknown }>().catch(() => null);
				if (typeof body?.text !== "string" || typeof body.seconds !== "number" || !(body.seconds >= 0)) {
					return new Response('Send {"text": "…", "seconds": 60}\n', { status: 400 });
				}
				return Response.json(await reminders.add(body.text, Date.now() + body.seconds * 1000), { status: 201 });
			}
			default:
				return new Response("Use GET or POST\n", { status: 405, headers: { Allow: "GET, POST" } });
		}
	},
} satisfies ExportedHandler<Env>;
