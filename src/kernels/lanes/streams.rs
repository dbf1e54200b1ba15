//! What the lanes read. In: streams. Out: one buffer, and how far each lane has come.

use crate::rans::FINAL_STATE;

/// The streams of all lanes in one buffer, and how far each has been read.
pub(super) struct Streams {
    pub(super) words: Vec<u8>,
    pub(super) state: Vec<i32>,
    pub(super) position: Vec<i32>,
    pub(super) end: Vec<i32>,
    /// Whether half a word is left over, as no writer leaves it.
    odd: Vec<bool>,
}

impl Streams {
    /// One stream for each of the first lanes, of images whose rows have at most `width` pixels.
    pub(super) fn new<'s>(
        streams: impl ExactSizeIterator<Item = &'s [u8]> + Clone,
        lanes: usize,
        width: usize,
    ) -> Self {
        assert!(streams.len() <= lanes, "more streams than lanes");
        // What a stream that ends too early goes on with: a pixel takes two words at most, and where a lane has run past
        // its end it is taken back after every row, see `Streams::after_row`.
        let rest = 4 * width + 8;
        let bytes = streams.clone().map(|stream| stream.len()).sum::<usize>() + lanes * rest;
        let mut this = Self {
            words: Vec::with_capacity(bytes),
            state: vec![0; lanes],
            position: vec![0; lanes],
            end: vec![0; lanes],
            odd: Vec::new(),
        };
        for (lane, stream) in streams.chain(std::iter::repeat(&[][..])).take(lanes).enumerate() {
            let (state, words) = stream.split_first_chunk().unwrap_or((&[0; 4], &[]));
            this.state[lane] = i32::from_le_bytes(*state);
            this.position[lane] = this.words.len() as i32;
            // Half a word is none.
            this.words.extend(&words[..words.len() / 2 * 2]);
            this.end[lane] = this.words.len() as i32;
            this.words.resize(this.words.len() + rest, 0);
            this.odd.push(words.len() % 2 == 1);
        }
        assert!(i32::try_from(this.words.len()).is_ok(), "streams of more than 2 GiB");
        this
    }

    /// Whether each of the first `count` streams was read to its end and ended as streams do.
    pub(super) fn finished(&self, count: usize) -> Vec<bool> {
        (0..count)
            .map(|i| self.state[i] == FINAL_STATE as i32 && self.position[i] == self.end[i] && !self.odd[i])
            .collect()
    }
}
