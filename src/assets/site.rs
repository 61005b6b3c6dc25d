//! A Worker's assets: who answers a request, and with what.

use std::fs::File;
use std::path::PathBuf;

use http::{HeaderName, HeaderValue, Method, header};
use url::Url;

use super::answer::{Answer, Content};
use super::directory::{Asset, Directory, Rules, Survey};
use super::html::{Finder, Intent};
use super::redirects::Redirect;
use super::routes::First;
use super::{BasePath, HtmlHandling, NotFoundHandling, WorkerFirst, content_type, paths};

const CACHE_CONTROL: &str = "public, max-age=0, must-revalidate";
const CACHE_STATUS: HeaderName = HeaderName::from_static("cf-cache-status");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Where questions about files begin: no request has such a URL.
const QUESTION: &str = "dodev-asset:";

/// What the configuration says of assets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The directory, absolute.
    pub directory: PathBuf,
    /// How HTML files are handled.
    pub html: HtmlHandling,
    /// What answers where nothing is.
    pub not_found: NotFoundHandling,
    /// Where the assets begin.
    pub base: BasePath,
    /// What the Worker gets first.
    pub worker_first: WorkerFirst,
    /// Whether there is a Worker beside the assets.
    pub has_worker: bool,
    /// Whether a browser that goes to a page gets an asset rather than the Worker: the compatibility flag
    /// `assets_navigation_prefers_asset_serving`.
    pub navigation_prefers_assets: bool,
}

/// Who answers a request.
#[derive(Debug)]
pub enum Routed {
    /// The assets have answered.
    Assets(Answer),
    /// The Worker has to.
    Worker,
}

/// The fields of a request.
type Fields = [(HeaderName, HeaderValue)];

fn field<'a>(headers: &'a Fields, name: &HeaderName) -> Option<&'a HeaderValue> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

/// The assets of one Worker.
#[derive(Debug)]
pub struct Site {
    settings: Settings,
    directory: Directory,
}

/// What a request comes to.
enum Outcome {
    /// No asset answers it.
    Nothing,
    Answered(Answer),
    File(Asset, u16),
}

impl Site {
    /// The assets that `settings` describe.
    pub fn new(settings: Settings) -> Self {
        let directory = Directory::new(settings.directory.clone(), settings.html);
        Self { settings, directory }
    }

    /// What it was made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Looks at all files; those of more than `max` bytes are named.
    pub fn survey(&self, max: u64) -> Survey {
        self.directory.survey(max)
    }

    /// Who answers a request for `url` from outside of the Worker; the assets do so at once.
    pub fn route(&self, method: &Method, url: &str, headers: &Fields) -> Routed {
        let Ok(url) = Url::parse(url) else { return Routed::Worker };
        let settings = &self.settings;
        let routes = match &settings.worker_first {
            WorkerFirst::Never => None,
            WorkerFirst::Always => return Routed::Worker,
            WorkerFirst::Routes(routes) => Some(routes),
        };
        match routes.and_then(|routes| routes.find(url.path())) {
            Some(First::Worker) => return Routed::Worker,
            Some(First::Assets) => return Routed::Assets(self.respond(method, &url, headers)),
            None => {}
        }
        if settings.has_worker && !self.takes(method, &url, headers) {
            return Routed::Worker;
        }
        Routed::Assets(self.respond(method, &url, headers))
    }

    /// Whether the assets answer a request for `url` before the Worker does.
    fn takes(&self, method: &Method, url: &Url, headers: &Fields) -> bool {
        let settings = &self.settings;
        let navigates = settings.navigation_prefers_assets
            && field(headers, &FETCH_MODE).is_some_and(|mode| mode == "navigate");
        let has_routes = matches!(settings.worker_first, WorkerFirst::Routes(_));
        let not_found = if has_routes || navigates { settings.not_found } else { NotFoundHandling::None };
        !matches!(self.outcome(&self.directory.rules(), method, url, not_found), Outcome::Nothing)
    }

    /// The answer to what the binding's methods ask (`workers/service/assets.js`): a file by its name or its tag, and whether
    /// the assets take a request.
    fn tell(&self, method: &Method, question: &str, headers: &Fields) -> Answer {
        let rules = self.directory.rules();
        let asset = if let Some(url) = question.strip_prefix("taken:") {
            let takes = Url::parse(url).is_ok_and(|url| self.takes(method, &url, headers));
            return Answer::bare(if takes { 200 } else { 404 });
        } else if let Some(tag) = question.strip_prefix("tag:") {
            self.directory.find_tagged(&rules, tag)
        } else {
            question.strip_prefix("name:").and_then(|name| self.directory.find(&rules, name))
        };
        asset.map_or_else(|| Answer::bare(404), |asset| file(&asset, 200, method, headers))
    }

    /// The answer to a request for `url`, whoever makes it: what the binding gives.
    pub fn answer(&self, method: &Method, url: &str, headers: &Fields) -> Answer {
        if let Some(question) = url.strip_prefix(QUESTION) {
            return self.tell(method, question, headers);
        }
        match Url::parse(url) {
            Ok(url) => self.respond(method, &url, headers),
            Err(_) => Answer::bare(404),
        }
    }

    fn respond(&self, method: &Method, url: &Url, headers: &Fields) -> Answer {
        let rules = self.directory.rules();
        if self.settings.base.strip(&paths::decode(url.path())).is_none() {
            return Answer::bare(404);
        }
        let mut answer = match self.outcome(&rules, method, url, self.settings.not_found) {
            Outcome::Nothing => Answer::bare(404),
            Outcome::Answered(answer) => answer,
            Outcome::File(asset, status) => file(&asset, status, method, headers),
        };
        rules.headers.apply(url, &mut answer.headers);
        answer
    }

    fn outcome(&self, rules: &Rules, method: &Method, url: &Url, not_found: NotFoundHandling) -> Outcome {
        let base = &self.settings.base;
        let public = paths::decode(url.path());
        if base.strip(&public).is_none() {
            return Outcome::Nothing;
        }
        let (path, decoded, proxied) = match rules.redirects.find(url) {
            None => (url.path().to_owned(), public, false),
            Some(Redirect::Proxy(path)) => {
                let decoded = paths::decode(&path);
                (path, decoded, true)
            }
            Some(Redirect::To { location, status }) => return redirect(&location, status),
        };
        let nothing = || match proxied {
            true => Outcome::Answered(Answer::bare(404)),
            false => Outcome::Nothing,
        };
        let Some(asset_path) = base.strip(&decoded) else { return nothing() };
        let exists = |path: &str| self.directory.find(rules, path);
        let finder = Finder { html: self.settings.html, not_found, exists };
        let root = if proxied { None } else { self.root_intent(rules, &decoded) };
        let Some(intent) = root.or_else(|| finder.find(asset_path)) else { return nothing() };
        if *method != Method::GET && *method != Method::HEAD {
            return Outcome::Answered(Answer::bare(405));
        }
        let search = url.query().filter(|query| !query.is_empty()).map(|query| format!("?{query}"));
        let search = search.unwrap_or_default();
        match intent {
            Intent::Redirect(to) => redirect(&format!("{}{search}", paths::encode(&base.add(&to))), 307),
            Intent::File(asset, status) => match paths::encode(&decoded) {
                encoded if encoded == path => Outcome::File(asset, status),
                encoded => redirect(&format!("{encoded}{search}"), 307),
            },
        }
    }

    /// The base path itself is written with a slash, or without, like every directory.
    fn root_intent(&self, rules: &Rules, decoded: &str) -> Option<Intent<Asset>> {
        let base = &self.settings.base;
        let destination = match self.settings.html {
            HtmlHandling::AutoTrailingSlash | HtmlHandling::ForceTrailingSlash => {
                base.is_bare(decoded).then_some("/")
            }
            HtmlHandling::DropTrailingSlash => base.is_whole(decoded).then_some(""),
            HtmlHandling::None => None,
        }?;
        self.directory.find(rules, "/index.html")?;
        Some(Intent::Redirect(destination.to_owned()))
    }
}

fn redirect(location: &str, status: u16) -> Outcome {
    let mut answer = Answer::bare(status);
    match HeaderValue::try_from(location) {
        Ok(location) => answer.headers.push((header::LOCATION, location)),
        Err(_) => answer.status = 500,
    }
    Outcome::Answered(answer)
}

/// The answer that shows `asset`.
fn file(asset: &Asset, status: u16, method: &Method, request: &Fields) -> Answer {
    let tag = format!("\"{}\"", asset.tag);
    let mut headers = Vec::with_capacity(4);
    let mut add = |name, value: &str| {
        headers.push((name, HeaderValue::try_from(value).expect("tags and types are plain text")));
    };
    add(header::ETAG, &tag);
    let name = asset.name.rsplit('/').next().unwrap_or_default();
    if let Some(kind) = content_type::of(name) {
        add(header::CONTENT_TYPE, &kind);
    }
    if field(request, &header::AUTHORIZATION).is_none() && field(request, &header::RANGE).is_none() {
        add(header::CACHE_CONTROL, CACHE_CONTROL);
    }
    add(CACHE_STATUS, "HIT");
    let known = field(request, &header::IF_NONE_MATCH).is_some_and(|value| {
        let value = value.as_bytes();
        value == tag.as_bytes() || value.strip_prefix(b"W/") == Some(tag.as_bytes())
    });
    if known {
        return Answer { status: 304, headers, content: Content::Empty };
    }
    if *method == Method::HEAD {
        return Answer { status, headers, content: Content::Empty };
    }
    let opened = File::open(&asset.path).and_then(|file| file.metadata().map(|about| (file, about.len())));
    match opened {
        Ok((file, length)) => Answer { status, headers, content: Content::File(file, length) },
        // It was there just now: it is being replaced, or nobody may read it.
        Err(_) => Answer::bare(500),
    }
}
