//! Calls to what is no object: exports of contexts and objects, and entry points of the Worker.
//!
//! Both run as events of their own. A call of an export enters the scope in which the export was made,
//! through the gate of its object; a call of an entry point begins a new stateless context.

use std::rc::Rc;

use super::event::Event;
use super::failure::Failure;
use super::outputs::Output;
use super::parcel::{Export, Import};
use super::roster::{WorkerNumber, answer_for_missing};
use super::scheduler::Objects;
use crate::engine::Scope;

/// Fidelity: workerd's text for a call whose receiver ended.
const GONE: &str = "The execution context which hosts this callback is no longer running.";

/// Who is called.
pub enum Callee {
    /// An export.
    Export(Rc<Export>),
    /// A Worker, in a new stateless context.
    Worker(WorkerNumber),
}

impl Objects {
    /// Makes something of the running scope callable by others. One that `outlives_call` keeps its
    /// stateless context alive as long as anyone refers to it: it is part of a result.
    pub fn export(&self, outlives_call: bool) -> Rc<Export> {
        let scope = self.host.scope.get();
        let holds_context = outlives_call && self.requests.borrow().contains(scope.owner);
        if holds_context {
            self.begin_task(scope.owner);
        }
        self.requests.borrow_mut().add_export(scope.owner);
        self.parcels.export(scope, holds_context)
    }

    /// A reference of the running scope to `export`.
    pub fn import(&self, export: Rc<Export>) -> Rc<Import> {
        self.parcels.import(self.host.scope.get().owner, export)
    }

    /// A reference of the running scope to what was disposed before it arrived.
    pub fn import_disposed(&self) -> Rc<Import> {
        self.parcels.import_disposed(self.host.scope.get().owner)
    }

    /// Sends `event` to `callee`: at once from a stateless context, after the commit from an object.
    pub fn invoke(&self, callee: Callee, event: Event) {
        match self.current_slot() {
            Some(from) => self.hold(from, Output::Invoke(callee, event)),
            None => self.invoke_in_order(callee, event),
        }
    }

    pub(super) fn dispatch_invoke(&self, callee: Callee, event: Event) {
        let export = match callee {
            Callee::Worker(number) => return self.deliver_to_entrypoint(number, event),
            Callee::Export(export) => export,
        };
        let owner = export.scope.owner;
        if self.lives(export.scope) {
            // Ended when the call is answered.
            self.begin_task(owner);
            self.deliver_to_scope(export.scope, event);
        } else if let Event::CallExport { reply, .. } = event {
            self.refuse(reply, Failure::platform(GONE, &[]));
        }
    }

    fn deliver_to_entrypoint(&self, number: WorkerNumber, event: Event) {
        if let Some(site) = self.roster.assets(number) {
            return self.answer_from_assets(site, event);
        }
        if let Some(realm) = self.roster.realm(number) {
            let Some(event) = self.routed(realm, event) else { return };
            return self.deliver_to_worker(realm, event);
        }
        let answer = answer_for_missing(self.roster.name(number), &event);
        if let Event::CallEntrypoint { reply, .. } | Event::FetchEntrypoint { reply, .. } = event {
            self.answer(reply, answer);
        }
    }

    fn lives(&self, scope: Scope) -> bool {
        self.owners.borrow().contains_key(&scope.owner) || self.requests.borrow().contains(scope.owner)
    }

    /// Tells the owners of exports that nobody refers to any more; says whether there were any.
    pub(super) fn drop_exports(&self) -> bool {
        self.warn_of_forgotten();
        let dropped = self.parcels.take_dropped();
        let any = !dropped.is_empty();
        for export in dropped {
            // Fidelity: observed with workerd 1.20261117.1: no disposer runs for a context that was aborted.
            let disposes = !self.requests.borrow_mut().drop_export(export.scope.owner);
            let event = Event::DropExport { id: export.id, ends_task: export.holds_context, disposes };
            // What an ended owner left in the table is removed on behalf of nobody.
            let nobody = Scope::none_of(export.scope.owner.realm());
            let scope = if self.lives(export.scope) { export.scope } else { nobody };
            self.deliver_to_scope(scope, event);
        }
        any
    }
}
