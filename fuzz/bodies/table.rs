//! Tables: any columns, compressed and read back bit for bit; the damaged golden file; and codes from any JSON, which must
//! be refused or decode any row to something.

use dreamlearning::source::MemorySource;
use dreamlearning::transform::{Scratch, Spec, build_with};
use dreamlearning::{
    Columns, CompressOptions, DType, Dataset, Input, Preset, Reading, SampleLayout, compress,
};

#[path = "reseal.rs"]
mod reseal;
use reseal::reseal;

const GOLDEN: &[u8] = include_bytes!("../../tests/golden/v1.0_table.gede");

/// Run on one input: what to do, and with what.
pub fn run(data: &[u8]) {
    let Some((&mode, rest)) = data.split_first() else { return };
    match mode % 3 {
        0 => records(mode, rest),
        1 => damaged(mode, rest),
        _ => codes(rest),
    }
}

/// A number of columns, a byte for each (dtype, and what makes floats of it), then cells.
fn records(mode: u8, data: &[u8]) {
    let Some((&count, rest)) = data.split_first() else { return };
    let count = usize::from(count % 8) + 1;
    if rest.len() < count {
        return;
    }
    let (kinds, cells) = rest.split_at(count);
    let dtypes: Vec<DType> = kinds.iter().map(|kind| DType::ALL[usize::from(kind % 12)]).collect();
    let sample_bytes: usize = dtypes.iter().map(|dtype| dtype.size()).sum();
    let rows = cells.len() / sample_bytes;
    let mut bytes = cells[..rows * sample_bytes].to_vec();
    // Floats of any bits hide nothing: some become decimals, and quotients by the column before.
    for row in bytes.chunks_exact_mut(sample_bytes) {
        let mut start = 0;
        let mut before = 1.0;
        for (kind, dtype) in kinds.iter().zip(&dtypes) {
            let cell = &mut row[start..start + dtype.size()];
            let small = f64::from(u16::from_le_bytes([cell[0], cell[dtype.size() - 1]]));
            let divisor = [1.0, 10.0, 100.0, before][usize::from(kind / 12 % 4)];
            match (kind / 48 % 2, dtype) {
                (1, DType::Float64) => cell.copy_from_slice(&(small / divisor).to_le_bytes()),
                (1, DType::Float32) => cell.copy_from_slice(&((small / divisor) as f32).to_le_bytes()),
                _ => {}
            }
            before = small;
            start += dtype.size();
        }
    }
    let source = MemorySource { bytes: &bytes, sample_bytes };
    let ids: Vec<u32> = (0..rows as u32).map(|i| i % 2).collect();
    let input = Input {
        layout: SampleLayout { dtype: DType::UInt8, shape: vec![sample_bytes as u64] },
        columns: Some(Columns { dtypes, strings: Vec::new() }),
        sides: None,
        num_samples: rows as u64,
        source: &source,
        fields: Vec::new(),
        partitions: Some((vec!["even".to_owned(), "odd".to_owned()], &ids)),
        condensing: None,
        user: "{}",
    };
    let preset = if mode & 64 == 64 { Preset::Auto } else { Preset::Paper };
    let options = CompressOptions { preset, num_threads: 1, overwrite: true, ..CompressOptions::default() };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    compress(&path, &input, &options, &mut |_| Ok(())).unwrap();
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let indices: Vec<i64> = (0..rows as i64).collect();
    let mut out = vec![0; bytes.len()];
    dataset.decode_into(&indices, &mut out, 1).unwrap();
    assert_eq!(out, bytes);
    dataset.verify(1, &mut |_, _| Ok(())).unwrap();
}

/// Edits of three bytes: two of offset, one of value.
fn damaged(mode: u8, edits: &[u8]) {
    let mut bytes = GOLDEN.to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    if mode & 64 == 64 {
        reseal(&mut bytes);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    std::fs::write(&path, &bytes).unwrap();
    let Ok(dataset) = Dataset::open(&path, Reading::Positioned) else { return };
    let Some(sample_bytes) = dataset.sample_bytes().filter(|&bytes| bytes < 1 << 12) else { return };
    if dataset.len() > 1000 {
        return;
    }
    let indices: Vec<i64> = (0..dataset.len() as i64).collect();
    let mut out = vec![0; indices.len() * sample_bytes];
    let _ = dataset.decode_into(&indices, &mut out, 1);
    let _ = dataset.info(true);
    let _ = dataset.strings(4);
    let _ = dataset.verify(1, &mut |_, _| Ok(()));
    let _ = dataset.bases(0);
    let _ = dataset.condense(5);
}

/// JSON up to a zero byte, then a row.
fn codes(data: &[u8]) {
    let (json, row) = data.split_at(data.iter().position(|&byte| byte == 0).unwrap_or(data.len()));
    let Ok(spec) = serde_json::from_slice::<Spec>(json) else { return };
    let Spec::Table { columns, .. } = &spec else { return };
    let sample_bytes: usize = columns.iter().map(|column| column.dtype.size()).sum();
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![sample_bytes as u64] };
    let dictionary = |column: u32| Ok(vec![7; columns[column as usize].dtype.size()]);
    let Ok(transform) = build_with(&spec, &layout, &dictionary) else { return };
    let mut row = row.to_vec();
    row.resize(transform.layers()[0].row_bytes(), 1);
    let (mut out, mut again) = (vec![0; sample_bytes], vec![0; row.len()]);
    transform.inverse(&[&row], &mut out, &mut Scratch::default());
    transform.forward(&out, &mut [&mut again], &mut Scratch::default());
}
