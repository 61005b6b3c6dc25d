//! The hibernatable sockets of one object: in which order they were accepted, and by which tags they are
//! found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::base::limits;
use crate::engine::socket::SocketId;

/// Why a socket cannot be accepted with these tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// Too many sockets.
    #[error("only {} websockets can be accepted on a single Durable Object instance", limits::OBJECT_SOCKETS)]
    TooManySockets,
    /// Too many tags.
    #[error("a Hibernatable WebSocket cannot have more than {} tags", limits::SOCKET_TAGS)]
    TooManyTags,
    /// A tag is too long.
    #[error("\"{0}\" is longer than the max tag length ({max} characters).", max = limits::SOCKET_TAG_BYTES)]
    TagTooLong(String),
}

/// An object's sockets. Ids grow, so the order of ids is that of acceptance unless a socket comes from
/// another isolate; those are listed in the order in which they were there.
#[derive(Debug, Default)]
pub struct Listed {
    sockets: BTreeMap<u32, SocketId>,
    places: HashMap<SocketId, (u32, Vec<String>)>,
    by_tag: HashMap<String, BTreeSet<u32>>,
    next: u32,
}

/// `tags` without repetitions, checked.
///
/// # Errors
/// When there are too many, or one is too long.
pub fn distinct(tags: Vec<String>) -> Result<Vec<String>, ListError> {
    let mut distinct: Vec<String> = Vec::with_capacity(tags.len());
    for tag in tags {
        if distinct.len() >= limits::SOCKET_TAGS {
            return Err(ListError::TooManyTags);
        }
        if tag.len() > limits::SOCKET_TAG_BYTES {
            return Err(ListError::TagTooLong(tag));
        }
        if !distinct.contains(&tag) {
            distinct.push(tag);
        }
    }
    Ok(distinct)
}

impl Listed {
    /// Adds a socket, the newest from now on.
    ///
    /// # Errors
    /// When the object has too many.
    pub fn add(&mut self, socket: SocketId, tags: Vec<String>) -> Result<(), ListError> {
        if self.sockets.len() >= limits::OBJECT_SOCKETS {
            return Err(ListError::TooManySockets);
        }
        let place = self.next;
        self.next += 1;
        for tag in &tags {
            self.by_tag.entry(tag.clone()).or_default().insert(place);
        }
        self.sockets.insert(place, socket);
        self.places.insert(socket, (place, tags));
        Ok(())
    }

    /// Removes a socket.
    pub fn remove(&mut self, socket: SocketId) {
        let Some((place, tags)) = self.places.remove(&socket) else { return };
        self.sockets.remove(&place);
        for tag in tags {
            if let Some(places) = self.by_tag.get_mut(&tag) {
                places.remove(&place);
                if places.is_empty() {
                    self.by_tag.remove(&tag);
                }
            }
        }
    }

    /// All sockets, the newest first.
    pub fn newest_first(&self) -> Vec<SocketId> {
        self.sockets.values().rev().copied().collect()
    }

    /// The sockets with `tag`, the oldest first.
    ///
    /// Fidelity: observed with wrangler 4.164.0, whose two orders differ.
    pub fn with_tag(&self, tag: &str) -> Vec<SocketId> {
        let places = self.by_tag.get(tag).into_iter().flatten();
        places.map(|place| self.sockets[place]).collect()
    }

    /// The tags of `socket`, if it is listed.
    pub fn tags(&self, socket: SocketId) -> Option<&[String]> {
        self.places.get(&socket).map(|(_, tags)| &tags[..])
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn sockets_are_listed_newest_first_and_found_by_tag_oldest_first() {
        let mut listed = Listed::default();
        for (id, with) in [(1, &["a"][..]), (2, &["a", "b"]), (3, &[""]), (4, &[])] {
            listed.add(SocketId(id), tags(with)).expect("not too many");
        }
        let found = |listed: &Listed, tag: Option<&str>| -> Vec<u32> {
            let ids = tag.map_or_else(|| listed.newest_first(), |tag| listed.with_tag(tag));
            ids.into_iter().map(|id| id.0).collect()
        };
        assert_eq!(found(&listed, None), [4, 3, 2, 1]);
        assert_eq!(found(&listed, Some("a")), [1, 2]);
        assert_eq!(found(&listed, Some("")), [3]);
        assert_eq!(found(&listed, Some("c")), [0; 0]);
        listed.remove(SocketId(2));
        listed.remove(SocketId(2));
        assert_eq!(found(&listed, Some("a")), [1]);
        assert_eq!(found(&listed, Some("b")), [0; 0]);
        assert_eq!(listed.tags(SocketId(2)), None);
        assert_eq!(listed.by_tag.len(), 2, "nothing is kept of tags that nobody has");
    }

    #[test]
    fn tags_have_limits() {
        assert_eq!(distinct(tags(&["a", "a", "b"])), Ok(tags(&["a", "b"])));
        let ten: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(distinct(ten.clone()), Ok(ten.clone()));
        assert_eq!(distinct([ten, tags(&["x"])].concat()), Err(ListError::TooManyTags));
        let long = "x".repeat(limits::SOCKET_TAG_BYTES + 1);
        assert_eq!(distinct(vec![long.clone()]), Err(ListError::TagTooLong(long)));
    }

    #[test]
    fn an_object_has_a_limited_number_of_sockets() {
        let mut listed = Listed::default();
        for id in 0..limits::OBJECT_SOCKETS {
            listed.add(SocketId(u32::try_from(id).expect("small")), Vec::new()).expect("not too many");
        }
        assert_eq!(listed.add(SocketId(u32::MAX), Vec::new()), Err(ListError::TooManySockets));
        listed.remove(SocketId(7));
        assert_eq!(listed.add(SocketId(u32::MAX), Vec::new()), Ok(()));
    }
}
