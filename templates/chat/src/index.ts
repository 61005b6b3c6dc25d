import page from "./page.html";

export { Room } from "./room";

export default {
	async fetch(request, env): Promise<Response> {
		const { pathname } = new URL(request.url);

		if (pathname === "/") {
			return new Response(page, { headers: { "Content-Type": "text/html; charset=utf-8" } });
		}

		const room = pathname.match(/^\/rooms\/([^/]+)$/)?.[1];
		if (room === undefined) {
			return new Response("Not found\n", { status: 404 });
		}
		return env.ROOM.getByName(room).fetch(request);
	},
} satisfies ExportedHandler<Env>;
