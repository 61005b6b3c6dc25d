//! What an RPC message carries beside its bytes: references to functions and targets, and streams.
//!
//! The bytes name a parcel by its place in the message. Every parcel lets go of what it stands for when
//! it is dropped, so a message that never arrives leaves nothing behind: the other end of a stream learns
//! of it, and the last reference to an export ends it. No JavaScript value is in here: the exported values
//! themselves stay in a table of their isolate's prelude.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use crate::engine::pipe::PipeReader;
use crate::engine::{OwnerId, Scope};

/// A serialized value and what travels with it.
#[derive(Default)]
pub struct Message {
    /// The value.
    pub bytes: Vec<u8>,
    /// What the bytes name by number; empty for plain data.
    pub parcels: Vec<Parcel>,
}

impl Message {
    /// The same once more, unless it carries ends of streams: those exist only once.
    pub(super) fn copy(&self) -> Option<Self> {
        let parcels = self.parcels.iter().map(|parcel| match parcel {
            Parcel::Export(export) => Some(Parcel::Export(export.clone())),
            Parcel::Disposed => Some(Parcel::Disposed),
            Parcel::Reader(_) => None,
        });
        Some(Self { bytes: self.bytes.clone(), parcels: parcels.collect::<Option<_>>()? })
    }
}

/// One thing that is not data.
pub enum Parcel {
    /// A function or target that its owner lets others call.
    Export(Rc<Export>),
    /// A stub that was disposed before it was sent: so is what arrives.
    Disposed,
    /// The end of a stream that bytes come out of.
    Reader(PipeReader),
}

/// A function or target that others may call, as long as anyone refers to it.
pub struct Export {
    /// Its key in the prelude's table.
    pub id: u32,
    /// Where calls of it run.
    pub scope: Scope,
    /// Whether it keeps the context alive that it belongs to.
    holds_context: bool,
    dropped: Rc<RefCell<Vec<DroppedExport>>>,
}

/// An export that nobody refers to any more.
pub(super) struct DroppedExport {
    pub id: u32,
    pub scope: Scope,
    pub holds_context: bool,
}

impl Drop for Export {
    fn drop(&mut self) {
        let dropped = DroppedExport { id: self.id, scope: self.scope, holds_context: self.holds_context };
        self.dropped.borrow_mut().push(dropped);
    }
}

/// A stub's reference to an export, until it is disposed or its holder ends.
pub struct Import {
    /// The context or object that may use it.
    pub holder: OwnerId,
    stands_for: Cell<StandsFor>,
    export: RefCell<Option<Rc<Export>>>,
    forgotten: Rc<Forgotten>,
}

/// What an import is to the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StandsFor {
    Stub,
    /// The disposer of a result.
    Disposer,
    /// A stream, which nobody need dispose.
    Stream,
}

/// Who was the last to forget a stub, or a result that has a disposer, without disposing it.
#[derive(Default)]
pub(super) struct Forgotten {
    pub stub: Cell<Option<OwnerId>>,
    pub result: Cell<Option<OwnerId>>,
}

impl Drop for Import {
    fn drop(&mut self) {
        if self.export.borrow().is_some() {
            match self.stands_for.get() {
                StandsFor::Stub => self.forgotten.stub.set(Some(self.holder)),
                StandsFor::Disposer => self.forgotten.result.set(Some(self.holder)),
                StandsFor::Stream => {}
            }
        }
    }
}

impl Import {
    /// What it refers to, unless it was disposed.
    pub fn export(&self) -> Option<Rc<Export>> {
        self.export.borrow().clone()
    }

    /// It is the disposer that came with a result.
    pub fn set_disposer(&self) {
        self.stands_for.set(StandsFor::Disposer);
    }

    /// It is the other end of a stream.
    pub fn set_stream(&self) {
        self.stands_for.set(StandsFor::Stream);
    }

    /// Lets go of the export.
    pub fn dispose(&self) {
        let export = self.export.borrow_mut().take();
        drop(export);
    }
}

/// Imports of one holder are looked through for dead ones when there are twice as many as the last time.
#[derive(Default)]
struct Held {
    imports: Vec<Weak<Import>>,
    alive_before: usize,
}

/// Fewest imports of one holder that are looked through.
const SWEEP_MIN: usize = 32;

/// The exports and imports of one isolate.
#[derive(Default)]
pub(super) struct Parcels {
    last_id: Cell<u32>,
    dropped: Rc<RefCell<Vec<DroppedExport>>>,
    pub(super) forgotten: Rc<Forgotten>,
    held: RefCell<HashMap<OwnerId, Held>>,
}

impl Parcels {
    pub fn export(&self, scope: Scope, holds_context: bool) -> Rc<Export> {
        let id = self.last_id.get().wrapping_add(1);
        self.last_id.set(id);
        Rc::new(Export { id, scope, holds_context, dropped: self.dropped.clone() })
    }

    /// A reference of `holder` to nothing any more.
    pub fn import_disposed(&self, holder: OwnerId) -> Rc<Import> {
        self.import_of(holder, None)
    }

    fn import_of(&self, holder: OwnerId, export: Option<Rc<Export>>) -> Rc<Import> {
        Rc::new(Import {
            holder,
            stands_for: Cell::new(StandsFor::Stub),
            export: RefCell::new(export),
            forgotten: self.forgotten.clone(),
        })
    }

    pub fn import(&self, holder: OwnerId, export: Rc<Export>) -> Rc<Import> {
        let import = self.import_of(holder, Some(export));
        let mut held = self.held.borrow_mut();
        let held = held.entry(holder).or_default();
        if held.imports.len() >= SWEEP_MIN.max(2 * held.alive_before) {
            held.imports.retain(|import| import.strong_count() > 0);
            held.alive_before = held.imports.len();
        }
        held.imports.push(Rc::downgrade(&import));
        import
    }

    /// Disposes what `holder` still refers to: it has ended.
    pub fn end_holder(&self, holder: OwnerId) {
        let held = self.held.borrow_mut().remove(&holder);
        for import in held.into_iter().flat_map(|held| held.imports) {
            if let Some(import) = import.upgrade() {
                import.dispose();
            }
        }
    }

    pub fn take_dropped(&self) -> Vec<DroppedExport> {
        std::mem::take(&mut *self.dropped.borrow_mut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::SectionId;

    const SCOPE: Scope = Scope { owner: OwnerId(1), section: SectionId(0) };

    fn dropped(parcels: &Parcels) -> Vec<u32> {
        parcels.take_dropped().iter().map(|dropped| dropped.id).collect()
    }

    #[test]
    fn an_export_ends_with_its_last_reference() {
        let parcels = Parcels::default();
        let export = parcels.export(SCOPE, false);
        let id = export.id;
        let message = Message { bytes: Vec::new(), parcels: vec![Parcel::Export(export.clone())] };
        let import = parcels.import(OwnerId(2), export);
        drop(message);
        assert!(dropped(&parcels).is_empty());
        import.dispose();
        assert_eq!(dropped(&parcels), [id]);
        assert!(import.export().is_none());
    }

    #[test]
    fn what_is_forgotten_undisposed_is_noted_with_its_holder() {
        let parcels = Parcels::default();
        let import = |holder| parcels.import(OwnerId(holder), parcels.export(SCOPE, false));
        let disposed = import(2);
        disposed.dispose();
        drop(disposed);
        let ended = import(3);
        parcels.end_holder(OwnerId(3));
        drop(ended);
        assert_eq!((parcels.forgotten.stub.take(), parcels.forgotten.result.take()), (None, None));
        drop(import(4));
        assert_eq!(
            (parcels.forgotten.stub.take(), parcels.forgotten.result.take()),
            (Some(OwnerId(4)), None)
        );
        let disposer = import(5);
        disposer.set_disposer();
        drop(disposer);
        assert_eq!(
            (parcels.forgotten.stub.take(), parcels.forgotten.result.take()),
            (None, Some(OwnerId(5)))
        );
    }

    #[test]
    fn a_holder_that_ends_lets_go_of_everything() {
        let parcels = Parcels::default();
        let kept = parcels.import(OwnerId(2), parcels.export(SCOPE, false));
        let others = parcels.import(OwnerId(3), parcels.export(SCOPE, false));
        parcels.end_holder(OwnerId(2));
        assert!(kept.export().is_none());
        assert!(others.export().is_some());
        assert_eq!(dropped(&parcels).len(), 1);
    }

    #[test]
    fn a_holder_of_many_short_imports_does_not_grow() {
        let parcels = Parcels::default();
        let kept = parcels.import(OwnerId(2), parcels.export(SCOPE, false));
        for _ in 0..1_000 {
            drop(parcels.import(OwnerId(2), parcels.export(SCOPE, false)));
        }
        assert!(parcels.held.borrow()[&OwnerId(2)].imports.len() <= SWEEP_MIN + 1);
        assert!(kept.export().is_some());
    }
}
