//! Any samples, images of own sizes among them: compressed by every preset that promises to be exact, and read back bit
//! for bit, whole and in part.

use arbitrary::{Arbitrary, Unstructured};
use dreamlearning::dataset::Request;
use dreamlearning::sample::{Images, OWN_SIDE, Window};
use dreamlearning::source::{MemorySource, SampleSource};
use dreamlearning::{CompressOptions, DType, Dataset, Input, Preset, Reading, SampleLayout, compress};

#[derive(Arbitrary, Debug)]
struct Case {
    dtype: u8,
    shape: [u8; 3],
    rank: u8,
    classes: u8,
    preset: u8,
    tau: Option<u8>,
    bytes: Vec<u8>,
}

/// Run on one input.
pub fn run(data: &[u8]) {
    let Ok(case) = Case::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if case.rank & 4 == 4 { own_sizes(&case) } else { one_shape(&case) }
}

fn options(case: &Case) -> CompressOptions {
    CompressOptions {
        preset: [Preset::Paper, Preset::Fast, Preset::Small, Preset::Raw][usize::from(case.preset % 4)],
        exact: true,
        tau: case.tau.map(|tau| u64::from(tau) + 1),
        num_threads: 1,
        overwrite: true,
        ..CompressOptions::default()
    }
}

fn one_shape(case: &Case) {
    let dtype = DType::ALL[usize::from(case.dtype) % DType::ALL.len()];
    let shape: Vec<u64> =
        case.shape[..usize::from(case.rank % 4)].iter().map(|&side| u64::from(side % 20)).collect();
    let layout = SampleLayout { dtype, shape };
    let sample_bytes = layout.bytes().unwrap();
    let Some(count) = case.bytes.len().checked_div(sample_bytes) else { return };
    let bytes = &case.bytes[..count * sample_bytes];
    let classes = u32::from(case.classes % 4) + 1;
    let ids: Vec<u32> = (0..count as u32).map(|i| i % classes).collect();
    let source = MemorySource { bytes, sample_bytes };
    let input = Input {
        layout,
        columns: None,
        sides: None,
        num_samples: count as u64,
        source: &source,
        fields: Vec::new(),
        partitions: Some(((0..classes).map(|c| c.to_string()).collect(), &ids)),
        condensing: None,
        user: "{}",
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    compress(&path, &input, &options(case), &mut |_| Ok(())).unwrap();
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    let indices: Vec<i64> = (0..count as i64).collect();
    let mut out = vec![0; bytes.len()];
    dataset.decode_into(&indices, &mut out, 1).unwrap();
    assert_eq!(out, bytes);
    dataset.verify(1, &mut |_, _| Ok(())).unwrap();
}

/// Images one after another.
struct Album<'a> {
    starts: Vec<usize>,
    bytes: &'a [u8],
}

impl SampleSource for Album<'_> {
    fn read(&self, ids: &[u32], mut out: &mut [u8]) -> dreamlearning::Result<()> {
        for &id in ids {
            let image = &self.bytes[self.starts[id as usize]..self.starts[id as usize + 1]];
            let (now, later) = out.split_at_mut(image.len());
            now.copy_from_slice(image);
            out = later;
        }
        Ok(())
    }
}

fn own_sizes(case: &Case) {
    let channels = u64::from(case.shape[0] % 4) + 1;
    let dtype = if case.dtype & 1 == 0 { DType::UInt8 } else { DType::UInt16 };
    let shape = match case.rank % 3 {
        0 => vec![OWN_SIDE, OWN_SIDE],
        1 => vec![OWN_SIDE, OWN_SIDE, channels],
        _ => vec![channels, OWN_SIDE, OWN_SIDE],
    };
    let layout = SampleLayout { dtype, shape };
    let images = Images::of(&layout).unwrap();
    let (mut sides, mut starts) = (Vec::new(), vec![0]);
    // Each image's sides follow from the two bytes where it begins.
    while let Some([a, b, ..]) = case.bytes.get(starts[starts.len() - 1]..) {
        let (height, width) = (1 + u32::from(a % 80), 1 + u32::from(b % 80));
        let end = starts[starts.len() - 1] + images.bytes((height as usize, width as usize)).unwrap();
        if end > case.bytes.len() {
            break;
        }
        sides.push((height, width));
        starts.push(end);
    }
    let album = Album { bytes: &case.bytes[..starts[starts.len() - 1]], starts };
    let mut options = options(case);
    if options.preset == Preset::Paper {
        options.preset = Preset::Auto;
    }
    let input = Input {
        layout,
        columns: None,
        sides: Some(&sides),
        num_samples: sides.len() as u64,
        source: &album,
        fields: Vec::new(),
        partitions: None,
        condensing: None,
        user: "{}",
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzz.gede");
    compress(&path, &input, &options, &mut |_| Ok(())).unwrap();
    let dataset = Dataset::open(&path, Reading::Map).unwrap();
    dataset.verify(1, &mut |_, _| Ok(())).unwrap();
    for (index, &(height, width)) in sides.iter().enumerate() {
        let image = images.shape((height as usize, width as usize));
        let whole = &album.bytes[album.starts[index]..album.starts[index + 1]];
        let mut out = vec![0; whole.len()];
        dataset.decode_each(&mut [Request { index: index as u64, window: None, out: &mut out }], 1).unwrap();
        assert_eq!(out, whole);
        let (top, left) = (image.height / 3, image.width / 2);
        let window =
            Window { top, left, height: image.height - top, width: (image.width - left).div_ceil(2) };
        let size = dtype.size();
        let expected: Vec<u8> = image
            .runs(window)
            .flat_map(|(first, count)| whole[first * size..(first + count) * size].to_vec())
            .collect();
        let mut part = vec![0; expected.len()];
        dataset
            .decode_each(&mut [Request { index: index as u64, window: Some(window), out: &mut part }], 1)
            .unwrap();
        assert_eq!(part, expected);
    }
}
