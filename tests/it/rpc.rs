//! RPC on `fixtures/rpc`: what the conformance suite does not look at, above all who lets go of what when.
//!
//! Each case is a function of the fixture's Worker that answers with JSON.

use crate::project::TestProject;

const CASES: &[(&str, &str)] = &[
    ("disposed_stubs", r#"[["disposed u"],"RPC stub used after being disposed.",["disposed v"]]"#),
    ("disposed_results", r#"["RPC stub used after being disposed.",["disposed b"],"hi a",["disposed a"]]"#),
    ("disposer_of_a_result", r#"[[],["disposed a result"]]"#),
    ("disposed_promises", r#"["RPC promise used after being disposed.",["disposed p"]]"#),
    ("forgotten_stubs", r#"["hi g",["disposed g"]]"#),
    (
        "entry_points",
        r#"["hi e",2,"hello you, object, function",["disposed e"],"Worker \"another-worker\" not found. Make sure it is running locally."]"#,
    ),
    ("own_exports", r#"[["Named","Room","default","plain"],{"tenant":1},"hi x"]"#),
    (
        "local_stubs",
        r#"["hi l",["hi l","hi l"],3,4,"Failed to construct 'JsRpcStub': constructor parameter 1 is not of type 'Object'."]"#,
    ),
    ("passed_on", r#"[8,"hi a",42]"#),
    ("kept_and_blocked", "[10,20,5]"),
    ("returned_stubs_are_moved", r#"[10,"RPC stub used after being disposed."]"#),
    ("streams", r#"["written",2000000,"ReadableStream received over RPC disconnected prematurely."]"#),
    ("requests_and_signals", r#"["PUT 1 body","aborted why","already before"]"#),
    (
        "refusals",
        r#"[false,"Symbol(s) could not be cloned.","RPC pipelined property path is too deep (max 64)."]"#,
    ),
    (
        "targets_of_a_reset_object",
        r#""The execution context which hosts this callback is no longer running.""#,
    ),
];

#[test]
fn every_case_of_the_fixture_answers_as_it_should() {
    let project = TestProject::from_fixture("rpc");
    let server = project.start();
    for (name, expected) in CASES {
        assert_eq!(server.get(&format!("/{name}")).text(), *expected, "{name}");
    }
    server.stop();
}
