//! What a person is told to do about the mistakes that are made most often: text, place, and help.

use super::*;

/// The first diagnostic of a project with these files, as `line:column code message -> help`.
fn told(files: &[(&str, &str)], environment: Option<&str>) -> String {
    let mut project = TestProject::new();
    for (path, text) in files {
        project = project.file(path, text);
    }
    if let Some(name) = environment {
        project = project.env(name);
    }
    let loaded = project.load();
    let Some(first) = loaded.diagnostics.first() else { return "nothing".to_owned() };
    let line = lines(&loaded.diagnostics)[0].clone();
    let root = project.directory.path().display().to_string();
    let help = first.help.clone().unwrap_or_default();
    format!("{line} -> {help}").replace(&root, "ROOT")
}

#[test]
fn wrong_types_say_how_the_value_is_written() {
    for (more, expected) in [
        ("\"minify\": \"yes\"", "`minify` must be a boolean, not a string -> write true or false"),
        ("\"name\": true", "`name` must be a string, not a boolean -> put it in quotes: \"true\""),
        ("\"vars\": \"A=1\"", "`vars` must be an object, not a string -> write { \"NAME\": value }"),
        ("\"dev\": 8787", "`dev` must be an object, not a number -> write { \"port\": 8787 }"),
        (
            "\"durable_objects\": [{ \"name\": \"A\", \"class_name\": \"B\" }]",
            "`durable_objects` must be an object, not an array -> write { \"bindings\": … }",
        ),
        (
            "\"triggers\": [\"* * * * *\"]",
            "`triggers` must be an object, not an array -> write { \"crons\": [\"* * * * *\"] }",
        ),
        (
            "\"compatibility_flags\": \"nodejs_compat\"",
            "`compatibility_flags` must be an array of strings, not a string -> \
             put the value in square brackets: [\"nodejs_compat\"]",
        ),
    ] {
        let told = told(&[("wrangler.jsonc", &json(more))], None);
        assert!(told.ends_with(expected), "{more}: {told}");
    }
    for (more, expected) in [
        (
            "[migrations]\ntag = 'v1'",
            "not an object -> write [[migrations]], one for each, instead of [migrations]",
        ),
        ("vars = 'A=1'", "not a string -> write [vars], and NAME = value below it"),
        ("dev = 8787", "not a number -> write dev = { port = 8787 }"),
        (
            "[[durable_objects]]\nname = 'A'\nclass_name = 'B'",
            "not an array -> write [[durable_objects.bindings]]",
        ),
    ] {
        let told = told(&[("wrangler.toml", &toml(more))], None);
        assert!(told.ends_with(expected), "{more}: {told}");
    }
}

#[test]
fn what_the_platforms_tools_pass_over_is_only_warned_of() {
    let build = json("\"build\": \"npm run build\"");
    let loaded = TestProject::new().file("wrangler.jsonc", &build).load();
    let expected = "write { \"command\": \"npm run build\" }";
    assert_eq!(loaded.diagnostics[0].help.as_deref(), Some(expected));
    assert!(loaded.project.is_some());
    let crons = json("\"triggers\": { \"crons\": [\"* * * *\", \"0 * * * *\"] }");
    let loaded = TestProject::new().file("wrangler.jsonc", &crons).load();
    assert_eq!(
        lines(&loaded.diagnostics),
        ["2:25 bad-cron `* * * *` is not a cron expression: it has 4 fields; minutes, hours, days, months, \
          weekdays are five"]
    );
    assert!(loaded.project.is_some());
}

#[test]
fn keys_are_found_by_what_they_mean() {
    for (more, expected) in [
        ("\"enviroment\": {}", "did you mean `env`?"),
        ("\"environments\": {}", "did you mean `env`?"),
        ("\"crons\": []", "did you mean `triggers.crons`?"),
        ("\"port\": 1", "did you mean `dev.port`?"),
        ("\"entrypoint\": \"a\"", "did you mean `main`?"),
        ("\"kv\": []", "did you mean `kv_namespaces`?"),
        ("\"d1_database\": []", "did you mean `d1_databases`?"),
        ("\"compatibilityFlags\": []", "did you mean `compatibility_flags`?"),
        ("\"usage_model\": \"bundled\"", "it has no effect; remove it"),
        ("\"dev\": { \"protocol\": \"http\" }", "did you mean `local_protocol`?"),
    ] {
        let told = told(&[("wrangler.jsonc", &json(more))], None);
        assert!(told.ends_with(&format!("-> {expected}")), "{more}: {told}");
    }
    for (binding, expected) in [
        ("{ \"binding\": \"A\", \"class_name\": \"B\" }", "needs `name` -> rename `binding` to `name`"),
        ("{ \"name\": \"A\", \"class\": \"B\" }", "needs `class_name` -> rename `class` to `class_name`"),
        ("{ \"nme\": \"A\", \"class_name\": \"B\" }", "needs `name` -> rename `nme` to `name`"),
    ] {
        let text = json(&format!("\"durable_objects\": {{ \"bindings\": [{binding}] }}"));
        let told = told(&[("wrangler.jsonc", &text)], None);
        assert!(told.ends_with(expected), "{binding}: {told}");
    }
}

#[test]
fn a_main_module_that_is_not_there_is_looked_for() {
    let good = json("\"minify\": true");
    for (main, expected) in [
        (
            "src/idnex.ts",
            "1:24 main-not-found the main module `src/idnex.ts` does not exist -> did you mean `src/index.ts`?",
        ),
        (
            "src/index.js",
            "1:24 main-not-found the main module `src/index.js` does not exist -> did you mean `src/index.ts`?",
        ),
        (
            "index.ts",
            "1:24 main-not-found the main module `index.ts` does not exist -> did you mean `src/index.ts`?",
        ),
        (
            "/src/index.ts",
            "1:24 main-not-found the main module `/src/index.ts` does not exist -> did you mean `src/index.ts`?",
        ),
        ("src", "1:24 main-not-found the main module `src` is a directory -> did you mean `src/index.ts`?"),
        ("", "1:24 main-not-found `main` is empty -> for example \"src/index.ts\""),
    ] {
        let text = good.replace("src/index.ts", main);
        assert_eq!(told(&[("wrangler.jsonc", &text)], None), expected);
    }
    // Without the extension it is found, as by the platform's tools.
    let project = TestProject::new().file("wrangler.jsonc", &good.replace("index.ts", "index"));
    assert!(project.project().main.ends_with("src/index.ts"));
    let none = "{ \"compatibility_date\": \"2026-11-01\" }";
    let told = told(&[("wrangler.jsonc", none)], None);
    assert_eq!(
        told,
        "1:1 no-main the configuration has no `main`, the module to run -> add \"main\": \"src/index.ts\""
    );
}

#[test]
fn keys_below_a_header_are_told_where_they_went() {
    let text = "name = 'w'\n[vars]\nA = 1\nmain = 'src/index.ts'\ncompatibility_date = '2026-11-01'\n";
    let loaded = TestProject::new().file("wrangler.toml", text).load();
    for (index, key, line) in [(0, "main", 4), (1, "compatibility_date", 5)] {
        let diagnostic = &loaded.diagnostics[index];
        let expected = format!("a key belongs to the last header above it; move `{key}` above `[vars]`");
        assert_eq!(diagnostic.help, Some(expected));
        let place = &diagnostic.labels[1];
        assert_eq!(place.source.position(place.span.start), (line, 1));
    }
}

#[test]
fn syntax_errors_say_what_to_write() {
    for (text, expected) in [
        ("{\n\"name\": \"w\",\n", "2:13 syntax a `}` is missing at the end -> close the object"),
        ("{ 'name': 'w' }", "1:3 syntax text stands in double quotes -> write \" instead of '"),
        ("{ name: \"w\" }", "1:3 syntax keys stand in double quotes -> write \"name\""),
        (
            "{\n\"name\": \"w,\n\"main\": \"x\"\n}",
            "2:9 syntax the text has no closing quote on its line -> add a \"",
        ),
        (
            "{}\n}",
            "2:1 syntax there is more after the end of the object -> remove it, or the bracket that ended the \
          object too early",
        ),
        ("name = 'w'", "1:1 syntax this is TOML, not JSON -> call the file `wrangler.toml`"),
        ("# a comment\n[vars]\nA = 1", "1:1 syntax this is TOML, not JSON -> call the file `wrangler.toml`"),
        ("\n\n", "3:1 syntax the file is empty -> start with `{}`"),
    ] {
        assert_eq!(told(&[("wrangler.jsonc", text)], None), expected, "{text}");
    }
    for (text, expected) in [
        (
            "name = w\n",
            "1:8 syntax string values must be quoted, expected literal string -> put the value in quotes",
        ),
        ("{ \"name\": \"w\" }", "1:1 syntax this is JSON, not TOML -> call the file `wrangler.jsonc`"),
        ("name = 'a'\nname = 'b'", "2:1 syntax duplicate key -> remove one of the two"),
    ] {
        assert_eq!(told(&[("wrangler.toml", text)], None), expected, "{text}");
    }
}

#[test]
fn definitions_must_be_names_or_values() {
    for (define, expected) in [
        (
            "\"VERSION\": \"1.2.3\"",
            "2:24 bad-define `1.2.3` is no value that can stand for `VERSION` -> it is a name or a value in \
             JavaScript; text needs quotes of its own: \"\\\"1.2.3\\\"\"",
        ),
        (
            "\"a-b\": \"1\"",
            "2:13 bad-define `a-b` of `define` is no name that code can have -> names are identifiers, perhaps \
             with dots between them, as `process.env.MODE`",
        ),
        ("\"A\": \"'x'\", \"process.env.B\": \"{\\\"a\\\":1}\", \"C\": \"D.e\"", "nothing"),
    ] {
        let text = json(&format!("\"define\": {{ {define} }}"));
        assert_eq!(told(&[("wrangler.jsonc", &text)], None), expected);
    }
    let project = TestProject::new().file("wrangler.jsonc", &json("\"define\": { \"A\": \"1 +\" }"));
    let project = project.with(|request| request.overrides.define = vec![("A".into(), "2 +".into())]);
    assert_eq!(lines(&project.load().diagnostics), ["- bad-define `2 +` is no value that can stand for `A`"]);
}

#[test]
fn other_files_that_are_named_must_be_there() {
    let text = json("\"tsconfig\": \"./nope.json\"");
    assert_eq!(
        told(&[("wrangler.jsonc", &text)], None),
        "2:13 tsconfig-not-found the TypeScript configuration `./nope.json` does not exist -> correct the path, \
         or leave it out for the nearest `tsconfig.json`"
    );
    let ip = json("\"dev\": { \"ip\": \"300.1.1.1\" }");
    assert!(told(&[("wrangler.jsonc", &ip)], None).starts_with("2:16 bad-value `dev.ip` is `300.1.1.1`"));
    let project = TestProject::new().file("apps/wrangler.toml", "");
    let project = project.with(|request| request.config = Some("apps".into()));
    let told = project.load().diagnostics[0].clone();
    assert!(told.message.ends_with("apps` is a directory"), "{}", told.message);
    assert!(told.help.is_some_and(|help| help.ends_with("apps/wrangler.toml`?")));
}

#[test]
fn a_class_that_the_main_module_keeps_to_itself_is_shown() {
    let text =
        json(&format!("{DO},\n\"migrations\": [{{ \"tag\": \"v1\", \"new_sqlite_classes\": [\"Thing\"] }}]"));
    for (code, help, line) in [
        ("\nclass Thing {}\nexport default {};", "write `export` before `class Thing`", 2),
        ("export abstract class A {}\nabstract class Thing {}", "write `export` before `class Thing`", 2),
        (
            "import { A, Thing } from './thing';",
            "add `export { Thing } from './thing';` to `src/index.ts`",
            1,
        ),
        (
            "import {\n  A,\n  Thing,\n} from \"./thing\";",
            "add `export { Thing } from \"./thing\";` to `src/index.ts`",
            3,
        ),
    ] {
        let project = TestProject::new().file("wrangler.jsonc", &text).file("src/index.ts", code);
        let diagnostics = super::super::check_exports(&project.project(), &["default".to_owned()]);
        assert_eq!(diagnostics[0].help.as_deref(), Some(help), "{code}");
        let place = &diagnostics[0].labels[1];
        assert_eq!(place.source.position(place.span.start).0, line, "{code}");
    }
    // A name that only contains it is not meant.
    let project = TestProject::new().file("wrangler.jsonc", &text).file("src/index.ts", "class Things {}");
    let diagnostics = super::super::check_exports(&project.project(), &["Things".to_owned()]);
    assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `Things`?"));
}

#[test]
fn buckets_have_names_that_the_platform_takes() {
    let check = |name: &str, expected: usize| {
        let text = json(&format!("\"r2_buckets\": [{{ \"binding\": \"B\", \"bucket_name\": \"{name}\" }}]"));
        let found = lines(&TestProject::new().file("wrangler.jsonc", &text).load().diagnostics);
        let wrong = found.iter().filter(|line| line.contains("cannot be the name of an R2 bucket"));
        assert_eq!(wrong.count(), expected, "{name}: {found:?}");
    };
    for name in ["abc", "a-1", &"a".repeat(63)] {
        check(name, 0);
    }
    for name in ["", "ab", "Abc", "a_c", "-abc", "abc-", &"a".repeat(64)] {
        check(name, 1);
    }
}

#[test]
fn classes_of_migrations_must_be_exported() {
    let text = json(
        "\"migrations\": [{ \"tag\": \"v1\", \"new_sqlite_classes\": [\"A\", \"B\", \"C\"] },
         { \"tag\": \"v2\", \"deleted_classes\": [\"B\"], \"renamed_classes\": [{ \"from\": \"C\", \"to\": \"D\" }] }]",
    );
    let project = TestProject::new().file("wrangler.jsonc", &text).project();
    let exports = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(super::super::check_exports(&project, &exports(&["default", "A", "D"])), []);
    let message = |class| {
        format!(
            "the Durable Object class `{class}` was made by a migration, but `src/index.ts` does not export it"
        )
    };
    assert_eq!(
        lines(&super::super::check_exports(&project, &exports(&["default"]))),
        [format!("2:54 unknown-class {}", message("A")), format!("3:92 unknown-class {}", message("D"))]
    );
}
