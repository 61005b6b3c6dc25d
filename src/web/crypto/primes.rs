//! Large whole numbers for Diffie-Hellman and prime numbers: big-endian bytes in and out. Pure functions, but for randomness.

use num_bigint_dig::BigUint;
use num_bigint_dig::prime::probably_prime;

/// Rounds of Miller and Rabin's test that leave no doubt worth speaking of.
const ROUNDS: usize = 24;
/// What rules most candidates out before the test.
const SMALL: &[u32] = &[
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103,
    107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181, 191, 193, 197, 199, 211, 223,
    227, 229, 233, 239, 241, 251,
];

/// `base` to the power of `exponent`, modulo `modulus`; `None` for the modulus 0.
pub fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Option<Vec<u8>> {
    let modulus = BigUint::from_bytes_be(modulus);
    let power = |modulus| BigUint::from_bytes_be(base).modpow(&BigUint::from_bytes_be(exponent), modulus);
    (modulus != BigUint::from(0_u8)).then(|| power(&modulus).to_bytes_be())
}

/// Whether `number` is a prime, or so likely that nobody finds out.
pub fn is_prime(number: &[u8], rounds: usize) -> bool {
    passes(&BigUint::from_bytes_be(number), rounds.max(ROUNDS))
}

fn passes(number: &BigUint, rounds: usize) -> bool {
    if *number <= BigUint::from(251_u32) {
        return *number == BigUint::from(2_u8) || SMALL.iter().any(|prime| *number == BigUint::from(*prime));
    }
    let is_divided = |by: u32| number % by == BigUint::from(0_u8);
    !is_divided(2) && !SMALL.iter().any(|prime| is_divided(*prime)) && probably_prime(number, rounds)
}

/// A random prime of `bits` bits, whose two highest are set where there are two; with `step`, one that leaves `rest` when
/// it is divided by it. Half of a `safe` one is a prime too. `None` where there is none of the kind.
pub fn generate(
    bits: usize,
    safe: bool,
    step: Option<(u32, u32)>,
    mut random: impl FnMut(&mut [u8]),
) -> Option<Vec<u8>> {
    if bits < 2
        || (safe && bits < 3)
        || step.is_some_and(|(step, _)| bits < 32 - step.leading_zeros() as usize)
    {
        return None;
    }
    let mut bytes = vec![0; bits.div_ceil(8)];
    loop {
        random(&mut bytes);
        let spare = bytes.len() * 8 - bits;
        bytes[0] &= 0xff >> spare;
        let top = |bytes: &mut [u8], below: usize| {
            let at = spare + below;
            bytes[at / 8] |= 0x80 >> (at % 8);
        };
        top(&mut bytes, 0);
        // Small numbers and those of a given rest may have no prime that high.
        if bits > 3 && step.is_none() {
            top(&mut bytes, 1);
        }
        let mut number = BigUint::from_bytes_be(&bytes);
        let (step, rest) = step.unwrap_or(if safe { (4, 3) } else { (2, 1) });
        if bits > 3 {
            number = &number - &number % step + rest;
        }
        if number.bits() != bits {
            continue;
        }
        let half = || &number >> 1;
        // The cheap tests of both come first.
        if passes(&number, 1) && (!safe || passes(&half(), ROUNDS)) && passes(&number, ROUNDS) {
            return Some(number.to_bytes_be());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_others() {
        let mersenne = |exponent: u32| ((BigUint::from(1_u8) << exponent as usize) - 1_u8).to_bytes_be();
        for (number, expected) in [
            (vec![], false),
            (vec![1], false),
            (vec![2], true),
            (vec![4], false),
            (vec![251], true),
            (vec![253], false),
            (mersenne(61), true),
            (mersenne(67), false),
            (mersenne(127), true),
        ] {
            assert_eq!(is_prime(&number, 0), expected, "{number:?}");
        }
    }

    #[test]
    fn made_primes_are_as_asked_for() {
        let mut state = 1_u64;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56) as u8;
            }
        };
        for (bits, safe, step) in [
            (2, false, None),
            (3, false, None),
            (8, false, None),
            (33, false, None),
            (64, false, None),
            (64, true, None),
            (64, false, Some((12, 11))),
            (48, true, Some((24, 11))),
        ] {
            let number = BigUint::from_bytes_be(&generate(bits, safe, step, &mut random).expect("a prime"));
            assert_eq!(number.bits(), bits);
            assert!(is_prime(&number.to_bytes_be(), 0));
            assert!(!safe || is_prime(&(&number >> 1_usize).to_bytes_be(), 0));
            if let Some((step, rest)) = step {
                assert_eq!(&number % step, BigUint::from(rest));
            }
        }
        assert_eq!(generate(1, false, None, &mut random), None);
        assert_eq!(generate(3, false, Some((24, 23)), &mut random), None);
    }

    #[test]
    fn powers() {
        assert_eq!(power(&[5], &[6], &[23]), Some(vec![8]));
        assert_eq!(power(&[5], &[6], &[]), None);
    }
}
