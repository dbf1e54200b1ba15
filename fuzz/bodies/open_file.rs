//! A damaged golden file: opened, decoded whole and in part, verified. The input is a mode byte and a list of edits (two bytes of
//! offset, one of value); checksums are recomputed after them, so that the fuzzer reaches the code behind them.

use dreamlearning::dataset::Request;
use dreamlearning::sample::Window;
use dreamlearning::{Dataset, Reading};

#[path = "reseal.rs"]
mod reseal;
use reseal::reseal;

const GOLDEN: [&[u8]; 9] = [
    include_bytes!("../../tests/golden/v1.0_fast.gede"),
    include_bytes!("../../tests/golden/v1.0_paper_exact.gede"),
    include_bytes!("../../tests/golden/v1.0_columns.gede"),
    include_bytes!("../../tests/golden/v1.0_small.gede"),
    include_bytes!("../../tests/golden/v1.0_filtered.gede"),
    include_bytes!("../../tests/golden/v1.0_tiles.gede"),
    include_bytes!("../../tests/golden/v1.0_own_shapes.gede"),
    include_bytes!("../../tests/golden/v1.0_own_shapes_16_bits.gede"),
    include_bytes!("../../tests/golden/v1.0_grouped.gede"),
];

/// Run on one input.
pub fn run(data: &[u8]) {
    let Some((&mode, edits)) = data.split_first() else { return };
    let mut bytes = GOLDEN[(mode >> 2) as usize % GOLDEN.len()].to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    if mode & 1 == 1 {
        reseal(&mut bytes);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    std::fs::write(&path, &bytes).unwrap();
    let reading = if mode & 2 == 2 { Reading::Map } else { Reading::Positioned };
    let Ok(dataset) = Dataset::open(&path, reading) else { return };
    if dataset.len() > 1000 {
        return;
    }
    let mut total = 0;
    for index in 0..dataset.len() {
        let Ok(size) = dataset.bytes_of(index) else { continue };
        total += size;
        if size > 1 << 16 || total > 1 << 20 {
            return;
        }
        let mut out = vec![0; size];
        let _ = dataset.decode_each(&mut [Request { index, window: None, out: &mut out }], 1);
        if let Ok(Some((height, width))) = dataset.sides(index) {
            let window = Window { top: height / 3, left: width / 2, height: 1, width: width.div_ceil(4) };
            let part = size / height.max(1) / width.max(1) * window.width;
            let mut out = vec![0; part];
            let _ = dataset.decode_each(&mut [Request { index, window: Some(window), out: &mut out }], 1);
        }
    }
    let _ = dataset.info(true);
    let _ = dataset.verify(1, &mut |_, _| Ok(()));
    let _ = dataset.bases(0);
    let _ = dataset.condense(5);
}
