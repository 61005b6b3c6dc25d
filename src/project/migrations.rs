//! Reads `migrations` and folds them into the classes that exist after the last one.
//!
//! Every entry keeps its place in the text, for later steps that apply migrations to state. Applying
//! is not done here.
//! Fidelity: wrangler 4.164.0 folds each migration in the order deleted, renamed, new, new SQLite, and
//! refuses lists that do not fit together.

use std::collections::BTreeMap;
use std::ops::Range;

use super::classes::{ClassStorage, Classes, Departure};
use super::overlay::Layers;
use super::report::Report;
use super::tree::Node;

/// A text with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned {
    /// The text.
    pub text: String,
    /// Byte range in the configuration.
    pub span: Range<usize>,
}

/// One entry of `migrations`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its name, unique in the list.
    pub tag: Spanned,
    /// Classes created with key-value storage.
    pub new_classes: Vec<Spanned>,
    /// Classes created with SQLite storage.
    pub new_sqlite_classes: Vec<Spanned>,
    /// Classes that go on under another name, with their objects.
    pub renamed_classes: Vec<Rename>,
    /// Classes that come from another Worker, with their objects.
    pub transferred_classes: Vec<Transfer>,
    /// Classes that go, with their objects.
    pub deleted_classes: Vec<Spanned>,
    /// The whole entry.
    pub span: Range<usize>,
}

/// An item of `renamed_classes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The old class name.
    pub from: Spanned,
    /// The new class name.
    pub to: Spanned,
}

/// An item of `transferred_classes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The class name in the other Worker.
    pub from: Spanned,
    /// The other Worker.
    pub from_script: Spanned,
    /// The class name in this Worker.
    pub to: Spanned,
}

impl Migration {
    /// Where this migration makes a class `name`.
    pub(super) fn maker_of(&self, name: &str) -> Option<Range<usize>> {
        let made = self.new_classes.iter().chain(&self.new_sqlite_classes);
        let renamed = self.renamed_classes.iter().map(|rename| &rename.to);
        let transferred = self.transferred_classes.iter().map(|transfer| &transfer.to);
        let mut made = made.chain(renamed).chain(transferred);
        made.find(|class| class.text == name).map(|class| class.span.clone())
    }
}

/// The entries of `migrations` that have the right form.
pub fn read(layers: &Layers<'_>) -> Vec<Migration> {
    let items = layers.get("migrations").map(Node::items).unwrap_or_default();
    items.iter().filter_map(migration).collect()
}

fn migration(node: &Node) -> Option<Migration> {
    let classes = |key: &str| -> Vec<Spanned> { list(node, key).iter().filter_map(Spanned::of).collect() };
    Some(Migration {
        tag: field(node, "tag")?,
        new_classes: classes("new_classes"),
        new_sqlite_classes: classes("new_sqlite_classes"),
        renamed_classes: list(node, "renamed_classes")
            .iter()
            .filter_map(|item| Some(Rename { from: field(item, "from")?, to: field(item, "to")? }))
            .collect(),
        transferred_classes: list(node, "transferred_classes")
            .iter()
            .filter_map(|item| {
                Some(Transfer {
                    from: field(item, "from")?,
                    from_script: field(item, "from_script")?,
                    to: field(item, "to")?,
                })
            })
            .collect(),
        deleted_classes: classes("deleted_classes"),
        span: node.span.clone(),
    })
}

impl Spanned {
    /// The text of `node` with its place, if it is text.
    pub fn of(node: &Node) -> Option<Self> {
        Some(Self { text: node.as_text()?.to_owned(), span: node.span.clone() })
    }
}

fn list<'a>(node: &'a Node, key: &str) -> &'a [Node] {
    node.get(key).map(Node::items).unwrap_or_default()
}

fn field(node: &Node, key: &str) -> Option<Spanned> {
    node.get(key).and_then(Spanned::of)
}

/// The classes after the last of `migrations`; whatever does not fit together is reported and skipped.
pub fn fold(report: &mut Report, migrations: &[Migration]) -> Classes {
    let mut fold = Fold { classes: Classes::default(), created: BTreeMap::new() };
    let mut tags: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
    for migration in migrations {
        if let Some(first) = tags.insert(&migration.tag.text, &migration.tag.span) {
            report
                .warning(
                    "config/migration",
                    migration.tag.span.clone(),
                    format!("the migration tag `{}` is used twice", migration.tag.text),
                )
                .also(first.clone(), "first used here")
                .help("give every migration a tag of its own, or it is taken for applied");
        }
        fold.apply(report, migration);
    }
    fold.classes
}

struct Fold {
    classes: Classes,
    /// Where each living class came to be.
    created: BTreeMap<String, Range<usize>>,
}

impl Fold {
    fn apply(&mut self, report: &mut Report, migration: &Migration) {
        for class in &migration.deleted_classes {
            if self.remove(report, class, "deleted_classes").is_some() {
                self.classes.depart(class, Departure::Deleted);
            }
        }
        for Rename { from, to } in &migration.renamed_classes {
            if let Some(storage) = self.remove(report, from, "renamed_classes") {
                self.classes.depart(from, Departure::Renamed(to.text.clone()));
                self.create(report, to, storage, "renamed_classes");
            }
        }
        // Deviation: wrangler does not read transferred classes when it runs locally. Their storage is that of
        // the other Worker and unknown here, so that they are key-value classes as every unknown one is.
        for Transfer { to, .. } in &migration.transferred_classes {
            self.create(report, to, ClassStorage::Kv, "transferred_classes");
        }
        for class in &migration.new_classes {
            self.create(report, class, ClassStorage::Kv, "new_classes");
        }
        for class in &migration.new_sqlite_classes {
            self.create(report, class, ClassStorage::Sqlite, "new_sqlite_classes");
        }
    }

    fn remove(&mut self, report: &mut Report, class: &Spanned, key: &str) -> Option<ClassStorage> {
        let storage = self.classes.declared.remove(&class.text);
        if storage.is_none() {
            let message = format!("`{key}` names `{}`, but no such class exists at this point", class.text);
            let known = self.classes.declared.keys().map(String::as_str);
            let nearest = super::nearest::nearest(&class.text, known).map(str::to_owned);
            let gone = self.classes.departed.get(&class.text);
            let added = report.error("config/migration", class.span.clone(), message);
            let added = match gone {
                Some((_, span)) => added.also(span.clone(), "it went here"),
                None => added,
            };
            match nearest {
                Some(known) => added.help(format!("did you mean `{known}`?")),
                None => added.help("an earlier migration must create the class"),
            };
        }
        self.created.remove(&class.text);
        storage
    }

    fn create(&mut self, report: &mut Report, class: &Spanned, storage: ClassStorage, key: &str) {
        if let Some(first) = self.created.get(&class.text) {
            let message = format!("`{key}` creates the class `{}`, which exists already", class.text);
            report
                .error("config/migration", class.span.clone(), message)
                .also(first.clone(), "created here")
                .help("remove one of the two; a class keeps the storage it was created with");
            return;
        }
        self.created.insert(class.text.clone(), class.span.clone());
        self.classes.declared.insert(class.text.clone(), storage);
        self.classes.departed.remove(&class.text);
    }
}
