//! Bit streams: least significant bit first, no alignment. In: values of up to 64 bits. Out: bytes, and back.

/// Zero bytes after the last bit of a stream, so that a reader may load 9 bytes from any bit of it.
pub const PADDING: usize = 16;

/// Appends values to a byte vector.
#[derive(Debug, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    pending: u64,
    pending_bits: u32,
}

impl BitWriter {
    /// A writer with room for `bits` bits.
    pub fn with_capacity(bits: usize) -> Self {
        Self { bytes: Vec::with_capacity(bits / 8 + 8), pending: 0, pending_bits: 0 }
    }

    /// Append the low `bits` (0 to 64) bits of `value`; the others must be zero.
    pub fn push(&mut self, value: u64, bits: u32) {
        debug_assert!(bits == 64 || value >> bits == 0);
        self.pending |= value << self.pending_bits;
        let filled = self.pending_bits + bits;
        if filled < 64 {
            self.pending_bits = filled;
            return;
        }
        self.bytes.extend_from_slice(&self.pending.to_le_bytes());
        self.pending_bits = filled - 64;
        // The part of `value` that did not fit; a shift by 64 would mean that all of it did.
        self.pending = value.checked_shr(bits - self.pending_bits).unwrap_or(0);
    }

    /// Fill the last byte with zeros and return the bytes.
    pub fn finish(mut self) -> Vec<u8> {
        let tail = self.pending_bits.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..tail]);
        self.bytes
    }
}

/// Read `bits` (0 to 64) bits at `bit`; `stream` reaches at least 9 bytes past the byte that holds `bit`.
pub fn read_bits(stream: &[u8], bit: u64, bits: u32) -> u64 {
    if bits == 0 {
        return 0;
    }
    let at = (bit / 8) as usize;
    let shift = (bit % 8) as u32;
    let mut low = [0u8; 8];
    low.copy_from_slice(&stream[at..at + 8]);
    let high = u64::from(stream[at + 8]);
    // Two shifts, because one by 64 - 0 would be undefined.
    let value = u64::from_le_bytes(low) >> shift | (high << 1) << (63 - shift);
    value & (u64::MAX >> (64 - bits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(values in prop::collection::vec((any::<u64>(), 0u32..=64), 0..200)) {
            let mut writer = BitWriter::with_capacity(0);
            let masked: Vec<(u64, u32)> = values
                .iter()
                .map(|&(v, bits)| (if bits == 0 { 0 } else { v & (u64::MAX >> (64 - bits)) }, bits))
                .collect();
            for &(value, bits) in &masked {
                writer.push(value, bits);
            }
            let total: u64 = masked.iter().map(|&(_, bits)| u64::from(bits)).sum();
            let mut bytes = writer.finish();
            prop_assert_eq!(bytes.len() as u64, total.div_ceil(8));
            bytes.extend([0; PADDING]);
            let mut at = 0;
            for (value, bits) in masked {
                prop_assert_eq!(read_bits(&bytes, at, bits), value);
                at += u64::from(bits);
            }
        }
    }
}
