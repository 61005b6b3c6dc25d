//! Code and what the rules say of it: `line:column code` of every finding.

use super::*;

fn said(path: &str, text: &str) -> Vec<String> {
    let source = SourceFile::new(path, text);
    let found = check(&source);
    let show = |diagnostic: &Diagnostic| {
        let (line, column) = source.position(diagnostic.labels[0].span.start);
        format!("{line}:{column} {}", diagnostic.code.trim_start_matches("check/"))
    };
    found.iter().map(show).collect()
}

#[test]
fn transactions_in_sql() {
    for (text, expected) in [
        ("sql.exec('BEGIN')", vec!["1:11 sql-transaction"]),
        (
            "this.ctx.storage.sql.exec(`\n  begin immediate;\n  UPDATE t SET a = 1;\n  COMMIT`)",
            vec!["2:3 sql-transaction", "4:3 sql-transaction"],
        ),
        ("this.#sql.exec(\"/* a; */ SAVEPOINT x\", 1)", vec!["1:26 sql-transaction"]),
        ("sql.exec(`\\nROLLBACK`)", vec!["1:13 sql-transaction"]),
        ("sql.exec(`INSERT INTO ${t} VALUES ('; BEGIN')`)", vec![]),
        ("sql.exec(`${statement} BEGIN`)", vec!["1:24 sql-transaction"]),
        (
            "sql.exec('CREATE TRIGGER x AFTER INSERT ON t BEGIN UPDATE t SET a = CASE a WHEN 1 THEN 2 END; DELETE FROM u; END; SELECT 1')",
            vec![],
        ),
        (
            "sql.exec('CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM u; END; COMMIT')",
            vec!["1:72 sql-transaction"],
        ),
        ("sql.exec('SELECT a AS begin FROM t -- ; BEGIN')", vec![]),
        ("sql.exec('CREATE TABLE \"BEGIN\"(a)'); db.exec('BEGIN'); sql.exec(text)", vec![]),
        ("sql.exec('äöü; END')", vec!["1:16 sql-transaction"]),
        ("const begin = 'BEGIN'; sql.exec(begin)", vec!["1:33 sql-transaction"]),
        ("sql.exec('SELECT 1;' + ' COMMIT')", vec!["1:10 sql-transaction"]),
        ("sql.exec('VACUUM')", vec!["1:11 sql-database"]),
        ("sql.exec(`SELECT 1; attach 'x' AS y`)", vec!["1:21 sql-database"]),
        ("sql.exec('SELECT vacuum FROM attach')", vec![]),
    ] {
        assert_eq!(said("a.ts", text), expected, "{text}");
    }
}

#[test]
fn sockets_that_do_not_hibernate() {
    let class = |body: &str| {
        format!(
            "class C extends DurableObject {{ webSocketMessage() {{}} webSocketClose(ws) {{ ws.close(); }} fetch() {{ {body} }} }}"
        )
    };
    for (body, findings) in [
        ("const [a, b] = Object.values(new WebSocketPair()); b.accept();", 1),
        ("const { 0: a, 1: b } = new WebSocketPair(); b.accept();", 1),
        ("const pair = new WebSocketPair(); pair[1].accept();", 1),
        (
            "const pair = new WebSocketPair(); const [a, b] = Object.values(pair) as WebSocket[]; b!.accept();",
            1,
        ),
        ("const [a, b] = Object.values(new WebSocketPair()); this.ctx.acceptWebSocket(b);", 0),
        ("const [a, b] = Object.values(new WebSocketPair()); b.accept(); b.close(1008, 'no');", 0),
        ("const upstream = (await fetch(url)).webSocket; upstream.accept();", 0),
    ] {
        assert_eq!(said("a.ts", &class(body)).len(), findings, "{body}");
    }
    let standard = "class C { fetch() { const p = new WebSocketPair(); p[1].accept(); } }";
    assert_eq!(said("a.ts", standard), [""; 0]);
    let both = "class C { fetch() { const p = new WebSocketPair(); p[1].accept(); this.ctx.acceptWebSocket(p[0]); } }";
    assert_eq!(said("a.ts", both), ["1:52 accept"]);
}

#[test]
fn closings_that_nobody_answers() {
    for (text, expected) in [
        ("class C extends DurableObject { async webSocketMessage(ws) {} }", vec!["1:39 unanswered-close"]),
        (
            "class C extends DurableObject { webSocketMessage() {} webSocketClose() { this.n--; } }",
            vec!["1:33 unanswered-close"],
        ),
        (
            "class C extends DurableObject { webSocketMessage() {} webSocketClose(ws) { ws.close(); } }",
            vec![],
        ),
        (
            "class C extends DurableObject { webSocketMessage() {} webSocketClose = (ws) => this.end(ws); end(ws) { ws.close(); } }",
            vec![],
        ),
        ("class C extends Agent { webSocketMessage() {} }", vec![]),
    ] {
        assert_eq!(said("a.js", text), expected, "{text}");
    }
}

#[test]
fn state_of_a_module() {
    for (text, expected) in [
        (
            "let n = 0;\nexport class C extends DurableObject { f() { n++; n = 2; } }",
            vec!["2:46 module-state"],
        ),
        ("let n = 0;\nexport default { fetch() { n += 1; } }", vec!["2:28 module-state"]),
        ("const m = new Map();\nexport default { fetch() { m.set(1, 2); } }", vec!["2:28 module-state"]),
        ("const m = new Map();\nexport default { fetch() { return m.get(1); } }", vec![]),
        ("let n = 0;\nexport default { fetch() { let n = 1; n++; } }", vec![]),
        ("let n = 0;\nfunction f() { n++; }", vec![]),
        ("let n = 0; n = 1;\nexport default { fetch() { return n; } }", vec![]),
        ("const headers = new Headers();\nexport default { fetch() { headers.set('a', 'b'); } }", vec![]),
    ] {
        assert_eq!(said("a.ts", text), expected, "{text}");
    }
    let source = SourceFile::new("a.js", "let n;\nexport default { fetch() { n = 1; } }");
    assert_eq!(check(&source)[0].severity, crate::base::diag::Severity::Hint);
}

#[test]
fn what_is_no_code_is_passed_over() {
    assert_eq!(said("a.ts", "let = ;;; class"), [""; 0]);
    assert_eq!(said("a.txt", "sql.exec('BEGIN')"), [""; 0]);
    assert!(is_code(Path::new("a.tsx")) && !is_code(Path::new("a.d.ts")) && !is_code(Path::new("a.sql")));
}

#[test]
fn literals_beyond_limits() {
    let many = |count: usize, one: fn(usize) -> String| (0..count).map(one).collect::<Vec<_>>().join(", ");
    let keys = |count| many(count, |n| format!("'k{n}'"));
    let entries = |count| many(count, |n| format!("k{n}: {n}"));
    let numbers = |count| many(count, |n| n.to_string());
    let names = |count| many(count, |n| format!("c{n} INT"));
    let long = |bytes: usize| "x".repeat(bytes);
    for (text, expected) in [
        (format!("this.ctx.storage.get('{}')", long(2_048)), vec![]),
        (format!("this.ctx.storage.get('{}')", long(2_049)), vec!["1:22 key"]),
        (format!("storage.kv.put('{}', 1)", long(2_049)), vec!["1:16 key"]),
        (format!("await this.#storage.delete(['a', `{}`])", long(2_049)), vec!["1:34 key"]),
        (format!("storage.put({{ '{}': 1 }})", long(2_049)), vec!["1:15 key"]),
        (format!("storage.get([{}])", keys(128)), vec![]),
        (format!("storage.get([{}, ...others])", keys(129)), vec!["1:13 batch"]),
        (format!("storage.put({{ {} }})", entries(128)), vec![]),
        (format!("storage.put({{ {} }})", entries(129)), vec!["1:13 batch"]),
        (format!("storage.put('k', '{}')", long(1_600_000)), vec![]),
        (format!("storage.put('k', '{}')", long(2_097_151)), vec!["1:18 near-value"]),
        (format!("storage.put('k', '{}')", long(2_097_152)), vec!["1:18 value"]),
        (format!("storage.put('k', '{}')", "\u{e9}".repeat(1_600_000)), vec![]),
        (format!("storage.put({{ k: '{}' }})", "\u{20ac}".repeat(1_048_577)), vec!["1:18 value"]),
        (format!("this.env.KV.put('{}', 1); map.get('{}')", long(2_049), long(2_049)), vec![]),
        (format!("ctx.acceptWebSocket(ws, [{}])", keys(10)), vec![]),
        (format!("ctx.acceptWebSocket(ws, [{}, 'k0', name])", keys(10)), vec![]),
        (format!("ctx.acceptWebSocket(ws, [{}])", keys(11)), vec!["1:25 tags"]),
        (format!("ctx.acceptWebSocket(ws, ['{}'])", long(257)), vec!["1:26 tag"]),
        (format!("sql.exec(q, {})", numbers(100)), vec![]),
        (format!("sql.exec(q, {})", numbers(101)), vec!["1:13 parameters"]),
        (format!("sql.exec('SELECT {}')", long(100_000)), vec!["1:10 sql-length"]),
        (format!("sql.exec(`CREATE TABLE t({})`)", names(100)), vec![]),
        (format!("sql.exec(`CREATE TABLE t({}, PRIMARY KEY (c1, c2))`)", names(101)), vec!["1:10 columns"]),
    ] {
        assert_eq!(said("a.ts", &text), expected, "{}", &text[..text.len().min(90)]);
    }
}

#[test]
fn constants_beyond_limits() {
    for (text, expected) in [
        ("storage.put('k', 'x'.repeat(3_000_000))", vec!["1:18 value"]),
        ("storage.put('k', 'x'.repeat(2e6))", vec!["1:18 near-value"]),
        ("storage.put('k', 'x'.repeat(n))", vec![]),
        ("storage.put('k', new Uint8Array(3_000_000))", vec!["1:18 value"]),
        ("storage.put('k', new Float64Array(300_000))", vec!["1:18 value"]),
        ("storage.put('k', new Uint8Array([1, 2]))", vec![]),
        ("storage.put('k', new Uint8Array(10))", vec![]),
        ("class Uint8Array {}\nstorage.put('k', new Uint8Array(3_000_000))", vec![]),
        (
            "const MB = 1024 * 1024; const all = new ArrayBuffer(3 * MB); storage.kv.put('k', all)",
            vec!["1:82 value"],
        ),
        ("const MB = 1 << 20;\nstorage.put({ k: new Uint8Array(MB + MB) as Data })", vec!["2:18 value"]),
        ("let size = 3e6; size = 1; storage.put('k', new Uint8Array(size))", vec![]),
        ("const n = 3e6; function f(n) { storage.put('k', new Uint8Array(n)); }", vec![]),
        ("const key = `${'k'.repeat(2_000)}-${'x'.repeat(60)}`; storage.get(key)", vec!["1:67 key"]),
        ("storage.get('a' + 'b'.repeat(2_047))", vec![]),
        ("storage.get('a' + 'b'.repeat(2_048))", vec!["1:13 key"]),
        ("sql.exec('SELECT ' + '1,'.repeat(60_000) + '1')", vec!["1:10 sql-length"]),
        ("ws.serializeAttachment('x'.repeat(16_385))", vec!["1:24 attachment"]),
        ("ws.serializeAttachment({ name: 'x' })", vec![]),
        ("ws.close(1000, 'x'.repeat(124))", vec!["1:16 reason"]),
        ("ws.close(1000, 'x'.repeat(123)); file.close(1, 'x'.repeat(124))", vec![]),
        ("storage.put('k', 'x'.repeat(1e300)); storage.put('k', 'x'.repeat(-1)); storage.get(1 / 0)", vec![]),
    ] {
        assert_eq!(said("a.ts", text), expected, "{text}");
    }
}

/// Files of code below `folder`, without packages.
fn code_below(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("node_modules") {
            code_below(&path, found);
        } else if is_code(&path) {
            found.push(path);
        }
    }
}

#[test]
fn nothing_is_said_of_sound_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["fixtures", "templates", "packages"] {
        code_below(&root.join(folder), &mut paths);
    }
    // They ask for what is wrong on purpose.
    for asked in ["fixtures/socket-corners", "fixtures/sql-answers", "fixtures/storage-corners"] {
        paths.retain(|path| !path.starts_with(root.join(asked)));
    }
    assert!(paths.len() > 150, "{} files", paths.len());
    let mut said: Vec<String> = paths
        .iter()
        .flat_map(|path| {
            let source = SourceFile::new(path, std::fs::read_to_string(path).unwrap());
            let found = check(&source);
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let serious = found.into_iter().filter(|one| one.severity != crate::base::diag::Severity::Hint);
            serious.map(move |one| format!("{name} {}", one.code)).collect::<Vec<_>>()
        })
        .collect();
    said.sort();
    // They try what happens then, or nobody closes a socket there.
    let known = [
        "fixtures/abort-matrix/src/index.js check/accept",
        "fixtures/abort-matrix/src/index.js check/unanswered-close",
        "fixtures/clock/src/index.ts check/unanswered-close",
        "fixtures/conformance/fixtures/reload/src/index.ts check/unanswered-close",
        "fixtures/conformance/fixtures/websocket/src/probes.ts check/reason",
        "fixtures/entry-corners/src/index.js check/unanswered-close",
        "fixtures/facet-corners/src/index.js check/accept",
        "fixtures/facet-corners/src/index.js check/unanswered-close",
        "fixtures/faults/src/index.js check/unanswered-close",
        "fixtures/object-life/src/index.js check/accept",
        "fixtures/rpc-corners/src/index.js check/unanswered-close",
        "fixtures/sample-tests/src/index.ts check/unanswered-close",
        "fixtures/sleeping-sockets/src/cases.js check/reason",
    ];
    assert_eq!(said, known);
}
