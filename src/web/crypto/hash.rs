//! Hash functions and what is built on them: HMAC, PBKDF2 and HKDF. Pure functions of bytes.

use hmac::{Hmac, Mac};
use sha2::digest::{Digest, DynDigest};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// MD5
    Md5,
    /// SHA-1
    Sha1,
    /// SHA-224, which only Node.js's module has
    Sha224,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
    /// SHA-512 with other beginnings, cut to 256 bits; as SHA-224
    Sha512By256,
}

/// Runs `$body` with `$D` as the type of the hash function `$hash`.
macro_rules! with_hash {
    ($hash:expr, $D:ident => $body:expr) => {
        match $hash {
            Hash::Md5 => {
                type $D = md5::Md5;
                $body
            }
            Hash::Sha1 => {
                type $D = sha1::Sha1;
                $body
            }
            Hash::Sha224 => {
                type $D = sha2::Sha224;
                $body
            }
            Hash::Sha512By256 => {
                type $D = sha2::Sha512_256;
                $body
            }
            Hash::Sha256 => {
                type $D = sha2::Sha256;
                $body
            }
            Hash::Sha384 => {
                type $D = sha2::Sha384;
                $body
            }
            Hash::Sha512 => {
                type $D = sha2::Sha512;
                $body
            }
        }
    };
}

pub(super) use with_hash;

impl Hash {
    /// The hash function that Web Crypto calls `name`, in capitals.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "MD5" => Self::Md5,
            "SHA-1" => Self::Sha1,
            "SHA-224" => Self::Sha224,
            "SHA-512/256" => Self::Sha512By256,
            "SHA-256" => Self::Sha256,
            "SHA-384" => Self::Sha384,
            "SHA-512" => Self::Sha512,
            _ => return None,
        })
    }

    /// A running computation.
    pub fn start(self) -> Box<dyn DynDigest> {
        with_hash!(self, D => Box::new(D::new()))
    }

    /// The hash of `bytes`.
    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        with_hash!(self, D => D::digest(bytes).to_vec())
    }

    /// HMAC of `bytes` under `key`.
    pub fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        with_hash!(self, D => {
            let mut mac = Hmac::<D>::new_from_slice(key).expect("HMAC takes keys of any length");
            Mac::update(&mut mac, bytes);
            mac.finalize().into_bytes().to_vec()
        })
    }

    /// PBKDF2: `length` bytes derived from `password` by `iterations` rounds.
    pub fn pbkdf2(self, password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Vec<u8> {
        with_hash!(self, D => {
            let keyed = Hmac::<D>::new_from_slice(password).expect("HMAC takes keys of any length");
            let mut derived = Vec::with_capacity(length);
            for block in 1_u32.. {
                if derived.len() >= length {
                    break;
                }
                let mut mac = keyed.clone();
                Mac::update(&mut mac, salt);
                Mac::update(&mut mac, &block.to_be_bytes());
                let mut round = mac.finalize().into_bytes();
                let mut sum = round;
                for _ in 1..iterations {
                    let mut mac = keyed.clone();
                    Mac::update(&mut mac, &round);
                    round = mac.finalize().into_bytes();
                    sum.iter_mut().zip(&round).for_each(|(a, b)| *a ^= b);
                }
                derived.extend_from_slice(&sum);
            }
            derived.truncate(length);
            derived
        })
    }

    /// HKDF: `length` bytes derived from `secret`; `None` if that is more than 255 hashes.
    pub fn hkdf(self, secret: &[u8], salt: &[u8], info: &[u8], length: usize) -> Option<Vec<u8>> {
        let key = self.hmac(salt, secret);
        if length > 255 * key.len() {
            return None;
        }
        let mut derived = Vec::with_capacity(length);
        let mut block = Vec::new();
        for number in 1..=255_u8 {
            if derived.len() >= length {
                break;
            }
            block.extend_from_slice(info);
            block.push(number);
            block = self.hmac(&key, &block);
            derived.extend_from_slice(&block);
        }
        derived.truncate(length);
        Some(derived)
    }
}

/// Whether `a` and `b` are equal, in a time that depends on their lengths only.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn hashes_agree_with_their_standards() {
        for (name, expected) in [
            ("MD5", "900150983cd24fb0d6963f7d28e17f72"),
            ("SHA-1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("SHA-256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let hash = Hash::parse(name).expect("a known name");
            assert_eq!(hex(&hash.digest(b"abc")), expected, "{name}");
            let mut running = hash.start();
            running.update(b"a");
            running.update(b"bc");
            assert_eq!(hex(&running.finalize()), expected, "{name}");
        }
        assert_eq!(Hash::parse("SHA-9"), None);
    }

    #[test]
    fn hmac_of_rfc_4231() {
        let mac = Hash::Sha256.hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(hex(&mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn pbkdf2_of_rfc_6070_and_over_several_blocks() {
        let key = Hash::Sha1.pbkdf2(b"password", b"salt", 2, 20);
        assert_eq!(hex(&key), "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
        let key = Hash::Sha256.pbkdf2(b"pw", b"salt", 10, 40);
        assert_eq!(
            hex(&key),
            "72aecd14244887c316e24019c7e020b58888f029861490804d36e20b42d9321aba841f3fcca0e61f"
        );
    }

    #[test]
    fn hkdf_of_rfc_5869() {
        let salt: Vec<u8> = (0..=0x0c).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let key = Hash::Sha256.hkdf(&[0x0b; 22], &salt, &info, 42).expect("42 bytes");
        assert!(hex(&key).starts_with("3cb25f25faacd57a90434f64d0362f2a"));
        assert_eq!(key.len(), 42);
        assert_eq!(Hash::Sha256.hkdf(b"", b"", b"", 255 * 32 + 1), None);
    }

    #[test]
    fn equality_needs_equal_lengths() {
        for (a, b, expected) in [("", "", true), ("a", "a", true), ("a", "b", false), ("a", "ab", false)] {
            assert_eq!(equal(a.as_bytes(), b.as_bytes()), expected);
        }
    }
}
