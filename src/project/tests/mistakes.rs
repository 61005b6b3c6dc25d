//! Each mistake once, in both languages where they differ, as `line:column code message`.

use super::super::{ClassStorage, Date, Var, check_exports};
use super::*;

#[test]
fn good_files_have_no_diagnostics() {
    check_json(&json("// a comment\n\"vars\": { \"A\": [1, null], },"), &[]);
    check_toml(&toml("[vars]\nA = [1, 'two']"), &[]);
    check_json(&format!("\u{feff}{}", json("\"minify\": true")), &[]);
}

#[test]
fn syntax_errors_point_at_the_place() {
    check_json("{ \"name\": \"w\"\n \"main\": \"x\" }", &["1:14 syntax a comma is missing"]);
    check_json("{ name: \"w\" }", &["1:3 syntax keys stand in double quotes"]);
    check_json("{ \"minify\": True }", &["1:13 syntax `True` is no value"]);
    assert_eq!(help("{ \"minify\": True }", "config/syntax"), "JSON says `true`, `false` and `null`");
    check_json("{ \"name\": w }", &["1:11 syntax `w` is no value"]);
    check_json("", &["1:1 syntax the file is empty"]);
    check_json("[]", &["1:1 wrong-type the configuration must be an object, not an array"]);
    check_toml(
        "name = \"w\"\nmain = \n",
        &["2:8 syntax string values must be quoted, expected literal string"],
    );
    check_toml("name = 'a'\nname = 'b'", &["2:1 syntax duplicate key"]);
}

#[test]
fn unknown_keys_are_warned_of() {
    check_json(&json("\"made_up_field\": 1"), &["2:1 unknown-key unknown key `made_up_field`"]);
    check_toml(&toml("made_up_field = 1"), &["4:1 unknown-key unknown key `made_up_field`"]);
    check_json(&json("\"dev\": { \"prot\": 1 }"), &["2:10 unknown-key unknown key `prot` in `dev`"]);
    check_toml(&toml("[dev]\nprot = 1"), &["5:1 unknown-key unknown key `prot` in `dev`"]);
    check_json(&json("\"name\": \"v\""), &["2:1 duplicate-key `name` is given twice"]);
    assert_eq!(
        help(&json("\"compatability_flags\": []"), "config/unknown-key"),
        "did you mean `compatibility_flags`?"
    );
    assert_eq!(help(&json("\"made_up_field\": 1"), "config/unknown-key"), "it has no effect; remove it");
}

#[test]
fn wrong_types_are_errors() {
    check_toml(&toml("[vars]\nA = 9007199254740992"), &["5:5 syntax the number is too large to be exact"]);
    check_json(&json("\"jsx_fragment\": \"'x'\""), &[]);
    for (more, expected) in [
        ("\"jsx_factory\": \"a b\"", "2:16 bad-value `a b` cannot be the `jsx_factory`"),
        ("\"minify\": \"true\"", "2:11 wrong-type `minify` must be a boolean, not a string"),
        ("\"vars\": []", "2:9 wrong-type `vars` must be an object, not an array"),
        ("\"define\": { \"A\": 1 }", "2:18 wrong-type `define.A` must be a string, not a number"),
        (
            "\"compatibility_flags\": \"x\"",
            "2:24 wrong-type `compatibility_flags` must be an array of strings, not a string",
        ),
        (
            "\"dev\": { \"port\": 1.5 }",
            "2:18 bad-value `dev.port` must be a whole number from 0 to 65535, not `1.5`",
        ),
        (
            "\"dev\": { \"local_protocol\": \"htp\" }",
            "2:28 bad-value `dev.local_protocol` must be one of `http`, `https`, not `htp`",
        ),
        (
            "\"limits\": { \"cpu_ms\": -1 }",
            "2:23 bad-value `limits.cpu_ms` must be a whole number from 0 to 4294967295, not `-1`",
        ),
        (
            "\"rules\": [{ \"type\": \"Txt\", \"globs\": [] }]",
            "2:21 bad-value `rules[0].type` must be one of `ESModule`, `CommonJS`, `CompiledWasm`, `Text`, `Data`, not `Txt`",
        ),
        ("\"rules\": [{ \"type\": \"Text\" }]", "2:11 missing-key `rules[0]` needs `globs`"),
        (
            "\"build\": { \"watch_dir\": 1 }",
            "2:25 wrong-type `build.watch_dir` must be a string or an array of strings, not a number",
        ),
    ] {
        check_json(&json(more), &[expected]);
    }
    check_toml(&toml("minify = 'true'"), &["4:10 wrong-type `minify` must be a boolean, not a string"]);
    check_toml(
        &toml("[vars]\nDAY = 2024-01-01"),
        &["5:7 wrong-type `vars.DAY` is a TOML date, which cannot be a variable"],
    );
    assert_eq!(help(&json("\"minify\": \"true\""), "config/wrong-type"), "remove the quotes: true");
}

#[test]
fn names_are_checked() {
    let text = json("").replace("\"w\"", "\"Bad Name!\"").replace(",\n", "\n");
    check_json(&text, &["1:11 bad-name `Bad Name!` cannot be the `name` of a Worker"]);
    assert!(help(&text, "config/bad-name").ends_with("for example `bad-name`"));
    check_toml(&toml("").replace("'w'", "'-x'"), &["1:8 bad-name `-x` cannot be the `name` of a Worker"]);
}

#[test]
fn dates_are_checked() {
    for (date, expected) in [
        ("\"yesterday\"", "1:62 bad-date `yesterday` is not a compatibility date"),
        ("\"2024-02-30\"", "1:62 bad-date the compatibility date `2024-02-30` does not exist"),
        ("\"2026-11-23\"", "1:62 future-date the compatibility date `2026-11-23` is in the future"),
        ("20241101", "1:62 wrong-type `compatibility_date` must be a string, not a number"),
    ] {
        let text = json("").replace("\"2026-11-01\",\n", date);
        check_json(&text, &[expected]);
    }
    let bare = toml("").replace("'2026-11-01'", "2026-11-01");
    check_toml(&bare, &["2:22 wrong-type `compatibility_date` must be a string, not a TOML date"]);
    assert_eq!(help(&bare, "config/wrong-type"), "put it in quotes: \"2026-11-01\"");
    let none = "{ \"name\": \"w\", \"main\": \"src/index.ts\" }";
    let misspelt = "{ \"name\": \"w\", \"main\": \"src/index.ts\", \"compatability_date\": \"2026-11-01\" }";
    check_json(misspelt, &["1:40 unknown-key unknown key `compatability_date`"]);
    check_json(none, &["1:1 no-date no `compatibility_date` is given, 2026-11-17 is used"]);
    assert_eq!(help(none, "config/no-date"), "add \"compatibility_date\": \"2026-11-17\"");
}

#[test]
fn main_must_exist() {
    check_json(
        "{ \"compatibility_date\": \"2026-11-01\" }",
        &["1:1 no-main the configuration has no `main`, the module to run"],
    );
    let text = json("\"minify\": true").replace("index.ts", "gone.ts");
    check_json(&text, &["1:24 main-not-found the main module `src/gone.ts` does not exist"]);
    // A build command may make it.
    check_json(&json("\"build\": { \"command\": \"make\" }").replace("index.ts", "gone.ts"), &[]);
}

#[test]
fn bindings_must_be_whole_and_unique() {
    for (binding, expected) in [
        ("{ \"name\": \"THING\" }", "2:35 missing-key `durable_objects.bindings[0]` needs `class_name`"),
        ("{ \"class_name\": \"Thing\" }", "2:35 missing-key `durable_objects.bindings[0]` needs `name`"),
        (
            "{ \"name\": \"THING\", \"class_name\": 1 }",
            "2:68 wrong-type `durable_objects.bindings[0].class_name` must be a string, not a number",
        ),
        (
            "{ \"name\": \"A\", \"class_name\": \"A\", \"script_name\": \"o\" }, { \"name\": \"A\", \"class_name\": \"B\", \"script_name\": \"o\" }",
            "2:101 duplicate-binding the binding `A` is given twice in `durable_objects`",
        ),
        (
            "{ \"name\": \"A\", \"class_name\": \"A\", \"script_name\": 1 }",
            "2:84 wrong-type `durable_objects.bindings[0].script_name` must be a string, not a number",
        ),
    ] {
        let migrations = "\"migrations\": [{ \"tag\": \"v1\", \"new_classes\": [\"Thing\", \"A\"] }]";
        let text = json(&format!("\"durable_objects\": {{ \"bindings\": [{binding}] }},\n{migrations}"));
        check_json(&text, &[expected]);
    }
    check_toml(
        &toml("[[durable_objects.bindings]]\nname = 'THING'\n"),
        &["4:1 missing-key `durable_objects.bindings[0]` needs `class_name`"],
    );
    check_json(
        &json("\"vars\": { \"A\": 1 }, \"services\": [{ \"binding\": \"A\", \"service\": \"w\" }]"),
        &["2:11 duplicate-binding the binding `A` is given in `services` and again in `vars`"],
    );
    let text = json("\"services\": [{ \"binding\": \"A\", \"servise\": \"w\" }]");
    check_json(&text, &["2:32 missing-key `services[0]` needs `service`"]);
    assert_eq!(help(&text, "config/missing-key"), "rename `servise` to `service`");
    check_json(
        &json(
            "\"durable_objects\": { \"bindings\": [{ \"name\": \"A\", \"class_name\": \"A\", \"environment\": \"e\" }] },\n\"migrations\": [{ \"tag\": \"v1\", \"new_classes\": [\"A\"] }]",
        ),
        &["2:69 bad-value `environment` has no meaning without `script_name`"],
    );
}

#[test]
fn classes_without_a_migration_are_warned_of_and_run() {
    let text = json(DO);
    check_json(&text, &["2:68 no-migration no migration creates the Durable Object class `Thing`"]);
    let help_text = help(&text, "config/no-migration");
    assert!(
        help_text.ends_with("\"migrations\": [{ \"tag\": \"v1\", \"new_sqlite_classes\": [\"Thing\"] }]"),
        "{help_text}"
    );
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    assert_eq!(project.classes["Thing"], ClassStorage::Kv);

    let text = toml(DO_TOML);
    check_toml(&text, &["6:14 no-migration no migration creates the Durable Object class `Thing`"]);
    let help_text = help(&text, "config/no-migration");
    assert!(
        help_text.ends_with("[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Thing\"]"),
        "{help_text}"
    );

    let near =
        json(&format!("{DO},\n\"migrations\": [{{ \"tag\": \"v7\", \"new_classes\": [\"Things\"] }}]"));
    let help_text = help(&near, "config/no-migration");
    assert!(help_text.starts_with("did you mean `Things`?"), "{help_text}");
    assert!(help_text.contains("\"tag\": \"v8\""), "{help_text}");
}

#[test]
fn migrations_must_fit_together() {
    let new = "{ \"tag\": \"v1\", \"new_sqlite_classes\": [\"Thing\"] }";
    for (migrations, expected) in [
        (
            "{ \"tag\": \"v1\" }".to_owned(),
            "3:15 wrong-type `migrations` must be an array of objects, not an object",
        ),
        (
            "[{ \"new_sqlite_classes\": [\"Thing\"] }]".to_owned(),
            "3:16 missing-key `migrations[0]` needs `tag`",
        ),
        (
            format!("[{},\n{{ \"tag\": \"v2\", \"added\": [\"X\"] }}]", new),
            "4:16 unknown-key unknown key `added` in `migrations[1]`",
        ),
        (format!("[{new},\n{{ \"tag\": \"v1\" }}]"), "4:10 migration the migration tag `v1` is used twice"),
        (
            format!("[{new},\n{{ \"tag\": \"v2\", \"new_classes\": [\"Thing\"] }}]"),
            "4:32 migration `new_classes` creates the class `Thing`, which exists already",
        ),
        (
            format!("[{new},\n{{ \"tag\": \"v2\", \"deleted_classes\": [\"Ghost\"] }}]"),
            "4:36 migration `deleted_classes` names `Ghost`, but no such class exists at this point",
        ),
        (
            format!(
                "[{new},\n{{ \"tag\": \"v2\", \"renamed_classes\": [{{ \"from\": \"Gone\", \"to\": \"B\" }}] }}]"
            ),
            "4:46 migration `renamed_classes` names `Gone`, but no such class exists at this point",
        ),
        (
            format!("[{new},\n{{ \"tag\": \"v2\", \"renamed_classes\": [{{ \"from\": \"Thing\" }}] }}]"),
            "4:36 missing-key `migrations[1].renamed_classes[0]` needs `to`",
        ),
        (
            format!("[{new},\n{{ \"tag\": \"v2\", \"deleted_classes\": [\"Thing\"] }}]"),
            "2:68 no-migration the class `Thing` is bound as `THING`, but was deleted",
        ),
        (
            format!(
                "[{new},\n{{ \"tag\": \"v2\", \"renamed_classes\": [{{ \"from\": \"Thing\", \"to\": \"B\" }}] }}]"
            ),
            "2:68 no-migration the class `Thing` is bound as `THING`, but was renamed to `B`",
        ),
        (
            format!("[{new},\n{{ \"tag\": \"v2\", \"new_classes\": \"A\" }}]"),
            "4:31 wrong-type `migrations[1].new_classes` must be an array of strings, not a string",
        ),
    ] {
        let text = json(&format!("{DO},\n\"migrations\": {migrations}"));
        check_json(&text, &[expected]);
    }
    check_toml(
        &toml(&format!(
            "{DO_TOML}[[migrations]]\ntag = 'v1'\nnew_classes = ['Thing']\n[[migrations]]\ntag = 'v2'\nnew_sqlite_classes = ['Thing']"
        )),
        &["12:23 migration `new_sqlite_classes` creates the class `Thing`, which exists already"],
    );
}

#[test]
fn undefined_environments_are_named() {
    let others = json("\"env\": { \"staging\": {} }");
    let loaded = TestProject::new().file("wrangler.jsonc", &others).env("stagin").load();
    assert_eq!(lines(&loaded.diagnostics), ["2:1 unknown-environment environment `stagin` is not defined"]);
    assert_eq!(loaded.diagnostics[0].help.as_deref(), Some("did you mean `staging`?"));
    assert!(loaded.project.is_none());

    let none = toml("[vars]\nA = 'top'");
    let loaded = TestProject::new().file("wrangler.toml", &none).env("nowhere").load();
    assert_eq!(lines(&loaded.diagnostics), ["1:1 unknown-environment environment `nowhere` is not defined"]);
    let project = loaded.project.expect("a warning");
    assert_eq!((project.name.as_str(), project.vars.len()), ("w-nowhere", 1));
}

#[test]
fn variables_never_hide_bindings() {
    let text = json("\"services\": [{ \"binding\": \"S\", \"service\": \"w\" }]");
    let loaded = TestProject::new().file("wrangler.jsonc", &text).file(".dev.vars", "S=1\nnonsense").load();
    assert_eq!(
        lines(&loaded.diagnostics),
        [
            "2:1 env-file this line sets no variable",
            "- env-file the variable `S` of a file is ignored, since a binding has the same name",
        ]
    );
    assert!(loaded.project.expect("warnings").vars.is_empty());
}

#[test]
fn secrets_must_have_values() {
    let text = json("\"secrets\": { \"required\": [\"KEY\", \"TOKEN\"] }");
    let project = TestProject::new().file("wrangler.jsonc", &text).file(".dev.vars", "KEY=k\nOTHER=o");
    assert_eq!(lines(&project.load().diagnostics), ["2:34 missing-secret the secret `TOKEN` has no value"]);
    assert_eq!(project.project().vars, [("KEY".to_owned(), Var::Text("k".to_owned()))]);

    let several = json("\"secrets\": { \"required\": [\"A\", \"B\", \"C\"] }");
    let project = TestProject::new().file("wrangler.jsonc", &several).file(".dev.vars", "B=b");
    assert_eq!(
        lines(&project.load().diagnostics),
        ["2:27 missing-secret the secrets `A`, `C` have no value"]
    );
}

#[test]
fn rate_limits_have_windows_of_the_platforms_lengths() {
    let text = json(
        "\"ratelimits\": [{ \"name\": \"A\", \"namespace_id\": \"1\", \"simple\": { \"limit\": 1, \"period\": 30 } }], \"unsafe\": { \"bindings\": [{ \"name\": \"B\", \"type\": \"ratelimit\" }, { \"name\": \"C\", \"type\": \"other\" }, { \"name\": \"D\", \"type\": \"ratelimit\", \"simple\": { \"limit\": 1, \"period\": 30 } }] }",
    );
    check_json(
        &text,
        &[
            "2:86 bad-value `simple.period` of a rate limit must be 10 or 60",
            "2:130 not-emulated dodev does not emulate `unsafe` yet",
        ],
    );
    assert_eq!(help(&text, "config/not-emulated"), "the Worker starts; using `B`, `C` throws");
}

#[test]
fn what_is_not_emulated_is_named() {
    let text = json(
        "\"vectorize\": [{ \"binding\": \"CACHE\", \"index_name\": \"a\" }, { \"binding\": \"MORE\", \"index_name\": \"b\" }], \"ai\": { \"binding\": \"AI\" }, \"d1_databases\": []",
    );
    check_json(
        &text,
        &[
            "2:28 not-emulated dodev does not emulate `vectorize` yet",
            "2:120 not-emulated dodev does not emulate `ai` yet",
        ],
    );
    assert_eq!(help(&text, "config/not-emulated"), "the Worker starts; using `CACHE`, `MORE` throws");
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    let named: Vec<(&str, Option<&str>)> =
        project.unsupported.iter().map(|item| (item.kind.as_str(), item.binding.as_deref())).collect();
    assert_eq!(named, [("vectorize", Some("CACHE")), ("vectorize", Some("MORE")), ("ai", Some("AI"))]);
}

#[test]
fn no_file_is_an_error_that_names_it() {
    let project = TestProject::new().with(|request| request.config = Some("wrangler.jsonc".into()));
    let loaded = project.load();
    assert!(loaded.project.is_none());
    assert!(
        loaded.diagnostics[0].message.contains("wrangler.jsonc` does not exist"),
        "{:?}",
        loaded.diagnostics
    );
    let inputs = [".env", ".env.local", "wrangler.jsonc"].map(|name| project.directory.path().join(name));
    assert_eq!(loaded.inputs, inputs);
}

#[test]
fn bound_classes_must_be_exported() {
    let text =
        json(&format!("{DO},\n\"migrations\": [{{ \"tag\": \"v1\", \"new_sqlite_classes\": [\"Thing\"] }}]"));
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    let exports = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(check_exports(&project, &exports(&["default", "Thing"])), []);
    let diagnostics = check_exports(&project, &exports(&["default", "Thingy"]));
    assert_eq!(
        lines(&diagnostics),
        [
            "2:68 unknown-class the Durable Object class `Thing` is bound, but `src/index.ts` does not export it"
        ]
    );
    assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `Thingy`?"));
    let help = check_exports(&project, &[])[0].help.clone().unwrap_or_default();
    assert!(help.contains("export class Thing extends DurableObject"), "{help}");
}

#[test]
fn removed_keys_are_errors() {
    check_json(&json("\"node_compat\": true"), &["2:1 removed-key `node_compat` is no longer supported"]);
    check_toml(&toml("legacy_env = false"), &["4:1 removed-key `legacy_env` is no longer supported"]);
}

#[test]
fn delays_and_new_names_have_limits() {
    let strategy = "\"code_update_strategy\": { \"mode\": \"deferred\", \"max_delay\": 90000 }";
    check_json(
        &json(&format!("\"durable_objects\": {{ {strategy} }}")),
        &["2:81 bad-value `durable_objects.code_update_strategy.max_delay` must be from 0 to 86400 seconds"],
    );
    for (to, problem) in [("X", "is the class itself"), ("a b", "is not a class name")] {
        let entry =
            format!("{{ \"type\": \"durable-object\", \"state\": \"renamed\", \"renamed_to\": \"{to}\" }}");
        check_json(
            &json(&format!("\"exports\": {{ \"X\": {entry} }}")),
            &[&format!("2:81 bad-value `exports.X.renamed_to` {problem}: `{to}`")],
        );
    }
    // As wrangler refuses them.
    for (key, entry, mistake) in [
        ("X", r#""state": "transferred", "transferred_to": """#, "`exports.X.transferred_to` is empty"),
        (
            "X",
            r#""state": "expecting-transfer", "storage": "sqlite", "transfer_from": """#,
            "`exports.X.transfer_from` is empty",
        ),
        ("", r#""storage": "sqlite""#, "a class of `exports` has no name"),
    ] {
        let text = json(&format!(r#""exports": {{ "{key}": {{ "type": "durable-object", {entry} }} }}"#));
        let found = TestProject::new().file("wrangler.json", &text).load();
        let found = lines(&found.diagnostics);
        assert!(found.iter().any(|line| line.ends_with(mistake)), "{mistake}: {found:?}");
    }
}

#[test]
fn toml_tables_have_places() {
    let text = toml(
        "[vars]\nA = 1\n[env.staging]\nminfy = true\n[env.staging.vars]\nB = 2\n[[env.staging.services]]\nbinding = 'S'",
    );
    let loaded = TestProject::new().file("wrangler.toml", &text).env("staging").load();
    assert_eq!(
        lines(&loaded.diagnostics),
        [
            "10:1 missing-key `env.staging.services[0]` needs `service`",
            "7:1 unknown-key unknown key `minfy` in `env.staging`",
            "8:14 not-inherited `vars` of environment `staging` lacks `A` and does not inherit from the top level",
        ]
    );
    let inline = toml("durable_objects.bindings = [{ name = 'T' }]");
    check_toml(&inline, &["4:29 missing-key `durable_objects.bindings[0]` needs `class_name`"]);
}

#[test]
fn compatibility_flags_are_checked() {
    let text = json("\"compatibility_flags\": [\"nodejs_compt\", \"x_y_z\"]");
    check_json(
        &text,
        &[
            "2:25 unknown-flag unknown compatibility flag `nodejs_compt`",
            "2:41 unknown-flag unknown compatibility flag `x_y_z`",
        ],
    );
    assert_eq!(help(&text, "config/unknown-flag"), "did you mean `nodejs_compat`?");
    for (flag, expected) in [
        (
            "x_y_z",
            "remove it; the platform refuses flags that it does not know, and dodev knows those of 2026-11-24",
        ),
        (" nodejs_compat", "did you mean `nodejs_compat`?"),
        ("nodejs-compat", "did you mean `nodejs_compat`?"),
        ("experimental:nodejs_compat_v2", "did you mean `nodejs_compat_v2`?"),
        ("", "remove it"),
    ] {
        let text = json(&format!("\"compatibility_flags\": [\"{flag}\"]"));
        assert_eq!(help(&text, "config/unknown-flag"), expected, "{flag}");
    }
    for (flags, expected) in [
        (
            "'no_nodejs_compat', 'nodejs_compat'",
            &[
                "4:44 bad-flag the compatibility flags `nodejs_compat` and `no_nodejs_compat` contradict each other",
            ][..],
        ),
        (
            "'nodejs_als', 'no_nodejs_als'",
            &["4:38 bad-flag the compatibility flags `nodejs_als` and `no_nodejs_als` contradict each other"],
        ),
        ("'rpc', 'rpc'", &["4:31 bad-flag the compatibility flag `rpc` is given twice"]),
        (
            "'nodejs_compat_v2', 'nodejs_compat'",
            &[
                "4:44 bad-flag the compatibility flags `nodejs_compat` and `nodejs_compat_v2` exclude each other",
            ],
        ),
        (
            "'webgpu', 'durable_object_alarms'",
            &[
                "4:24 experimental-flag the compatibility flag `webgpu` is experimental: it cannot be deployed",
            ],
        ),
        (
            "'nodejs_compat', 'no_web_socket_compression', 'url_original'",
            &[
                "4:70 flag-without-effect the compatibility flag `url_original` has no effect: dodev behaves as at \
             the newest date",
            ],
        ),
        (
            "'no_webcrypto', 'no_python_workers_314'",
            &["4:24 unknown-flag unknown compatibility flag `no_webcrypto`"],
        ),
    ] {
        check_toml(&toml(&format!("compatibility_flags = [{flags}]")), expected);
    }
    let flags = Some(vec!["rpc".to_owned(), "rpc".to_owned()]);
    let project = TestProject::new().file("wrangler.jsonc", &json("\"vars\": {}"));
    let project = project.with(|request| request.overrides.compatibility_flags = flags);
    assert_eq!(
        lines(&project.load().diagnostics),
        ["- bad-flag the compatibility flag `rpc` is given twice"]
    );
}

#[test]
fn dates_are_those_of_the_platform() {
    for (date, expected) in [
        ("2000-01-01", &[][..]),
        ("2026-11-17", &[]),
        ("2026-11-22", &[]),
        ("2026-11-23", &["1:56 future-date the compatibility date `2026-11-23` is in the future"]),
        ("1999-12-31", &["1:56 bad-date the compatibility date `1999-12-31` is before the platform's time"]),
        ("0000-01-01", &["1:56 bad-date the compatibility date `0000-01-01` is before the platform's time"]),
        ("2025-02-29", &["1:56 bad-date the compatibility date `2025-02-29` does not exist"]),
        ("2025-2-9", &["1:56 bad-date `2025-2-9` is not a compatibility date"]),
        ("", &["1:56 bad-date `` is not a compatibility date"]),
    ] {
        let text = format!("{{\"main\":\"src/index.ts\",\"name\":\"w\",\"compatibility_date\":\"{date}\"}}");
        check_json(&text, expected);
    }
    let text = "{\"main\":\"src/index.ts\",\"compatibility_date\":\"2026-11-25\"}";
    let later = Clock::manual(Timestamp(NOW.0 + 30 * 86_400_000));
    let project = TestProject::new().file("wrangler.jsonc", text).with(|request| request.clock = later);
    let loaded = project.load();
    let expected = ["1:45 newer-date the compatibility date `2026-11-25` is newer than dodev knows"];
    assert_eq!(lines(&loaded.diagnostics), expected);
    assert!(loaded.project.is_some_and(|project| project.compatibility.date > Date::NEWEST));
}

#[test]
fn places_are_right_behind_other_alphabets() {
    check_json(
        &json("\"vars\": { \"ä€😀\": 1 }, \"made_up\": 1"),
        &["2:23 unknown-key unknown key `made_up`"],
    );
    check_toml(
        &toml("vars = { 'ä€😀' = 1, B = 1979-05-27 }"),
        &["4:25 wrong-type `vars.B` is a TOML date, which cannot be a variable"],
    );
    check_toml(
        &toml("vars.A = { x = [1979-05-27] }"),
        &["4:17 wrong-type `vars.A.x[0]` is a TOML date, which cannot be a variable"],
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let project = TestProject::new();
    let config = project.directory.path().join("wrangler.jsonc");
    for (bytes, place) in [
        (b"{ \"name\": \"\xff\" }".as_slice(), "1:12 "),
        (b"{ \"name\":\r\n \"caf\xe9\" }".as_slice(), "2:6 "),
        (b"\xef\xbb\xbf{ \"name\": \"\xff\" }".as_slice(), "1:12 "),
        (b"\xff\xfe{\0}\0".as_slice(), "- "),
    ] {
        std::fs::write(&config, bytes).expect("write");
        let found = lines(&project.load().diagnostics);
        assert!(
            found[0].starts_with(&format!("{place}unreadable")) && found[0].contains("not UTF-8: byte"),
            "{found:?}"
        );
    }
    let project = TestProject::new().file("wrangler.yaml", "").with(|request| {
        request.config = Some("wrangler.yaml".into());
    });
    assert!(lines(&project.load().diagnostics)[0].ends_with("is neither JSON nor TOML"));

    let project = TestProject::new().file("wrangler.jsonc", &json("\"minify\": true")).with(|request| {
        request.overrides.env_files = vec!["gone.env".into()];
    });
    let found = lines(&project.load().diagnostics);
    assert!(found[0].starts_with("- env-file") && found[0].contains("gone.env"), "{found:?}");
}

#[test]
fn wrong_words_of_build_tools_are_named() {
    let built = |redirect: &str, config: &str| {
        TestProject::new()
            .file("wrangler.jsonc", &json(""))
            .file(".wrangler/deploy/config.json", redirect)
            .file("dist/wrangler.json", config)
            .file("dist/index.js", "export default {}")
    };
    let to = "{ \"configPath\": \"../../dist/wrangler.json\" }";
    let one = |project: TestProject| lines(&project.load().diagnostics)[0].clone();

    assert!(one(built("{}", "{}")).ends_with(".wrangler/deploy/config.json` has no `configPath`"));
    assert!(one(built("{ \"configPath\": 3 }", "{}")).ends_with("has no `configPath`"));
    assert!(
        one(built("{ \"configPath\": \"gone.json\" }", "{}")).ends_with("gone.json`, which does not exist")
    );
    assert!(one(built("{ configPath", "{}")).starts_with("1:"));

    let config = |more: &str| json(more).replace("src/index.ts", "index.js");
    let project = built(to, &config("\"targetEnvironment\": \"staging\"")).env("live");
    assert!(one(project).ends_with("the project was built for the environment `staging`, not for `live`"));
    let project = built(to, &config("\"env\": { \"live\": {} }"));
    assert!(one(project).ends_with("a configuration that a build tool made cannot have environments"));

    let apart = TestProject::new()
        .file("package/wrangler.jsonc", &json("").replace("src/", "../src/"))
        .file(".wrangler/deploy/config.json", to)
        .with(|request| request.cwd = request.cwd.join("package"));
    assert!(one(apart).contains("config.json` does not stand beside the configuration"));
}
