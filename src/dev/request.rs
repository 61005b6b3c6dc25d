//! From a project to what its bundler is asked for.

use crate::bundle::{self, BundleRequest, Outside, Packages, Unbundled};
use crate::project::{self, Project};

/// The request that builds `project`, if it has code; with `prebundle` its packages are built apart, where that is
/// possible.
pub fn bundle_request(project: &Project, prebundle: bool) -> Option<BundleRequest> {
    if !project.has_worker() {
        return None;
    }
    let build = &project.build;
    let rules = build.rules.iter().map(|rule| bundle::ModuleRule {
        kind: kind(rule.kind),
        globs: rule.globs.clone(),
        fallthrough: rule.fallthrough,
    });
    Some(BundleRequest {
        root: project.root.clone(),
        entry: project.main.clone(),
        define: build.define.clone(),
        alias: build.alias.clone(),
        rules: rules.collect(),
        tsconfig: build.tsconfig.clone(),
        jsx_factory: build.jsx_factory.clone(),
        jsx_fragment: build.jsx_fragment.clone(),
        conditions: build.conditions.clone(),
        platform: match build.platform {
            project::BuildPlatform::Browser => bundle::BuildPlatform::Browser,
            project::BuildPlatform::Node => bundle::BuildPlatform::Node,
            project::BuildPlatform::Neutral => bundle::BuildPlatform::Neutral,
        },
        minify: build.minify,
        keep_names: build.keep_names,
        node_compat: project.compatibility.has_node_modules(),
        async_hooks: project.compatibility.has_node_modules() || project.compatibility.is_on("nodejs_als"),
        packages: match prebundle && !build.no_bundle {
            true => Packages::Outside(Outside::default()),
            false => Packages::Inside,
        },
        unbundled: (build.no_bundle || build.find_additional_modules).then(|| Unbundled {
            base: build
                .base_dir
                .clone()
                .or_else(|| Some(project.main.parent()?.to_owned()))
                .unwrap_or_default(),
            entry: build.no_bundle,
            found: build.find_additional_modules,
            except: project.source.path.clone(),
        }),
    })
}

fn kind(kind: project::ModuleKind) -> bundle::ModuleKind {
    match kind {
        project::ModuleKind::EsModule => bundle::ModuleKind::EsModule,
        project::ModuleKind::CommonJs => bundle::ModuleKind::CommonJs,
        project::ModuleKind::CompiledWasm => bundle::ModuleKind::CompiledWasm,
        project::ModuleKind::Text => bundle::ModuleKind::Text,
        project::ModuleKind::Data => bundle::ModuleKind::Data,
    }
}
