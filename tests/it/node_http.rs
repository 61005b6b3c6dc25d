//! Servers of `node:http` behind a Worker, and clients of it.

use crate::project::{TestProject, repository};

/// `answers.txt` was recorded from workerd 1.20261117.1.
#[test]
fn servers_answer_as_on_the_platform() {
    let server = TestProject::from_fixture("node-http").start();
    let expected =
        std::fs::read_to_string(repository().join("fixtures/node-http/answers.txt")).expect("a record");
    let answers = server.get("/").text();
    for (line, expected) in answers.lines().zip(expected.lines()) {
        assert_eq!(line, expected);
    }
    assert_eq!(answers.lines().count(), expected.lines().count());
}

const CLIENT: &str = r#"
import http from "node:http";
import https from "node:https";
import { once } from "node:events";

async function ask(input, options, body) {
  const request = http.request(input, options);
  if (body !== undefined) request.write(body);
  request.end();
  const [response] = await once(request, "response");
  response.setEncoding("utf8");
  let text = "";
  for await (const chunk of response) text += chunk;
  return [response.statusCode, response.statusMessage, response.headers["x-a"], text];
}
const told = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error.code}: ${error.message}`;
  }
};

export default {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/asked") {
      const { method, headers } = request;
      const head = { status: 201, statusText: "Yes", headers: { "x-a": "b" } };
      return new Response(JSON.stringify([method, url.search, headers.get("x-sent"), headers.get("authorization"), await request.text()]), head);
    }
    const { hostname, port } = url;
    const broken = once(http.get({ hostname, port: 1, path: "/" }), "error");
    const results = [
      await ask(`http://${url.host}/asked?x`),
      await ask({ hostname, port, path: "/asked", method: "post", headers: { "X-Sent": "1" }, auth: "u:p" }, undefined, "body"),
      await new Promise((resolve) => http.get(new URL("/asked", url), (response) => resolve(response.complete))),
      (await broken)[0] instanceof Error,
      told(() => http.request("https://a/")),
      told(() => https.request("http://a/")),
      told(() => http.request({ path: "//other/" })),
      told(() => http.request({ path: "/a b" })),
      told(() => http.request({ method: "a b" })),
      https.globalAgent.defaultPort,
    ];
    return Response.json(results);
  },
};
"#;

#[test]
fn clients_ask_by_fetch() {
    let project = TestProject::with_files(&[
        (
            "wrangler.jsonc",
            r#"{ "name": "client", "main": "index.js", "compatibility_date": "2026-11-01",
                 "compatibility_flags": ["nodejs_compat"] }"#,
        ),
        ("index.js", CLIENT),
    ]);
    let server = project.start();
    let expected = r#"[[201,"Yes","b","[\"GET\",\"?x\",null,null,\"\"]"],[201,"Yes","b","[\"POST\",\"\",\"1\",\"Basic dTpw\",\"body\"]"],false,true,"#.to_owned()
        + r#""ERR_INVALID_PROTOCOL: Protocol \"https:\" not supported. Expected \"http:\"","#
        + r#""ERR_INVALID_PROTOCOL: Protocol \"http:\" not supported. Expected \"https:\"","#
        + r#""ERR_INVALID_ARG_VALUE: The property 'options.path' must be a path-only request target. Received '//other/'","#
        + r#""ERR_UNESCAPED_CHARACTERS: Request path contains unescaped characters","#
        + r#""ERR_INVALID_HTTP_TOKEN: Method must be a valid HTTP token [\"a b\"]",443]"#;
    assert_eq!(server.get("/").text(), expected);
}
