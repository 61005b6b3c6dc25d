//! `URLPattern`: the crate `urlpattern` parses patterns and inputs, JavaScript's regular expressions match.
//!
//! Patterns and inputs cross as JSON, in the shape that the crate has for browsers. The class is loaded when used.

use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result};
use urlpattern::quirks::{self, EcmaRegexp, StringOrInit};
use urlpattern::{RegexSyntax, UrlPatternOptions};

use crate::engine::{Extension, Host};

/// `host.parsePattern` and `host.parsePatternInput`.
pub const EXTENSION: Extension = Extension { install, eager: &[], public: &[] };

fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
    host.set("parsePattern", Function::new(ctx.clone(), parse)?)?;
    host.set("parsePatternInput", Function::new(ctx.clone(), parse_input)?)
}

/// The parts of a pattern as JSON; nothing if it is none.
fn parse(input: String, base: Option<String>, ignore_case: bool) -> Option<String> {
    let input: StringOrInit<'_> = serde_json::from_str(&input).ok()?;
    let init = quirks::process_construct_pattern_input(input, base.as_deref()).ok()?;
    let options = UrlPatternOptions { ignore_case, regex_syntax: RegexSyntax::EcmaScript };
    let pattern = quirks::parse_pattern::<EcmaRegexp>(init, options).ok()?;
    serde_json::to_string(&pattern).ok()
}

/// The parts of what a pattern is matched with as JSON; nothing if it matches none.
fn parse_input(input: String, base: Option<String>) -> Option<String> {
    let input: StringOrInit<'_> = serde_json::from_str(&input).ok()?;
    let (input, _) = quirks::process_match_input(input, base.as_deref()).ok()??;
    serde_json::to_string(&quirks::parse_match_input(input)?).ok()
}
