//! What files become that are no scripts, or are imported as something else: by rules, and by what an import says itself.

use std::path::{Path, PathBuf};

use rolldown_plugin::{
    HookResolveIdArgs, HookResolveIdOutput, HookResolveIdReturn, PluginContext, PluginContextResolveOptions,
};

use super::import_forms::external;
use super::learned::{Asset, ProblemKind};
use super::plugin::ProjectPlugin;
use super::queries::SAID;
use super::request::ModuleKind;
use super::rules::{Ruling, asset_name};
use super::scripts::{is_script, is_text_with_query};
use super::suggest::is_required;

impl ProjectPlugin {
    /// The module for the file `path`, given the ruling on its specifier; `None` if rolldown knows what it is.
    pub(super) fn judge(
        &self,
        args: &HookResolveIdArgs<'_>,
        ruling: Ruling<'_>,
        path: &str,
    ) -> Option<HookResolveIdOutput> {
        let unknown = !is_script(path) && !is_text_with_query(path);
        let ruling = if ruling == Ruling::None && unknown { self.rules.rule_on(path) } else { ruling };
        let importer = args.importer?;
        let specifier = args.specifier.to_owned();
        match ruling {
            Ruling::Is(kind) => self.ruled_module(kind, path),
            Ruling::Shadowed(kind, glob) => {
                self.problem(importer, ProblemKind::ShadowedRule { specifier, glob: glob.to_owned(), kind });
                Some(external(args.specifier))
            }
            Ruling::None if unknown && is_required(importer, args.kind) => {
                let extension = Path::new(path).extension()?.to_string_lossy().into_owned();
                self.problem(importer, ProblemKind::NoRule { specifier, extension });
                Some(external(args.specifier))
            }
            Ruling::None => None,
        }
    }

    /// The module for the file that `specifier` names, which is of `kind` whatever its name says.
    pub(super) async fn said_module(
        &self,
        ctx: &PluginContext,
        args: &HookResolveIdArgs<'_>,
        kind: &str,
        specifier: &str,
    ) -> HookResolveIdReturn {
        if !matches!(kind, "text" | "bytes" | "json") {
            if let Some(importer) = args.importer {
                let (specifier, said) = (specifier.to_owned(), kind.to_owned());
                self.problem(importer, ProblemKind::UnknownType { specifier, said });
            }
            return Ok(Some(external(specifier)));
        }
        let specifier = self.alias_of(specifier).unwrap_or(specifier);
        let options = PluginContextResolveOptions { import_kind: args.kind, ..Default::default() };
        if let Ok(resolved) = ctx.resolve(specifier, args.importer, Some(options)).await? {
            return Ok(Some(HookResolveIdOutput::from_id(format!("{}?{SAID}{kind}", resolved.id))));
        }
        if let Some(importer) = args.importer {
            self.problem(importer, ProblemKind::Unresolved { specifier: specifier.to_owned() });
        }
        Ok(Some(external(specifier)))
    }

    /// The module for a file that a rule names.
    fn ruled_module(&self, kind: ModuleKind, path: &str) -> Option<HookResolveIdOutput> {
        let mut state = self.state();
        match kind {
            ModuleKind::Data | ModuleKind::CompiledWasm => {
                let name = asset_name(&self.root, Path::new(path));
                state.read.insert(PathBuf::from(path));
                state.assets.insert(name.clone(), Asset { path: PathBuf::from(path), kind });
                Some(external(&name))
            }
            ModuleKind::EsModule | ModuleKind::CommonJs if is_script(path) => None,
            ModuleKind::Text | ModuleKind::EsModule | ModuleKind::CommonJs => {
                state.ruled.insert(path.to_owned(), kind);
                Some(HookResolveIdOutput::from_id(path))
            }
        }
    }
}
