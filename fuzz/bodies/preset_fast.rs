//! Any stream of filtered rows, and any image: the scalar decoder and the fast one must agree, and an image come back.

use dreamlearning::kernels::rows::{OVERREAD, Scratch, Shape, decode, decode_scalar, encode};
use dreamlearning::sample::{DType, ImageShape};

/// Run on one input: height, width, kind, then the bytes of a stream, or of an image.
pub fn run(data: &[u8]) {
    let [height, width, kind, bytes @ ..] = data else { return };
    let image = ImageShape {
        height: usize::from(height % 40) + 1,
        width: usize::from(width % 70) + 1,
        channels: usize::from(kind % 4) + 1,
        channels_first: kind & 4 == 4,
    };
    let dtype = if kind & 8 == 8 { DType::UInt16 } else { DType::UInt8 };
    let shape = Shape { image, dtype, differences: kind & 16 == 16 };
    let size = image.pixels() * image.channels * dtype.size();
    let sample = (kind & 32 == 32).then(|| {
        let mut sample = bytes.to_vec();
        sample.resize(size, 7);
        sample
    });
    let mut stream = sample.as_ref().map_or_else(|| bytes.to_vec(), |sample| encode(sample, &shape));
    let length = stream.len();
    stream.extend([0; OVERREAD]);
    let (mut fast, mut plain) = (vec![1; size], vec![2; size]);
    let whole = decode(&stream, length, &shape, &mut Scratch::default(), &mut fast);
    assert_eq!(whole, decode_scalar(&stream, length, &shape, &mut Scratch::default(), &mut plain));
    if whole {
        assert_eq!(fast, plain);
    }
    if let Some(sample) = sample {
        assert!(whole);
        assert_eq!(fast, sample);
    }
}
