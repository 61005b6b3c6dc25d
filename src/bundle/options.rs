//! A [`BundleRequest`] as rolldown's options.
//!
//! Fidelity: wrangler's `deployment-bundle/bundle.ts` for conditions, defines, loaders and JSX; what
//! TypeScript's configuration says about JSX wins over the request, as in esbuild. Syntax is not
//! lowered: the engine runs ES2025 and `using`.

use rolldown::{
    BundlerOptions, BundlerTransformOptions, CodeSplittingMode, Either, ExperimentalOptions, InputItem,
    JsxOptions, ModuleType, OutputFormat, Platform, RawMinifyOptions, ResolveOptions, SourceMapType,
    TsConfig,
};
use rolldown_common::{
    AttachDebugInfo, CommentsOptions, GeneratedCodeOptions, InjectImport, InlineConstOption,
    OptimizationOption,
};

use super::inputs::TsconfigFile;
use super::plugin::DEFINED;
use super::request::{BuildPlatform, BundleRequest};
use super::tsconfig_stand_in::StandIn;
use crate::project::NODE_ENV;

/// Options of a build that yields one chunk with a hidden source map; `incremental` keeps what a later build needs.
/// `stand_in` is read in the place of TypeScript's configuration.
pub(super) fn bundler_options(
    request: &BundleRequest,
    incremental: bool,
    stand_in: Option<&StandIn>,
) -> BundlerOptions {
    let name = request.entry.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let mut define = request.define.clone();
    for variable in NODE_ENV {
        if !define.iter().any(|(name, _)| name == variable) {
            define.push((variable.to_owned(), "\"development\"".to_owned()));
        }
    }
    // What is said in JSON is one object for all modules, as in the platform's tools.
    let mut inject = Vec::new();
    for (index, (_, value)) in define.iter_mut().enumerate() {
        if value.trim_start().starts_with(['{', '[']) {
            let name = format!("__dodev_define_{index}");
            let from = format!("{DEFINED}{index}");
            inject.push(InjectImport::named("default".to_owned(), Some(name.clone()), from));
            *value = name;
        }
    }
    let scripts = ["js", "mjs", "cjs"].map(|extension| (extension.to_owned(), ModuleType::Jsx));
    BundlerOptions {
        input: Some(vec![InputItem { name, import: request.entry.to_string_lossy().into_owned() }]),
        cwd: Some(request.root.clone()),
        // The place of the output decides what paths in the source map are relative to.
        dir: Some(request.root.to_string_lossy().into_owned()),
        platform: Some(match request.platform {
            BuildPlatform::Browser => Platform::Browser,
            // rolldown's own one for Node also changes the code.
            BuildPlatform::Node | BuildPlatform::Neutral => Platform::Neutral,
        }),
        format: Some(OutputFormat::Esm),
        sourcemap: Some(SourceMapType::Hidden),
        code_splitting: Some(CodeSplittingMode::Bool(false)),
        module_types: Some(scripts.into_iter().collect()),
        resolve: Some(ResolveOptions {
            // Not listed: `import`, `require` and `default`, which rolldown adds by the kind of each import.
            condition_names: Some(request.all_conditions()),
            main_fields: (request.platform == BuildPlatform::Node)
                .then(|| ["main", "module"].map(str::to_owned).to_vec()),
            ..Default::default()
        }),
        define: Some(define.into_iter().collect()),
        inject: (!inject.is_empty()).then_some(inject),
        // Otherwise dead code is looked for once more in the whole chunk, after each module was freed of its own.
        minify: Some(RawMinifyOptions::Bool(request.minify)),
        keep_names: Some(request.keep_names),
        // As in the platform's bundler: what a circle of imports reads too early is undefined instead of an error, and a
        // module is there though only its constants are used.
        top_level_var: Some(true),
        optimization: Some(OptimizationOption {
            inline_const: Some(InlineConstOption::Bool(false)),
            ..Default::default()
        }),
        generated_code: Some(GeneratedCodeOptions { symbols: false }),
        tsconfig: Some(match (stand_in, &request.tsconfig) {
            (Some(stand_in), _) => TsConfig::Manual(stand_in.path().to_owned()),
            (None, Some(path)) => TsConfig::Manual(path.clone()),
            (None, None) => TsConfig::Auto(true),
        }),
        transform: Some(BundlerTransformOptions {
            target: Some(Either::Left("esnext".to_owned())),
            jsx: Some(Either::Right(jsx_options(request))),
            ..Default::default()
        }),
        // The files are at hand; nobody reads them in a map.
        sourcemap_exclude_sources: Some(true),
        // Nobody reads the code either. The platform's bundler drops comments or moves them to the end.
        comments: Some(CommentsOptions { legal: false, annotation: false, jsdoc: false }),
        experimental: Some(ExperimentalOptions {
            attach_debug_info: Some(AttachDebugInfo::None),
            incremental_build: Some(incremental),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// How JSX is written out; fields left empty are filled from each file's TypeScript configuration.
fn jsx_options(request: &BundleRequest) -> JsxOptions {
    let compiler = TsconfigFile::governing(request).map(|file| file.compiler_options()).unwrap_or_default();
    let said = |name: &str| compiler.get(name).and_then(|value| value.as_str());
    let automatic = matches!(said("jsx"), Some("react-jsx" | "react-jsxdev"));
    if automatic {
        return JsxOptions::default();
    }
    let unless_said = |name, value: &Option<String>| if said(name).is_some() { None } else { value.clone() };
    JsxOptions {
        // Without this, JSX that no configuration mentions would import a React runtime.
        runtime: Some("classic".to_owned()),
        pragma: unless_said("jsxFactory", &request.jsx_factory),
        pragma_frag: unless_said("jsxFragmentFactory", &request.jsx_fragment),
        ..Default::default()
    }
}
