//! Keys in DER: SPKI, PKCS #8 and what is inside them (PKCS #1, SEC 1), read and written.
//!
//! Five shapes of nested tag-length-value: a reader of them is shorter than the glue to a crate per format,
//! and says how many bytes it used, which the platform's messages want. Encrypted PKCS #8 is not read.

use p256::pkcs8::der::asn1::ObjectIdentifier;

use super::curves::Curve;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const NULL: [u8; 2] = [0x05, 0];
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const EC_PARAMETERS: u8 = 0xa0;
const EC_PUBLIC_KEY: u8 = 0xa1;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// What kind of key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// RSA; the key's bytes are its PKCS #1.
    Rsa,
    /// A key on a curve, as [`Curve`] has them.
    Curve(Curve),
}

impl Kind {
    /// `RSA` or the curve's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Curve(curve) => curve.name(),
        }
    }

    /// The kind with this name.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "RSA" { Some(Self::Rsa) } else { Curve::parse(name).map(Self::Curve) }
    }
}

/// The first value of `bytes`: tag, contents, what follows. Lengths must be definite and within `bytes`.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| (sum << 8) | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some((tag, contents, rest))
}

/// The contents of the first value, which must have `tag`, and what follows.
fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    next(bytes).filter(|(found, ..)| *found == tag).map(|(_, contents, rest)| (contents, rest))
}

fn value(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = contents.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let digits = length.to_be_bytes();
            let start = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len() - 1);
            let digits = &digits[start..];
            bytes.push(0x80 | u8::try_from(digits.len()).expect("a length has at most eight bytes"));
            bytes.extend_from_slice(digits);
        }
    }
    bytes.extend_from_slice(contents);
    bytes
}

fn algorithm(kind: Kind) -> Vec<u8> {
    let (oid, parameters) = match kind {
        Kind::Rsa => (RSA, NULL.to_vec()),
        Kind::Curve(curve) if curve.is_plain() => (curve.oid(), Vec::new()),
        Kind::Curve(curve) => (EC, value(OID, curve.oid().as_bytes())),
    };
    value(SEQUENCE, &[value(OID, oid.as_bytes()), parameters].concat())
}

fn read_algorithm(bytes: &[u8]) -> Option<Kind> {
    let (oid, parameters) = expect(bytes, OID)?;
    let oid = ObjectIdentifier::from_bytes(oid).ok()?;
    match oid {
        RSA => Some(Kind::Rsa),
        EC => read_curve(parameters).map(Kind::Curve),
        _ => Curve::of_oid(oid).filter(|curve| curve.is_plain()).map(Kind::Curve),
    }
}

fn read_curve(bytes: &[u8]) -> Option<Curve> {
    let (oid, _) = expect(bytes, OID)?;
    Curve::of_oid(ObjectIdentifier::from_bytes(oid).ok()?)
}

/// A public key as SPKI.
pub fn write_spki(kind: Kind, key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    value(SEQUENCE, &[algorithm(kind), value(BIT_STRING, &bits)].concat())
}

/// The public key at the start of `bytes`, and how many bytes follow it.
pub fn read_spki(bytes: &[u8]) -> Option<(Kind, Vec<u8>, usize)> {
    let (contents, rest) = expect(bytes, SEQUENCE)?;
    let (found, contents) = expect(contents, SEQUENCE)?;
    let kind = read_algorithm(found)?;
    let (key, _) = expect(contents, BIT_STRING)?;
    let (0, key) = key.split_first().map(|(unused, key)| (*unused, key))? else { return None };
    let key = match kind {
        Kind::Rsa => {
            read_rsa_public(key)?;
            key.to_vec()
        }
        Kind::Curve(curve) => curve.point(key)?,
    };
    Some((kind, key, rest.len()))
}

/// A private key as PKCS #8.
pub fn write_pkcs8(kind: Kind, key: &[u8]) -> Option<Vec<u8>> {
    let inner = match kind {
        Kind::Rsa => key.to_vec(),
        Kind::Curve(curve) if curve.is_plain() => value(OCTET_STRING, key),
        Kind::Curve(curve) => {
            let public = value(BIT_STRING, &[&[0], curve.public(key)?.as_slice()].concat());
            let parts =
                [value(INTEGER, &[1]), value(OCTET_STRING, key), value(EC_PUBLIC_KEY, &public)].concat();
            value(SEQUENCE, &parts)
        }
    };
    Some(value(SEQUENCE, &[value(INTEGER, &[0]), algorithm(kind), value(OCTET_STRING, &inner)].concat()))
}

/// The private key at the start of `bytes`, and how many bytes follow it.
///
/// Fidelity: the platform takes PKCS #1 and SEC 1 where PKCS #8 is asked for, too.
pub fn read_pkcs8(bytes: &[u8]) -> Option<(Kind, Vec<u8>, usize)> {
    let (contents, rest) = expect(bytes, SEQUENCE)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    let (_, after) = expect(contents, INTEGER)?;
    let (kind, key) = match next(after)? {
        (SEQUENCE, found, after) => {
            let kind = read_algorithm(found)?;
            (kind, expect(after, OCTET_STRING)?.0)
        }
        (OCTET_STRING, _, after) => {
            let parameters = next(after).filter(|(tag, ..)| *tag == EC_PARAMETERS)?.1;
            (Kind::Curve(read_curve(parameters)?), whole)
        }
        _ => (Kind::Rsa, whole),
    };
    let key = match kind {
        Kind::Rsa => {
            read_rsa_private(key)?;
            key.to_vec()
        }
        Kind::Curve(curve) if curve.is_plain() => {
            let (key, _) = expect(key, OCTET_STRING)?;
            curve.public(key)?;
            key.to_vec()
        }
        Kind::Curve(curve) => {
            let (parts, _) = expect(key, SEQUENCE)?;
            let (_, parts) = expect(parts, INTEGER)?;
            curve.scalar(expect(parts, OCTET_STRING)?.0)?
        }
    };
    Some((kind, key, rest.len()))
}

fn integer(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    match number.first() {
        Some(first) if *first < 0x80 => value(INTEGER, number),
        _ => value(INTEGER, &[&[0], number].concat()),
    }
}

fn read_integers<const N: usize>(mut bytes: &[u8]) -> Option<[&[u8]; N]> {
    let mut found: [&[u8]; N] = [&[]; N];
    for one in &mut found {
        let (number, rest) = expect(bytes, INTEGER)?;
        // A negative number is none of ours.
        if number.first().is_none_or(|first| *first >= 0x80) {
            return None;
        }
        *one = number.strip_prefix(&[0]).unwrap_or(number);
        bytes = rest;
    }
    bytes.is_empty().then_some(found)
}

/// Modulus and public exponent as PKCS #1.
pub fn write_rsa_public(n: &[u8], e: &[u8]) -> Vec<u8> {
    value(SEQUENCE, &[integer(n), integer(e)].concat())
}

/// Modulus and public exponent.
pub fn read_rsa_public(bytes: &[u8]) -> Option<[&[u8]; 2]> {
    read_integers(expect(bytes, SEQUENCE).filter(|(_, rest)| rest.is_empty())?.0)
}

/// `n e d p q dp dq qi` as PKCS #1.
pub fn write_rsa_private(numbers: &[Vec<u8>; 8]) -> Vec<u8> {
    let numbers: Vec<u8> = numbers.iter().flat_map(|number| integer(number)).collect();
    value(SEQUENCE, &[value(INTEGER, &[0]), numbers].concat())
}

/// `n e d p q dp dq qi`.
pub fn read_rsa_private(bytes: &[u8]) -> Option<[&[u8]; 8]> {
    let (contents, rest) = expect(bytes, SEQUENCE)?;
    let (version, numbers) = expect(contents, INTEGER)?;
    (rest.is_empty() && version == [0]).then_some(())?;
    read_integers(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_der_wants_them() {
        for (length, start) in [
            (0, &[0x04, 0][..]),
            (0x7f, &[0x04, 0x7f]),
            (0x80, &[0x04, 0x81, 0x80]),
            (0x100, &[0x04, 0x82, 1, 0]),
        ] {
            let written = value(OCTET_STRING, &vec![7; length]);
            assert_eq!(written[..start.len()], *start);
            assert_eq!(
                next(&written).map(|(tag, contents, _)| (tag, contents.len())),
                Some((OCTET_STRING, length))
            );
        }
    }

    #[test]
    fn broken_keys_are_refused() {
        let curve = Curve::P256;
        let secret = [1; 32];
        let pkcs8 = write_pkcs8(Kind::Curve(curve), &secret).expect("a key");
        let spki = write_spki(Kind::Curve(curve), &curve.public(&secret).expect("a key"));
        assert_eq!(read_pkcs8(&pkcs8), Some((Kind::Curve(curve), secret.to_vec(), 0)));
        assert!(read_spki(&[&spki[..], b"more"].concat()).is_some_and(|(.., left)| left == 4));
        for end in 0..pkcs8.len() {
            // Only what lies in the public key at the end may be cut without harm, and DER's lengths forbid that.
            assert_eq!(read_pkcs8(&pkcs8[..end]), None, "{end}");
        }
        for at in 0..spki.len() {
            let mut broken = spki.clone();
            broken[at] ^= 0xff;
            if let Some((kind, ..)) = read_spki(&broken) {
                assert_eq!(kind, Kind::Curve(curve), "{at}");
            }
        }
    }
}
