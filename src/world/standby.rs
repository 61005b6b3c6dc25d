//! What can be done for the next save before it comes: the packages of the code that serves, evaluated in an
//! isolate that has never run the user's own code.
//!
//! To evaluate large packages takes longer than to build and evaluate a project's own code, so it is done ahead
//! and in the background. An isolate made so is used once, and only for code with the same packages, evaluated
//! in the same order under the same flags. Packages that throw, wait for something, or look at the environment, are left to the usual way,
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
use crate::engine::{Isolate, RealmId, Scope};
use crate::node;
use crate::workers;

use super::{WorkerCode, spec};

/// What an isolate is prepared for: the packages of each Worker, in the order of their realms.
#[derive(Debug)]
pub struct Preparation(Vec<Prepared>);

#[derive(Debug)]
struct Prepared {
    /// Nothing for a Worker that has no packages of its own.
    packages: Option<(Arc<Dependencies>, Vec<String>)>,
    flags: Vec<(&'static str, bool)>,
    hidden: Option<Hides>,
}

impl Preparation {
    /// What would help another generation of `workers`; nothing if none has packages of its own.
    pub fn of(workers: &[WorkerCode]) -> Option<Self> {
        let prepared: Vec<Prepared> = workers
            .iter()
            .map(|WorkerCode { project, bundle }| Prepared {
                packages: packages_of(bundle),
                flags: spec::compatibility_flags(project),
                hidden: spec::hidden_modules(project),
            })
            .collect();
        let useful = prepared.iter().any(|own| own.packages.is_some());
        (useful && !workers.iter().any(listens)).then_some(Self(prepared))
    }

    /// Whether `workers`, another generation, may be loaded into an isolate prepared so.
    pub fn fits(&self, workers: &[WorkerCode]) -> bool {
        let fits = |(own, worker): (&Prepared, &WorkerCode)| {
            packages_of(&worker.bundle) == own.packages
                && spec::compatibility_flags(&worker.project) == own.flags
                && !listens(worker)
        };
        self.0.len() == workers.len() && self.0.iter().zip(workers).all(fits)
    }

    /// How many realms it needs.
    pub fn realms(&self) -> usize {
        self.0.len()
    }

    /// Evaluates the packages in `isolate`; whether that is done and nothing is left to wait for.
    pub fn carry_out(&self, isolate: &Isolate) -> bool {
        isolate.realms().zip(&self.0).all(|(realm, own)| own.carry_out(isolate, realm))
    }
}

impl Prepared {
    fn carry_out(&self, isolate: &Isolate, realm: RealmId) -> bool {
        apply_flags(isolate, realm, &self.flags, self.hidden);
        let Some((dependencies, order)) = &self.packages else { return true };
        isolate.set_user_modules(realm, spec::package_modules(dependencies, order));
        isolate.set_turn_cpu(realm, limits::STARTUP_CPU);
        let evaluated = Rc::new(Cell::new(false));
        let note = evaluated.clone();
        let global = isolate.host().enter_global_scope();
        let report = isolate.load(realm, spec::PACKAGES, move |_, result| note.set(result.is_ok()));
        drop(global);
        let clean = !report.cpu_exceeded && !report.memory_exceeded && report.uncaught.is_empty();
        evaluated.get() && clean && !asked_for_bindings(isolate, realm)
    }
}

/// Whether the Worker listens for events instead of exporting handlers: its packages see its bindings as globals.
fn listens(worker: &WorkerCode) -> bool {
    worker.bundle.exports.is_empty()
}

/// Whether a package looked at the environment, which is another one when its Worker runs.
fn asked_for_bindings(isolate: &Isolate, realm: RealmId) -> bool {
    let asked = Rc::new(Cell::new(true));
    let answer = asked.clone();
    isolate.turn(Scope::none_of(realm), move |ctx| {
        answer.set(workers::asked_early(ctx, isolate.host()).expect("the prelude's own code"));
        Entered::Done
    });
    asked.get()
}

fn packages_of(bundle: &Bundle) -> Option<(Arc<Dependencies>, Vec<String>)> {
    Some((bundle.dependencies.clone()?, bundle.external.as_ref()?.order.clone()))
}

/// Makes `realm` of `isolate` behave as the project's compatibility date and flags say.
pub fn apply_flags(isolate: &Isolate, realm: RealmId, flags: &[(&'static str, bool)], hidden: Option<Hides>) {
    if let Some(hidden) = hidden {
        isolate.hide_modules(realm, hidden);
    }
    if flags.contains(&("new_module_registry", true)) {
        isolate.name_modules_by_url(realm);
    }
    isolate.turn(Scope::none_of(realm), |ctx| {
        workers::set_compatibility(ctx, isolate.host(), flags).expect("the prelude's own code");
        if flags.contains(&("nodejs_compat_v2", true)) {
            node::define_globals(ctx).expect("the prelude's own code");
        }
        Entered::Done
    });
}
