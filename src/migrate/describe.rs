//! Migrations in a few words, the same in the terminal, in reports and in questions.

use super::ledger::{Aside, Entry, Step, Storage};
use super::plan::Planned;

impl Step {
    /// What it does, as in `rename Count to Tally (3 objects)`.
    pub fn describe(&self) -> String {
        match self {
            Self::Create { class, storage, objects, restored } => {
                let storage = match storage {
                    Storage::Sqlite => "SQLite",
                    Storage::LegacyKv => "key-value",
                };
                let found = match (objects, restored) {
                    (0, _) => String::new(),
                    (_, Some(_)) => format!(", with the {} it had", count(*objects)),
                    (_, None) => format!(", with the {} found", count(*objects)),
                };
                format!("create {class} ({storage}{found})")
            }
            Self::Rename { from, to, objects, aside, .. } => {
                format!("rename {from} to {to} ({}){}", count(*objects), in_the_way(to, *aside))
            }
            Self::Transfer { from_script, from, to, objects, aside, .. } => {
                let moved = match objects {
                    0 => "none in this state".to_owned(),
                    _ => count(*objects),
                };
                format!("transfer {from} of {from_script} to {to} ({moved}){}", in_the_way(to, *aside))
            }
            Self::Leave { class, to_script, .. } => format!("leave {class} to {to_script}"),
            Self::Delete { class, aside, .. } => {
                format!("delete {class} ({})", count(aside.map_or(0, |aside| aside.objects)))
            }
            Self::Carry { from_script, class, objects } => {
                format!("carry {class} over from {from_script} ({})", count(*objects))
            }
        }
    }
}

fn in_the_way(to: &str, aside: Option<Aside>) -> String {
    match aside {
        Some(Aside { objects, .. }) if objects > 0 => {
            format!(", putting aside the {} that {to} has", count(objects))
        }
        _ => String::new(),
    }
}

/// `1 object`, `3 objects`.
pub fn count(objects: usize) -> String {
    if objects == 1 { "1 object".to_owned() } else { format!("{objects} objects") }
}

fn describe(steps: &[Step]) -> String {
    match steps {
        [] => "nothing to do".to_owned(),
        steps => steps.iter().map(Step::describe).collect::<Vec<_>>().join(", "),
    }
}

impl Planned {
    /// The tag, or what stands for it.
    pub fn title(&self) -> &str {
        self.tag.as_deref().unwrap_or("exports")
    }

    /// What its steps do.
    pub fn describe(&self) -> String {
        describe(&self.steps)
    }
}

impl Entry {
    /// The tag, or what stands for it.
    pub fn title(&self) -> &str {
        match (&self.tag, self.steps.first()) {
            (Some(tag), _) => tag,
            (None, Some(Step::Carry { .. })) => "new name",
            (None, _) => "exports",
        }
    }

    /// What its steps did.
    pub fn describe(&self) -> String {
        describe(&self.steps)
    }
}
