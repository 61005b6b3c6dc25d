//! What the platform adds to rolldown's own resolution and loading: aliases, platform modules, module
//! rules, re-exported types, and syntax that has to be lowered before the bundler reads it.
//!
//! The plugin also remembers what rolldown does not tell: which files are in the graph, which files a
//! bundle carries as data, and mistakes that rolldown would let pass. In its three roles it keeps packages inside,
//! turns imports of them into references to modules that are built apart, or builds those.
//!
//! Fidelity: wrangler's bundling, `deployment-bundle/bundle.ts` and `module-collection.ts`, and its
//! plugins for Node's modules.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rolldown::ModuleType;
use rolldown_common::{ImportKind, ModuleId, ModuleInfo, NormalModule};
use rolldown_plugin::{
    HookBuildEndArgs, HookLoadArgs, HookLoadOutput, HookLoadReturn, HookNoopReturn, HookRenderChunkArgs,
    HookRenderChunkReturn, HookResolveIdArgs, HookResolveIdOutput, HookResolveIdReturn, HookTransformArgs,
    HookTransformAstArgs, HookTransformAstReturn, HookTransformOutput, HookTransformOutputMap,
    HookTransformReturn, HookUsage, Plugin, PluginContext, PluginContextResolveOptions,
    SharedLoadPluginContext, SharedTransformPluginContext,
};

use super::decorators::{Dialect, Language, may_have_decorators};
use super::descriptions::{Descriptions, Instead};
use super::external;
use super::file_options::{FileOptions, comments_on_jsx, compile, compile_alike, uses_at_top_level};
use super::first::First;
use super::guards::may_fail;
use super::import_forms::{external, said_type};
use super::kept_imports::settle_imports;
use super::learned::{Problem, ProblemKind, State};
use super::lowered_async::{
    ASYNC_CONTEXT, asks_by_other_means, keep_async_constructor, lower_async, may_have_async,
};
use super::node_builtins::{is_bare_node_module, is_platform_module, needs_node_compat};
use super::order::{Facts, effects_of};
use super::queries::{script, style_sheet, with_query};
use super::request::{BuildPlatform, BundleRequest, ModuleKind, Outside, Packages};
use super::rules::{Rules, Ruling};
use super::runtime_text::helpers_of_platform;
use super::scripts::{may_be_script, may_have_jsx, script_of_package};
use super::suggest::{is_path, is_required};
use super::type_exports::is_typescript;
use super::unbundled::{Search, specifier_from};

/// `require` of a platform module: CommonJS whose `module.exports` is that module's value.
const REQUIRED: &str = "\0required:";
/// The default export (Node) or the namespace of a platform module, as an ES module.
const VALUE: &str = "\0value:";
/// The module of an object that `define` names, by its place there.
pub(super) const DEFINED: &str = "\0defined:";

/// What rolldown calls a file that a package's `browser` leaves out begins with this. esbuild takes it for CommonJS without a text.
const EMPTY: &str = "\0rolldown/empty.js?";

/// What a build is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// The project with its packages.
    Whole,
    /// The project without its packages.
    Own(Outside),
    /// The packages.
    Packages(Outside),
}

/// The rolldown plugin of one session; shared between rolldown and the session.
#[derive(Debug)]
pub(super) struct ProjectPlugin {
    pub(super) root: PathBuf,
    alias: Vec<(String, String)>,
    define: Vec<(String, String)>,
    node_compat: bool,
    async_hooks: bool,
    pub(super) rules: Rules,
    role: Role,
    file_options: FileOptions,
    descriptions: Descriptions,
    conditions: Vec<String>,
    platform: BuildPlatform,
    /// Files that are modules of their own, and how the code imports them.
    unbundled: HashMap<PathBuf, String>,
    first: First,
    state: Mutex<State>,
}

impl ProjectPlugin {
    /// The plugin for the code of `request`.
    pub(super) fn new(request: &BundleRequest) -> Self {
        let role = match &request.packages {
            Packages::Inside => Role::Whole,
            Packages::Outside(outside) => Role::Own(outside.clone()),
        };
        Self::with_role(request, role)
    }

    /// The plugin for the packages of `request`.
    pub(super) fn of_packages(request: &BundleRequest) -> Self {
        let role = match &request.packages {
            Packages::Inside => Role::Whole,
            Packages::Outside(outside) => Role::Packages(outside.clone()),
        };
        Self::with_role(request, role)
    }

    fn with_role(request: &BundleRequest, role: Role) -> Self {
        let lowers_async = match &role {
            Role::Whole => false,
            Role::Own(outside) | Role::Packages(outside) => outside.lowers_async,
        };
        Self {
            root: request.root.clone(),
            alias: request.alias.clone(),
            define: request.define.clone(),
            node_compat: request.node_compat,
            async_hooks: request.async_hooks,
            rules: Rules::new(&request.rules),
            file_options: FileOptions::new(request),
            descriptions: Descriptions::default(),
            conditions: request.all_conditions(),
            platform: request.platform,
            role,
            unbundled: HashMap::new(),
            first: First::default(),
            state: Mutex::new(State { lowers_async, ..State::default() }),
        }
    }

    /// The same, with the files of `search` left out of the code, whose module is called `entry`.
    pub(super) fn leaving_out(mut self, search: &Search, entry: &str) -> Self {
        let files = search.files.iter();
        self.unbundled = files.map(|file| (file.path.clone(), specifier_from(entry, &file.name))).collect();
        self
    }

    /// The same for a first build.
    pub(super) fn for_first_build(self, first: First) -> Self {
        Self { first, ..self }
    }

    /// What this build is for.
    pub(super) fn role(&self) -> &Role {
        &self.role
    }

    /// What packages say of themselves.
    pub(super) fn descriptions(&self) -> &Descriptions {
        &self.descriptions
    }

    /// The conditions of `exports` that hold for every import.
    pub(super) fn conditions(&self) -> &[String] {
        &self.conditions
    }

    /// What the hooks have learned.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a mistake in the module `id`.
    pub(super) fn problem(&self, id: &str, kind: ProblemKind) {
        let problem = Problem { id: id.to_owned(), kind };
        let mut state = self.state();
        if !state.problems.contains(&problem) {
            state.problems.push(problem);
        }
    }

    /// The module behind a platform's name; `require` gets it through two small modules.
    fn platform_module(&self, name: &str, args: &HookResolveIdArgs<'_>) -> HookResolveIdOutput {
        if !self.node_compat
            && needs_node_compat(name, self.async_hooks)
            && let Some(importer) = args.importer.filter(|importer| !importer.starts_with('\0'))
        {
            self.problem(importer, ProblemKind::NodeModule { specifier: name.to_owned() });
        }
        if name == ASYNC_CONTEXT {
            self.state().async_context = true;
        }
        if args.kind == ImportKind::Require {
            return HookResolveIdOutput::from_id(format!("{REQUIRED}{name}"));
        }
        external(name)
    }

    /// The reference to the package's file `path`, if it stays outside of the code.
    fn reference(&self, args: &HookResolveIdArgs<'_>, path: &str) -> Option<HookResolveIdOutput> {
        let Role::Own(outside) = &self.role else { return None };
        let path = Path::new(path);
        let stays = outside.early.contains(path) || {
            let package = external::package_of(&self.root, path)?;
            !outside.inline.contains(&package)
        };
        if !stays || !external::can_stand_alone(path.to_str()?) {
            return None;
        }
        let mut state = self.state();
        match args.kind {
            ImportKind::Import | ImportKind::DynamicImport => {}
            ImportKind::Require => {
                state.required.get_or_insert_with(|| args.specifier.to_owned());
                return None;
            }
            _ => return None,
        }
        let name = external::module_name(&self.root, path);
        let entry = state.entries.entry(name.clone()).or_default();
        path.clone_into(&mut entry.path);
        entry.specifiers.insert(args.specifier.to_owned());
        let common_js =
            *state.common_js.entry(path.to_owned()).or_insert_with(|| external::is_common_js(path));
        Some(if common_js {
            HookResolveIdOutput::from_id(format!("{REQUIRED}{name}"))
        } else {
            external(&name)
        })
    }

    /// Notes that a package imports `path`, if that belongs to the project's code.
    fn note_import_of_package(&self, outside: &Outside, importer: &str, path: &str) {
        let own = match external::package_of(&self.root, Path::new(path)) {
            Some(package) => outside.inline.contains(&package),
            None => Path::new(path).is_absolute() && external::can_stand_alone(path),
        };
        if !own || outside.early.contains(Path::new(path)) {
            return;
        }
        match external::package_of(&self.root, Path::new(importer)) {
            Some(package) => {
                self.state().inline.insert(package);
            }
            // A file of the project that runs early: what it leads to would exist twice.
            None => self.state().leads_back = true,
        }
    }

    /// What `specifier` stands for, if it is an alias.
    pub(super) fn alias_of(&self, specifier: &str) -> Option<&str> {
        self.alias.iter().find(|(name, _)| name == specifier).map(|(_, target)| target.as_str())
    }

    /// The module that `specifier` means by the `paths` of the importer's configuration, if the bundler did not look there.
    async fn by_paths(
        &self,
        ctx: &PluginContext,
        args: &HookResolveIdArgs<'_>,
        specifier: &str,
    ) -> HookResolveIdReturn {
        let configuration = args.importer.and_then(|importer| self.file_options.of(Path::new(importer)));
        let Some(configuration) = configuration else { return Ok(None) };
        for candidate in configuration.candidates(specifier) {
            if let Ok(resolved) = ctx.resolve(&candidate, args.importer, as_imported(args)).await? {
                self.state().read.extend(configuration.files.iter().cloned());
                return Ok(Some(HookResolveIdOutput::from_resolved_id(resolved)));
            }
        }
        Ok(None)
    }
}

/// Has the bundler resolve something as what is imported.
fn as_imported(args: &HookResolveIdArgs<'_>) -> Option<PluginContextResolveOptions> {
    Some(PluginContextResolveOptions { import_kind: args.kind, ..Default::default() })
}

impl Plugin for ProjectPlugin {
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed("dodev:project")
    }

    async fn resolve_id(&self, ctx: &PluginContext, args: &HookResolveIdArgs<'_>) -> HookResolveIdReturn {
        if args.specifier.starts_with('\0') {
            return Ok(Some(HookResolveIdOutput::from_id(args.specifier)));
        }
        if args.is_entry {
            return Ok(None);
        }
        let virtual_importer = args.importer.is_some_and(|importer| importer.starts_with('\0'));
        if virtual_importer && args.specifier.starts_with(external::PREFIX) {
            return Ok(Some(external(args.specifier)));
        }
        if let Some((kind, specifier)) = said_type(args.specifier) {
            return self.said_module(ctx, args, kind, specifier).await;
        }
        let target = self.alias_of(args.specifier);
        let specifier = target.unwrap_or(args.specifier);
        if is_platform_module(specifier) {
            return Ok(Some(self.platform_module(specifier, args)));
        }
        if self.node_compat && is_bare_node_module(specifier) {
            return Ok(Some(self.platform_module(&format!("node:{specifier}"), args)));
        }
        let ruling = self.rules.rule_on(specifier);
        // rolldown reports a path that leads nowhere, but only warns of a package, and forgets the warning
        // in a partial scan.
        let is_package = !is_path(specifier);
        let is_bare = matches!(self.role, Role::Own(_)) && self.is_bare(args.importer, args.specifier);
        // Files of the project may stay outside, by whatever path they are imported.
        let has_early = matches!(&self.role, Role::Own(outside) if !outside.early.is_empty());
        let may_stay = has_early || !self.unbundled.is_empty();
        let is_plain = !is_package && !specifier.contains("node_modules") && !is_bare && !may_stay;
        if target.is_none() && is_plain && ruling == Ruling::None && may_be_script(specifier) {
            return Ok(None);
        }
        // An alias is resolved from the project's root, whoever imports it.
        let from_root = target.map(|_| self.root.join("package.json").to_string_lossy().into_owned());
        let importer = from_root.as_deref().or(args.importer);
        let file = specifier.strip_suffix("?module").unwrap_or(specifier);
        // Whether it is another file than the bundler would take.
        let mut is_other = false;
        let mut found = ctx.resolve(file, importer, as_imported(args)).await?;
        if is_package
            && found.is_err()
            && self.platform == BuildPlatform::Browser
            && let Some(entry) = self.entry_despite(file, importer)
        {
            found = ctx.resolve(&entry, importer, as_imported(args)).await?;
            if found.is_err() {
                return Ok(Some(HookResolveIdOutput::from_id(entry)));
            }
            is_other = true;
        }
        let mut resolved = match found {
            Ok(resolved) if !resolved.external.is_external() => resolved,
            Ok(resolved) => return Ok(Some(HookResolveIdOutput::from_resolved_id(resolved))),
            Err(_) => {
                if let (Some(target), Some(importer)) = (target, args.importer) {
                    let (specifier, target) = (args.specifier.to_owned(), target.to_owned());
                    self.problem(importer, ProblemKind::DeadAlias { specifier, target });
                    return Ok(Some(external(args.specifier)));
                }
                if is_package && let Some(resolved) = self.by_paths(ctx, args, specifier).await? {
                    return Ok(Some(resolved));
                }
                if let Some(importer) = args.importer
                    && is_package
                    && is_required(importer, args.kind)
                {
                    let text = std::fs::read_to_string(importer).unwrap_or_default();
                    if args.kind == ImportKind::DynamicImport && may_fail(importer, &text, args.specifier) {
                        return Ok(Some(external(args.specifier)));
                    }
                    let specifier = args.specifier.to_owned();
                    self.problem(importer, ProblemKind::Unresolved { specifier });
                }
                return Ok(None);
            }
        };
        if is_package {
            self.note_package(specifier, importer, &resolved);
        }
        match is_package.then(|| self.instead(args.kind, file, &resolved)).flatten() {
            Some(Instead::File(path)) => {
                resolved.id = ModuleId::new(path.to_string_lossy());
                is_other = true;
            }
            Some(Instead::Nothing(reason)) => {
                if let Some(importer) = args.importer.filter(|importer| is_required(importer, args.kind)) {
                    let specifier = args.specifier.to_owned();
                    self.problem(importer, ProblemKind::NoEntry { specifier, reason });
                }
                return Ok(Some(external(args.specifier)));
            }
            None => {}
        }
        if is_package
            && let Some(main) = self.main_instead(args.kind, specifier, resolved.id.as_str())
            && let Ok(main) = ctx.resolve(&main, importer, as_imported(args)).await?
        {
            return Ok(Some(HookResolveIdOutput::from_resolved_id(main)));
        }
        if let Some(name) = self.unbundled.get(Path::new(resolved.id.as_str())) {
            return Ok(Some(external(name)));
        }
        if let Some(module) = self.judge(args, ruling, resolved.id.as_str()) {
            return Ok(Some(module));
        }
        if let Some(reference) = self.reference(args, resolved.id.as_str()) {
            return Ok(Some(reference));
        }
        if is_bare && let Some(importer) = args.importer {
            let mut state = self.state();
            if let Some(facts) = state.facts.get_mut(importer) {
                facts.prepares.insert(resolved.id.to_string());
            }
        }
        if target.is_none() && !is_other {
            return Ok(None);
        }
        Ok(Some(HookResolveIdOutput::from_resolved_id(resolved)))
    }

    async fn load(&self, ctx: SharedLoadPluginContext, args: &HookLoadArgs<'_>) -> HookLoadReturn {
        let kind = {
            let mut state = self.state();
            state.graph.insert(args.id.to_owned());
            self.first.on_load(state.graph.len());
            state.ruled.get(args.id).copied()
        };
        if let Some(name) = args.id.strip_prefix(REQUIRED) {
            let inner = serde_json::to_string(&format!("{VALUE}{name}"))?;
            return Ok(Some(script(format!("module.exports = require({inner}).default;"))));
        }
        if let Some(name) = args.id.strip_prefix(VALUE) {
            let has_default = name.starts_with("node:") || name.starts_with(external::PREFIX);
            let binding = if has_default { "value" } else { "* as value" };
            let name = serde_json::to_string(name)?;
            return Ok(Some(script(format!("import {binding} from {name};\nexport default value;"))));
        }
        if let Some(index) = args.id.strip_prefix(DEFINED) {
            let defined = index.parse::<usize>().ok().and_then(|index| self.define.get(index));
            let json = defined.map(|(_, value)| value.as_str()).unwrap_or_default();
            return Ok(Some(script(format!("export default JSON.parse({});", serde_json::to_string(json)?))));
        }
        if let Some((path, query)) = args.id.split_once('?')
            && !Path::new(args.id).exists()
        {
            ctx.add_watch_file(path);
            self.state().read.insert(PathBuf::from(path));
            return with_query(path, query).map(Some);
        }
        let Some(kind) = kind else {
            if args.id.ends_with(".css") && !args.id.starts_with('\0') {
                ctx.add_watch_file(args.id);
                return Ok(Some(style_sheet(args.id)?));
            }
            let mut script = script_of_package(args.id);
            if let Some(script) = &mut script {
                ctx.add_watch_file(args.id);
                if script.side_effects.is_none() {
                    script.side_effects = self.descriptions.effects_of(Path::new(args.id));
                }
            }
            return Ok(script);
        };
        let bytes = std::fs::read(args.id)?;
        self.state().read.insert(PathBuf::from(args.id));
        let module_type = if kind == ModuleKind::Text { ModuleType::Text } else { ModuleType::Js };
        let code = String::from_utf8_lossy(&bytes).into_owned().into();
        Ok(Some(HookLoadOutput { code, module_type: Some(module_type), ..Default::default() }))
    }

    async fn transform(
        &self,
        _ctx: SharedTransformPluginContext,
        args: &HookTransformArgs<'_>,
    ) -> HookTransformReturn {
        self.first.on_text(args.code.len());
        if args.id.starts_with(EMPTY) {
            return Ok(Some(HookTransformOutput {
                code: Some("module.exports = {};".to_owned()),
                module_type: Some(ModuleType::Js),
                ..Default::default()
            }));
        }
        if let Some(code) = helpers_of_platform(args.id, args.code) {
            return Ok(Some(HookTransformOutput { code: Some(code), ..Default::default() }));
        }
        if *args.module_type == ModuleType::Json {
            // Other tools write it.
            let code = args.code.strip_prefix('\u{feff}').map(str::to_owned);
            return Ok(code.map(|code| HookTransformOutput { code: Some(code), ..Default::default() }));
        }
        if asks_by_other_means(args.code) {
            self.state().async_context = true;
        }
        let mut marked = self.text_seen(args.id, args.code);
        if self.state().lowers_async && may_have_async(args.code) {
            marked = keep_async_constructor(marked.as_deref().unwrap_or(args.code)).or(marked);
        }
        let text = marked.as_deref().unwrap_or(args.code);
        self.state().lowered.remove(args.id);
        // Packages are published with their decorators lowered, unless they are published as they were written.
        let language = Language::of(args.module_type)
            .filter(|_| !args.id.contains("/node_modules/") || is_typescript(args.id))
            .filter(|_| may_have_decorators(text));
        if let Some(language) = language {
            let configuration = self.file_options.of(Path::new(args.id));
            let is_older = configuration.is_some_and(|configuration| configuration.has_older_decorators());
            let dialect = if is_older { Dialect::Legacy } else { Dialect::Tc39 };
            if let Some(lowered) = self.lower(args.id, text, language, dialect) {
                return Ok(Some(HookTransformOutput {
                    code: Some(lowered.code.clone()),
                    map: lowered.map.clone().into(),
                    ..Default::default()
                }));
            }
        }
        // Every script may hold JSX, and most hold none; those need not be transformed.
        let plain = *args.module_type == ModuleType::Jsx && !may_have_jsx(text);
        let module_type = plain.then_some(ModuleType::Js);
        if marked.is_none() && module_type.is_none() {
            return Ok(None);
        }
        Ok(Some(HookTransformOutput {
            code: marked,
            // Only words inside import and export lists are inserted: lines stay where they are.
            map: HookTransformOutputMap::Null,
            module_type,
            ..Default::default()
        }))
    }

    async fn transform_ast(
        &self,
        ctx: &PluginContext,
        args: HookTransformAstArgs<'_>,
    ) -> HookTransformAstReturn {
        if matches!(self.role, Role::Own(_)) {
            let (bare, writes_shared) = effects_of(args.ast.program());
            let facts = Facts { bare, writes_shared, ..Facts::default() };
            self.state().facts.insert(args.id.to_owned(), facts);
        }
        let typescript = matches!(args.module_type, ModuleType::Ts | ModuleType::Tsx);
        let mut ast = self.settle(args.id, args.ast, typescript)?;
        let lowers = self.state().lowers_async && may_have_async(ast.source());
        let uses = ast.source().contains("using") && uses_at_top_level(ast.program());
        let path = Path::new(args.id);
        let jsx = matches!(args.module_type, ModuleType::Jsx | ModuleType::Tsx) && may_have_jsx(ast.source());
        if !(lowers || uses || typescript || jsx) || args.id.starts_with('\0') {
            return Ok(ast);
        }
        if typescript {
            let configuration = self.file_options.of(path);
            let unused =
                configuration.map(|configuration| configuration.unused_imports()).unwrap_or_default();
            settle_imports(&mut ast, unused, &self.retyped(args.id));
        }
        let given = ctx.options().transform_options.options_for_file(Some(path), &mut vec![]);
        // What is wrong with a configuration the bundler tells itself.
        let Ok(given) = given else { return Ok(ast) };
        let mut options = self.file_options.options_for(path, &comments_on_jsx(&ast), &given);
        let alike = compile_alike(&options, &given, typescript, jsx);
        if lowers {
            lower_async(&mut ast, path, &options).map_err(anyhow::Error::msg)?;
        } else if uses || !alike {
            options.env.es2026.explicit_resource_management |= uses;
            compile(&mut ast, path, &options).map_err(anyhow::Error::msg)?;
        }
        Ok(ast)
    }

    async fn module_parsed(
        &self,
        _ctx: &PluginContext,
        info: Arc<ModuleInfo>,
        _module: &NormalModule,
    ) -> HookNoopReturn {
        match &self.role {
            Role::Whole => {}
            Role::Own(_) => {
                let imports = info.imported_ids.iter().map(ToString::to_string).collect();
                self.state().facts.entry(info.id.to_string()).or_default().imports = imports;
            }
            Role::Packages(outside) => {
                for import in info.imported_ids.iter().chain(&info.dynamically_imported_ids) {
                    self.note_import_of_package(outside, info.id.as_str(), import.as_str());
                }
            }
        }
        Ok(())
    }

    async fn render_chunk(
        &self,
        _ctx: &PluginContext,
        args: &HookRenderChunkArgs<'_>,
    ) -> HookRenderChunkReturn {
        if args.chunk.is_entry {
            self.first.on_code(&args.chunk.filename, &args.code);
        }
        Ok(None)
    }

    async fn build_end(&self, _ctx: &PluginContext, args: Option<&HookBuildEndArgs<'_>>) -> HookNoopReturn {
        if args.is_none() {
            self.first.on_scanned();
        }
        Ok(())
    }

    fn register_hook_usage(&self) -> HookUsage {
        let hooks = HookUsage::ResolveId | HookUsage::Load | HookUsage::Transform | HookUsage::TransformAst;
        let hooks = if self.first.tell.is_some() {
            hooks | HookUsage::BuildEnd | HookUsage::RenderChunk
        } else {
            hooks
        };
        // A whole bundle asks for nothing after a module was parsed.
        if self.role == Role::Whole { hooks } else { hooks | HookUsage::ModuleParsed }
    }
}
