//! The `packed` coder: fixed width, so the address of a row's bits is arithmetic. In: a row and its base_id. Out: a
//! record `base_id | deviation bits` of the same number of bits for every row, and rows again.
//!
//! Record `r` begins at bit `r * record_bits`, base `b` at bit `b * base_bits`; constant bits are in neither. Inside
//! both, bits run in the order of row bits (word after word, lowest first), which is what `pdep` and `pext` move.

use crate::bits::{BitWriter, bits_for, ones_of_words, read_bits};
use crate::kernels;

/// The split of one block in the form that the kernels want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// `n_b`.
    bases: u64,
    id_bits: u32,
    base_bits: u64,
    deviation_bits: u64,
    /// Value of the constant bits, zero elsewhere; empty where there are none.
    constants: Vec<u64>,
    /// Words that hold base bits, and which.
    base: Vec<(u32, u64)>,
    /// Deviation bits of every word.
    deviation: Vec<u64>,
}

impl Packed {
    /// `all`: the row bits that exist; `base`: the non-constant base bits among them; `constant`: the constant ones,
    /// with their `values`.
    pub fn new(all: &[u64], base: &[u64], constant: &[u64], values: &[u64], bases: u64) -> Self {
        let deviation: Vec<u64> = all
            .iter()
            .zip(base)
            .zip(constant)
            .map(|((all, base), constant)| all & !base & !constant)
            .collect();
        let constants = if values.iter().all(|&word| word == 0) { Vec::new() } else { values.to_vec() };
        Self {
            bases,
            id_bits: bits_for(bases),
            base_bits: ones_of_words(base),
            deviation_bits: ones_of_words(&deviation),
            constants,
            base: (0u32..).zip(base.iter().copied()).filter(|&(_, mask)| mask != 0).collect(),
            deviation,
        }
    }

    /// Bits of a record.
    pub fn record_bits(&self) -> u64 {
        u64::from(self.id_bits) + self.deviation_bits
    }

    /// Bits of a base in the base table.
    pub fn base_bits(&self) -> u64 {
        self.base_bits
    }

    /// `n_b`.
    pub fn bases(&self) -> u64 {
        self.bases
    }

    /// Append the record of `row`.
    pub fn write_record(&self, base_id: u32, row: &[u8], writer: &mut BitWriter) {
        writer.push(u64::from(base_id), self.id_bits);
        kernels::gather(row, &self.deviation, writer);
    }

    /// Append the base bits of `row`, a row of the base in question.
    pub fn write_base(&self, row: &[u8], writer: &mut BitWriter) {
        for &(word, mask) in &self.base {
            let start = word as usize * 8;
            kernels::gather(&row[start..row.len().min(start + 8)], &[mask], writer);
        }
    }

    /// The base_id of the record at `bit`.
    pub fn read_id(&self, records: &[u8], bit: u64) -> u64 {
        read_bits(records, bit, self.id_bits)
    }

    /// Write the deviation bits of the record at `bit` and the constant bits to `row`; base bits are zero.
    pub fn read_deviation(&self, records: &[u8], bit: u64, row: &mut [u8]) {
        let start = bit + u64::from(self.id_bits);
        kernels::scatter(records, start, self.deviation_bits, &self.deviation, &self.constants, row);
    }

    /// Add the base bits at `bit` of the base table to `row`.
    pub fn read_base(&self, table: &[u8], bit: u64, row: &mut [u8]) {
        kernels::scatter_sparse(table, bit, self.base_bits, &self.base, row);
    }
}
