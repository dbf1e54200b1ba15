//! The `packed` coder: fixed width, so the address of a row's bits is arithmetic. In: a row and its base_id. Out: a
//! record `base_id | deviation bits` of the same number of bits for every row, and rows again.
//!
//! Record `r` begins at bit `r * record_bits`, base `b` at bit `b * base_bits`; constant bits are in neither. Inside
//! both, bits run in the order of row bits (word after word, lowest first), which is what `pdep` and `pext` move.

use super::{ReadBuffers, Sections, Wanted, read_runs};
use crate::bits::{BitWriter, PADDING, bits_for, ones_of_words, read_bits};
use crate::container::{FileReader, Section};
use crate::error::Result;
use crate::kernels;
use crate::sample::ImageShape;

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

    pub(super) fn check(&self, file: &FileReader, at: Sections, rows: u64) -> Result<()> {
        check_section(file, at.records, self.record_bits(), rows)?;
        check_section(file, at.beside, self.base_bits, self.bases)
    }

    pub(super) fn read_row(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let section = file.section_at(at.records);
        let (records, bit, bytes) = read_entry(file, section, self.record_bits(), row, &mut buffers.records)?;
        buffers.bytes_read += bytes;
        if self.is_plain(out.len()) {
            out.copy_from_slice(&records[..out.len()]);
            return Ok(());
        }
        let deviation = bit + u64::from(self.id_bits);
        kernels::scatter(records, deviation, self.deviation_bits, &self.deviation, &self.constants, out);
        if self.base_bits == 0 {
            return Ok(());
        }
        let base = read_bits(records, bit, self.id_bits);
        if base >= self.bases {
            let detail = format!("base_id {base} of {} bases", self.bases);
            return Err(file.corrupt(section.entry().id, detail));
        }
        let section = file.section_at(at.beside);
        let (table, bit, bytes) = read_entry(file, section, self.base_bits, base, &mut buffers.bases)?;
        buffers.bytes_read += bytes;
        kernels::scatter_sparse(table, bit, self.base_bits, &self.base, out);
        Ok(())
    }

    /// Whether records are rows of `row_bytes` bytes as they are.
    pub fn is_plain(&self, row_bytes: usize) -> bool {
        self.record_bits() == 8 * row_bytes as u64 && self.deviation_bits == self.record_bits()
    }

    /// The part of an image that is wanted, from records that are rows as they are, of `image` with elements of
    /// `element_bytes`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`], [`crate::Error::Argument`] for a window outside of the image.
    pub fn read_window(
        &self,
        file: &FileReader,
        at: Sections,
        wanted: &mut Wanted<'_>,
        image: &ImageShape,
        element_bytes: usize,
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let window = wanted.window_of(image, element_bytes)?;
        let section = file.section_at(at.records);
        let start = wanted.row * self.record_bits() / 8;
        read_runs(file, section, start, image, element_bytes, window, wanted.out, buffers)
    }

    pub(super) fn read_base_id(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        buffers: &mut ReadBuffers,
    ) -> Result<u64> {
        let section = file.section_at(at.records);
        let (records, bit, _) = read_entry(file, section, self.record_bits(), row, &mut buffers.records)?;
        Ok(read_bits(records, bit, self.id_bits))
    }
}

fn check_section(file: &FileReader, number: usize, bits: u64, count: u64) -> Result<()> {
    let entry = file.section_at(number).entry();
    let expected = (u128::from(bits) * u128::from(count)).div_ceil(8) + PADDING as u128;
    if u128::from(entry.bytes) == expected {
        return Ok(());
    }
    let detail = format!("{} bytes where {count} entries of {bits} bits need {expected}", entry.bytes);
    Err(file.corrupt(entry.id, detail))
}

/// Entry `index` of a section of entries of `width` bits: bytes that cover it, its first bit there, and how many
/// bytes that took. The entry lies in the section, whose length was checked when the block was opened.
fn read_entry<'a>(
    file: &'a FileReader,
    section: &'a Section,
    width: u64,
    index: u64,
    buffer: &'a mut Vec<u8>,
) -> Result<(&'a [u8], u64, u64)> {
    let first = index * width;
    let start = first / 8;
    let bytes = (first + width).div_ceil(8) - start;
    Ok((file.read(section, start, bytes, PADDING as u64, buffer)?, first % 8, bytes))
}
