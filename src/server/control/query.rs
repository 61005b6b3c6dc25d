//! What stands in a request's URL: the object that is meant, and the query.

use std::collections::HashMap;

use url::form_urlencoded;

use super::reply::{Problem, invalid};
use crate::base::limits;
use crate::objects::control::{Address, Target};
use crate::storage::ListOptions;

/// Longest name of a class or an object in a URL, bytes.
const NAME_BYTES: usize = 4_096;

/// The object that the segments `class` and `object` of a path name: `id:<64 hex digits>`, `name:<name>`, or either
/// without its prefix.
///
/// # Errors
/// When it is no object's name.
pub fn target(class: String, object: &str) -> Result<Target, Problem> {
    if class.is_empty() || object.is_empty() || class.len() > NAME_BYTES || object.len() > NAME_BYTES {
        return Err(invalid("the class or the object has no name, or too long a one"));
    }
    let named = |name: &str| Address::Name(name.to_owned());
    let object = match (object.strip_prefix("id:"), object.strip_prefix("name:")) {
        (Some(hex), _) => Address::Id(hex.parse().map_err(|_| invalid("an id has 64 hexadecimal digits"))?),
        (None, Some(name)) => named(name),
        (None, None) => object.parse().map_or_else(|_| named(object), Address::Id),
    };
    Ok(Target { class, object })
}

/// The parameters of a query, the last one of each name.
pub struct Query(HashMap<String, String>);

impl Query {
    /// Reads `query`.
    ///
    /// # Errors
    /// When there is a parameter that is not in `known`.
    pub fn read(query: Option<&str>, known: &[&str]) -> Result<Self, Problem> {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned();
        let map: HashMap<String, String> = pairs.collect();
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(invalid(format!("unknown parameter `{key}`; there are: {}", known.join(", ")))),
            None => Ok(Self(map)),
        }
    }

    /// A parameter.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }

    /// A parameter that is `true` or `1`, or empty; absent is false.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.0.get(name).map(String::as_str) {
            Some("" | "1" | "true") => Ok(true),
            None | Some("0" | "false") => Ok(false),
            Some(_) => Err(invalid(format!("`{name}` is true or false"))),
        }
    }

    /// A parameter that counts something, at most `max`.
    ///
    /// # Errors
    /// When it is no number from 1.
    pub fn count(&self, name: &str, max: u32) -> Result<Option<u32>, Problem> {
        let Some(text) = self.0.get(name) else { return Ok(None) };
        let count = text.parse().ok().filter(|count| (1..=max).contains(count));
        count.map(Some).ok_or_else(|| invalid(format!("`{name}` is a number from 1 to {max}")))
    }

    /// The range of a list.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn range(&self) -> Result<ListOptions, Problem> {
        let most = u32::try_from(limits::CONTROL_ROWS).unwrap_or(u32::MAX);
        Ok(ListOptions {
            start: self.text("start"),
            start_after: self.text("startAfter"),
            end: self.text("end"),
            prefix: self.text("prefix"),
            reverse: self.flag("reverse")?,
            // One more, to see whether there is one.
            limit: Some(self.count("limit", most)?.unwrap_or(most) + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::ObjectId;

    #[test]
    fn objects_are_named_by_id_or_name() {
        let hex = "ab".repeat(32);
        let id = Address::Id(ObjectId([0xab; 32]));
        for (object, expected) in [
            (hex.as_str(), Some(id.clone())),
            (&format!("id:{hex}"), Some(id)),
            (&format!("name:{hex}"), Some(Address::Name(hex.clone()))),
            ("a/b", Some(Address::Name("a/b".to_owned()))),
            ("../../x", Some(Address::Name("../../x".to_owned()))),
            ("id:12", None),
            ("", None),
        ] {
            let found = target("C".to_owned(), object).ok().map(|target| target.object);
            assert_eq!(found, expected, "{object}");
        }
        assert!(target(String::new(), "a").is_err());
        assert!(target("C".to_owned(), &"x".repeat(NAME_BYTES + 1)).is_err());
    }

    #[test]
    fn queries_are_checked() {
        let read = |text| Query::read(Some(text), &["limit", "reverse", "prefix"]);
        let range = read("prefix=a%2Fb&limit=2&reverse").ok().and_then(|query| query.range().ok());
        let range = range.expect("a good query");
        assert_eq!((range.prefix.as_deref(), range.limit, range.reverse), (Some("a/b"), Some(3), true));
        assert!(read("other=1").is_err());
        for wrong in ["limit=0", "limit=x", "limit=99999999", "reverse=perhaps"] {
            assert!(read(wrong).is_ok_and(|query| query.range().is_err()), "{wrong}");
        }
    }
}
