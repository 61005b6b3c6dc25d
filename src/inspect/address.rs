//! How people say which object they mean: `Class`, `Class:name`, `Class:id` or the beginning of an id.
//!
//! A name wins over an id that begins the same. Where several Workers have a class of the same name, the
//! namespace's whole name (`worker-Class`) tells them apart. What is not found is answered with the nearest names.

use super::book::{Book, Namespace, ObjectRef};
use super::failure::{InspectError, Result};
use crate::base::ids::ObjectId;
use crate::project::nearest;
use crate::storage::FormerIds;

/// Fewest digits of an id that stand for it.
const PREFIX_DIGITS: usize = 4;
/// Most names that are suggested.
const SUGGESTIONS: usize = 3;

/// What an address means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everything.
    All,
    /// All objects of a class.
    Namespace(Namespace),
    /// One object.
    Object(ObjectRef),
}

impl Book {
    /// What `address` means; everything if there is none.
    pub fn scope(&self, address: Option<&str>) -> Result<Scope> {
        match address {
            None => Ok(Scope::All),
            Some(address) if address.contains(':') => self.object(address).map(Scope::Object),
            Some(address) => self.find_namespace(address).map(Scope::Namespace),
        }
    }

    /// The objects that `scope` has, sorted; with names where `named`.
    pub fn objects_of(&self, scope: &Scope) -> Result<Vec<ObjectRef>> {
        let namespaces = match scope {
            Scope::Object(object) => return Ok(vec![object.clone()]),
            Scope::Namespace(namespace) => vec![namespace.clone()],
            Scope::All => self.namespaces()?,
        };
        let mut objects = Vec::new();
        for namespace in namespaces {
            objects.extend(self.list(&namespace)?.into_iter().map(|listed| listed.object));
        }
        Ok(objects)
    }

    /// The stored object that `address` means.
    pub fn object(&self, address: &str) -> Result<ObjectRef> {
        let Some((class, rest)) = address.split_once(':') else {
            let namespace = self.find_namespace(address)?;
            return Err(InspectError::Invalid(format!(
                "`{address}` is a class; give an object of it, as in `{}:name`",
                namespace.class
            )));
        };
        let namespace = self.find_namespace(class)?;
        let by_name = self.named(&namespace, rest);
        if by_name.exists() {
            return Ok(by_name);
        }
        // A whole id needs no list of all objects.
        if let Ok(id) = rest.parse::<ObjectId>() {
            let by_id = ObjectRef { namespace: namespace.clone(), id, name: None };
            if by_id.exists() {
                return Ok(self.list_object(&by_id)?.object);
            }
        }
        if let Some(id) = self.present_id(&namespace, rest)? {
            let moved = self.list_object(&ObjectRef { namespace: namespace.clone(), id, name: None })?;
            if moved.object.exists() {
                return Ok(moved.object);
            }
        }
        let listed = self.list(&namespace)?;
        let with_name = |object: &&ObjectRef| object.name.as_deref() == Some(rest);
        let objects: Vec<_> = listed.into_iter().map(|listed| listed.object).collect();
        if let Some(object) = objects.iter().find(with_name) {
            return Ok(object.clone());
        }
        let lower = rest.to_ascii_lowercase();
        let is_prefix = rest.len() >= PREFIX_DIGITS && rest.chars().all(|c| c.is_ascii_hexdigit());
        let found: Vec<_> =
            objects.iter().filter(|object| is_prefix && object.id.to_string().starts_with(&lower)).collect();
        match found.as_slice() {
            [object] => Ok((*object).clone()),
            [] => Err(not_stored(&namespace, rest, &objects)),
            several => Err(InspectError::Ambiguous {
                address: address.to_owned(),
                candidates: several
                    .iter()
                    .map(|object| match &object.name {
                        Some(_) => object.label(),
                        None => format!("{}:{}", namespace.class, object.id),
                    })
                    .collect(),
            }),
        }
    }

    /// The object that `address` means, stored or not; its namespace need exist.
    pub fn object_to_make(&self, address: &str) -> Result<ObjectRef> {
        match self.object(address) {
            Err(InspectError::NotFound { .. }) => {}
            result => return result,
        }
        let (class, rest) = address.split_once(':').unwrap_or((address, ""));
        let namespace = self.find_namespace(class)?;
        let present = self.present_id(&namespace, rest)?;
        match present.map_or_else(|| rest.parse::<ObjectId>(), Ok) {
            Ok(id) if namespace.ids().owns(&id) => Ok(ObjectRef { namespace, id, name: None }),
            Ok(_) => {
                Err(InspectError::Invalid(format!("this id is not one of the class `{}`", namespace.class)))
            }
            Err(_) => Ok(self.named(&namespace, rest)),
        }
    }

    /// The id now of the object that `rest`, its name or its id, meant before a migration moved its class.
    fn present_id(&self, namespace: &Namespace, rest: &str) -> Result<Option<ObjectId>> {
        let path = FormerIds::path(&self.root().join("dodev"), &namespace.key());
        let former = FormerIds::read(&path).map_err(InspectError::io("read", &path))?;
        Ok(match rest.parse::<ObjectId>() {
            Ok(id) => former.present(&namespace.ids(), &id),
            Err(_) => former.named(None, rest),
        })
    }

    /// The object called `name`, by its id now. Reads no database.
    pub fn present(&self, namespace: &Namespace, name: &str) -> Result<ObjectRef> {
        let named = self.named(namespace, name);
        let id = self.present_id(namespace, name)?.unwrap_or(named.id);
        Ok(ObjectRef { id, ..named })
    }

    fn named(&self, namespace: &Namespace, name: &str) -> ObjectRef {
        let id = namespace.ids().id_from_name(name);
        ObjectRef { namespace: namespace.clone(), id, name: Some(name.to_owned()) }
    }

    /// The namespace of a class, or with this whole name.
    pub fn find_namespace(&self, name: &str) -> Result<Namespace> {
        let all = self.namespaces()?;
        if let Some(namespace) = all.iter().find(|namespace| namespace.key() == name) {
            return Ok(namespace.clone());
        }
        let of_class: Vec<_> = all.iter().filter(|namespace| namespace.class == name).collect();
        match of_class.as_slice() {
            [namespace] => Ok((*namespace).clone()),
            [] => {
                let classes: Vec<&str> = all.iter().map(|namespace| namespace.class.as_str()).collect();
                let nearest = nearest(name, classes.iter().copied()).map(str::to_owned);
                let help = match classes.is_empty() {
                    true => "nothing is stored yet".to_owned(),
                    false => format!("stored classes: {}", classes.join(", ")),
                };
                Err(InspectError::NotFound {
                    what: format!("no stored object has the class `{name}`"),
                    nearest: nearest.into_iter().collect(),
                    help: Some(help),
                })
            }
            several => Err(InspectError::Ambiguous {
                address: name.to_owned(),
                candidates: several.iter().map(|namespace| namespace.key()).collect(),
            }),
        }
    }
}

fn not_stored(namespace: &Namespace, name: &str, objects: &[ObjectRef]) -> InspectError {
    let class = &namespace.class;
    let names = objects.iter().filter_map(|object| object.name.as_deref());
    InspectError::NotFound {
        what: format!("no object `{name}` of the class `{class}` is stored"),
        nearest: several_nearest(name, names).iter().map(|near| format!("{class}:{near}")).collect(),
        help: Some(format!("see `dodev state list {class}`")),
    }
}

/// The names nearest to `name`, best first.
pub fn several_nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut rest: Vec<&str> = candidates.collect();
    let mut found = Vec::new();
    while found.len() < SUGGESTIONS {
        let Some(near) = nearest(name, rest.iter().copied()) else { break };
        found.push(near);
        rest.retain(|candidate| *candidate != near);
    }
    found
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn objects_are_found_by_name_id_and_prefix() {
        let directory = tempfile::tempdir().unwrap();
        let book = Book::at(directory.path());
        let namespace = book.namespace("my-worker", "Room");
        fs::create_dir_all(&namespace.dir).unwrap();
        for name in ["lobby", "kitchen"] {
            let id = namespace.ids().id_from_name(name);
            fs::write(namespace.dir.join(format!("{id}.sqlite")), "").unwrap();
        }
        let lobby = namespace.ids().id_from_name("lobby");
        let find = |address: &str| book.object(address).map(|object| object.id);
        assert_eq!(find("Room:lobby").unwrap(), lobby);
        assert_eq!(find("my-worker-Room:lobby").unwrap(), lobby);
        assert_eq!(find(&format!("Room:{lobby}")).unwrap(), lobby);
        assert_eq!(find(&format!("Room:{}", &lobby.to_string()[..6])).unwrap(), lobby);
        let code = |address: &str| find(address).unwrap_err().code();
        assert_eq!(code("Room:cellar"), "not-found");
        assert_eq!(code("Room"), "invalid");
        let error = find("room:lobby").unwrap_err();
        assert_eq!(error.nearest(), ["Room"]);
        let made = book.object_to_make("Room:cellar").unwrap();
        assert_eq!((made.id, made.exists()), (namespace.ids().id_from_name("cellar"), false));
        assert_eq!(book.object_to_make(&format!("Room:{}", "a".repeat(64))).unwrap_err().code(), "invalid");

        fs::create_dir_all(book.namespace("other", "Room").dir).unwrap();
        assert_eq!(code("Room:lobby"), "ambiguous");
        assert_eq!(find("my-worker-Room:lobby").unwrap(), lobby);
    }
}
