//! What differs between the bundler's own helpers and those of the platform's bundler.
//!
//! Fidelity: esbuild's `__commonJS`, `__require`, `__toESM` and `__toCommonJS`.

/// The module that holds rolldown's helpers.
const MODULE: &str = "\0rolldown/runtime.js";

/// Texts in it, and what takes their place.
const REPLACED: [(&str, &str); 5] = [
    // A module that threw runs again when it is required again.
    (
        "mod || (cb((mod = { exports: {} }).exports, mod), cb = null), mod.exports\n",
        "mod || __once(() => cb((mod = { exports: {} }).exports, mod), () => (mod = 0)), mod.exports\n",
    ),
    (
        "export var __commonJSMin",
        "var __once = (run, undo) => { try { run(); } catch (error) { undo(); throw error; } };\nexport var __commonJSMin",
    ),
    (
        "'Calling `require` for \"' + x +\n        '\" in an environment that doesn\\'t expose the `require` function. \
         See https://rolldown.rs/in-depth/bundling-cjs#require-external-modules for more details.',",
        "'Dynamic require of \"' + x + '\" is not supported',",
    ),
    // What says to be an ES module has the default export that it has, and no other.
    ("!mod.__esModule || !__hasOwnProp.call(mod, 'default')", "!mod.__esModule"),
    // An export called `module.exports` is one like others.
    ("__hasOwnProp.call(mod, 'module.exports')\n    ? mod['module.exports']\n    : ", ""),
];

/// The text of the module `id` in the place of `text`, if it is rolldown's helpers.
pub(super) fn helpers_of_platform(id: &str, text: &str) -> Option<String> {
    (id == MODULE)
        .then(|| REPLACED.iter().fold(text.to_owned(), |text, (theirs, ours)| text.replacen(theirs, ours, 1)))
}
