//! Answers of every kind, asked for with every `accept-encoding` (`fixtures/encodings`), against what wrangler 4.164.0 with workerd
//! 1.20261117.1 answered on 2026-11-23; and what is in them.

use std::collections::BTreeMap;
use std::io::Read;

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::project::Server;
use crate::recorded::assert_as_recorded;

/// The recorded parts of an answer. How small something gets is the packer's affair.
fn told(response: &Response) -> Value {
    let fields = ["content-encoding", "content-length", "content-type", "accept-encoding", "etag", "vary"];
    let packed = response.header("content-encoding").is_some();
    let field = |name| if packed && name == "content-length" { None } else { response.header(name) };
    let fields = fields.map(|name| field(name).map_or(Value::Null, Value::from));
    [json!(response.status)].into_iter().chain(fields).collect()
}

/// What the body holds.
fn unpacked(response: &Response) -> Vec<u8> {
    let mut text = Vec::new();
    let body = response.body.as_slice();
    match response.header("content-encoding").as_deref() {
        Some("gzip") => flate2::read::MultiGzDecoder::new(body).read_to_end(&mut text).map(drop),
        Some("br") => brotli_decompressor::BrotliDecompress(&mut &*body, &mut text),
        _ => return response.body.clone(),
    }
    .expect("the body is in its coding");
    text
}

fn ask(server: &Server) -> BTreeMap<String, Value> {
    let questions: Vec<String> = serde_json::from_slice(&server.get("/").body).expect("names");
    let mut bodies: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut given = BTreeMap::new();
    for question in questions {
        let (name, accepted) = question.split_once(' ').expect("a name and a field");
        // The client here sends a field in any case: an empty one is as good as none.
        let accepted = if accepted == "none" { "" } else { accepted };
        let request = Request::new("GET", &format!("/{name}")).header("accept-encoding", accepted);
        let response = server.request(&request);
        if response.status != 415 {
            let body = unpacked(&response);
            let first = bodies.entry(name.to_owned()).or_insert_with(|| body.clone());
            assert_eq!(*first, body, "{question}");
        }
        given.insert(question.clone(), told(&response));
    }
    given
}

#[test]
fn answers_come_in_a_coding_that_the_client_takes() {
    assert_as_recorded("encodings", &[], ask);
}
