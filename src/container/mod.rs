//! The `.gede` container: bytes, sections and checksums. In: section payloads. Out: one file that is there as a
//! whole or not at all, and readers that check before they believe. No algorithm lives here.
//!
//! `docs/format.md` is the specification; the constants below are its numbers.

mod checksum;
mod header;
mod reader;
mod section;
mod writer;

pub use header::{FORMAT_VERSION, HEADER_BYTES, Header, MAGIC};
pub use reader::{FileReader, Reading, Section};
pub use section::{ENTRY_BYTES, SectionEntry, SectionId, SectionKind};
pub use writer::FileWriter;

/// Sections and the section table begin at multiples of this.
pub const ALIGNMENT: u64 = 64;

/// `log2` of the bytes that one checksum of this writer covers.
pub const CHUNK_LOG2: u8 = 13;

/// Upper limit of the metadata section.
pub const MAX_METADATA_BYTES: u64 = 64 << 20;

const fn align(position: u64, to: u64) -> u64 {
    position.next_multiple_of(to)
}
