//! Static assets: from a request and a directory to the file, the redirect or the refusal that answers it.
//!
//! Nothing here knows an engine or a socket, and nothing is kept between requests but the parsed rule files: what
//! the directory holds is looked up when it is asked for, so that no answer is stale. A [`Site`] is the directory of one
//! Worker with its settings; [`Site::route`] is the platform's router, [`Site::answer`] its asset Worker.
//!
//! Fidelity: the router and asset Workers that wrangler 4.164.0 runs (miniflare, `workers/assets`), and the parsers of
//! `_headers`, `_redirects` and `.assetsignore` beside them. Observed through `fixtures/conformance`, suite `assets`.

mod answer;
mod base_path;
mod content_type;
mod directory;
mod headers;
mod html;
mod ignore;
mod paths;
mod pattern;
mod redirects;
mod routes;
mod rule_url;
mod site;

pub use answer::{Answer, Content};
pub use base_path::BasePath;
pub use directory::{Directory, Survey};
pub use headers::HeaderRules;
pub use redirects::Redirects;
pub use routes::{Routes, RoutesError};
pub use site::{Routed, Settings, Site};

/// The file of patterns that are no assets.
pub const IGNORE_FILE: &str = ".assetsignore";
/// The file of header rules.
pub const HEADERS_FILE: &str = "_headers";
/// The file of redirects.
pub const REDIRECTS_FILE: &str = "_redirects";

/// A line of a rule file that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Which line, counted from 1.
    pub line: usize,
    /// Why, in wrangler's words.
    pub reason: String,
}

/// How paths and HTML files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HtmlHandling {
    /// `/a` for `a.html`, `/a/` for `a/index.html`.
    #[default]
    AutoTrailingSlash,
    /// `/a/` for both.
    ForceTrailingSlash,
    /// `/a` for both.
    DropTrailingSlash,
    /// Paths are names of files.
    None,
}

/// What answers where there is no asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NotFoundHandling {
    /// The Worker, or an empty 404.
    #[default]
    None,
    /// `/index.html` with status 200.
    SinglePageApplication,
    /// The nearest `404.html` with status 404.
    Page,
}

/// Which requests the Worker gets before the assets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WorkerFirst {
    /// None: assets answer first.
    #[default]
    Never,
    /// All.
    Always,
    /// Those that the patterns say.
    Routes(Routes),
}
