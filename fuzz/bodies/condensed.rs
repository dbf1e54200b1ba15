//! The section of condensed samples: any bytes, and where they are plans, the clusters that these make of a few rows. What can be read
//! is written as it was read.

use dreamlearning::DType;
use dreamlearning::condense::{
    Cell, CodeKind, CondenseOptions, Goal, Kept, Rows, Stored, condense, condense_by,
};
use dreamlearning::source::MemorySource;

const ROWS: u32 = 60;

/// Run on one input.
pub fn run(data: &[u8]) {
    let bytes: Vec<u8> =
        (0..ROWS).flat_map(|row| [row as u8, (row * row) as u8, (row % 7 * 37) as u8]).collect();
    let cell = |offset| Cell { dtype: DType::UInt8, offset, divisor: 1.0, valid: None, name: String::new() };
    let cells = [cell(0), cell(1), cell(2)];
    let (even, odd): (Vec<u32>, Vec<u32>) = (0..ROWS).partition(|row| row % 3 == 0);
    let classes: Vec<u32> = (0..ROWS).map(|row| row % 2).collect();
    let rows = Rows {
        source: &MemorySource { bytes: &bytes, sample_bytes: 3 },
        row_bytes: 3,
        cells: &cells,
        target: None,
        classes: data.first().is_some_and(|byte| byte & 1 == 1).then_some(&classes[..]),
        partitions: vec![&even, &odd],
    };
    let options = CondenseOptions {
        goal: Goal::Clusters(9),
        codes: CodeKind::Value,
        target_inside: false,
        nearest: true,
        num_threads: 1,
    };
    let Some((&mode, section)) = data.split_first() else { return };
    if mode & 2 == 2 {
        // What we write ourselves, changed in a few places: two bytes of offset, one of value each.
        let (condensed, plans) = condense(&rows, &options).unwrap();
        let stored = if mode & 4 == 4 { Stored::Plans(plans) } else { Stored::Samples(condensed) };
        let mut own = Kept { request: "{}".to_owned(), stored }.to_bytes();
        for edit in section.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % own.len();
            own[at] = edit[2];
        }
        read(&rows, &options, &own);
    } else {
        read(&rows, &options, section);
    }
}

fn read(rows: &Rows<'_>, options: &CondenseOptions, section: &[u8]) {
    let Ok(kept) = Kept::from_bytes(section, u64::from(ROWS), 2) else { return };
    if let Stored::Plans(plans) = &kept.stored
        && let Ok(condensed) = condense_by(rows, plans, options)
    {
        assert_eq!(condensed.sizes.iter().sum::<u64>(), u64::from(ROWS));
    }
    let again = Kept::from_bytes(&kept.to_bytes(), u64::from(ROWS), 2).unwrap();
    assert_eq!(format!("{again:?}"), format!("{kept:?}"));
}
