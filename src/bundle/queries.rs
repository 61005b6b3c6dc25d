//! Modules whose id has a query: the same file once more, as its name or the query says.

use std::path::Path;

use rolldown::ModuleType;
use rolldown_plugin::HookLoadOutput;

use super::style_sheets::names_of_sheet;

/// How the query of a module's id begins that says what the file is.
pub(super) const SAID: &str = "dodev-as-";

/// The module for the file `path`, imported with `query` behind its name: what the query says, or what its name says.
pub(super) fn with_query(path: &str, query: &str) -> anyhow::Result<HookLoadOutput> {
    let module_type = match query.strip_prefix(SAID) {
        Some("bytes") => {
            let bytes = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, std::fs::read(path)?);
            let code = format!("export default Uint8Array.from(atob(\"{bytes}\"), c => c.charCodeAt(0));");
            return Ok(script(code));
        }
        Some("text") => ModuleType::Text,
        Some("json") => ModuleType::Json,
        _ => match Path::new(path).extension().and_then(|extension| extension.to_str()) {
            Some("ts" | "mts" | "cts") => ModuleType::Ts,
            Some("tsx") => ModuleType::Tsx,
            Some("json") => ModuleType::Json,
            Some("txt") => ModuleType::Text,
            Some("css") => return Ok(style_sheet(path)?),
            _ => ModuleType::Jsx,
        },
    };
    let code = String::from_utf8_lossy(&std::fs::read(path)?).into_owned().into();
    Ok(HookLoadOutput { code, module_type: Some(module_type), ..Default::default() })
}

/// The module for the style sheet `path`.
pub(super) fn style_sheet(path: &str) -> std::io::Result<HookLoadOutput> {
    let code = names_of_sheet(path)?.into();
    Ok(HookLoadOutput { code, module_type: Some(ModuleType::Json), ..Default::default() })
}

/// A module of JavaScript.
pub(super) fn script(code: String) -> HookLoadOutput {
    HookLoadOutput { code: code.into(), module_type: Some(ModuleType::Js), ..Default::default() }
}
