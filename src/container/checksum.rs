//! Checksums. In: bytes as they arrive. Out: xxh3-64 of every chunk of a section.

use xxhash_rust::xxh3::xxh3_64;

/// xxh3-64 with seed 0, the only hash of the format.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Hashes a stream chunk by chunk.
#[derive(Debug)]
pub(super) struct ChunkHasher {
    chunk: usize,
    pending: Vec<u8>,
    sums: Vec<u64>,
}

impl ChunkHasher {
    pub(super) fn new(chunk_log2: u8) -> Self {
        Self { chunk: 1 << chunk_log2, pending: Vec::new(), sums: Vec::new() }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.pending.is_empty() && bytes.len() >= self.chunk {
                self.sums.push(hash(&bytes[..self.chunk]));
                bytes = &bytes[self.chunk..];
                continue;
            }
            let take = bytes.len().min(self.chunk - self.pending.len());
            self.pending.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            if self.pending.len() == self.chunk {
                self.sums.push(hash(&self.pending));
                self.pending.clear();
            }
        }
    }

    /// The sums as the file holds them: 8 bytes each, little-endian.
    pub(super) fn finish(mut self) -> Vec<u8> {
        if !self.pending.is_empty() {
            self.sums.push(hash(&self.pending));
        }
        self.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_do_not_depend_on_the_pieces() {
        let bytes: Vec<u8> = (0..1000u32).map(|i| (i * 7) as u8).collect();
        let mut whole = ChunkHasher::new(6);
        whole.update(&bytes);
        let mut pieces = ChunkHasher::new(6);
        bytes.chunks(37).for_each(|piece| pieces.update(piece));
        let whole = whole.finish();
        assert_eq!(whole, pieces.finish());
        assert_eq!(whole.len(), 1000usize.div_ceil(64) * 8);
        assert_eq!(whole[..8], hash(&bytes[..64]).to_le_bytes());
    }
}
