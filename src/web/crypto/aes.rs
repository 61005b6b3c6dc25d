//! AES in the modes of Web Crypto: CBC, CTR, GCM and key wrapping. Pure functions of bytes.
//!
//! GCM is put together here from `aes`, `ctr` and `ghash`: the platform takes IVs of any length and tags of
//! 4 and 8 bytes, which `aes-gcm` fixes at compile time. `None` means that the bytes do not decrypt.

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecryptMut, BlockEncrypt, BlockEncryptMut, KeyInit, KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use aes_kw::Kek;
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

const BLOCK: usize = 16;

/// Runs `$body` with `$C` as the cipher for a key of `$key`'s length.
macro_rules! with_cipher {
    ($key:expr, $C:ident => $body:expr) => {
        match $key.len() {
            16 => {
                type $C = Aes128;
                $body
            }
            24 => {
                type $C = Aes192;
                $body
            }
            _ => {
                type $C = Aes256;
                $body
            }
        }
    };
}

/// Encrypts with PKCS #7 padding; `None` unless key and IV have their lengths.
pub fn cbc_encrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    with_cipher!(key, C => {
        let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
        Some(cipher.encrypt_padded_vec_mut::<Pkcs7>(data))
    })
}

/// Decrypts; `None` too if the padding is wrong.
pub fn cbc_decrypt(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    with_cipher!(key, C => {
        let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
        cipher.decrypt_padded_vec_mut::<Pkcs7>(data).ok()
    })
}

/// Encrypts or decrypts with a counter in the last `bits` bits of `counter`, which wraps within them.
///
/// `None` if the counter would come back to a value that it had, or if a length is wrong.
pub fn ctr(key: &[u8], counter: &[u8], bits: u32, data: &[u8]) -> Option<Vec<u8>> {
    let start = u128::from_be_bytes(counter.try_into().ok()?);
    let mask = if bits >= 128 { u128::MAX } else { (1 << bits) - 1 };
    let blocks = data.len().div_ceil(BLOCK) as u128;
    // How many blocks there are before the counter wraps to zero, 0 standing for 2^128.
    let before = (mask - (start & mask)).wrapping_add(1);
    if mask != u128::MAX && blocks > mask + 1 {
        return None;
    }
    let mut result = data.to_vec();
    let first = match before {
        0 => data.len(),
        _ if blocks <= before => data.len(),
        _ => usize::try_from(before).ok()? * BLOCK,
    };
    let (head, tail) = result.split_at_mut(first);
    ctr_from(key, start, head)?;
    ctr_from(key, start & !mask, tail)?;
    Some(result)
}

fn ctr_from(key: &[u8], counter: u128, data: &mut [u8]) -> Option<()> {
    with_cipher!(key, C => {
        ctr::Ctr128BE::<C>::new_from_slices(key, &counter.to_be_bytes()).ok()?.apply_keystream(data);
        Some(())
    })
}

/// Encrypts and appends a tag of `tag` bytes.
pub fn gcm_encrypt(key: &[u8], iv: &[u8], aad: &[u8], tag: usize, data: &[u8]) -> Option<Vec<u8>> {
    let gcm = Gcm::new(key, iv)?;
    let mut result = data.to_vec();
    gcm.apply(&mut result)?;
    let full = gcm.tag(aad, &result);
    result.extend_from_slice(full.get(..tag)?);
    Some(result)
}

/// Decrypts what ends in a tag of `tag` bytes; `None` too if the tag is wrong.
pub fn gcm_decrypt(key: &[u8], iv: &[u8], aad: &[u8], tag: usize, data: &[u8]) -> Option<Vec<u8>> {
    let gcm = Gcm::new(key, iv)?;
    let (text, given) = data.split_at_checked(data.len().checked_sub(tag)?)?;
    let full = gcm.tag(aad, text);
    if !super::hash::equal(full.get(..tag)?, given) {
        return None;
    }
    let mut result = text.to_vec();
    gcm.apply(&mut result)?;
    Some(result)
}

/// What GCM derives from key and IV.
struct Gcm<'a> {
    key: &'a [u8],
    ghash: GHash,
    first: [u8; BLOCK],
    mask: [u8; BLOCK],
}

impl<'a> Gcm<'a> {
    fn new(key: &'a [u8], iv: &[u8]) -> Option<Self> {
        let ghash = GHash::new(&encrypt_block(key, [0; BLOCK])?.into());
        let first = match <[u8; 12]>::try_from(iv) {
            Ok(iv) => {
                let mut first = [0; BLOCK];
                first[..12].copy_from_slice(&iv);
                first[BLOCK - 1] = 1;
                first
            }
            Err(_) => {
                let mut hash = ghash.clone();
                hash.update_padded(iv);
                hash.update(&[lengths(0, iv.len())]);
                hash.finalize().into()
            }
        };
        let mask = encrypt_block(key, first)?;
        Some(Self { key, ghash, first, mask })
    }

    fn apply(&self, data: &mut [u8]) -> Option<()> {
        let mut counter = self.first;
        let number = u32::from_be_bytes(counter[12..].try_into().ok()?).wrapping_add(1);
        counter[12..].copy_from_slice(&number.to_be_bytes());
        with_cipher!(self.key, C => {
            let mut cipher = ctr::Ctr32BE::<C>::new_from_slices(self.key, &counter).ok()?;
            cipher.try_apply_keystream(data).ok()
        })
    }

    fn tag(&self, aad: &[u8], text: &[u8]) -> [u8; BLOCK] {
        let mut hash = self.ghash.clone();
        hash.update_padded(aad);
        hash.update_padded(text);
        hash.update(&[lengths(aad.len(), text.len())]);
        let mut tag: [u8; BLOCK] = hash.finalize().into();
        tag.iter_mut().zip(self.mask).for_each(|(a, b)| *a ^= b);
        tag
    }
}

/// The last block of GHASH: both lengths in bits.
fn lengths(aad: usize, text: usize) -> ghash::Block {
    let both = ((aad as u128 * 8) << 64) | (text as u128 * 8);
    both.to_be_bytes().into()
}

fn encrypt_block(key: &[u8], block: [u8; BLOCK]) -> Option<[u8; BLOCK]> {
    let mut block = GenericArray::from(block);
    with_cipher!(key, C => C::new_from_slice(key).ok()?.encrypt_block(&mut block));
    Some(block.into())
}

/// Wraps `data`, whole blocks of 8 bytes, as RFC 3394 says.
pub fn wrap(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => Kek::<Aes128>::try_from(key).ok()?.wrap_vec(data).ok(),
        24 => Kek::<Aes192>::try_from(key).ok()?.wrap_vec(data).ok(),
        _ => Kek::<Aes256>::try_from(key).ok()?.wrap_vec(data).ok(),
    }
}

/// Unwraps; `None` if the integrity check fails.
pub fn unwrap(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    match key.len() {
        16 => Kek::<Aes128>::try_from(key).ok()?.unwrap_vec(data).ok(),
        24 => Kek::<Aes192>::try_from(key).ok()?.unwrap_vec(data).ok(),
        _ => Kek::<Aes256>::try_from(key).ok()?.unwrap_vec(data).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2)
            .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex digits"))
            .collect()
    }

    #[test]
    fn gcm_of_its_specification() {
        let key = bytes("feffe9928665731c6d6a8f9467308308");
        let text = bytes(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        for (iv, tag) in [
            ("cafebabefacedbaddecaf888", "5bc94fbc3221a5db94fae95ae7121a47"),
            ("cafebabefacedbad", "3612d2e79e3b0785561be14aaca2fccb"),
        ] {
            let iv = bytes(iv);
            let sealed = gcm_encrypt(&key, &iv, &aad, 16, &text).expect("a key and an IV");
            assert_eq!(sealed[text.len()..], bytes(tag), "{}", iv.len());
            assert_eq!(gcm_decrypt(&key, &iv, &aad, 16, &sealed), Some(text.clone()));
            assert_eq!(gcm_decrypt(&key, &iv, b"other", 16, &sealed), None);
            assert_eq!(gcm_decrypt(&key, &iv, &aad, 16, &sealed[..8]), None);
        }
    }

    #[test]
    fn counters_wrap_within_their_bits() {
        let key = [7; 16];
        let mut counter = [9; 16];
        counter[15] = 0xff;
        let data = [0; 40];
        let wrapped = ctr(&key, &counter, 8, &data).expect("three blocks of 256");
        let mut zero = counter;
        zero[15] = 0;
        assert_eq!(wrapped[16..], ctr(&key, &zero, 8, &data[16..]).expect("two blocks")[..]);
        assert_eq!(ctr(&key, &counter, 1, &data), None, "three blocks of two");
        assert!(ctr(&key, &[0xff; 16], 128, &data).is_some());
        assert!(ctr(&key, &[0; 16], 128, &[]).is_some_and(|none| none.is_empty()));
    }

    #[test]
    fn wrong_lengths_are_refused() {
        for length in [0, 8, 15, 17, 31] {
            let key = vec![0; length];
            assert_eq!(cbc_encrypt(&key, &[0; 16], b"x"), None);
            assert_eq!(gcm_encrypt(&key, &[0; 12], &[], 16, b"x"), None);
            assert_eq!(ctr(&key, &[0; 16], 64, b"x"), None);
            assert_eq!(wrap(&key, &[0; 16]), None);
        }
        assert_eq!(cbc_decrypt(&[0; 16], &[0; 16], b"not whole blocks"[..15].as_ref()), None);
        assert_eq!(cbc_decrypt(&[0; 16], &[0; 15], &[0; 16]), None);
        assert_eq!(unwrap(&[0; 16], &[0; 24]), None);
    }
}
