//! What a client sees instead of the Worker's answer: an HTML page in a browser, plain text elsewhere.
//!
//! Two causes: the Worker threw (500), or there is no code that works (503). The page stands alone, without
//! any external resource, follows the reader's light or dark scheme, and looks for working code again
//! by itself. Fidelity: the status and the two content types of a thrown error are wrangler's, whose plain
//! text is likewise the error with its stack. Deviation: wrangler shows HTML to whoever accepts `*/*` too,
//! which is what scripts send.

use std::fmt::Write as _;

use axum::http::header::{self, HeaderMap};
use axum::http::{Response, StatusCode};

use super::response::{self, WireBody};
use crate::base::diag::{Diagnostic, Label, Severity};

const HTML: &str = "text/html;charset=utf-8";
const TEXT: &str = "text/plain;charset=UTF-8";

/// Lines of source shown before and after the one with the mistake.
const CONTEXT_LINES: usize = 2;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1e21;--soft:#5b6270;--page:#fbfbfc;--card:#f0f1f4;--bad:#c0262d}\
@media(prefers-color-scheme:dark){:root{--ink:#e8e9ec;--soft:#9aa1ad;--page:#16181c;--card:#202329;--bad:#ff7b81}}\
body{margin:0;padding:2.5rem 1.25rem;background:var(--page);color:var(--ink);\
font:16px/1.55 system-ui,sans-serif}main{max-width:56rem;margin:auto}\
h1{font-size:1.35rem;line-height:1.35;margin:0 0 1rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.75rem 0 .5rem}\
pre{background:var(--card);padding:.9rem 1rem;border-radius:.5rem;overflow:auto;font:13px/1.6 ui-monospace,monospace;margin:.5rem 0}\
.soft{color:var(--soft)}.bad{color:var(--bad)}";

/// Looks every half second whether code that works is there.
const WATCH: &str = "\
setInterval(async()=>{try{const r=await fetch('/cdn-cgi/dodev/health');\
if((await r.json()).ready)location.reload()}catch{}},500)";

/// Whether the client is a browser that shows a page.
pub fn wants_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("text/html")))
}

/// The answer to a request for which the Worker threw an error with these `headline` and `stack`.
pub fn thrown(headline: &str, stack: &str, html: bool) -> Response<WireBody> {
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    // Engines begin a stack with the headline.
    let stack = stack.strip_prefix(headline).map_or(stack, |rest| rest.trim_start_matches('\n'));
    if !html {
        let separator = if stack.is_empty() { "" } else { "\n" };
        return response::text(status, TEXT, format!("{headline}{separator}{stack}"));
    }
    let mut main =
        format!("<p class=soft>The Worker threw an error</p><h1 class=bad>{}</h1>", escape(headline));
    if !stack.is_empty() {
        write!(main, "<pre>{}</pre>", escape(stack)).expect("strings take text");
    }
    response::text(status, HTML, page(headline, &main, ""))
}

/// The answer while there is no code that works, for the reasons in `diagnostics`.
pub fn broken(diagnostics: &[Diagnostic], html: bool) -> Response<WireBody> {
    const TITLE: &str = "This Worker does not start yet";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    if html {
        let list: String = diagnostics.iter().map(section).collect();
        let hint = "<p class=soft>Save a fix and this page loads again by itself.</p>";
        response::text(status, HTML, page(TITLE, &format!("<h1>{TITLE}</h1>{list}{hint}"), WATCH))
    } else {
        let list: Vec<_> = diagnostics.iter().map(paragraph).collect();
        response::text(status, TEXT, format!("{TITLE}\n\n{}", list.join("\n")))
    }
}

fn page(title: &str, main: &str, script: &str) -> String {
    let script = if script.is_empty() { String::new() } else { format!("<script>{script}</script>") };
    format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width\"><title>{}</title><style>{STYLE}</style></head>\
         <body><main>{main}</main>{script}</body></html>\n",
        escape(title)
    )
}

fn section(diagnostic: &Diagnostic) -> String {
    let class = if diagnostic.is_error() { "bad" } else { "soft" };
    let mut html = format!("<h2 class={class}>{}</h2>", escape(&diagnostic.message));
    for label in &diagnostic.labels {
        let frame = escape(&frame(label));
        write!(html, "<div class=soft>{}</div><pre>{frame}</pre>", escape(&place(label)))
            .expect("strings take text");
    }
    if let Some(help) = &diagnostic.help {
        write!(html, "<p>{}</p>", escape(help)).expect("strings take text");
    }
    html
}

fn paragraph(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "hint",
    };
    let mut text = format!("{severity}: {}\n", diagnostic.message);
    for label in &diagnostic.labels {
        write!(text, "  at {}\n{}", place(label), frame(label)).expect("strings take text");
    }
    if let Some(help) = &diagnostic.help {
        writeln!(text, "  help: {help}").expect("strings take text");
    }
    text
}

/// `file:line:column`
fn place(label: &Label) -> String {
    let (line, column) = label.source.position(label.span.start);
    format!("{}:{line}:{column}", label.source.path.display())
}

/// The labelled line with its neighbours, numbered, and a line of marks below it.
fn frame(label: &Label) -> String {
    let (line, column) = label.source.position(label.span.start);
    let (last_line, last_column) = label.source.position(label.span.end);
    let first = line.saturating_sub(CONTEXT_LINES).max(1);
    let width = (line + CONTEXT_LINES).to_string().len();
    let lines = label.source.text.lines().enumerate().skip(first - 1).take(line + CONTEXT_LINES + 1 - first);
    let mut frame = String::new();
    for (index, text) in lines {
        let number = index + 1;
        writeln!(frame, " {number:>width$} | {text}").expect("strings take text");
        if number == line {
            let end = if last_line == line { last_column } else { text.chars().count() + 1 };
            let marks = "^".repeat(end.saturating_sub(column).max(1));
            // Tabs stay tabs, so that the marks stand below what they mean.
            let indent: String =
                text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
            let marked = format!(" {:width$} | {indent}{marks} {}", "", label.text);
            writeln!(frame, "{}", marked.trim_end()).expect("strings take text");
        }
    }
    frame
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::diag::SourceFile;

    fn body(response: Response<WireBody>) -> (u16, String, String) {
        let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status().as_u16();
        match response.into_body() {
            WireBody::Bytes(bytes) => (status, content_type, String::from_utf8(bytes.to_vec()).unwrap()),
            _ => panic!("error pages are whole"),
        }
    }

    #[test]
    fn only_browsers_get_html() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("Text/HTML", true),
            ("*/*", false),
            ("application/json", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
            assert_eq!(wants_html(&headers), expected, "{accept}");
        }
        assert!(!wants_html(&HeaderMap::new()));
    }

    #[test]
    fn thrown_errors_have_the_form_of_the_real_tool() {
        let plain = body(thrown("TypeError: boom", "    at f (src/a.ts:1:2)", false));
        assert_eq!(plain, (500, TEXT.to_owned(), "TypeError: boom\n    at f (src/a.ts:1:2)".to_owned()));
        assert_eq!(body(thrown("Error: x", "", false)).2, "Error: x");
        assert_eq!(body(thrown("Error: x", "Error: x\n    at f", false)).2, "Error: x\n    at f");
        let (status, content_type, text) = body(thrown("Error: <b>&'\"", "", true));
        assert_eq!((status, content_type.as_str()), (500, "text/html;charset=utf-8"));
        assert!(text.contains("<html") && text.contains("Error: &lt;b&gt;&amp;&#39;&quot;"), "{text}");
        assert!(!text.contains("<b>") && !text.contains("http"), "{text}");
    }

    #[test]
    fn broken_builds_show_the_place() {
        let source = SourceFile::new("src/index.ts", "a\nb\n\tlet x = = 1;\nc\nd\ne\n");
        let diagnostic = Diagnostic::error("bundle/syntax", "unexpected token")
            .at(&source, 13..14, "here")
            .help("remove it");
        let expected = "\
This Worker does not start yet

error: unexpected token
  at src/index.ts:3:10
 1 | a
 2 | b
 3 | \tlet x = = 1;
   | \t        ^ here
 4 | c
 5 | d
  help: remove it
";
        let (status, content_type, text) = body(broken(std::slice::from_ref(&diagnostic), false));
        assert_eq!((status, content_type.as_str(), text.as_str()), (503, TEXT, expected));
        let (status, content_type, text) = body(broken(&[diagnostic], true));
        assert_eq!((status, content_type.as_str()), (503, HTML));
        for part in ["unexpected token", "src/index.ts:3:10", "^ here", "remove it", "/cdn-cgi/dodev/health"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn marks_stay_within_the_text() {
        let source = SourceFile::new("a", "ab");
        for (span, expected) in [(0..2, " 1 | ab\n   | ^^\n"), (2..2, " 1 | ab\n   |   ^\n")] {
            let label = Label { source: source.clone(), span, text: String::new() };
            assert_eq!(frame(&label), expected);
        }
        let label = Label { source: SourceFile::new("a", ""), span: 0..0, text: "empty".to_owned() };
        assert_eq!(frame(&label), "");
    }
}
