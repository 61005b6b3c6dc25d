//! The input gate of one object: which events may enter now.
//!
//! A pure state machine. Events belong to a critical section, or to the root outside all of them. While
//! a section has a child section that runs or waits, its own events are held; so everything outside a
//! `blockConcurrencyWhile` callback waits until the callback is done, and what the callback itself
//! started goes on.
//!
//! Fidelity: workerd `src/workerd/io/io-gate.h` and its test: waiting children go before waiting events,
//! nested sections lock their parent, what belongs to a finished section belongs to its parent.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use crate::base::limits;
use crate::engine::SectionId;

/// Sections are nested deeper than the platform allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("blockConcurrencyWhile() calls are nested too deeply.")]
pub struct NestedTooDeeply;

#[derive(Debug, Default)]
struct Section {
    parent: SectionId,
    depth: usize,
    finished: bool,
    running: Option<SectionId>,
    waiting: VecDeque<SectionId>,
}

/// The gate of one object.
#[derive(Debug)]
pub struct Gate {
    sections: FxHashMap<SectionId, Section>,
    next: u32,
}

/// Outside all critical sections.
pub const ROOT: SectionId = SectionId(0);

impl Default for Gate {
    fn default() -> Self {
        Self { sections: [(ROOT, Section::default())].into_iter().collect(), next: 1 }
    }
}

impl Gate {
    /// Whether an event of `section` may enter now.
    pub fn admits(&self, section: SectionId) -> bool {
        let section = &self.sections[&self.live(section)];
        section.running.is_none() && section.waiting.is_empty()
    }

    /// Registers a new section inside `parent`; it runs when [`Gate::next_section`] hands it out.
    ///
    /// # Errors
    /// When sections would be nested too deeply.
    pub fn start(&mut self, parent: SectionId) -> Result<SectionId, NestedTooDeeply> {
        let parent = self.live(parent);
        let depth = self.sections[&parent].depth + 1;
        if depth > limits::BLOCK_CONCURRENCY_DEPTH {
            return Err(NestedTooDeeply);
        }
        let id = SectionId(self.next);
        self.next += 1;
        self.sections.insert(id, Section { parent, depth, ..Section::default() });
        self.section(parent).waiting.push_back(id);
        Ok(id)
    }

    /// The next section that may begin; from now on it runs.
    pub fn next_section(&mut self) -> Option<SectionId> {
        let mut at = ROOT;
        loop {
            let section = self.section(at);
            match (section.running, section.waiting.pop_front()) {
                (Some(running), next) => {
                    // Only one child runs at a time; put back what was looked at.
                    if let Some(next) = next {
                        section.waiting.push_front(next);
                    }
                    at = running;
                }
                (None, Some(next)) => {
                    section.running = Some(next);
                    return Some(next);
                }
                (None, None) => return None,
            }
        }
    }

    /// Whether [`Gate::next_section`] would hand one out.
    pub fn has_next(&self) -> bool {
        let mut section = &self.sections[&ROOT];
        while let Some(running) = section.running {
            section = &self.sections[&running];
        }
        !section.waiting.is_empty()
    }

    /// Ends a running section; returns its parent, in which its result is to be delivered at once. The parent adopts the
    /// sections that were started inside and have not ended: the first of them was let in when the turn that started it ended,
    /// so it goes before those that wait already, and the others after them.
    pub fn finish(&mut self, id: SectionId) -> SectionId {
        let section = self.section(id);
        section.finished = true;
        let (parent, running, mut waiting) =
            (section.parent, section.running.take(), std::mem::take(&mut section.waiting));
        for child in running.iter().chain(&waiting) {
            self.section(*child).parent = parent;
        }
        let adopting = self.section(parent);
        adopting.running = running;
        if running.is_none()
            && let Some(let_in) = waiting.pop_front()
        {
            adopting.waiting.push_front(let_in);
        }
        adopting.waiting.extend(waiting);
        // Finished sections are kept while their parent lives, so that what still belongs to them finds it.
        self.sections.retain(|other, section| *other == id || section.parent != id);
        if parent == ROOT {
            self.sections.remove(&id);
        }
        parent
    }

    fn live(&self, mut id: SectionId) -> SectionId {
        loop {
            match self.sections.get(&id) {
                Some(section) if section.finished => id = section.parent,
                Some(_) => return id,
                None => return ROOT,
            }
        }
    }

    fn section(&mut self, id: SectionId) -> &mut Section {
        self.sections.get_mut(&id).expect("a section that was started and whose parent lives")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_section_holds_the_root_until_it_is_finished() {
        let mut gate = Gate::default();
        assert!(gate.admits(ROOT));
        let a = gate.start(ROOT).expect("not deep");
        assert!(!gate.admits(ROOT), "a waiting section goes first");
        assert_eq!(gate.next_section(), Some(a));
        assert!(gate.admits(a) && !gate.admits(ROOT));
        assert_eq!(gate.finish(a), ROOT);
        assert!(gate.admits(ROOT));
        assert!(gate.admits(a), "what is left of a finished section belongs to its parent");
    }

    #[test]
    fn siblings_run_one_after_the_other_and_children_lock_their_parent() {
        let mut gate = Gate::default();
        let a = gate.start(ROOT).expect("not deep");
        let b = gate.start(ROOT).expect("not deep");
        assert_eq!(gate.next_section(), Some(a));
        assert!(!gate.has_next(), "one runs, the other waits for its end");
        assert_eq!(gate.next_section(), None);
        let inner = gate.start(a).expect("not deep");
        assert_eq!(gate.next_section(), Some(inner));
        assert!(!gate.admits(a) && gate.admits(inner));
        assert_eq!(gate.finish(inner), a);
        assert!(gate.admits(a) && gate.admits(inner));
        assert_eq!(gate.finish(a), ROOT);
        assert!(!gate.admits(ROOT) && gate.has_next());
        assert_eq!(gate.next_section(), Some(b));
        gate.finish(b);
        assert!(gate.admits(ROOT));
        assert_eq!(gate.sections.len(), 1, "nothing is kept");
    }

    #[test]
    fn what_a_section_leaves_behind_goes_to_its_parent() {
        let mut gate = Gate::default();
        let a = gate.start(ROOT).expect("not deep");
        let b = gate.start(ROOT).expect("not deep");
        assert_eq!(gate.next_section(), Some(a));
        let inner = gate.start(a).expect("not deep");
        let second = gate.start(a).expect("not deep");
        assert_eq!(gate.finish(a), ROOT);
        assert_eq!(gate.next_section(), Some(inner), "the first one was let in before");
        gate.finish(inner);
        assert_eq!(gate.next_section(), Some(b), "the others wait behind those that waited before");
        let inner = second;
        gate.finish(b);
        assert_eq!(gate.next_section(), Some(inner));
        let innermost = gate.start(inner).expect("not deep");
        assert_eq!(gate.next_section(), Some(innermost));
        assert_eq!(gate.finish(inner), ROOT);
        assert!(!gate.admits(ROOT), "one of them still runs");
        assert_eq!(gate.finish(innermost), ROOT);
        assert!(gate.admits(ROOT));
        assert_eq!(gate.sections.len(), 1, "nothing is kept");
    }

    #[test]
    fn nesting_has_a_limit() {
        let mut gate = Gate::default();
        let mut at = ROOT;
        for _ in 0..limits::BLOCK_CONCURRENCY_DEPTH {
            at = gate.start(at).expect("within the limit");
            gate.next_section();
        }
        assert_eq!(gate.start(at), Err(NestedTooDeeply));
    }

    proptest! {
        /// Random starts and finishes: at most one section on each level runs, and all end in the end.
        #[test]
        fn every_section_runs_once_and_ends(choices in prop::collection::vec(0u8..4, 1..200)) {
            let mut gate = Gate::default();
            let (mut started, mut ran) = (0usize, Vec::new());
            let mut running: Vec<SectionId> = Vec::new();
            for choice in choices {
                let top = running.last().copied().unwrap_or(ROOT);
                match choice {
                    0 | 1 => started += usize::from(gate.start(top).is_ok()),
                    2 => if let Some(next) = gate.next_section() {
                        prop_assert!(!gate.admits(top));
                        running.push(next);
                        ran.push(next);
                    },
                    _ => if let Some(done) = running.pop() {
                        gate.finish(done);
                    },
                }
            }
            loop {
                if let Some(next) = gate.next_section() {
                    running.push(next);
                    ran.push(next);
                } else if let Some(done) = running.pop() {
                    prop_assert!(gate.admits(done));
                    gate.finish(done);
                } else {
                    break;
                }
            }
            prop_assert_eq!(ran.len(), started);
            ran.sort_by_key(|s| s.0);
            ran.dedup();
            prop_assert_eq!(ran.len(), started);
            prop_assert!(gate.admits(ROOT));
            prop_assert_eq!(gate.sections.len(), 1);
        }
    }
}
