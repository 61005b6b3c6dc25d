//! From a project and its bundle to what an isolate is given.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::base::ids::NamespaceKey;
use crate::base::limits;
use crate::bundle::{Bundle, Dependencies, DependencyForm, OutputKind};
use crate::engine::clone::ErrorForm;
use crate::engine::loader::{Hides, ModuleSource};
use crate::engine::socket::LinkOptions;
use crate::node;
use crate::objects::{Namespace, SocketRules};
use crate::project::{ClassStorage, Project, Var};
use crate::storage::FormerIds;
use crate::web::cloudflare::flags;
use crate::workers::{Binding, BindingValue, WorkerSpec};

/// The classes of the Worker whose objects live in its isolate; `own_dir` is where dodev keeps its own files.
///
/// # Errors
/// When the table of a namespace's former ids cannot be read.
pub fn namespaces(project: &Project, own_dir: &Path) -> io::Result<Vec<Namespace>> {
    let namespace = |(class, storage): (&String, &ClassStorage)| {
        let key = NamespaceKey::new(&project.name, class);
        let former = FormerIds::read(&FormerIds::path(own_dir, key.as_str()))?;
        Ok(Namespace { key, class: class.clone(), sqlite: *storage == ClassStorage::Sqlite, former })
    };
    project.classes.iter().map(namespace).collect()
}

/// The environment and the dates that change behaviour.
pub fn worker(project: &Project, namespaces: &[Namespace]) -> WorkerSpec {
    let mut bindings = Vec::new();
    let mut bind = |name: &str, value| bindings.push(Binding { name: name.to_owned(), value });
    for (name, var) in &project.vars {
        match var {
            Var::Text(text) => bind(name, BindingValue::Text(text.clone())),
            Var::Json(json) => bind(name, BindingValue::Json(json.to_string())),
        }
    }
    for binding in &project.durable_objects {
        let own = binding.is_own(&project.name);
        let number = namespaces.iter().position(|n| own && n.class == binding.class_name);
        let refused = || BindingValue::Refused("Durable Object of another Worker".to_owned());
        bind(&binding.name, number.map_or_else(refused, BindingValue::Namespace));
    }
    for service in &project.services {
        let value = if service.service == project.name {
            BindingValue::Entrypoint { name: service.entrypoint.clone(), props: service.props.to_string() }
        } else {
            BindingValue::Refused(format!("the service `{}`, another Worker", service.service))
        };
        bind(&service.binding, value);
    }
    for unsupported in &project.unsupported {
        if let Some(name) = &unsupported.binding {
            bind(name, BindingValue::Refused(unsupported.kind.clone()));
        }
    }
    let compatibility = &project.compatibility;
    let host_form = compatibility.is_on("enhanced_error_serialization");
    WorkerSpec {
        bindings,
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
    let named: Vec<&str> = project.compatibility.flags.iter().map(String::as_str).collect();
    flags::in_force(&project.compatibility.date.to_string(), &named)
}

/// The modules of Node.js that `project` may not import, if its flags do not ask for all of them.
pub fn hidden_modules(project: &Project) -> Option<Hides> {
    let compatibility = &project.compatibility;
    if compatibility.is_on("nodejs_compat") {
        None
    } else if compatibility.is_on("nodejs_als") {
        Some(|name| name.starts_with(node::PREFIX) && name != node::ASYNC_HOOKS)
    } else {
        Some(|name| name.starts_with(node::PREFIX))
    }
}

/// The module that imports all packages in their order.
pub const PACKAGES: &str = "deps/all.js";

/// The modules of packages, and [`PACKAGES`] which imports those that `order` names.
pub fn package_modules(dependencies: &Dependencies, order: &[String]) -> HashMap<String, ModuleSource> {
    let sources = dependencies.modules.iter().map(|module| {
        let source = match module.form {
            DependencyForm::Bytecode => ModuleSource::Bytecode(module.code.clone()),
            DependencyForm::Source => {
                ModuleSource::EsModule(String::from_utf8_lossy(&module.code).into_owned())
            }
            DependencyForm::Data => ModuleSource::Data(module.code.clone()),
        };
        (module.name.clone(), source)
    });
    let mut modules: HashMap<_, _> = sources.collect();
    let mut all = String::new();
    for name in order {
        writeln!(all, "import \"{name}\";").expect("strings take text");
    }
    modules.insert(PACKAGES.to_owned(), ModuleSource::EsModule(all));
    modules
}

/// The bundle's own modules as the loader takes them.
pub fn modules(bundle: &Bundle) -> HashMap<String, ModuleSource> {
    bundle
        .modules
        .iter()
        .map(|module| {
            let text = || String::from_utf8_lossy(&module.code).into_owned();
            let source = match module.kind {
                OutputKind::EsModule => ModuleSource::EsModule(text()),
                OutputKind::Text => {
                    let quoted = serde_json::Value::String(text());
                    ModuleSource::EsModule(format!("export default {quoted};"))
                }
                OutputKind::Data | OutputKind::Wasm => ModuleSource::Data(Arc::new(module.code.clone())),
            };
            let name = module.name.strip_prefix("./").unwrap_or(&module.name);
            (name.to_owned(), source)
        })
        .collect()
}
