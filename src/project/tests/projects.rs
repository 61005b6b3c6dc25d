//! What a good configuration becomes: overlays, classes, variables, rules, and where it is found.

use std::path::Path;

use super::super::{BuildPlatform, ClassStorage, Date, ModuleKind, Overrides, Var};
use super::*;

#[test]
fn migrations_fold_into_classes() {
    let text = json(
        "\"migrations\": [
          { \"tag\": \"v1\", \"new_classes\": [\"A\", \"B\"], \"new_sqlite_classes\": [\"C\"] },
          { \"tag\": \"v2\", \"renamed_classes\": [{ \"from\": \"C\", \"to\": \"D\" }], \"deleted_classes\": [\"A\"] },
          { \"tag\": \"v3\", \"new_sqlite_classes\": [\"A\"],
            \"transferred_classes\": [{ \"from\": \"X\", \"from_script\": \"other\", \"to\": \"E\" }] }]",
    );
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    let classes: Vec<(&str, ClassStorage)> =
        project.classes.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    use ClassStorage::{Kv, Sqlite};
    assert_eq!(classes, [("A", Sqlite), ("B", Kv), ("D", Sqlite), ("E", Kv)]);
    let rename = &project.migrations[1].renamed_classes[0];
    assert_eq!((&project.source.text[rename.from.span.clone()], rename.to.text.as_str()), ("\"C\"", "D"));
    assert_eq!(project.migrations[2].transferred_classes[0].from_script.text, "other");
}

#[test]
fn exports_declare_classes_too() {
    let text = json(&format!(
        "{DO},\n\"exports\": {{ \"Thing\": {{ \"type\": \"durable-object\", \"storage\": \"sqlite\" }},
         \"Old\": {{ \"type\": \"durable-object\", \"state\": \"renamed\", \"renamed_to\": \"Thing\" }},
         \"default\": {{ \"type\": \"worker\" }} }}"
    ));
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    assert_eq!(project.classes.into_iter().collect::<Vec<_>>(), [("Thing".to_owned(), ClassStorage::Sqlite)]);
    assert_eq!(project.exports.len(), 2);

    for (entry, expected) in [
        ("{ \"type\": \"durable-object\" }", "2:19 missing-key `exports.X` needs `storage`"),
        (
            "{ \"type\": \"object\" }",
            "2:29 bad-value `exports.X.type` must be one of `durable-object`, `worker`, `workflow`, not `object`",
        ),
        ("1", "2:19 wrong-type `exports.X` must be an object, not a number"),
        (
            "{ \"type\": \"durable-object\", \"state\": \"gone\" }",
            "2:56 bad-value `exports.X.state` must be one of `created`, `deleted`, `renamed`, `transferred`, `expecting-transfer`, not `gone`",
        ),
        (
            "{ \"type\": \"durable-object\", \"state\": \"deleted\", \"storage\": \"sqlite\" }",
            "2:67 unknown-key `storage` has no place in `exports.X`",
        ),
    ] {
        check_json(&json(&format!("\"exports\": {{ \"X\": {entry} }}")), &[expected]);
    }
    let text = json(
        "\"exports\": { \"X\": { \"type\": \"durable-object\", \"storage\": \"sqlite\" } },\n\"migrations\": [{ \"tag\": \"v1\" }]",
    );
    check_json(
        &text,
        &["2:1 migration `migrations` and `exports` cannot both declare Durable Object classes"],
    );
}

#[test]
fn variables_come_in_the_platforms_order() {
    // Fidelity: wrangler 4.164.0.
    let text = json("\"vars\": { \"T\": \"t\", \"J\": [1], \"F\": \"c\", \"U\": \"u\", \"G\": \"g\" }");
    let project = TestProject::new().file("wrangler.jsonc", &text).file(".dev.vars", "N=n\nF=f");
    let project = project.with(|request| {
        request.overrides.vars = vec![("Z".into(), "1".into()), ("G".into(), "2".into())];
    });
    let names: Vec<String> = project.project().vars.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["J", "Z", "G", "T", "U", "F", "N"]);
}

#[test]
fn files_say_what_the_environment_is() {
    let environments = json("\"build\": { \"command\": \"true\" }, \"env\": { \"a\": {}, \"b\": {} }");
    let project = |files: &[(&str, &str)]| {
        let project = TestProject::new().file("wrangler.jsonc", &environments);
        files.iter().fold(project, |project, (name, text)| project.file(name, text))
    };
    let environment = |project: &TestProject| project.project().environment;
    let chosen = project(&[(".env", "X=a\nCLOUDFLARE_ENV=$X"), (".env.a", "Y=1")]);
    assert_eq!(environment(&chosen).as_deref(), Some("a"));
    assert_eq!(chosen.project().vars.len(), 2, "`.env.a` is for a flag");
    assert_eq!(
        lines(&chosen.load().diagnostics),
        ["- env-file `.env.a` is not read: `CLOUDFLARE_ENV` chose the environment `a`, not a flag"]
    );
    assert_eq!(environment(&chosen.env("b")).as_deref(), Some("b"));
    let set = |project: TestProject, name: &str, value: &str| {
        project.with(|request| {
            request.process_env.insert(name.to_owned(), value.to_owned());
        })
    };
    let outside = set(project(&[(".env", "CLOUDFLARE_ENV=a")]), "CLOUDFLARE_ENV", "b");
    assert_eq!(environment(&outside).as_deref(), Some("b"));
    let named = project(&[("x.env", "CLOUDFLARE_ENV=b\nNODE_ENV=production"), (".env", "CLOUDFLARE_ENV=a")]);
    let named = named.with(|request| request.overrides.env_files = vec!["x.env".into()]);
    assert_eq!(environment(&named).as_deref(), Some("b"));
    let build = named.project().build;
    assert_eq!(build.define[0], ("process.env.NODE_ENV".to_owned(), "\"production\"".to_owned()));
    assert_eq!(build.command.expect("a command").env["NODE_ENV"], "production");
    let off = project(&[(".env", "CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV=false\nA=1")]);
    assert!(off.project().vars.is_empty());
    let conditions = |name: &str, value: &str| {
        let Loaded { project, diagnostics, .. } = set(project(&[]), name, value).load();
        let told = lines(&diagnostics).join("");
        project.map(|project| (project.build.conditions.join("|"), project.build.platform)).ok_or(told)
    };
    let usual = || "workerd|worker|browser".to_owned();
    assert_eq!(conditions("NO", "x"), Ok((usual(), BuildPlatform::Browser)));
    assert_eq!(conditions("WRANGLER_BUILD_CONDITIONS", "a, b"), Ok(("a| b".into(), BuildPlatform::Browser)));
    assert_eq!(conditions("WRANGLER_BUILD_CONDITIONS", ""), Ok((String::new(), BuildPlatform::Browser)));
    assert_eq!(conditions("WRANGLER_BUILD_PLATFORM", "neutral"), Ok((usual(), BuildPlatform::Neutral)));
    let told = "- environment-variable the environment variable `WRANGLER_BUILD_PLATFORM` is `deno`, which is no platform";
    assert_eq!(conditions("WRANGLER_BUILD_PLATFORM", "deno"), Err(told.to_owned()));
    let by_file = project(&[(".env", "WRANGLER_BUILD_PLATFORM=node")]);
    assert_eq!(by_file.project().build.platform, BuildPlatform::Node);
    // Some other tool's directory.
    assert!(project(&[(".env/x", "A=1")]).project().vars.is_empty());
}

#[test]
fn environments_overlay_the_top_level() {
    let text = json(
        "\"vars\": { \"A\": \"top\", \"B\": \"top\" }, \"minify\": true,
         \"define\": { \"X\": \"1\" }, \"services\": [{ \"binding\": \"S\", \"service\": \"w\" }],
         \"env\": { \"staging\": { \"vars\": { \"A\": \"staging\" }, \"services\": [] },
                  \"named\": { \"name\": \"other\", \"define\": { \"X\": \"2\" }, \"vars\": { \"A\": 1, \"B\": 2 },
                             \"services\": [{ \"binding\": \"S\", \"service\": \"v\" }], \"dev\": {}, \"minfy\": true } }",
    );
    let staging = TestProject::new().file("wrangler.jsonc", &text).env("staging");
    let loaded = staging.load();
    assert_eq!(
        lines(&loaded.diagnostics),
        [
            "4:19 not-inherited environment `staging` has no `define` of its own and does not inherit it",
            "4:32 not-inherited `vars` of environment `staging` lacks `B` and does not inherit from the top level",
            "4:60 not-inherited `services` of environment `staging` lacks `S` and does not inherit from the top level",
        ]
    );
    let project = loaded.project.expect("only warnings");
    assert_eq!((project.name.as_str(), project.environment.as_deref()), ("w-staging", Some("staging")));
    assert_eq!(project.vars, [("A".to_owned(), Var::Text("staging".to_owned()))]);
    assert!(project.build.minify && project.build.define.is_empty() && project.services.is_empty());

    let named = TestProject::new().file("wrangler.jsonc", &text).env("named");
    assert_eq!(
        lines(&named.load().diagnostics),
        [
            "6:80 unknown-key `dev` has no effect in an environment",
            "6:91 unknown-key unknown key `minfy` in `env.named`",
        ]
    );
    assert_eq!(named.project().name, "other");

    let by_variable = TestProject::new().file("wrangler.jsonc", &text);
    let by_variable = by_variable.with(|request| {
        request.process_env.insert("CLOUDFLARE_ENV".into(), "staging".into());
    });
    assert_eq!(by_variable.project().name, "w-staging");
}

#[test]
fn a_file_of_variables_in_another_encoding_is_read_as_far_as_it_goes() {
    let project = TestProject::new().file("wrangler.jsonc", &json(""));
    std::fs::write(project.directory.path().join(".dev.vars"), b"A=1\nB=x\xe4y").expect("write");
    let Loaded { project, diagnostics, .. } = project.load();
    assert_eq!(lines(&diagnostics), ["2:4 env-file the file is not UTF-8"]);
    let vars = project.expect("only a warning").vars;
    assert_eq!(vars[1], ("B".to_owned(), Var::Text("x\u{fffd}y".to_owned())));
}

#[test]
fn files_give_variables() {
    let text = json("\"vars\": { \"A\": \"config\", \"N\": { \"x\": 1 } }");
    let vars = |project: &TestProject| -> Vec<(String, String)> {
        let text = |var: Var| match var {
            Var::Text(text) => text,
            Var::Json(json) => json.to_string(),
        };
        project.project().vars.into_iter().map(|(name, var)| (name, text(var))).collect()
    };
    let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let project = TestProject::new()
        .file("wrangler.jsonc", &text)
        .file(".env", "A=env\nB=$A!\nC=1")
        .file(".env.local", "C=2");
    assert_eq!(vars(&project), pairs(&[("N", "{\"x\":1}"), ("A", "env"), ("B", "env!"), ("C", "2")]));
    let ordered = TestProject::new()
        .file("wrangler.jsonc", &json("\"vars\": {}"))
        .file(".env", "A=1\nB=$C\nC=3\nD=$A$C")
        .file(".env.local", "A=9");
    assert_eq!(vars(&ordered), pairs(&[("A", "9"), ("B", ""), ("C", "3"), ("D", "93")]));
    let project = project.file(".dev.vars", "A=dev $B");
    assert_eq!(vars(&project), pairs(&[("N", "{\"x\":1}"), ("A", "dev $B")]));
    let project = project.with(|request| request.overrides.vars = vec![("A".into(), "flag".into())]);
    assert_eq!(vars(&project), pairs(&[("N", "{\"x\":1}"), ("A", "flag")]));
    let project = project
        .with(|request| request.overrides = Overrides::default())
        .file(".dev.vars.e", "A=of e")
        .env("e");
    assert_eq!(vars(&project)[1], ("A".to_owned(), "of e".to_owned()));
    let inputs: Vec<String> = project
        .project()
        .inputs
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert!(
        inputs.contains(&".dev.vars.e".to_owned()) && inputs.contains(&"wrangler.json".to_owned()),
        "{inputs:?}"
    );
}

#[test]
fn rules_hide_later_ones_of_their_type() {
    let kinds = |text: &str| -> Vec<(ModuleKind, String)> {
        let project = TestProject::new().file("wrangler.jsonc", &json(text)).project();
        project.build.rules.into_iter().map(|rule| (rule.kind, rule.globs.join(" "))).collect()
    };
    let data = (ModuleKind::Data, "**/*.bin".to_owned());
    let wasm = (ModuleKind::CompiledWasm, "**/*.wasm **/*.wasm?module".to_owned());
    let text = (ModuleKind::Text, "**/*.txt **/*.html **/*.sql".to_owned());
    let own = (ModuleKind::Text, "**/*.md".to_owned());
    assert_eq!(kinds("\"minify\": true"), [text.clone(), data.clone(), wasm.clone()]);
    let open = "\"rules\": [{ \"type\": \"Text\", \"globs\": [\"**/*.md\"], \"fallthrough\": true }]";
    assert_eq!(kinds(open), [own.clone(), text, data.clone(), wasm.clone()]);
    let closed = "\"rules\": [{ \"type\": \"Text\", \"globs\": [\"**/*.md\"] }]";
    assert_eq!(kinds(closed), [own, data, wasm]);
    check_json(&json(closed), &["2:11 rule-ignored this rule hides a default one of its type"]);
    check_json(&json(&closed.replace("\"] }", "\"], \"fallthrough\": false }")), &[]);
}

#[test]
fn the_file_is_found_upward_in_the_order_of_names() {
    let text = json("\"minify\": true");
    let project =
        TestProject::new().file("a/b/note", "").file("a/wrangler.jsonc", &text).file("a/src/index.ts", "");
    let project = project.with(|request| request.cwd.push("a/b"));
    let directory = project.directory.path().to_owned();
    assert_eq!(project.project().root, directory.join("a"));
    assert_eq!(project.project().main, directory.join("a/src/index.ts"));
    let project = project.file("wrangler.json", &text);
    assert_eq!(project.project().root, directory, "JSON anywhere above wins over JSONC");
    let project = project.with(|request| request.config = Some("../wrangler.jsonc".into()));
    assert!(project.project().build.minify);
    assert_eq!(project.project().root, directory.join("a"), "without `..`");

    let both = TestProject::new().file("wrangler.json", &text).file("wrangler.toml", "x");
    assert_eq!(
        lines(&both.load().diagnostics),
        ["- several-files `wrangler.toml` is ignored, since `wrangler.json` stands next to it"]
    );
}

#[test]
fn a_script_alone_is_a_project() {
    let project = TestProject::new().with(|request| request.overrides.script = Some("src/index.ts".into()));
    let loaded = project.load();
    assert_eq!(lines(&loaded.diagnostics), Vec::<String>::new());
    let project = loaded.project.expect("no errors");
    assert_eq!((project.name.as_str(), project.compatibility.date), ("worker", Date::LATEST));
    assert!(project.main.ends_with(Path::new("src/index.ts")));
}

#[test]
fn flags_win_over_the_file() {
    let project = TestProject::new()
        .file("wrangler.jsonc", &json("\"define\": { \"A\": \"1\" }, \"tsconfig\": \"./x.json\""))
        .file("x.json", "{}");
    let project = project.with(|request| {
        request.overrides = Overrides {
            name: Some("flag".into()),
            compatibility_date: Some("2024-01-01".into()),
            compatibility_flags: Some(vec!["nodejs_compat".into()]),
            define: vec![("A".into(), "2".into()), ("B".into(), "3".into())],
            minify: Some(true),
            ..Overrides::default()
        };
    });
    let loaded = project.project();
    assert_eq!((loaded.name.as_str(), loaded.compatibility.date), ("flag", Date::new(2024, 1, 1)));
    assert!(loaded.compatibility.enabled("nodejs_compat", None) && loaded.build.minify);
    assert_eq!(loaded.build.define, [("A".to_owned(), "2".to_owned()), ("B".to_owned(), "3".to_owned())]);
    assert_eq!(loaded.build.tsconfig, Some(project.directory.path().join("./x.json")));
    let project = project.with(|request| request.overrides.compatibility_date = Some("soon".into()));
    assert_eq!(lines(&project.load().diagnostics), ["- bad-date `soon` is not a compatibility date"]);
}

#[test]
fn requests_appear_to_be_for_the_host_that_comes_first() {
    let project = |more: &str| TestProject::new().file("wrangler.jsonc", &json(more));
    let seen = |project: &TestProject| project.project().public_host.map(|seen| (seen.host, seen.secure));
    let host = |name: &str, secure| Some((Some(name.to_owned()), secure));
    for (more, expected) in [
        ("\"vars\": {}", None),
        ("\"route\": \"a.example/*\", \"routes\": [\"b.example/*\"]", host("a.example", false)),
        ("\"routes\": [{ \"pattern\": \"*/x\", \"zone_name\": \"z.example\" }]", host("z.example", false)),
        ("\"routes\": [\"a.example/*\"], \"dev\": { \"host\": \"d.example\" }", host("d.example", false)),
        ("\"dev\": { \"upstream_protocol\": \"https\" }", Some((None, true))),
        ("\"dev\": { \"upstream_protocol\": \"http\", \"host\": \"\" }, \"route\": \"\"", None),
    ] {
        assert_eq!(seen(&project(more)), expected, "{more}");
    }
    let routed = || project("\"routes\": [\"a.example/*\"]");
    let kept = routed().with(|request| request.overrides.keeps_origin = true);
    assert_eq!(seen(&kept), None);
    let given = routed().with(|request| request.overrides.host = Some("h.example:8080".into()));
    assert_eq!(seen(&given), host("h.example:8080", false));
    let other = routed().with(|request| request.overrides.routes = vec!["o.example/*".into()]);
    assert_eq!(seen(&other), host("o.example", false));
    check_json(
        &json("\"routes\": [\"*/*\"]"),
        &["2:12 no-host the route `*/*` has no host that requests could appear to be for"],
    );
}

#[test]
fn what_a_build_tool_made_counts() {
    let own = json("\"vars\": { \"FROM\": \"own\" }, \"env\": { \"live\": {} }");
    let built =
        json("\"vars\": { \"FROM\": \"built\" }, \"targetEnvironment\": \"live\", \"legacy_env\": true");
    let project = || {
        TestProject::new()
            .file("wrangler.jsonc", &own)
            .file(".wrangler/deploy/config.json", "{ \"configPath\": \"../../dist/w/wrangler.json\" }")
            .file("dist/w/wrangler.json", &built.replace("src/index.ts", "index.js"))
            .file("dist/w/index.js", "export default {}")
            .file(".dev.vars.live", "SECRET=live")
    };
    let from = |project: &Project, name: &str| {
        project.vars.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    };
    let text = |text: &str| Some(Var::Text(text.to_owned()));

    let made = project().env("live");
    let loaded = made.project();
    let home = made.request.cwd.clone();
    assert_eq!(
        (loaded.is_generated, &*loaded.name, loaded.environment.as_deref()),
        (true, "w", Some("live"))
    );
    assert_eq!((&loaded.home, &loaded.root), (&home, &home.join("dist/w")));
    assert_eq!(loaded.main, home.join("dist/w/index.js"));
    assert_eq!((from(&loaded, "FROM"), from(&loaded, "SECRET")), (text("built"), text("live")));
    assert!(loaded.inputs.contains(&home.join(".wrangler/deploy/config.json")));

    // The configuration that was named counts, wherever a build tool points.
    let named = project().with(|request| request.config = Some("wrangler.jsonc".into())).project();
    assert!(!named.is_generated && from(&named, "FROM") == text("own"));
}
