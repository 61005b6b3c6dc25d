//! Names of modules that import each other by relative paths.

/// The module that has the manifest of Workers Sites.
pub const SITE_MANIFEST: &str = "__STATIC_CONTENT_MANIFEST";

/// The module that `specifier` means in the module `importer`: relative paths are followed from there, at most up to the
/// root; anything else is a name by itself.
pub fn resolve(importer: &str, specifier: &str) -> String {
    let is_relative = specifier.starts_with("./") || specifier.starts_with("../");
    if !is_relative {
        return specifier.strip_prefix('/').unwrap_or(specifier).to_owned();
    }
    let directory = importer.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in specifier.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether the relative path `specifier` leads out of the root that the module `importer` is below.
pub fn leads_out(importer: &str, specifier: &str) -> bool {
    let mut depth = importer.matches('/').count();
    let is_relative = specifier.starts_with("./") || specifier.starts_with("../");
    specifier.split('/').filter(|_| is_relative).any(|part| {
        match part {
            "." | "" => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_lead_out() {
        for (importer, specifier, expected) in [
            ("index.js", "./a.js", false),
            ("index.js", "../a.js", true),
            ("src/index.js", "../a.js", false),
            ("src/index.js", "./x/../../../a.js", true),
            ("index.js", "pkg/../..", false),
        ] {
            assert_eq!(leads_out(importer, specifier), expected, "{specifier} from {importer}");
        }
    }

    #[test]
    fn relative_names_follow_their_importer() {
        for (importer, specifier, expected) in [
            ("index.js", "./a.bin", "a.bin"),
            ("src/index.js", "./a.bin", "src/a.bin"),
            ("src/index.js", "../a.bin", "a.bin"),
            ("src/index.js", "../../a.bin", "a.bin"),
            ("src/deep/index.js", ".././x/./a.js", "src/x/a.js"),
            ("src/index.js", "pkg", "pkg"),
            ("src/index.js", "pkg/part.js", "pkg/part.js"),
            ("src/index.js", "/a.js", "a.js"),
            ("index.js", ".hidden", ".hidden"),
        ] {
            assert_eq!(resolve(importer, specifier), expected, "{specifier} from {importer}");
        }
    }
}
