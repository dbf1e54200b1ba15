//! Writing and reading one stream. In: symbols with the tables of their contexts, last one first. Out: bytes; symbols.

use super::{AliasTable, EncodeTable, FINAL_STATE, FREQUENCY_BITS};

/// Bytes of the state at the beginning of a stream.
pub const STATE_BYTES: usize = 4;

/// A symbol that is half put.
#[derive(Debug)]
pub struct Step<'t> {
    quotient: u32,
    slot: &'t u16,
}

/// Writes a stream from its end to its beginning.
#[derive(Debug)]
pub struct Encoder {
    state: u32,
    /// Words, last one first.
    words: Vec<u16>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { state: FINAL_STATE, words: Vec::new() }
    }
}

impl Encoder {
    /// Put `symbol` before what has been written so far; `table` has it.
    #[inline]
    pub fn put(&mut self, table: &EncodeTable, symbol: u8) {
        let step = self.begin(table, symbol);
        self.end(step);
    }

    /// The first half of [`Encoder::put`], all but a look-up in a large table: who writes many streams does the first half
    /// for all of them, so that their look-ups wait for memory together.
    #[inline]
    pub fn begin<'t>(&mut self, table: &'t EncodeTable, symbol: u8) -> Step<'t> {
        // Beyond this the step would leave 32 bits; the decoder takes the word back.
        if u64::from(self.state) >= u64::from(table.frequency(symbol)) << (32 - FREQUENCY_BITS) {
            self.move_word();
        }
        let (quotient, slot) = table.encode(self.state, symbol);
        Step { quotient, slot }
    }

    /// The second half, before anything else is put.
    #[inline]
    pub fn end(&mut self, step: Step<'_>) {
        self.state = step.quotient | u32::from(*step.slot);
    }

    /// Put `count` (0 to 16) plain bits before what has been written so far.
    pub fn put_bits(&mut self, bits: u32, count: u32) {
        if u64::from(self.state) >= 1 << (32 - count) {
            self.move_word();
        }
        self.state = self.state << count | bits;
    }

    /// Put `count` (0 to 64) plain bits, of which the decoder takes the lowest 16 first.
    pub fn put_wide(&mut self, bits: u64, count: u32) {
        for start in (0..count).step_by(16).rev() {
            let now = (count - start).min(16);
            self.put_bits((bits >> start) as u32 & ((1 << now) - 1), now);
        }
    }

    fn move_word(&mut self) {
        self.words.push(self.state as u16);
        self.state >>= 16;
    }

    /// Bytes that [`Encoder::finish`] will give.
    pub fn bytes(&self) -> usize {
        STATE_BYTES + 2 * self.words.len()
    }

    /// Append the stream to `out` and begin another.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        out.extend(self.state.to_le_bytes());
        out.extend(self.words.iter().rev().flat_map(|word| word.to_le_bytes()));
        self.words.clear();
        self.state = FINAL_STATE;
    }
}

/// How far a [`Decoder`] is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paused {
    state: u32,
    taken: usize,
}

/// Reads a stream from its beginning. A stream that ends too early goes on with zeros, which
/// [`Decoder::is_finished`] notices.
#[derive(Debug)]
pub struct Decoder<'a> {
    state: u32,
    words: &'a [u8],
    /// Words taken.
    taken: usize,
}

impl<'a> Decoder<'a> {
    /// A decoder of `stream`.
    pub fn new(stream: &'a [u8]) -> Self {
        let (state, words) = stream.split_first_chunk().unwrap_or((&[0; STATE_BYTES], &[]));
        Self { state: u32::from_le_bytes(*state), words, taken: 0 }
    }

    /// The next symbol, whose context has `table`.
    #[inline(always)]
    pub fn take(&mut self, table: &AliasTable) -> u8 {
        let (symbol, state) = table.decode(self.state);
        self.state = state;
        self.refill();
        symbol
    }

    /// The next `count` (0 to 16) plain bits.
    pub fn take_bits(&mut self, count: u32) -> u32 {
        let bits = self.state & ((1 << count) - 1);
        self.state >>= count;
        self.refill();
        bits
    }

    #[inline(always)]
    fn refill(&mut self) {
        // The word is loaded whether it is needed or not, and then taken or not without a branch, which would be foreseen
        // wrongly every third time.
        let word = self.words[(2 * self.taken).min(self.words.len())..].first_chunk();
        let word = word.map_or(0, |&word| u32::from(u16::from_le_bytes(word)));
        let needed = 0u32.wrapping_sub(u32::from(self.state < 1 << 16));
        self.state = (self.state << 16 | word) & needed | self.state & !needed;
        self.taken += (needed & 1) as usize;
    }

    /// The next `count` (0 to 64) plain bits, as [`Encoder::put_wide`] puts them.
    #[inline]
    pub fn take_wide(&mut self, count: u32) -> u64 {
        let mut value = 0;
        let mut taken = 0;
        while taken < count {
            let now = (count - taken).min(16);
            value |= u64::from(self.take_bits(now)) << taken;
            taken += now;
        }
        value
    }

    /// What [`Decoder::resume`] needs to go on from here.
    pub fn pause(&self) -> Paused {
        Paused { state: self.state, taken: self.taken }
    }

    /// The decoder of `stream` that was paused.
    pub fn resume(stream: &'a [u8], paused: Paused) -> Self {
        let words = stream.get(STATE_BYTES..).unwrap_or(&[]);
        Self { state: paused.state, words, taken: paused.taken }
    }

    /// Whether the stream was read to its end and ended as streams do.
    pub fn is_finished(&self) -> bool {
        self.state == FINAL_STATE && 2 * self.taken == self.words.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Frequencies, SYMBOLS};
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_put_is_taken(
            counts in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0u64), 0u64..50, 0u64..100_000], SYMBOLS), 1..4),
            symbols in prop::collection::vec((any::<u8>(), any::<u8>()), 0..500),
            cut in 1usize..8,
        ) {
            let frequencies: Vec<Frequencies> =
                counts.into_iter().map(|c| Frequencies::from_counts(&c.try_into().unwrap(), 128)).collect();
            let encode: Vec<EncodeTable> = frequencies.iter().map(EncodeTable::new).collect();
            let decode: Vec<AliasTable> = frequencies.iter().map(AliasTable::new).collect();
            let mut encoder = Encoder::default();
            for &(context, symbol) in symbols.iter().rev() {
                let table = &encode[context as usize % encode.len()];
                if table.has(symbol) && symbol != 128 {
                    encoder.put(table, symbol);
                } else {
                    encoder.put_bits(symbol.into(), 8);
                    encoder.put(table, 128);
                }
            }
            let bytes = encoder.bytes();
            let mut stream = Vec::new();
            encoder.finish(&mut stream);
            prop_assert_eq!(stream.len(), bytes);
            let read = |stream: &[u8]| {
                let mut decoder = Decoder::new(stream);
                let found: Vec<u8> = symbols.iter().map(|&(context, _)| {
                    match decoder.take(&decode[context as usize % decode.len()]) {
                        128 => decoder.take_bits(8) as u8,
                        symbol => symbol,
                    }
                }).collect();
                (found, decoder.is_finished())
            };
            let (found, finished) = read(&stream);
            prop_assert!(finished);
            prop_assert!(found.iter().eq(symbols.iter().map(|(_, symbol)| symbol)));
            prop_assert!(!read(&stream[..stream.len().saturating_sub(cut)]).1);
            stream.extend([0, 0]);
            prop_assert!(!read(&stream).1);
        }

        #[test]
        fn wide_bits_come_back_and_a_decoder_goes_on(values in prop::collection::vec((any::<u64>(), 0u32..=64), 0..200)) {
            let masked: Vec<(u64, u32)> =
                values.iter().map(|&(v, bits)| (v & u64::MAX.checked_shr(64 - bits).unwrap_or(0), bits)).collect();
            let mut encoder = Encoder::default();
            masked.iter().rev().for_each(|&(value, bits)| encoder.put_wide(value, bits));
            let mut stream = Vec::new();
            encoder.finish(&mut stream);
            let mut paused = Decoder::new(&stream).pause();
            for (value, bits) in masked {
                let mut decoder = Decoder::resume(&stream, paused);
                prop_assert_eq!(decoder.take_wide(bits), value);
                paused = decoder.pause();
            }
            prop_assert!(Decoder::resume(&stream, paused).is_finished());
        }
    }
}
