//! How much of a plan is applied, given what the user agreed to.
//!
//! Nothing is ever lost: what a migration deletes is put aside and can be restored until it is pruned. Still it
//! disappears from the program's sight, so somebody has to agree. When nobody was asked, a migration that deletes
//! waits, unless the code could not be served rightly without it: a later migration makes the class anew, or
//! carries another class over.

use super::ledger::Step;
use super::plan::Planned;

/// What the user said to a plan that puts objects aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Yes.
    Given,
    /// Nobody could be asked.
    Unasked,
    /// No.
    Declined,
}

/// What becomes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// So many migrations are applied, the others wait.
    Apply(usize),
    /// The code cannot be served: this migration is needed and was declined.
    Refuse(usize),
}

/// How many of the `pending` migrations are applied.
pub fn judge(pending: &[Planned], consent: Consent) -> Verdict {
    let destructive = |from: usize| {
        let found = pending[from..].iter().position(Planned::is_destructive);
        found.map_or(pending.len(), |index| from + index)
    };
    let needed = (0..pending.len()).rev().find(|index| is_needed(pending, *index)).map_or(0, |last| last + 1);
    match consent {
        Consent::Given => Verdict::Apply(pending.len()),
        Consent::Unasked => Verdict::Apply(destructive(needed)),
        Consent::Declined => match destructive(0) {
            first if first < needed => Verdict::Refuse(first),
            first => Verdict::Apply(first),
        },
    }
}

/// Whether the code, which has all migrations behind it, would see wrong data without the one at `index`.
fn is_needed(pending: &[Planned], index: usize) -> bool {
    pending[index].steps.iter().any(|step| match step {
        Step::Rename { objects, aside, .. } | Step::Transfer { objects, aside, .. } => {
            *objects > 0 && aside.is_none_or(|aside| aside.objects == 0)
        }
        Step::Delete { class, aside, .. } => {
            let again = |step: &Step| match step {
                Step::Create { class: other, .. } => other == class,
                Step::Rename { to, .. } | Step::Transfer { to, .. } => to == class,
                Step::Leave { .. } | Step::Delete { .. } | Step::Carry { .. } => false,
            };
            aside.is_some() && pending[index..].iter().flat_map(|planned| &planned.steps).any(again)
        }
        Step::Create { .. } | Step::Leave { .. } | Step::Carry { .. } => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate::ledger::{Aside, Storage};

    fn planned(step: Step) -> Planned {
        Planned { tag: Some("t".into()), span: 0..0, steps: vec![step] }
    }

    fn create(class: &str) -> Planned {
        let class = class.to_owned();
        planned(Step::Create { class, storage: Storage::Sqlite, objects: 0, restored: None })
    }

    fn delete(class: &str, objects: usize) -> Planned {
        let aside = Some(Aside { objects, copy: 0 });
        planned(Step::Delete { class: class.into(), storage: Storage::Sqlite, aside })
    }

    fn rename(from: &str, to: &str, objects: usize, in_the_way: Option<usize>) -> Planned {
        let aside = in_the_way.map(|objects| Aside { objects, copy: 0 });
        let (from, to) = (from.into(), to.into());
        planned(Step::Rename { from, to, storage: Storage::Sqlite, objects, aside })
    }

    #[test]
    fn what_hides_objects_waits_unless_the_code_needs_it() {
        use Consent::{Declined, Given, Unasked};
        use Verdict::{Apply, Refuse};
        let table = [
            (vec![create("A"), rename("A", "B", 2, None)], [Apply(2), Apply(2), Apply(2)]),
            (vec![create("A"), delete("B", 1), create("C")], [Apply(3), Apply(1), Apply(1)]),
            (vec![delete("B", 0)], [Apply(1), Apply(1), Apply(1)]),
            (vec![delete("A", 1), create("A")], [Apply(2), Apply(2), Refuse(0)]),
            (vec![delete("A", 1), rename("B", "A", 1, None)], [Apply(2), Apply(2), Refuse(0)]),
            (vec![delete("B", 1), rename("C", "D", 1, None)], [Apply(2), Apply(2), Refuse(0)]),
            (vec![rename("A", "B", 1, Some(3))], [Apply(1), Apply(0), Apply(0)]),
            (vec![rename("A", "B", 1, Some(0))], [Apply(1), Apply(1), Apply(1)]),
            (vec![], [Apply(0), Apply(0), Apply(0)]),
        ];
        for (pending, expected) in table {
            let found = [Given, Unasked, Declined].map(|consent| judge(&pending, consent));
            assert_eq!(found, expected, "{pending:?}");
        }
    }
}
