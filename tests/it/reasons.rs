//! Reason phrases on the wire and `statusText` (`fixtures/reasons`), against what wrangler 4.164.0 with workerd
//! 1.20261117.1 answered on 2026-11-23.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::Value;

use crate::http::Connection;
use crate::recorded::{assert_as_recorded, recorded};

/// The line that says the status of the answer.
fn status_line(port: u16, path: &str) -> String {
    let mut connection = Connection::open(port).expect("the server listens");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    connection.write(request.as_bytes()).expect("sent");
    let mut answer = String::new();
    connection.into_upgraded().0.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().expect("a line").to_owned()
}

#[test]
fn reasons_are_what_the_real_tool_sends() {
    let names = recorded::<Value>("reasons");
    assert_as_recorded("reasons", &[], |server| {
        let ask = |path: &String| match path.starts_with("/texts/") {
            true => serde_json::from_slice(&server.get(path).body).expect("JSON"),
            false => Value::from(status_line(server.port(), path)),
        };
        names.keys().map(|path| (path.clone(), ask(path))).collect::<BTreeMap<_, _>>()
    });
}
