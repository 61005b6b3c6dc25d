//! Identities of Durable Objects, derived exactly as the platform's local tools derive them.
//!
//! Fidelity: verified against the file names that wrangler writes, and its goldens in
//! `fixtures/conformance/goldens/ids.json`.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// The unique key of a namespace, `<script>-<Class>`.
#[derive(Clone)]
pub struct NamespaceKey {
    name: String,
    /// Keyed with the name's hash: every use is a copy, which saves the half of the work that is always the same.
    mac: Hmac<Sha256>,
}

impl fmt::Debug for NamespaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NamespaceKey").field(&self.name).finish()
    }
}

impl PartialEq for NamespaceKey {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for NamespaceKey {}

/// The identity of one object: 32 bytes, 64 hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub [u8; 32]);

/// The text was not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid Durable Object ID: must be 64 hex digits")]
pub struct InvalidId;

impl NamespaceKey {
    /// The key of `class` as declared by the Worker `script`.
    pub fn new(script: &str, class: &str) -> Self {
        Self::of(&format!("{script}-{class}"))
    }

    /// The key that is called `name`, `<script>-<Class>` as a whole.
    pub fn of(name: &str) -> Self {
        let key = Sha256::digest(name.as_bytes());
        let mac = Hmac::new_from_slice(&key).expect("HMAC takes keys of any length");
        Self { name: name.to_owned(), mac }
    }

    /// `<script>-<Class>`, the name of the namespace's state directory.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The id of the object called `name`.
    pub fn id_from_name(&self, name: &str) -> ObjectId {
        self.with_mac(self.hmac(name.as_bytes()))
    }

    /// An id made from 16 random bytes.
    pub fn unique_id(&self, random: [u8; 16]) -> ObjectId {
        self.with_mac(random)
    }

    /// The id of this namespace that has the first half of `id`, which another namespace made.
    pub fn resign(&self, id: &ObjectId) -> ObjectId {
        let mut first = [0; 16];
        first.copy_from_slice(&id.0[..16]);
        self.with_mac(first)
    }

    /// Whether `id` was made by this namespace: its second half authenticates the first.
    pub fn owns(&self, id: &ObjectId) -> bool {
        self.resign(id) == *id
    }

    fn with_mac(&self, first: [u8; 16]) -> ObjectId {
        let mut id = [0; 32];
        id[..16].copy_from_slice(&first);
        id[16..].copy_from_slice(&self.hmac(&first));
        ObjectId(id)
    }

    fn hmac(&self, data: &[u8]) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(data);
        let mut out = [0; 16];
        out.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        out
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0u8; 64];
        for (i, byte) in self.0.iter().enumerate() {
            text[2 * i] = DIGITS[usize::from(byte >> 4)];
            text[2 * i + 1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl FromStr for ObjectId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(InvalidId);
        }
        let digit = |c: u8| char::from(c).to_digit(16).map(|d| d as u8).ok_or(InvalidId);
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_belongs_to_the_namespace_that_made_it() {
        let counters = NamespaceKey::new("counter-worker", "Counter");
        let others = NamespaceKey::new("counter-worker", "Other");
        for id in [counters.id_from_name("global"), counters.unique_id([7; 16])] {
            assert!(counters.owns(&id));
            assert!(!others.owns(&id));
            assert!(others.owns(&others.resign(&id)));
            assert_eq!(counters.resign(&others.resign(&id)), id);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(counters.id_from_name("a"), counters.id_from_name("a"));
        assert_ne!(counters.id_from_name("a"), counters.id_from_name("b"));
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        for text in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"é".repeat(32)] {
            assert_eq!(text.parse::<ObjectId>(), Err(InvalidId), "{text}");
        }
        assert!("A".repeat(64).parse::<ObjectId>().is_ok());
    }
}
