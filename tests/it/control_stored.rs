//! The routes of the control API that read what is stored, against the commands that tell the same.

use serde_json::{Value, json};

use crate::control::{BASE, OBJECT, ask, call, get, post, project, walk};
use crate::project::TestProject;

/// What `dodev` prints for `args` about the project's state.
fn printed(project: &TestProject, args: &[&str]) -> String {
    let state = project.state_dir();
    let output = project.dodev(&[args, &["--persist-to", state.to_str().expect("a plain path")]].concat());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn what_is_stored_is_read_as_by_the_commands_and_nobody_wakes() {
    let project = project();
    let server = project.start();
    let names = ["a", "b", "\u{f6}/\"'", "-x"];
    for name in names {
        let place = format!("{BASE}/objects/Counter/{}/call", encoded(name));
        assert_eq!(post(&server, &place, &json!({ "method": "inc" }))["value"], 1);
    }
    call(&server, "alarmIn", &json!([3_600_000]));
    post(
        &server,
        &format!("{OBJECT}/sql"),
        &json!({ "query": "CREATE TABLE t (a); INSERT INTO t VALUES (x'00ff')" }),
    );
    post(&server, &format!("{BASE}/state/snapshots"), &json!({ "name": "one" }));
    call(&server, "inc", &json!([]));
    post(&server, &format!("{BASE}/hibernate"), &json!({}));
    post(&server, &format!("{BASE}/state/save-history"), &json!({}));
    let before = walk(&project.state_dir());

    let state = |rest: &str| get(&server, &format!("{BASE}/state/{rest}"));
    let same = |answer: Value, args: &[&str]| {
        let said: Value = serde_json::from_str(&printed(&project, args)).expect("JSON");
        assert_eq!(answer, said, "{args:?}");
        answer
    };
    let all = same(state("objects"), &["state", "list", "--json"]);
    assert_eq!(all["namespaces"][0]["objects"].as_array().map(Vec::len), Some(names.len()));
    same(state("objects?address=Counter:-x"), &["state", "list", "--json", "Counter:-x"]);
    let one = same(state("inspect?address=Counter:a"), &["state", "inspect", "--json", "Counter:a"]);
    assert_eq!((&one["tables"][0]["rows"], &one["live"]["state"]), (&json!(1), &json!("asleep")));
    let odd = encoded("Counter:\u{f6}/\"'");
    assert_eq!(state(&format!("inspect?address={odd}"))["keys_total"], 1);
    let alarms = same(state("alarms"), &["alarm", "list", "--json"]);
    assert_eq!(alarms["alarms"][0]["name"], "a");
    let diff = same(state("diff?from=one"), &["state", "diff", "--json", "one"]);
    assert_eq!(diff["objects"][0]["keys"][0]["to"]["value"], 2);
    let points = get(&server, &format!("{OBJECT}/history"));
    let newest = points["points"][0]["bookmark"].as_str().expect("a point");
    let details = points["points"].as_array().expect("points").iter().map(|point| &point["cause"]["detail"]);
    let sql = "sql CREATE TABLE t (a); INSERT INTO t VALUES (x'00ff')";
    assert!(details.clone().any(|detail| detail == sql), "{points}");
    assert_eq!(state(&format!("diff?from=Counter:a%40{newest}"))["objects"], json!([]));
    let told = get(&server, &format!("{BASE}/migrations"));
    assert_eq!((&told["applied"][0]["tag"], &told["pending"]), (&json!("v1"), &json!([])));

    let lines = server.get(&format!("{BASE}/state/export"));
    assert_eq!((lines.status, lines.text()), (200, printed(&project, &["state", "export"])));
    let sql = server.get(&format!("{BASE}/state/export?address=Counter:a&sql"));
    assert!(sql.text().contains("x'00ff'") || sql.text().contains("X'00FF'"), "{sql}");
    for line in get(&server, &format!("{BASE}/objects?asleep"))["objects"].as_array().unwrap() {
        assert_eq!(line["state"], "asleep", "reading wakes nobody");
    }
    assert_eq!(walk(&project.state_dir()), before, "reading makes and changes no file");

    // What was exported is imported again.
    post(&server, &format!("{BASE}/state/reset"), &json!({}));
    assert_eq!(state("objects")["namespaces"], json!([]));
    assert_eq!(ask(&server, "GET", &format!("{BASE}/state/export"), &Value::Null).0, 404);
    post(&server, &format!("{BASE}/state/import"), &json!({ "lines": lines.text() }));
    assert_eq!(call(&server, "inc", &json!([])), 3);
    server.stop();
}

#[test]
fn a_long_export_is_streamed_and_tells_of_what_it_could_not_read() {
    let project = project();
    let server = project.start();
    let key = format!("{OBJECT}/kv/big");
    assert_eq!(ask(&server, "PUT", &key, &json!({ "value": "x".repeat(1_000_000) })).0, 200);
    let other = format!("{BASE}/objects/Counter/b/kv/k");
    assert_eq!(ask(&server, "PUT", &other, &json!({ "value": 1 })).0, 200);
    server.stop();
    let folder = project.state_dir().join("v3/do/ctl-Counter");
    let garbage = folder.join(format!("{}.sqlite", "ab".repeat(32)));
    std::fs::write(&garbage, vec![b'?'; 8_192]).unwrap();
    let server = project.start();
    let all = server.get(&format!("{BASE}/state/export"));
    assert_eq!(all.status, 200);
    let last: Value = serde_json::from_str(all.text().lines().last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "damaged", "{last}");
    assert!(all.body.len() > 1_000_000);
    let import = format!("{BASE}/state/import");
    let (status, refused) = ask(&server, "POST", &import, &json!({ "lines": all.text(), "replace": true }));
    assert!(status == 400 && refused["error"].as_str().unwrap().contains("cannot be read"), "{refused}");
    server.stop();
}

/// `text` as a part of a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
