//! Mistakes that keep the platform's tool from starting, though the Worker would run.

use super::*;

#[test]
fn texts_of_json_hold_no_control_characters() {
    check_json(
        &json("\"vars\": { \"A\": \"a\nb\" }"),
        &["2:16 syntax the text has no closing quote on its line"],
    );
    check_json(&json("\"vars\": { \"A\": \"a\tb\" }"), &["2:18 syntax a control character stands in a text"]);
    check_json(&json("\"vars\": { \"A\u{1}\": 1 }"), &["2:13 syntax a control character stands in a text"]);
    check_json(&json("\"vars\": { \"A\": \"a\\n\\t\" }\t"), &[]);
}

#[test]
fn keys_for_deployment_are_judged_as_a_whole() {
    for (more, expected) in [
        ("'observability': {}", &["2:1 missing-key `observability` does not say what is enabled"][..]),
        ("'observability': { 'logs': { 'enabled': true } }", &[]),
        (
            "'observability': { 'enabled': true, 'head_sampling_rate': 2, 'logs': { 'head_sampling_rate': -0.5 } }",
            &[
                "2:59 bad-value `observability.head_sampling_rate` must be from 0 to 1",
                "2:94 bad-value `observability.logs.head_sampling_rate` must be from 0 to 1",
            ],
        ),
        ("'placement': {}", &["2:1 missing-key `placement` needs `mode`"]),
        ("'placement': { 'mode': 'smart', 'hint': 'wnam' }", &[]),
        ("'placement': { 'region': 'aws:us-east-1' }", &[]),
        (
            "'placement': { 'mode': 'off', 'hint': 'wnam' }",
            &["2:24 bad-value `placement.hint` needs the mode `smart`"],
        ),
        (
            "'placement': { 'mode': 'smart', 'host': 'a' }",
            &["2:24 bad-value `placement.host` needs the mode `targeted`"],
        ),
        ("'placement': { 'mode': 'targeted' }", &["2:24 missing-key `placement` is `targeted` at nothing"]),
        (
            "'placement': { 'hint': 'a', 'host': 'b' }",
            &["2:16 bad-value `placement` cannot have both `hint` and `host`"],
        ),
        (
            "'placement': { 'region': '', 'host': 'b' }",
            &[
                "2:26 bad-value `placement.region` must not be empty",
                "2:30 bad-value `placement` cannot have both `region` and `host`",
            ],
        ),
        ("'routes': ['a.com/*', { 'pattern': 'a.com/*', 'zone_name': 'a.com' }]", &[]),
        (
            "'routes': [{ 'pattern': 'a.com' }]",
            &["2:25 missing-key `routes[0]` does not say which zone `a.com` belongs to"],
        ),
        (
            "'route': { 'pattern': 'a.com/b', 'custom_domain': true }",
            &["2:23 bad-value `a.com/b` cannot be a custom domain"],
        ),
        (
            "'route': { 'pattern': 'a.com', 'zone_id': 'x', 'zone_name': 'y' }",
            &["2:48 bad-value `route` cannot have both `zone_id` and `zone_name`"],
        ),
        (
            "'kv_namespaces': [{ 'binding': 'K', 'id': '' }]",
            &["2:43 bad-value the namespace of `K` has an empty `id`"],
        ),
        ("'services': [{ 'binding': 'S', 'service': 'w', 'environment': 'production' }]", &[]),
        ("'define': []", &["2:11 wrong-type `define` must be an object, not an array"]),
        ("'previews': []", &["2:13 wrong-type `previews` must be an object, not an array"]),
        (
            "'previews': { 'vars': {}, 'minify': true }",
            &["2:27 unknown-key unknown key `minify` in `previews`"],
        ),
        ("'exports': []", &["2:12 wrong-type `exports` must be an object, not an array"]),
        ("'limits': null, 'rules': null, 'tail_consumers': null", &[]),
        (
            "'vpc_networks': [{ 'binding': 'V' }]",
            &[
                "2:18 missing-key `vpc_networks[0]` needs `tunnel_id` or `network_id`",
                "2:31 not-emulated dodev does not emulate `vpc_networks` yet",
            ],
        ),
        (
            "'pipelines': [{ 'binding': 'P' }]",
            &[
                "2:15 missing-key `pipelines[0]` needs `stream` or `pipeline`",
                "2:28 not-emulated dodev does not emulate `pipelines` yet",
            ],
        ),
        (
            "'containers': [{ 'image': 'a' }]",
            &[
                "2:16 missing-key `containers[0]` needs `class_name` or `name`",
                "2:1 not-emulated dodev does not emulate `containers` yet",
            ],
        ),
        ("'define': ['a']", &["2:11 wrong-type `define` must be an object, not an array"]),
    ] {
        check_json(&json(&more.replace('\'', "\"")), expected);
    }
    for refused in ["\"previews\": []", "\"cloudchamber\": []", "\"exports\": []"] {
        assert!(
            TestProject::new().file("wrangler.jsonc", &json(refused)).load().project.is_none(),
            "{refused}"
        );
    }
    let passed = TestProject::new().file("wrangler.jsonc", &json("\"define\": [], \"vars\": []"));
    assert!(passed.load().project.is_some());
}
