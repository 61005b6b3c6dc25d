//! What can be done for the next save before it comes: the packages of the code that serves, evaluated in an
//! isolate that has never run the user's own code.
//!
//! To evaluate large packages takes longer than to build and evaluate a project's own code, so it is done ahead
//! and in the background. An isolate made so is used once, and only for code with the same packages, evaluated
//! in the same order under the same flags. Packages that throw, or wait for something, are left to the usual way,
//! which knows how to report it.
//!
//! Invariant: nothing of a project but its flags is visible to code before its main module was evaluated.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use crate::base::limits;
use crate::bundle::{Bundle, Dependencies};
use crate::engine::loader::Hides;
use crate::engine::turn::Entered;
use crate::engine::{Isolate, Scope};
use crate::node;
use crate::project::Project;
use crate::workers;

use super::spec;

/// What an isolate is prepared for.
#[derive(Debug)]
pub struct Preparation {
    dependencies: Arc<Dependencies>,
    order: Vec<String>,
    flags: Vec<(&'static str, bool)>,
    hidden: Option<Hides>,
}

impl Preparation {
    /// What would help another generation of `bundle`; nothing if it has no packages of its own.
    pub fn of(project: &Project, bundle: &Bundle) -> Option<Self> {
        Some(Self {
            dependencies: bundle.dependencies.clone()?,
            order: bundle.external.as_ref()?.order.clone(),
            flags: spec::compatibility_flags(project),
            hidden: spec::hidden_modules(project),
        })
    }

    /// Whether code with the packages `of` another bundle may be loaded into an isolate prepared so.
    pub fn fits(&self, project: &Project, bundle: &Bundle) -> bool {
        bundle.dependencies.as_ref() == Some(&self.dependencies)
            && bundle.external.as_ref().is_some_and(|external| external.order == self.order)
            && spec::compatibility_flags(project) == self.flags
    }

    /// Evaluates the packages in `isolate`; whether that is done and nothing is left to wait for.
    pub fn carry_out(&self, isolate: &Isolate) -> bool {
        isolate.set_user_modules(spec::package_modules(&self.dependencies, &self.order));
        apply_flags(isolate, &self.flags, self.hidden);
        isolate.set_turn_cpu(limits::STARTUP_CPU);
        let evaluated = Rc::new(Cell::new(false));
        let note = evaluated.clone();
        let report = isolate.load(spec::PACKAGES, move |_, result| note.set(result.is_ok()));
        evaluated.get() && !report.cpu_exceeded && !report.memory_exceeded && report.uncaught.is_empty()
    }
}

/// Makes `isolate` behave as the project's compatibility date and flags say.
pub fn apply_flags(isolate: &Isolate, flags: &[(&'static str, bool)], hidden: Option<Hides>) {
    if let Some(hidden) = hidden {
        isolate.hide_modules(hidden);
    }
    isolate.turn(Scope::NONE, |ctx| {
        workers::set_compatibility(ctx, isolate.host(), flags).expect("the prelude's own code");
        if flags.contains(&("nodejs_compat", true)) {
            node::define_globals(ctx).expect("the prelude's own code");
        }
        Entered::Done
    });
}
