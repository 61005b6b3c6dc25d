//! Jurisdictions: labels that ids carry in themselves, for no place is meant by them here.
//!
//! The first half of an id is free: a hash of a name, or chance. In an id of a jurisdiction its last six bytes are a mark that
//! derives from the ten before and from the jurisdiction. So such an id is valid for wrangler too, which knows
//! no jurisdictions, it stays in its jurisdiction when its class is renamed (the first half is kept then), and no table
//! has to say which id belongs where. Any other id is taken for one of a jurisdiction once in 2^46 times.
//!
//! Deviation: how the platform writes jurisdictions into ids is not public, and wrangler's runtime throws.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::ids::{NamespaceKey, ObjectId};

/// Bytes of an id's first half before the mark.
const FREE_BYTES: usize = 10;

/// Where objects may live, on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// Data centers that FedRAMP allows at its moderate level.
    Fedramp,
    /// The same at its high level.
    FedrampHigh,
    /// The United States.
    Us,
}

/// The text names no jurisdiction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownJurisdiction;

impl Jurisdiction {
    /// All of them. New ones go to the end: marks are made of their order.
    ///
    /// Fidelity: workerd's `src/workerd/api/actor.h` lists them.
    const ALL: [Self; 4] = [Self::Eu, Self::Fedramp, Self::FedrampHigh, Self::Us];

    /// As programs write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Fedramp => "fedramp",
            Self::FedrampHigh => "fedramp-high",
            Self::Us => "us",
        }
    }

    /// The jurisdiction that `id` carries.
    pub fn of(id: &ObjectId) -> Option<Self> {
        let mut all = Self::ALL.into_iter().zip(marks(&id.0[..FREE_BYTES]));
        all.find(|(_, mark)| id.0[FREE_BYTES..16] == *mark).map(|(jurisdiction, _)| jurisdiction)
    }

    /// `first`, the first half of an id, with the mark of this jurisdiction.
    fn marked(self, mut first: [u8; 16]) -> [u8; 16] {
        let mark = Self::ALL.into_iter().zip(marks(&first[..FREE_BYTES])).find(|(at, _)| *at == self);
        first[FREE_BYTES..].copy_from_slice(&mark.expect("every jurisdiction is listed").1);
        first
    }
}

/// The marks that follow `free`, one for each jurisdiction.
fn marks(free: &[u8]) -> impl Iterator<Item = [u8; 16 - FREE_BYTES]> {
    let mut hash = Sha256::new();
    hash.update(b"jurisdiction");
    hash.update(free);
    let hash = hash.finalize();
    (1..=u8::MAX).map(move |number| {
        let mut mark = [0; 16 - FREE_BYTES];
        mark.copy_from_slice(&hash[..16 - FREE_BYTES]);
        mark[0] ^= number;
        mark
    })
}

impl NamespaceKey {
    /// The id of the object called `name` in `jurisdiction`, or outside all of them.
    pub fn named(&self, jurisdiction: Option<Jurisdiction>, name: &str) -> ObjectId {
        let plain = self.id_from_name(name);
        match jurisdiction {
            None => plain,
            Some(jurisdiction) => {
                // Hashed once more: ids of one name must not begin alike.
                let own = self.id_from_name(&format!("{}\0{plain}", jurisdiction.as_str()));
                self.within(jurisdiction, own)
            }
        }
    }

    /// An id of `jurisdiction` made from 16 random bytes, of which it uses ten.
    pub fn unique_id_in(&self, jurisdiction: Jurisdiction, random: [u8; 16]) -> ObjectId {
        self.unique_id(jurisdiction.marked(random))
    }

    fn within(&self, jurisdiction: Jurisdiction, id: ObjectId) -> ObjectId {
        let mut first = [0; 16];
        first.copy_from_slice(&id.0[..16]);
        self.unique_id_in(jurisdiction, first)
    }
}

impl fmt::Display for Jurisdiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Jurisdiction {
    type Err = UnknownJurisdiction;

    fn from_str(text: &str) -> Result<Self, UnknownJurisdiction> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(UnknownJurisdiction)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_id_knows_its_jurisdiction_and_every_jurisdiction_has_its_own() {
        let [a, b] = ["w-A", "w-B"].map(NamespaceKey::of);
        let mut ids = BTreeSet::from([a.named(None, "x")]);
        assert_eq!(a.named(None, "x"), a.id_from_name("x"));
        for jurisdiction in Jurisdiction::ALL {
            assert_eq!(jurisdiction.as_str().parse(), Ok(jurisdiction));
            for id in [a.named(Some(jurisdiction), "x"), a.unique_id_in(jurisdiction, [7; 16])] {
                assert_eq!(Jurisdiction::of(&id), Some(jurisdiction));
                assert!(a.owns(&id) && !b.owns(&id));
                // A renamed class keeps the first half.
                assert_eq!(Jurisdiction::of(&b.resign(&id)), Some(jurisdiction));
                assert!(ids.insert(id));
            }
            let other = a.named(Some(jurisdiction), "y");
            assert_ne!(other.0[..FREE_BYTES], a.named(Some(jurisdiction), "x").0[..FREE_BYTES]);
        }
        let starts: BTreeSet<_> = ids.iter().map(|id| id.0[..FREE_BYTES].to_vec()).collect();
        assert_eq!(starts.len(), 1 + 4 + 1, "names are hashed per jurisdiction, chance was the same");
        for text in ["", "EU", "moon", "eu "] {
            assert_eq!(text.parse::<Jurisdiction>(), Err(UnknownJurisdiction), "{text}");
        }
    }

    #[test]
    fn other_ids_belong_to_none() {
        let key = NamespaceKey::of("w-A");
        for number in 0..2_000 {
            assert_eq!(Jurisdiction::of(&key.id_from_name(&number.to_string())), None);
        }
    }
}
