//! From a project and its bundle to what an isolate is given.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;

use crate::assets::Site;
use crate::base::clock::Timestamp;
use crate::base::ids::NamespaceKey;
use crate::base::limits;
use crate::base::time_text::show_time;
use crate::bundle::{Bundle, Dependencies, DependencyForm, OutputKind};
use crate::engine::clone::ErrorForm;
use crate::engine::loader::{Hides, ModuleSource};
use crate::engine::socket::LinkOptions;
use crate::kv::Bucket;
use crate::node;
use crate::objects::{Namespace, Roster, SocketRules};
use crate::project::{ClassStorage, Project, SITE_CONTENT, Var};
use crate::storage::FormerIds;
use crate::web::crypto::new_uuid;
use crate::workers::{Binding, BindingValue, WorkerSpec};

/// The assets of `projects`, in their order.
pub fn sites(projects: &[Arc<Project>]) -> Vec<Option<Arc<Site>>> {
    let site = |project: &Arc<Project>| {
        let assets = project.assets.as_ref()?;
        Some(Arc::new(Site::new(assets.settings.clone())))
    };
    projects.iter().map(site).collect()
}

/// The Workers of `projects` with their assets, and those that they are bound to and that do not run.
pub fn roster(projects: &[Arc<Project>], sites: &[Option<Arc<Site>>]) -> Roster {
    let names = projects.iter().map(|project| project.name.clone()).collect();
    let mut roster = Roster::new(names).with_sites(sites.to_vec());
    for project in projects {
        let scripts = project.durable_objects.iter().filter_map(|binding| binding.script_name.as_deref());
        let services = project.services.iter().map(|service| service.service.as_str());
        for name in services.chain(scripts) {
            roster.number(name);
        }
    }
    roster
}

/// The classes of all Workers whose objects live in their isolate, and behind them those that are bound of Workers that
/// do not run; `own_dir` is where dodev keeps its own files.
///
/// # Errors
/// When the table of a namespace's former ids cannot be read.
pub fn namespaces(
    projects: &[Arc<Project>],
    roster: &mut Roster,
    own_dir: &Path,
) -> io::Result<Vec<Namespace>> {
    let mut namespaces = Vec::new();
    for project in projects {
        let worker = roster.number(&project.name);
        for (class, storage) in &project.classes {
            let key = NamespaceKey::new(&project.name, class);
            let former = FormerIds::read(&FormerIds::path(own_dir, key.as_str()))?;
            let sqlite = *storage == ClassStorage::Sqlite;
            namespaces.push(Namespace { worker, key, class: class.clone(), sqlite, former });
        }
    }
    for binding in projects.iter().flat_map(|project| &project.durable_objects) {
        let Some(script) = &binding.script_name else { continue };
        let (worker, class) = (roster.number(script), binding.class_name.clone());
        let known = |namespace: &Namespace| namespace.worker == worker && namespace.class == class;
        if roster.realm(worker).is_none() && !namespaces.iter().any(known) {
            let key = NamespaceKey::new(script, &class);
            let former = FormerIds::default();
            namespaces.push(Namespace { worker, key, class, sqlite: true, former });
        }
    }
    Ok(namespaces)
}

/// The environment of a Worker, whose version is of `now`, and the dates that change its behaviour.
pub fn worker(
    project: &Project,
    roster: &mut Roster,
    namespaces: &[Namespace],
    now: Timestamp,
) -> WorkerSpec {
    let own = roster.number(&project.name);
    let mut bindings = Vec::new();
    let mut bind = |name: &str, value| bindings.push(Binding { name: name.to_owned(), value });
    for (name, var) in &project.vars {
        match var {
            Var::Text(text) => bind(name, BindingValue::Text(text.clone())),
            Var::Json(json) => bind(name, BindingValue::Json(json.to_string())),
        }
    }
    for binding in &project.durable_objects {
        let worker = binding.script_name.as_deref().map_or(own, |script| roster.number(script));
        let number = namespaces.iter().position(|n| n.worker == worker && n.class == binding.class_name);
        let refused = || BindingValue::Refused(format!("the unknown class `{}`", binding.class_name));
        bind(&binding.name, number.map_or_else(refused, BindingValue::Namespace));
    }
    for service in &project.services {
        let worker = roster.number(&service.service);
        let (name, props) = (service.entrypoint.clone(), service.props.to_string());
        bind(&service.binding, BindingValue::Entrypoint { worker, name, props });
    }
    for namespace in &project.kv_namespaces {
        bind(&namespace.binding, BindingValue::Kv(namespace.id.clone()));
    }
    for dataset in &project.datasets {
        bind(&dataset.binding, BindingValue::Dataset(dataset.dataset.clone()));
    }
    for rate in &project.rate_limits {
        let (namespace, limit, period) = (rate.namespace.clone(), rate.limit, rate.period);
        bind(&rate.binding, BindingValue::RateLimit { namespace, limit, period });
    }
    if let Some(name) = &project.version_metadata {
        // Fidelity: wrangler 4.164.0 makes a new one whenever code begins to serve.
        let version = json!({ "id": new_uuid(), "tag": "", "timestamp": show_time(now) });
        bind(name, BindingValue::Json(version.to_string()));
    }
    if let Some(name) = project.assets.as_ref().and_then(|assets| assets.binding.as_ref()) {
        let (worker, props) = (own.of_assets(), "{}".to_owned());
        bind(name, BindingValue::Entrypoint { worker, name: None, props });
    }
    if project.site.is_some() {
        bind(SITE_CONTENT, BindingValue::Bucket);
    }
    for unsupported in &project.unsupported {
        if let Some(name) = &unsupported.binding {
            bind(name, BindingValue::Refused(unsupported.kind.clone()));
        }
    }
    let compatibility = &project.compatibility;
    let host_form = compatibility.is_on("enhanced_error_serialization");
    WorkerSpec {
        worker: own,
        bindings,
        bucket: project
            .site
            .as_ref()
            .map(|site| Arc::new(Bucket::new(site.directory.clone(), &site.include, &site.exclude))),
        stored_errors: if host_form { ErrorForm::HostObject } else { ErrorForm::Native },
        delete_all_deletes_alarm: compatibility.is_on("delete_all_deletes_alarm"),
    }
}

/// How WebSockets behave at the project's compatibility date.
pub fn socket_rules(project: &Project, outlive_reloads: bool) -> SocketRules {
    let is_on = |flag| project.compatibility.is_on(flag);
    let large = is_on("increase_websocket_message_size");
    SocketRules {
        replies: is_on("web_socket_auto_reply_to_close"),
        outlive_reloads,
        link: LinkOptions {
            message_max: if large {
                limits::SOCKET_LARGE_MESSAGE_BYTES
            } else {
                limits::SOCKET_MESSAGE_BYTES
            },
            compresses: is_on("web_socket_compression"),
        },
    }
}

/// Every flag of the platform, and whether it is in force for `project`.
pub fn compatibility_flags(project: &Project) -> Vec<(&'static str, bool)> {
    project.compatibility.all()
}

/// The modules of Node.js that `project` may not import, if its flags do not ask for all of them. Names without `node:` are
/// those of all of them only.
///
/// Fidelity: workerd's answers, recorded in `fixtures/node-names/names.json`. From `nodejs_compat_v2` on, wrangler brings what workerd
/// does not have at a date.
pub fn hidden_modules(project: &Project) -> Option<Hides> {
    let compatibility = &project.compatibility;
    if compatibility.is_on("nodejs_compat_v2") {
        None
    } else if compatibility.is_on("nodejs_compat") {
        Some(|name| is_bare(name) || (name.starts_with(node::PREFIX) && !node::is_early(name)))
    } else if compatibility.is_on("nodejs_als") {
        Some(|name| is_bare(name) || (is_rest(name) && name != node::ASYNC_HOOKS))
    } else {
        Some(|name| is_bare(name) || is_rest(name))
    }
}

fn is_bare(name: &str) -> bool {
    !name.contains(':')
}

fn is_rest(name: &str) -> bool {
    name.starts_with(node::PREFIX) && name != node::PROCESS
}

/// The module that imports all packages in their order.
pub const PACKAGES: &str = "deps/all.js";

/// The modules of packages, and [`PACKAGES`] which imports those that `order` names.
pub fn package_modules(dependencies: &Dependencies, order: &[String]) -> HashMap<String, ModuleSource> {
    let sources = dependencies.modules.iter().map(|module| {
        let source = match module.form {
            DependencyForm::Bytecode => ModuleSource::Bytecode(module.code.clone()),
            DependencyForm::Source => ModuleSource::EsModule(Bytes::copy_from_slice(&module.code)),
            DependencyForm::Data => ModuleSource::Data(module.code.clone()),
            DependencyForm::Wasm => ModuleSource::Wasm(module.code.clone()),
        };
        (module.name.clone(), source)
    });
    let mut modules: HashMap<_, _> = sources.collect();
    let mut all = String::new();
    for name in order {
        writeln!(all, "import \"{name}\";").expect("strings take text");
    }
    modules.insert(PACKAGES.to_owned(), ModuleSource::EsModule(all.into()));
    modules
}

/// The bundle's own modules as the loader takes them.
pub fn modules(bundle: &Bundle) -> HashMap<String, ModuleSource> {
    bundle
        .modules
        .iter()
        .map(|module| {
            let source = match module.kind {
                OutputKind::EsModule => ModuleSource::EsModule(module.code.clone()),
                OutputKind::Text => {
                    let text = String::from_utf8_lossy(&module.code).into_owned();
                    let quoted = serde_json::Value::String(text);
                    ModuleSource::EsModule(format!("export default {quoted};").into())
                }
                OutputKind::Data => ModuleSource::Data(Arc::new(module.code.to_vec())),
                OutputKind::Wasm => ModuleSource::Wasm(Arc::new(module.code.to_vec())),
            };
            let name = module.name.strip_prefix("./").unwrap_or(&module.name);
            (name.to_owned(), source)
        })
        .collect()
}
