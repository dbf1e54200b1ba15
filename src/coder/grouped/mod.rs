//! The `grouped` coder: rows of integers, entropy-coded in groups that know nothing of each other, one stream for each.
//! In: the parameters of a block, and row numbers. Out: rows.
//!
//! A row costs decoding its group up to it. What was decoded last is kept: rows asked for in their order are decoded once.

mod bytes;
pub mod model;
mod walk;
mod weights;

pub use bytes::{read, write};
pub use model::Model;
pub use walk::{GroupEncoder, count, decode_group};
pub use weights::{Code, codes};

use super::lengths::Lengths;
use super::{ReadBuffers, Sections};
use crate::bits::BitLayout;
use crate::container::FileReader;
use crate::error::Result;
use crate::rans::{AliasTable, Decoder, Paused, STATE_BYTES};
use walk::{Memory, Walk};

/// More bytes than any cell takes in a stream: a word for its symbol and as many as its plain bits need.
const CELL_BYTES: u64 = 12;

/// The coder of one block.
pub struct Grouped {
    walk: Walk,
    tables: Vec<AliasTable>,
    columns: u64,
    rows: u64,
    /// Rows of a group.
    group: u64,
    lengths: Lengths,
}

/// The group that was decoded last, and how far.
#[derive(Default)]
pub(super) struct Open {
    /// Where its records are, and its number there.
    key: Option<(usize, u64)>,
    stream: Vec<u8>,
    paused: Paused,
    /// Rows decoded.
    rows: u64,
    memory: Memory,
}

impl Grouped {
    /// Check the lengths of the streams of `rows` rows, of which `group` make a group.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`].
    pub fn open(
        file: &FileReader,
        at: Sections,
        model: &Model,
        layout: &BitLayout,
        rows: u64,
        group: u64,
    ) -> Result<Self> {
        let lengths = Lengths::open(file, file.section_at(at.beside), rows.div_ceil(group))?;
        let columns = model.columns.len() as u64;
        let (walk, tables) = (Walk::new(model, layout), walk::alias_tables(model));
        Ok(Self { walk, tables, columns, rows, group, lengths })
    }

    pub(super) fn read_row(
        &self,
        file: &FileReader,
        at: Sections,
        row: u64,
        out: &mut [u8],
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        let (number, place) = (row / self.group, row % self.group);
        if buffers.open.key != Some((at.records, number)) {
            self.open_group(file, at, number, buffers)?;
        }
        let open = &mut buffers.open;
        if place >= open.rows {
            let mut decoder = Decoder::resume(&open.stream, open.paused);
            for row in open.rows..=place {
                self.walk.decode(&self.tables, row as usize, &mut open.memory, &mut decoder);
            }
            open.rows = place + 1;
            open.paused = decoder.pause();
            let all = self.group.min(self.rows - number * self.group);
            if open.rows == all && !decoder.is_finished() {
                open.key = None;
                let detail = format!("the stream of group {number} does not end as it should");
                return Err(file.corrupt(file.section_at(at.records).entry().id, detail));
            }
        }
        self.walk.write_row(place as usize, &open.memory, out);
        Ok(())
    }

    /// Read the stream of a group.
    fn open_group(
        &self,
        file: &FileReader,
        at: Sections,
        number: u64,
        buffers: &mut ReadBuffers,
    ) -> Result<()> {
        buffers.open.key = None;
        buffers.places.clear();
        self.lengths.places(file, file.section_at(at.beside), number, 1, &mut buffers.places)?;
        let (start, bytes) = buffers.places.first().copied().unwrap_or_default();
        let records = file.section_at(at.records);
        let most = STATE_BYTES as u64 + self.group * self.columns * CELL_BYTES;
        if bytes > most {
            let detail = format!("a stream of {bytes} bytes for a group that needs at most {most}");
            return Err(file.corrupt(records.entry().id, detail));
        }
        let stream = file.read(records, start, bytes, 0, &mut buffers.records)?;
        buffers.bytes_read += bytes;
        let open = &mut buffers.open;
        open.stream.clear();
        open.stream.extend_from_slice(stream);
        open.paused = Decoder::new(&open.stream).pause();
        open.rows = 0;
        self.walk.start(self.group.min(self.rows - number * self.group) as usize, &mut open.memory);
        open.key = Some((at.records, number));
        Ok(())
    }
}
