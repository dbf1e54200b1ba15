//! In: the bytes of a file, damaged at will. Out: the same with all checksums right again, so that only the checks of content
//! are left. Used by the target `open_file` and by `tests/hostile.rs`.

use dreamlearning::container::{ENTRY_BYTES, HEADER_BYTES};
use xxhash_rust::xxh3::xxh3_64;

fn number(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..at + 8).map_or(0, |field| u64::from_le_bytes(field.try_into().unwrap()) as usize)
}

/// Recompute all checksums.
pub fn reseal(bytes: &mut [u8]) {
    if bytes.len() < HEADER_BYTES {
        return;
    }
    let table = number(bytes, 32).min(bytes.len());
    for entry in (table..bytes.len()).step_by(ENTRY_BYTES) {
        if entry + ENTRY_BYTES > bytes.len() {
            break;
        }
        let (offset, len, checks) =
            (number(bytes, entry + 8), number(bytes, entry + 16), number(bytes, entry + 24));
        let chunk = 1usize << bytes[entry + 40].clamp(6, 30);
        let Some(payload) = bytes.get(offset..offset.saturating_add(len)) else { continue };
        let sums: Vec<u8> = payload.chunks(chunk).flat_map(|chunk| xxh3_64(chunk).to_le_bytes()).collect();
        let Some(place) = bytes.get_mut(checks..checks.saturating_add(sums.len())) else { continue };
        place.copy_from_slice(&sums);
        bytes[entry + 32..entry + 40].copy_from_slice(&xxh3_64(&sums).to_le_bytes());
    }
    let sum = xxh3_64(&bytes[table..]);
    bytes[48..56].copy_from_slice(&sum.to_le_bytes());
    let sum = xxh3_64(&bytes[..56]);
    bytes[56..HEADER_BYTES].copy_from_slice(&sum.to_le_bytes());
}
