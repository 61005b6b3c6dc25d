//! RSA: making keys, signatures (PKCS #1 v1.5 and PSS), OAEP, and the bare operation. Pure functions of bytes.
//!
//! Keys are PKCS #1. The arithmetic and the signature paddings are the crate `rsa`'s; OAEP is put together
//! here because its labels are bytes, not text, and primes are searched here because a sieve before the first
//! exponentiation makes a key of 2,048 bits several times faster. Not hardened against someone who
//! measures time: keys of a development server are nobody's secret.

use num_bigint_dig::prime::probably_prime;
use rsa::rand_core::CryptoRngCore;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey, hazmat};

use super::der;
use super::hash::{Hash, with_hash};

/// Largest modulus in bits.
const MODULUS_MAX: usize = 16_384;
/// Largest modulus of a private key, which is the crate's.
pub const PRIVATE_MODULUS_MAX: usize = RsaPublicKey::MAX_SIZE;

/// How a signature is padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// PKCS #1 v1.5
    Pkcs1,
    /// PSS with so many bytes of salt
    Pss(usize),
}

/// A new private key of `bits` bits with the public exponent `exponent`, an odd prime.
pub fn generate(bits: usize, exponent: u32, random: &mut impl CryptoRngCore) -> Option<Vec<u8>> {
    let sieve = small_primes();
    loop {
        let p = prime(bits / 2, exponent, &sieve, random);
        let q = prime(bits - bits / 2, exponent, &sieve, random);
        if p != q {
            let key = RsaPrivateKey::from_p_q(p, q, BigUint::from(exponent)).ok()?;
            return write_private(key);
        }
    }
}

/// Largest distance from a random start at which a prime is looked for.
const SEARCH: u32 = 1 << 16;

/// The odd primes below 2^14.
fn small_primes() -> Vec<u32> {
    let mut composite = vec![false; 1 << 14];
    let mut primes = Vec::new();
    for number in (3..composite.len()).step_by(2) {
        if !composite[number] {
            primes.push(u32::try_from(number).expect("below 2^14"));
            (number * number..composite.len()).step_by(number).for_each(|at| composite[at] = true);
        }
    }
    primes
}

/// A random prime of `bits` bits, its two highest set, such that `exponent` does not divide it less one.
fn prime(bits: usize, exponent: u32, sieve: &[u32], random: &mut impl CryptoRngCore) -> BigUint {
    loop {
        let mut bytes = vec![0; bits.div_ceil(8)];
        random.fill_bytes(&mut bytes);
        let start = BigUint::from_bytes_be(&bytes) % (BigUint::from(1_u8) << (bits - 2));
        let start = start + (BigUint::from(3_u8) << (bits - 2));
        let start = if &start % 2_u8 == BigUint::default() { start + 1_u8 } else { start };
        if start.bits() != bits {
            continue;
        }
        let rests: Vec<u32> = sieve.iter().map(|prime| rest(&start, *prime)).collect();
        let exponent_rest = rest(&start, exponent);
        for step in (0..SEARCH).step_by(2) {
            let divided = rests.iter().zip(sieve).any(|(rest, prime)| (rest + step) % prime == 0);
            // Small numbers are divided by themselves: then the slow test has to say.
            if (divided && bits > 16) || (exponent_rest + step) % exponent == 1 {
                continue;
            }
            let candidate = &start + step;
            if candidate.bits() != bits {
                break;
            }
            let less = &candidate - 1_u8;
            let passes = BigUint::from(2_u8).modpow(&less, &candidate) == BigUint::from(1_u8);
            if passes && probably_prime(&candidate, 4) {
                return candidate;
            }
        }
    }
}

fn rest(number: &BigUint, divisor: u32) -> u32 {
    let digits = (number % divisor).to_bytes_be();
    digits.iter().fold(0, |sum, digit| (sum << 8) | u32::from(*digit))
}

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn public_key(key: &[u8]) -> Option<RsaPublicKey> {
    let [n, e] = der::read_rsa_public(key)?;
    RsaPublicKey::new_with_max_size(number(n), number(e), MODULUS_MAX).ok()
}

fn private_key(key: &[u8]) -> Option<RsaPrivateKey> {
    let [n, e, d, p, q, ..] = der::read_rsa_private(key)?;
    RsaPrivateKey::from_components(number(n), number(e), number(d), vec![number(p), number(q)]).ok()
}

fn write_private(key: RsaPrivateKey) -> Option<Vec<u8>> {
    let [p, q] = key.primes() else { return None };
    let one = BigUint::from(1_u8);
    let d = key.d();
    // By Fermat's little theorem q^(p-2) is the inverse of q.
    let inverse = q.modpow(&(p - 2_u8), p);
    let numbers = [key.n(), key.e(), d, p, q, &(d % (p - &one)), &(d % (q - &one)), &inverse];
    Some(der::write_rsa_private(&numbers.map(BigUint::to_bytes_be)))
}

/// The private key with these numbers; without primes they are found. `None` if they do not belong together.
pub fn make_private(n: &[u8], e: &[u8], d: &[u8], primes: Option<(&[u8], &[u8])>) -> Option<Vec<u8>> {
    let primes = primes.map(|(p, q)| vec![number(p), number(q)]).unwrap_or_default();
    write_private(RsaPrivateKey::from_components(number(n), number(e), number(d), primes).ok()?)
}

/// Whether the parts of a private key belong together.
pub fn is_private(key: &[u8]) -> bool {
    private_key(key).is_some()
}

/// The public half of a private key.
pub fn public_of(key: &[u8]) -> Option<Vec<u8>> {
    let [n, e, ..] = der::read_rsa_private(key)?;
    Some(der::write_rsa_public(n, e))
}

/// A signature of the message `data`.
pub fn sign(
    key: &[u8],
    hash: Hash,
    padding: Padding,
    data: &[u8],
    random: &mut impl CryptoRngCore,
) -> Option<Vec<u8>> {
    let key = private_key(key)?;
    let digest = hash.digest(data);
    with_hash!(hash, D => match padding {
        Padding::Pkcs1 => key.sign(Pkcs1v15Sign::new::<D>(), &digest).ok(),
        Padding::Pss(salt) => key.sign_with_rng(random, Pss::new_with_salt::<D>(salt), &digest).ok(),
    })
}

/// Whether `signature` is one of the message `data`.
pub fn verify(key: &[u8], hash: Hash, padding: Padding, signature: &[u8], data: &[u8]) -> bool {
    let Some(key) = public_key(key) else { return false };
    let digest = hash.digest(data);
    let checked = with_hash!(hash, D => match padding {
        Padding::Pkcs1 => key.verify(Pkcs1v15Sign::new::<D>(), &digest, signature),
        Padding::Pss(salt) => key.verify(Pss::new_with_salt::<D>(salt), &digest, signature),
    });
    checked.is_ok()
}

/// The bare private operation, without padding.
pub fn apply_private(key: &[u8], data: &[u8], random: &mut impl CryptoRngCore) -> Option<Vec<u8>> {
    let key = private_key(key)?;
    let data = number(data);
    if data >= *key.n() {
        return None;
    }
    Some(padded(hazmat::rsa_decrypt(Some(random), &key, &data).ok()?, key.size()))
}

fn padded(number: BigUint, size: usize) -> Vec<u8> {
    let bytes = number.to_bytes_be();
    let mut result = vec![0; size.saturating_sub(bytes.len())];
    result.extend_from_slice(&bytes);
    result
}

/// Encrypts with OAEP; `None` if `data` is too long for the key.
pub fn oaep_encrypt(
    key: &[u8],
    hash: Hash,
    label: &[u8],
    data: &[u8],
    random: &mut impl CryptoRngCore,
) -> Option<Vec<u8>> {
    let key = public_key(key)?;
    let label = hash.digest(label);
    let room = key.size().checked_sub(2 * label.len() + 2)?;
    let filling = room.checked_sub(data.len())?;
    let mut seed = vec![0; label.len()];
    random.fill_bytes(&mut seed);
    let mut block = [label.as_slice(), &vec![0; filling], &[1], data].concat();
    mask(hash, &seed, &mut block);
    mask(hash, &block, &mut seed);
    let message = number(&[seed, block].concat());
    Some(padded(hazmat::rsa_encrypt(&key, &message).ok()?, key.size()))
}

/// Decrypts OAEP; `None` if it is none for this key, hash and label.
pub fn oaep_decrypt(
    key: &[u8],
    hash: Hash,
    label: &[u8],
    data: &[u8],
    random: &mut impl CryptoRngCore,
) -> Option<Vec<u8>> {
    let key = private_key(key)?;
    let label = hash.digest(label);
    let message = number(data);
    if data.len() != key.size() || key.size() < 2 * label.len() + 2 || message >= *key.n() {
        return None;
    }
    let plain = padded(hazmat::rsa_decrypt(Some(random), &key, &message).ok()?, key.size());
    let (first, rest) = plain.split_first()?;
    let (seed, block) = rest.split_at_checked(label.len())?;
    let (mut seed, mut block) = (seed.to_vec(), block.to_vec());
    mask(hash, &block, &mut seed);
    mask(hash, &seed, &mut block);
    let (found, rest) = block.split_at_checked(label.len())?;
    let end = rest.iter().position(|byte| *byte != 0)?;
    (*first == 0 && found == label && rest[end] == 1).then(|| rest[end + 1..].to_vec())
}

/// Mask generation function 1, applied to `target`.
fn mask(hash: Hash, seed: &[u8], target: &mut [u8]) {
    let mut counter = 0_u32;
    let mut left = target;
    while !left.is_empty() {
        let stream = hash.digest(&[seed, &counter.to_be_bytes()].concat());
        let length = stream.len().min(left.len());
        let (now, later) = left.split_at_mut(length);
        now.iter_mut().zip(stream).for_each(|(a, b)| *a ^= b);
        left = later;
        counter += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Random;
    use super::*;

    #[test]
    fn keys_are_made_and_used() {
        for (bits, exponent) in [(512, 3), (1024, 65_537)] {
            let key = generate(bits, exponent, &mut Random).expect("a key");
            let [n, ..] = der::read_rsa_private(&key).expect("PKCS #1");
            assert_eq!(number(n).bits(), bits);
            let public = public_of(&key).expect("a key");
            let signed = sign(&key, Hash::Sha1, Padding::Pss(4), b"text", &mut Random).expect("a signature");
            assert!(verify(&public, Hash::Sha1, Padding::Pss(4), &signed, b"text"));
            assert!(!verify(&public, Hash::Sha1, Padding::Pss(4), &signed, b"test"));
            let sealed = oaep_encrypt(&public, Hash::Sha1, b"\xff", b"text", &mut Random).expect("room");
            let open = |label| oaep_decrypt(&key, Hash::Sha1, label, &sealed, &mut Random);
            assert_eq!(open(b"\xff"), Some(b"text".to_vec()));
            assert_eq!(open(b""), None);
            assert_eq!(oaep_encrypt(&public, Hash::Sha512, b"", &[0; 64], &mut Random), None);
        }
    }

    #[test]
    fn garbage_is_no_key() {
        for garbage in [&b""[..], b"0", &[0x30, 0], &[0x30, 0x82, 0xff, 0xff], &[0x30, 3, 2, 1, 0]] {
            assert_eq!(sign(garbage, Hash::Sha256, Padding::Pkcs1, b"", &mut Random), None);
            assert!(!verify(garbage, Hash::Sha256, Padding::Pkcs1, b"", b""));
            assert_eq!(public_of(garbage), None);
            assert!(!is_private(garbage));
        }
        assert_eq!(make_private(&[15], &[3], &[3], None), None);
        assert_eq!(make_private(&[], &[], &[], Some((&[], &[]))), None);
    }
}
