//! The global `fetch`, by a Worker that talks to its own server over HTTP.

use serde_json::{Value, json};

use crate::project::TestProject;

#[test]
fn requests_leave_and_responses_come_back() {
    let server = TestProject::from_fixture("outbound").start();
    for (name, expected) in [
        (
            "simple",
            json!([
                201,
                "Made",
                true,
                false,
                ["a=1", "b=2"],
                "TypeError: Can't modify immutable headers.",
                ["GET", ["t", null, null, "1"], ""]
            ]),
        ),
        (
            "redirects",
            json!([
                [
                    [301, true, ["GET", ""]],
                    [302, true, ["GET", ""]],
                    [303, true, ["GET", ""]],
                    [307, true, ["POST", "kept"]],
                    [308, true, ["POST", "kept"]]
                ],
                302,
                true,
                "TypeError: Too many redirects.",
                "TypeError: A request with a one-time-use body (it was initialized from a stream, not a \
                 buffer) encountered a redirect requiring the body to be retransmitted. To avoid this error \
                 in the future, construct this request from a buffer-like body initializer."
            ]),
        ),
        (
            "failures",
            json!([
                "TypeError: Fetch API cannot load: ftp://a/",
                "TypeError: Invalid URL: nowhere",
                "Network connection lost.",
                true,
                true
            ]),
        ),
        (
            "packed",
            json!([null, 350, "Error: dodev does not emulate responses with `content-encoding: zstd` yet"]),
        ),
        ("aborts", json!(["before", "tick", "RangeError: while reading"])),
        ("streams", json!(["3000000", 3_000_000])),
        (
            "object",
            json!([1, "[\"POST\",[null,\"14\",\"text/plain;charset=UTF-8\",null],\"from an object\"]"]),
        ),
    ] {
        let response = server.get(&format!("/check/{name}"));
        let answer: Value = serde_json::from_str(&response.text()).unwrap_or_else(|_| response.text().into());
        assert_eq!(answer, expected, "{name}");
    }
}
