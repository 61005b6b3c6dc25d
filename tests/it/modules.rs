//! The platform's modules beside `cloudflare:workers`: what packages import from them is there, and what is not
//! emulated refuses by name.

use serde_json::{Value, json};

use crate::project::TestProject;

const CONFIG: &str = r#"{ "name": "modules", "main": "src/index.js", "compatibility_date": "2026-06-01", "compatibility_flags": ["nodejs_compat"] }"#;
const WORKER: &str = r#"
import { EmailMessage } from "cloudflare:email";
import { connectHandler } from "cloudflare:node";
import { connect } from "cloudflare:sockets";
import { cache, tracing } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";

const said = (run) => {
  try {
    return run();
  } catch (error) {
    return `${error}`;
  }
};

export default {
  fetch() {
    const span = tracing.startSpan("a");
    return Response.json({
      email: new EmailMessage("a@example.com", "b@example.com", "Subject: x"),
      error: [new NonRetryableError("no").name, new NonRetryableError("no", "Mine").name],
      span: [tracing.enterSpan("a", (_, value) => value, 5), Object.prototype.toString.call(span), span.end()],
      purge: typeof cache.purge,
      refused: [said(() => connect("example.com:80")), said(() => connectHandler(8080))],
    });
  },
};
"#;

#[test]
fn packages_find_the_modules_that_they_import() {
    let project = TestProject::with_files(&[("wrangler.jsonc", CONFIG), ("src/index.js", WORKER)]);
    let server = project.start();
    let answer: Value = serde_json::from_str(&server.get("/").text()).expect("JSON");
    // Fidelity: wrangler 4.164.0 answers the same but for what is refused.
    let expected = json!({
        "email": { "from": "a@example.com", "to": "b@example.com", "EmailMessage::raw": "Subject: x" },
        "error": ["NonRetryableError", "Mine"],
        "span": [5, "[object Span]", null],
        "purge": "undefined",
        "refused": [
            "Error: dodev does not emulate connect() of cloudflare:sockets yet",
            "Error: dodev does not emulate connectHandler() of cloudflare:node yet",
        ],
    });
    assert_eq!(answer, expected);
    assert!(server.stop().success());
}
