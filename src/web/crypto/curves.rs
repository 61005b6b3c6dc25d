//! Elliptic curves: P-256, P-384 and P-521 for ECDSA and ECDH, Ed25519, X25519. Pure functions of bytes.
//!
//! A private key is its scalar (or seed), a public key the uncompressed point (or the 32 bytes of the newer
//! curves). `None` means that the bytes are no key or no signature; nothing here panics on them.

use ecdsa::hazmat::{SignPrimitive, VerifyPrimitive};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use p256::elliptic_curve::sec1::{FromEncodedPoint, ToEncodedPoint};
use p256::elliptic_curve::{FieldBytes, FieldBytesSize, NonZeroScalar, PublicKey, SecretKey};
use p256::pkcs8::der::asn1::ObjectIdentifier;
use rsa::rand_core::CryptoRngCore;
use x25519_dalek::{PublicKey as XPublic, StaticSecret};

/// A curve that keys lie on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// P-256
    P256,
    /// P-384
    P384,
    /// P-521
    P521,
    /// Ed25519, for signatures
    Ed25519,
    /// X25519, for key agreement
    X25519,
}

/// Runs `$body` with `$C` as the curve's type, or `$other` for the curves that have none.
macro_rules! with_curve {
    ($curve:expr, $C:ident => $body:expr, $other:expr) => {
        match $curve {
            Curve::P256 => {
                type $C = p256::NistP256;
                $body
            }
            Curve::P384 => {
                type $C = p384::NistP384;
                $body
            }
            Curve::P521 => {
                type $C = p521::NistP521;
                $body
            }
            Curve::Ed25519 | Curve::X25519 => $other,
        }
    };
}

impl Curve {
    const ALL: [Self; 5] = [Self::P256, Self::P384, Self::P521, Self::Ed25519, Self::X25519];

    /// The curve that Web Crypto calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.name() == name)
    }

    /// Web Crypto's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Ed25519 => "Ed25519",
            Self::X25519 => "X25519",
        }
    }

    /// Its object identifier.
    pub fn oid(self) -> ObjectIdentifier {
        ObjectIdentifier::new_unwrap(match self {
            Self::P256 => "1.2.840.10045.3.1.7",
            Self::P384 => "1.3.132.0.34",
            Self::P521 => "1.3.132.0.35",
            Self::Ed25519 => "1.3.101.112",
            Self::X25519 => "1.3.101.110",
        })
    }

    /// The curve with this identifier.
    pub fn of_oid(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Whether keys of it are plain 32 bytes, with an identifier of their own.
    pub fn is_plain(self) -> bool {
        matches!(self, Self::Ed25519 | Self::X25519)
    }

    /// A new private key.
    pub fn generate(self, random: &mut impl CryptoRngCore) -> Vec<u8> {
        with_curve!(self, C => SecretKey::<C>::random(random).to_bytes().to_vec(), {
            let mut key = vec![0; 32];
            random.fill_bytes(&mut key);
            key
        })
    }

    /// The public key of the private key `secret`; `None` if that is no key.
    pub fn public(self, secret: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519 => {
                let key = SigningKey::from_bytes(secret.try_into().ok()?);
                Some(key.verifying_key().to_bytes().to_vec())
            }
            Self::X25519 => {
                let key = StaticSecret::from(<[u8; 32]>::try_from(secret).ok()?);
                Some(XPublic::from(&key).to_bytes().to_vec())
            }
            Self::P256 | Self::P384 | Self::P521 => with_curve!(self, C => {
                let key = secret_key::<C>(secret)?;
                Some(key.public_key().to_encoded_point(false).as_bytes().to_vec())
            }, None),
        }
    }

    /// A private key as this module has them, from a scalar with or without leading zeros.
    pub fn scalar(self, secret: &[u8]) -> Option<Vec<u8>> {
        with_curve!(self, C => secret_key::<C>(secret).map(|key| key.to_bytes().to_vec()),
            (secret.len() == 32).then(|| secret.to_vec()))
    }

    /// The point with these coordinates, which may lack leading zeros; `None` if it does not lie on the curve.
    pub fn point_at(self, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
        with_curve!(self, C => {
            let (x, y) = (padded::<C>(x)?, padded::<C>(y)?);
            self.point(&[&[4], x.as_slice(), y.as_slice()].concat())
        }, None)
    }

    /// A point in any encoding as an uncompressed one; `None` if it does not lie on the curve.
    pub fn point(self, encoded: &[u8]) -> Option<Vec<u8>> {
        with_curve!(self, C => {
            let key = PublicKey::<C>::from_sec1_bytes(encoded).ok()?;
            Some(key.to_encoded_point(false).as_bytes().to_vec())
        }, (encoded.len() == 32).then(|| encoded.to_vec()))
    }

    /// A signature of the message (Ed25519) or of its hash (the others), as two numbers of the curve's size.
    pub fn sign(self, secret: &[u8], hash: &[u8], random: &mut impl CryptoRngCore) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519 => {
                let key = SigningKey::from_bytes(secret.try_into().ok()?);
                Some(key.sign(hash).to_bytes().to_vec())
            }
            Self::X25519 => None,
            Self::P256 => sign::<p256::NistP256>(secret, hash, random),
            Self::P384 => sign::<p384::NistP384>(secret, hash, random),
            Self::P521 => sign::<p521::NistP521>(secret, hash, random),
        }
    }

    /// Whether `signature` is one of the message or hash by `public`'s owner.
    pub fn verify(self, public: &[u8], hash: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519 => {
                let key = public.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
                let signature = ed25519_dalek::Signature::from_slice(signature).ok();
                key.zip(signature).is_some_and(|(key, signature)| {
                    ed25519_dalek::Verifier::verify(&key, hash, &signature).is_ok()
                })
            }
            Self::X25519 => false,
            Self::P256 => verify::<p256::NistP256>(public, hash, signature).is_some(),
            Self::P384 => verify::<p384::NistP384>(public, hash, signature).is_some(),
            Self::P521 => verify::<p521::NistP521>(public, hash, signature).is_some(),
        }
    }

    /// The secret that the owners of both keys share.
    pub fn agree(self, secret: &[u8], public: &[u8]) -> Option<Vec<u8>> {
        with_curve!(self, C => {
            let secret = secret_key::<C>(secret)?;
            let public = PublicKey::<C>::from_sec1_bytes(public).ok()?;
            let shared = p256::elliptic_curve::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
            Some(shared.raw_secret_bytes().to_vec())
        }, {
            let secret = StaticSecret::from(<[u8; 32]>::try_from(secret).ok()?);
            let public = XPublic::from(<[u8; 32]>::try_from(public).ok()?);
            Some(secret.diffie_hellman(&public).to_bytes().to_vec())
        })
    }
}

/// A scalar of any length, as JSON Web Keys and DER may write it.
fn secret_key<C>(secret: &[u8]) -> Option<SecretKey<C>>
where
    C: p256::elliptic_curve::CurveArithmetic,
{
    SecretKey::<C>::from_bytes(&padded::<C>(secret)?).ok()
}

/// `number` with leading zeros to a field element's length; `None` if it is longer.
fn padded<C: p256::elliptic_curve::Curve>(number: &[u8]) -> Option<FieldBytes<C>> {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    let mut bytes = FieldBytes::<C>::default();
    let at = bytes.len().checked_sub(number.len())?;
    bytes[at..].copy_from_slice(number);
    Some(bytes)
}

/// The hash as the number that ECDSA signs: its leftmost bits, as many as a scalar has.
///
/// `ecdsa` refuses hashes shorter than half a scalar, as SHA-1 with P-521; the standard does not.
fn hashed<C: p256::elliptic_curve::Curve>(hash: &[u8]) -> FieldBytes<C> {
    let mut bytes = FieldBytes::<C>::default();
    let length = hash.len().min(bytes.len());
    let at = bytes.len() - length;
    bytes[at..].copy_from_slice(&hash[..length]);
    bytes
}

fn sign<C>(secret: &[u8], hash: &[u8], random: &mut impl CryptoRngCore) -> Option<Vec<u8>>
where
    C: ecdsa::PrimeCurve + p256::elliptic_curve::CurveArithmetic,
    p256::elliptic_curve::Scalar<C>: SignPrimitive<C>,
    ecdsa::SignatureSize<C>: p256::elliptic_curve::generic_array::ArrayLength<u8>,
{
    let key = secret_key::<C>(secret)?.to_nonzero_scalar();
    let nonce = NonZeroScalar::<C>::random(random);
    let (signature, _) = key.as_ref().try_sign_prehashed(*nonce.as_ref(), &hashed::<C>(hash)).ok()?;
    Some(signature.to_bytes().to_vec())
}

fn verify<C>(public: &[u8], hash: &[u8], signature: &[u8]) -> Option<()>
where
    C: ecdsa::PrimeCurve + p256::elliptic_curve::CurveArithmetic,
    p256::elliptic_curve::AffinePoint<C>: VerifyPrimitive<C> + FromEncodedPoint<C> + ToEncodedPoint<C>,
    FieldBytesSize<C>: p256::elliptic_curve::sec1::ModulusSize,
    ecdsa::SignatureSize<C>: p256::elliptic_curve::generic_array::ArrayLength<u8>,
{
    let key = PublicKey::<C>::from_sec1_bytes(public).ok()?;
    let signature = ecdsa::Signature::<C>::from_slice(signature).ok()?;
    key.as_affine().verify_prehashed(&hashed::<C>(hash), &signature).ok()
}
