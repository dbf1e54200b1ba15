//! Promise: images of any sizes come back bit for bit, whole or in part, and a part reads no more than it needs.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod support;

use std::fs;

use dreamlearning::dataset::Request;
use dreamlearning::sample::{ImageShape, Images, OWN_SIDE, Window};
use dreamlearning::{DType, Dataset, Error, Preset, Reading};
use proptest::prelude::*;
use support::{Data, Random, images, options, ragged, read_all, write_temporary};

const PRESETS: [Preset; 3] = [Preset::Small, Preset::Fast, Preset::Raw];

/// `data` with channels first.
fn channels_first(data: &Data) -> Data {
    let images = Images::of(&data.layout).unwrap();
    let mut bytes = Vec::new();
    for index in 0..data.len() {
        let sample = data.sample(index);
        for channel in 0..images.channels {
            bytes.extend(sample.iter().skip(channel).step_by(images.channels));
        }
    }
    let mut shape = data.layout.shape.clone();
    shape.rotate_right(1);
    Data { sides: data.sides.clone(), ..Data::new(data.layout.dtype, &shape, bytes) }
}

/// `data` with 16 bits, of which the lower are noise.
fn sixteen_bits(data: &Data) -> Data {
    let mut random = Random(5);
    let bytes = data.bytes.iter().flat_map(|&byte| [(random.next() % 7) as u8, byte]).collect();
    Data { sides: data.sides.clone(), ..Data::new(DType::UInt16, &data.layout.shape, bytes) }
}

fn image_of(data: &Data, index: usize) -> ImageShape {
    let images = Images::of(&data.layout).unwrap();
    let own = data.sides.as_ref().map(|sides| (sides[index].0 as usize, sides[index].1 as usize));
    images.shape(own.or(images.sides).unwrap())
}

/// The part `window` of a sample, pixel by pixel.
fn part(data: &Data, index: usize, window: Window) -> Vec<u8> {
    let (sample, image) = (data.sample(index), image_of(data, index));
    let cut = ImageShape { height: window.height, width: window.width, ..image };
    let size = data.layout.dtype.size();
    let mut out = vec![0; window.height * window.width * image.channels * size];
    for channel in 0..image.channels {
        for y in 0..window.height {
            for x in 0..window.width {
                let place = |image: ImageShape, y: usize, x: usize| {
                    let (first, step) = image.plane(channel);
                    (first + (y * image.width + x) * step) * size
                };
                let from = place(image, window.top + y, window.left + x);
                out[place(cut, y, x)..][..size].copy_from_slice(&sample[from..from + size]);
            }
        }
    }
    out
}

fn random_window(image: ImageShape, random: &mut Random) -> Window {
    let mut stretch = |side: usize| {
        let length = 1 + random.next() as usize % side;
        (random.next() as usize % (side - length + 1), length)
    };
    let ((top, height), (left, width)) = (stretch(image.height), stretch(image.width));
    Window { top, left, height, width }
}

fn assert_everything_comes_back(data: &Data, preset: Preset) {
    let (_folder, path) = write_temporary(data, &options(preset));
    for reading in [Reading::Map, Reading::Positioned] {
        assert!(read_all(&path, reading).unwrap() == data.bytes, "{preset:?} {:?}", data.layout);
        let dataset = Dataset::open(&path, reading).unwrap();
        dataset.verify(1, &mut |_, _| Ok(())).unwrap();
        let info = dataset.info(true).unwrap();
        assert_eq!(info["raw_bytes"], (data.bytes.len() + data.labels.len()) as u64);
        let sections = info["sections"].as_object().unwrap().values();
        assert_eq!(sections.map(|bytes| bytes.as_u64().unwrap()).sum::<u64>(), info["file_bytes"]);
        let mut random = Random(9);
        for threads in [1, 3] {
            let wanted: Vec<(usize, Window)> = (0..40)
                .map(|_| {
                    let index = random.next() as usize % data.len();
                    (index, random_window(image_of(data, index), &mut random))
                })
                .collect();
            let expected: Vec<Vec<u8>> =
                wanted.iter().map(|&(index, window)| part(data, index, window)).collect();
            let mut outs: Vec<Vec<u8>> = expected.iter().map(|part| vec![0; part.len()]).collect();
            let requests = outs.iter_mut().zip(&wanted).map(|(out, &(index, window))| Request {
                index: index as u64,
                window: Some(window),
                out,
            });
            dataset.decode_each(&mut requests.collect::<Vec<_>>(), threads).unwrap();
            assert!(outs == expected, "{preset:?} {:?}", data.layout);
        }
    }
}

#[test]
fn images_with_their_own_sides_come_back() {
    for preset in PRESETS {
        for data in [
            ragged(30, 300, 200, 3, 1).with_classes(3),
            ragged(20, 40, 50, 1, 2),
            ragged(20, 9, 9, 2, 3),
            ragged(12, 60, 60, 4, 4),
            ragged(1, 1, 1, 1, 5),
        ] {
            assert_everything_comes_back(&data, preset);
            assert_everything_comes_back(&sixteen_bits(&data), preset);
            if data.layout.shape.len() == 3 {
                assert_everything_comes_back(&channels_first(&data), preset);
            }
        }
    }
}

#[test]
fn parts_of_images_of_one_shape_come_back() {
    let mut exact = options(Preset::Paper);
    exact.exact = true;
    let large = images(12, 150, 140, 3, 7);
    let tiny = images(40, 4, 5, 3, 8).with_classes(2);
    for data in [large.clone(), sixteen_bits(&tiny), channels_first(&large), tiny] {
        for preset in [Preset::Small, Preset::Fast, Preset::Raw, Preset::Paper] {
            if preset == Preset::Paper {
                let (_folder, path) = write_temporary(&data, &exact);
                let dataset = Dataset::open(&path, Reading::Map).unwrap();
                let window = Window { top: 1, left: 2, height: 2, width: 3 };
                let expected = part(&data, 3, window);
                let mut out = vec![0; expected.len()];
                let request = Request { index: 3, window: Some(window), out: &mut out };
                dataset.decode_each(&mut [request], 1).unwrap();
                assert!(out == expected);
            } else {
                assert_everything_comes_back(&data, preset);
            }
        }
    }
}

#[test]
fn a_part_reads_few_bytes() {
    let noise = Random(3).bytes(3 * 375 * 500 * 3).iter().map(|byte| byte & 15).collect();
    let data = Data::new(DType::UInt8, &[375, 500, 3], noise);
    for (preset, most) in [(Preset::Small, 0.2), (Preset::Raw, 0.07)] {
        let (_folder, path) = write_temporary(&data, &options(preset));
        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        let mut whole = vec![0; data.sample_bytes()];
        dataset.decode_into(&[1], &mut whole, 1).unwrap();
        let all = dataset.bytes_read();
        // 100 x 100 pixels inside two of twelve tiles.
        let window = Window { top: 10, left: 100, height: 100, width: 100 };
        let mut out = vec![0; 30000];
        let request = Request { index: 1, window: Some(window), out: &mut out };
        dataset.decode_each(&mut [request], 1).unwrap();
        let part = (dataset.bytes_read() - all) as f64 / all as f64;
        assert!(part < most, "{preset:?} reads {part} of the image");
    }
}

#[test]
fn what_is_not_there_is_refused_by_name() {
    let data = ragged(5, 30, 40, 3, 4);
    let image = image_of(&data, 2);
    for preset in PRESETS {
        let (_folder, path) = write_temporary(&data, &options(preset));
        let dataset = Dataset::open(&path, Reading::Map).unwrap();
        assert!(dataset.decode_into(&[0], &mut [0; 3], 1).is_err());
        let whole = image.window();
        let (right, low) = (image.width, image.height);
        for window in [
            Window { width: 0, ..whole },
            Window { left: 1, ..whole },
            Window { top: usize::MAX, ..whole },
            Window { top: low, height: 1, ..whole },
            Window { left: right, width: 1, ..whole },
        ] {
            let mut out = vec![0; data.sample(2).len()];
            let request = Request { index: 2, window: Some(window), out: &mut out };
            let error = dataset.decode_each(&mut [request], 1).unwrap_err();
            assert!(matches!(&error, Error::Argument(text) if text.contains("sample 2")), "{error}");
        }
        let error = dataset.decode_each(&mut [Request { index: 5, window: None, out: &mut [] }], 1);
        assert!(matches!(error, Err(Error::Index { index: 5, len: 5 })));
        let error = dataset.decode_each(&mut [Request { index: 2, window: None, out: &mut [0] }], 1);
        assert!(matches!(error, Err(Error::Argument(_))));
    }
}

#[test]
fn writing_refuses_what_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.gede");
    let good = ragged(5, 30, 40, 3, 4);
    let refused =
        |data: &Data, preset| support::write(data, &path, &options(preset)).unwrap_err().to_string();
    assert!(refused(&good, Preset::Paper).contains("one shape"));
    let mut empty = good.clone();
    empty.sides.as_mut().unwrap()[3].0 = 0;
    assert!(refused(&empty, Preset::Small).contains("sample 3"));
    let mut floats = good.clone();
    floats.layout.dtype = DType::Float32;
    assert!(refused(&floats, Preset::Small).contains("8 or 16 bits"));
    let mut columns = good.clone();
    columns.layout.shape = vec![OWN_SIDE, 5];
    assert!(refused(&columns, Preset::Small).contains("images"));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
}

#[test]
fn few_images_of_noise_do_not_pay_for_a_model() {
    let mut data = ragged(30, 20, 20, 3, 8);
    data.bytes = Random(9).bytes(data.bytes.len());
    let sizes = [Preset::Small, Preset::Raw].map(|preset| {
        let (_folder, path) = write_temporary(&data, &options(preset));
        assert!(read_all(&path, Reading::Map).unwrap() == data.bytes);
        fs::metadata(&path).unwrap().len()
    });
    assert!(sizes[0] <= sizes[1] + 64, "{sizes:?}");
}

#[test]
fn the_bytes_do_not_depend_on_threads() {
    for preset in PRESETS {
        let data = ragged(60, 200, 200, 3, 6).with_classes(2);
        let files = [1, 2, 5].map(|num_threads| {
            let mut options = options(preset);
            options.num_threads = num_threads;
            fs::read(write_temporary(&data, &options).1).unwrap()
        });
        assert!(files[0] == files[1] && files[1] == files[2]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_images_come_back(
        sides in prop::collection::vec((1u32..70, 1u32..70), 1..40),
        channels in 1u64..=4,
        wide: bool,
        preset in 0usize..3,
        seed: u64,
    ) {
        let mut bytes = Vec::new();
        for &(height, width) in &sides {
            let (height, width) = (u64::from(height), u64::from(width));
            bytes.extend(images(1, height, width, channels, seed ^ height << 20 ^ width).bytes);
        }
        let shape = [OWN_SIDE, OWN_SIDE, channels];
        let mut data = Data { sides: Some(sides), ..Data::new(DType::UInt8, &shape, bytes) };
        if wide {
            data = sixteen_bits(&data);
        }
        let (_folder, path) = write_temporary(&data, &options(PRESETS[preset]));
        prop_assert!(read_all(&path, Reading::Map).unwrap() == data.bytes);
    }
}
