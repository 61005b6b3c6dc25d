//! Randomness of JavaScript's `crypto`: the one place that asks the operating system for it.

use rquickjs::{ArrayBuffer, Ctx, Result};

use rsa::rand_core::{self, CryptoRng, RngCore};

use crate::engine::OpError;
use crate::engine::exception::throw;

/// Fills `bytes` with randomness that cannot be predicted.
fn fill(bytes: &mut [u8]) -> std::result::Result<(), OpError> {
    getrandom::fill(bytes)
        .map_err(|error| OpError::new(format!("the system gives no random numbers: {error}")))
}

/// The same randomness for libraries that take a generator.
pub struct Random;

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }
    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }
    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system gave random numbers when the server started");
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> std::result::Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}

/// `length` random bytes as an `ArrayBuffer`.
pub fn random_bytes<'js>(ctx: Ctx<'js>, length: u32) -> Result<ArrayBuffer<'js>> {
    let mut bytes = vec![0; length as usize];
    fill(&mut bytes).map_err(|error| throw(&ctx, &error))?;
    ArrayBuffer::new_copy(ctx, bytes)
}

/// A random UUID of version 4, in lower case.
pub fn random_uuid(ctx: Ctx<'_>) -> Result<String> {
    let mut bytes = [0; 16];
    fill(&mut bytes).map_err(|error| throw(&ctx, &error))?;
    Ok(show_uuid(bytes))
}

/// The same for the host.
pub fn new_uuid() -> String {
    let mut bytes = [0; 16];
    Random.fill_bytes(&mut bytes);
    show_uuid(bytes)
}

fn show_uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_carry_version_and_variant() {
        assert_eq!(show_uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(show_uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn bytes_are_filled() {
        let mut bytes = [0; 64];
        fill(&mut bytes).expect("a system with randomness");
        assert!(bytes.iter().any(|byte| *byte != 0));
    }
}
