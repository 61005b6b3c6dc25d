export { Notebook } from "./notebook";

const METHODS = "GET, POST, PUT, DELETE";

export default {
	async fetch(request, env): Promise<Response> {
		const url = new URL(request.url);
		const path = url.pathname.match(/^\/([^/]+)\/notes(?:\/(\d+))?$/);
		if (!path) {
			return new Response("Not found, try /ada/notes\n", { status: 404 });
		}
		const notebook = env.NOTEBOOK.getByName(path[1]);
		const id = path[2] === undefined ? undefined : Number(path[2]);

		switch (request.method) {
			case "GET":
				return id === undefined
					? Response.json(await notebook.search(url.searchParams.get("q") ?? ""))
					: found(await notebook.read(id));
			case "POST":
			case "PUT": {
				const text = await request.text();
				if (text.trim() === "") {
					return new Response("Send the text of the note\n", { status: 400 });
				}
				return id === undefined
					? Response.json(await notebook.create(text), { status: 201 })
					: found(await notebook.update(id, text));
			}
			case "DELETE":
				if (id !== undefined) {
					return (await notebook.remove(id)) ? new Response(null, { status: 204 }) : found(null);
				}
		}
		return new Response(`Use ${METHODS}\n`, { status: 405, headers: { Allow: METHODS } });
	},
} satisfies ExportedHandler<Env>;

function found(note: unknown): Response {
	return note === null ? new Response("There is no such note\n", { status: 404 }) : Response.json(note);
}
