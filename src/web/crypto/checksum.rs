//! Checksums that `crypto.DigestStream` knows beside hashes: cyclic redundancy checks, bit by bit from the lowest.
//!
//! Fidelity: workerd's `api/crypto/crypto.c++`: names, and digests whose first byte is the highest.

use sha2::digest::{DynDigest, InvalidBufferSize};

/// A running checksum.
#[derive(Clone)]
pub struct Checksum {
    table: &'static [u64; 256],
    value: u64,
    /// Length of the digest, bytes: 4 or 8.
    size: usize,
}

const fn table(polynomial: u64) -> [u64; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < table.len() {
        let mut value = index as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ polynomial } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
}

static CRC32: [u64; 256] = table(0xedb8_8320);
static CRC32C: [u64; 256] = table(0x82f6_3b78);
static CRC64_NVME: [u64; 256] = table(0x9a6c_9329_ac4b_c9b5);

fn advance(table: &[u64; 256], value: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(value, |value, byte| table[usize::from(value as u8 ^ byte)] ^ (value >> 8))
}

/// The CRC-32 of `bytes` after others whose CRC-32 is `start`.
pub fn crc32(start: u32, bytes: &[u8]) -> u32 {
    !(advance(&CRC32, u64::from(!start), bytes) as u32)
}

impl Checksum {
    /// The checksum that the platform calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        let (table, size) = match name {
            "crc32" => (&CRC32, 4),
            "crc32c" => (&CRC32C, 4),
            "crc64nvme" => (&CRC64_NVME, 8),
            _ => return None,
        };
        let mut checksum = Self { table, value: 0, size };
        checksum.reset();
        Some(checksum)
    }

    fn ones(&self) -> u64 {
        u64::MAX >> (64 - 8 * self.size)
    }
}

impl DynDigest for Checksum {
    fn update(&mut self, data: &[u8]) {
        self.value = advance(self.table, self.value, data);
    }

    fn finalize_into(mut self, buffer: &mut [u8]) -> Result<(), InvalidBufferSize> {
        self.finalize_into_reset(buffer)
    }

    fn finalize_into_reset(&mut self, buffer: &mut [u8]) -> Result<(), InvalidBufferSize> {
        let bytes = (self.value ^ self.ones()).to_be_bytes();
        let digest = &bytes[bytes.len() - self.size..];
        if buffer.len() != digest.len() {
            return Err(InvalidBufferSize);
        }
        buffer.copy_from_slice(digest);
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        self.value = self.ones();
    }

    fn output_size(&self) -> usize {
        self.size
    }

    fn box_clone(&self) -> Box<dyn DynDigest> {
        Box::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_catalogue() {
        for (name, expected) in
            [("crc32", "cbf43926"), ("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888")]
        {
            let mut checksum = Checksum::parse(name).expect("a checksum");
            checksum.update(b"1234");
            checksum.update(b"56789");
            let digest = checksum.finalize_reset();
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected, "{name}");
        }
        assert!(Checksum::parse("CRC32").is_none());
        assert_eq!(crc32(crc32(0, b"1234"), b"56789"), 0xcbf4_3926);
    }
}
