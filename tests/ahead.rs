//! Promise: batches that are decoded ahead, or with their channels taken apart, are those that were asked for, in order,
//! however many threads there are; a batch that cannot be read says so and the next one is good.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails may panic")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dreamlearning::dataset::{Ahead, Batch, Decoded, OnError, Order, Request};
use dreamlearning::sample::Window;
use dreamlearning::{DType, Dataset, Error, Preset, Reading};
use support::{Data, Random, images, options, ragged, write_temporary};

const SOON: Duration = Duration::from_secs(60);

fn open(path: &Path) -> Arc<Dataset> {
    Arc::new(Dataset::open(path, Reading::Positioned).unwrap())
}

fn start(dataset: &Arc<Dataset>, threads: usize, order: Order, on_error: OnError) -> Ahead<Vec<u8>> {
    Ahead::new(Arc::clone(dataset), threads, order, on_error, |bytes| vec![0xA5; bytes]).unwrap()
}

fn batch(indices: &[u64]) -> Batch<Vec<u8>> {
    Batch { indices: indices.to_vec(), windows: None, buffer: None }
}

fn take(ahead: &Ahead<Vec<u8>>) -> Result<Decoded<Vec<u8>>, Error> {
    ahead.take(SOON).unwrap().unwrap_or_else(|| panic!("nothing within a minute"))
}

#[test]
fn batches_come_in_the_order_they_were_asked_for() {
    for (data, preset) in [
        (images(50, 9, 7, 3, 1), Preset::Small),
        (images(50, 9, 7, 3, 1).with_classes(4), Preset::Paper),
        (ragged(50, 12, 9, 3, 2), Preset::Small),
        (ragged(50, 12, 9, 1, 2), Preset::Raw),
    ] {
        let mut options = options(preset);
        options.exact = preset == Preset::Paper;
        let (_folder, path) = write_temporary(&data, &options);
        let dataset = open(&path);
        let mut random = Random(9);
        let batches: Vec<Vec<u64>> =
            (0..40).map(|size| (0..size % 7).map(|_| random.next() % 50).collect()).collect();
        for threads in [1, 4] {
            let ahead = start(&dataset, threads, Order::Stored, OnError::Raise);
            for indices in &batches {
                ahead.submit(batch(indices)).unwrap();
            }
            assert_eq!(ahead.pending(), 40);
            for indices in &batches {
                let expected: Vec<u8> =
                    indices.iter().flat_map(|&index| data.sample(index as usize).to_vec()).collect();
                assert_eq!(take(&ahead).unwrap().buffer.unwrap_or_default(), expected);
            }
            assert_eq!(ahead.pending(), 0);
            assert!(matches!(ahead.take(SOON), Err(Error::Argument(_))));
        }
    }
}

#[test]
fn channels_come_first_where_they_were_last() {
    for (dtype, preset) in [
        (DType::UInt8, Preset::Small),
        (DType::UInt8, Preset::Fast),
        (DType::UInt16, Preset::Raw),
        (DType::Float64, Preset::Paper),
    ] {
        for (height, width, channels) in [(16, 16, 3), (5, 7, 4), (1, 1, 2), (3, 40, 1)] {
            let size = dtype.size();
            let (count, pixels) = (70, height * width);
            let mut bytes = Random(4).bytes(count * pixels * channels * size);
            // Floats of which every bit counts, and no signalling ones among them.
            bytes.chunks_exact_mut(size).for_each(|element| *element.last_mut().unwrap() &= 0x3F);
            let data = Data::new(dtype, &[height as u64, width as u64, channels as u64], bytes);
            let mut options = options(preset);
            options.exact = preset == Preset::Paper;
            let (_folder, path) = write_temporary(&data, &options);
            let dataset = open(&path);
            let indices: Vec<i64> = (0..count as i64).rev().collect();
            let mut out = vec![0; data.bytes.len()];
            for threads in [1, 3] {
                dataset.decode_into_as(&indices, &mut out, Order::ChannelsFirst, threads).unwrap();
                for (number, out) in out.chunks_exact(data.sample_bytes()).enumerate() {
                    let sample = data.sample(count - 1 - number);
                    for (place, element) in out.chunks_exact(size).enumerate() {
                        let from = (place % pixels * channels + place / pixels) * size;
                        assert_eq!(element, &sample[from..from + size]);
                    }
                }
            }
        }
    }
    let (_folder, path) =
        write_temporary(&Data::new(DType::UInt8, &[4], vec![1; 40]), &options(Preset::Paper));
    let error = open(&path).decode_into_as(&[0], &mut [0; 4], Order::ChannelsFirst, 1);
    assert!(matches!(error, Err(Error::Argument(_))));
}

#[test]
fn parts_of_images_with_their_channels_first() {
    let data = ragged(20, 30, 40, 3, 6);
    let (_folder, path) = write_temporary(&data, &options(Preset::Small));
    let dataset = open(&path);
    let window = Window { top: 1, left: 2, height: 2, width: 3 };
    let request = |index, order| {
        let mut out = vec![0; 18];
        let mut request = [Request { index, window: Some(window), out: &mut out }];
        dataset.decode_each_as(&mut request, order, 1).unwrap();
        out
    };
    let ahead = start(&dataset, 2, Order::ChannelsFirst, OnError::Raise);
    let large =
        |index: &u64| dataset.sides(*index).unwrap().is_some_and(|(height, width)| height > 2 && width > 4);
    let indices: Vec<u64> = (0..20).filter(large).collect();
    assert!(indices.len() > 5);
    for index in indices {
        let (stored, planes) = (request(index, Order::Stored), request(index, Order::ChannelsFirst));
        for channel in 0..3 {
            let plane: Vec<u8> = stored.iter().skip(channel).step_by(3).copied().collect();
            assert_eq!(plane, planes[channel * 6..][..6]);
        }
        ahead.submit(Batch { indices: vec![index], windows: Some(vec![window]), buffer: None }).unwrap();
        assert_eq!(take(&ahead).unwrap().buffer.unwrap(), planes);
    }
}

#[test]
fn what_cannot_be_read_is_an_error_or_left_out() {
    let data = images(600, 16, 16, 3, 1);
    let (_folder, path) = write_temporary(&data, &options(Preset::Raw));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&path, &bytes).unwrap();
    let dataset = open(&path);
    let all: Vec<u64> = (0..600).collect();

    let ahead = start(&dataset, 2, Order::Stored, OnError::Raise);
    ahead.submit(batch(&all)).unwrap();
    ahead.submit(batch(&[0, 599])).unwrap();
    assert!(matches!(take(&ahead), Err(Error::Corrupt { .. })));
    assert_eq!(take(&ahead).unwrap().buffer.unwrap().len(), 2 * 768);

    let ahead = start(&dataset, 2, Order::ChannelsFirst, OnError::Skip);
    ahead.submit(batch(&all)).unwrap();
    let decoded = take(&ahead).unwrap();
    let skipped: Vec<usize> = decoded.skipped.iter().map(|&(place, _)| place).collect();
    assert!((1..=12).contains(&skipped.len()), "{skipped:?}");
    for (place, out) in decoded.buffer.unwrap().chunks_exact(768).enumerate() {
        let good: Vec<u8> = (0..768).map(|at| data.sample(place)[at % 256 * 3 + at / 256]).collect();
        assert!(out == good || skipped.contains(&place), "sample {place}");
    }
    // A file cut short is no matter of single samples.
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(middle as u64).unwrap();
    ahead.submit(batch(&all)).unwrap();
    assert!(matches!(take(&ahead), Err(Error::Corrupt { section, .. }) if section == "header"));
}

#[test]
fn memory_comes_back() {
    let (_folder, path) = write_temporary(&images(30, 8, 8, 3, 1), &options(Preset::Fast));
    let dataset = open(&path);
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let allocate = move |bytes| {
        counter.fetch_add(1, Ordering::Relaxed);
        vec![0; bytes]
    };
    let ahead = Ahead::new(dataset, 3, Order::Stored, OnError::Raise, allocate).unwrap();
    for _ in 0..10 {
        ahead.submit(Batch { buffer: Some(vec![0; 192]), ..batch(&[1]) }).unwrap();
    }
    assert_eq!(made.load(Ordering::Relaxed), 0, "buffers were given");
    assert!(take(&ahead).is_ok());
    let returned = ahead.close();
    assert_eq!(returned.len(), 9, "queued, decoded or in the works");
    assert!(matches!(ahead.submit(batch(&[1])), Err(Error::Argument(_))));
    assert!(matches!(ahead.take(SOON), Err(Error::Argument(_))));
    assert!(ahead.close().is_empty());
}
