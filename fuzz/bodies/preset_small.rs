//! Any streams, with a model that is damaged or not: the scalar decoder and all lanes must agree on every pixel and on
//! whether a stream is whole.

use std::sync::OnceLock;

use dreamlearning::kernels::lanes::{Alias, Group, Path, Tables};
use dreamlearning::predict::Model;
use dreamlearning::predict::planes::Extent;
use dreamlearning::predict::scalar::{Depth, Scalar};
use dreamlearning::predict::train::{Tile, train};

/// The bytes of a model of images with so many planes.
fn model_bytes(planes: usize) -> &'static [u8] {
    static MODELS: [OnceLock<Vec<u8>>; 5] = [const { OnceLock::new() }; 5];
    MODELS[planes].get_or_init(|| {
        let extent = Extent { height: 24, width: 24 };
        let tiles: Vec<Tile> = (0..6u32)
            .map(|number| {
                let mut seed = number + 1;
                let pixels = (0..planes as u32 * 576).map(|i| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let smooth = (i % 24 + i / 24 % 24) * (number + 1);
                    ((smooth + (seed >> 27)) % 256) as u16
                });
                Tile { extent, pixels: pixels.collect() }
            })
            .collect();
        train(&tiles, planes, Depth::Eight, 1, &mut || Ok(())).unwrap().to_bytes()
    })
}

/// Run on one input: planes, number of edits of the model, edits of three bytes, then streams, each with its extent and
/// length before it.
pub fn run(data: &[u8]) {
    let [planes, edits, rest @ ..] = data else { return };
    let planes = usize::from(planes % 4) + 1;
    let (edits, mut rest) = rest.split_at((3 * usize::from(edits % 4)).min(rest.len()));
    let mut bytes = model_bytes(planes).to_vec();
    for edit in edits.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % bytes.len();
        bytes[at] = edit[2];
    }
    let Ok(model) = Model::from_bytes(&bytes, planes) else { return };
    let mut images: Vec<(Extent, &[u8])> = Vec::new();
    while let [height, width, length, later @ ..] = rest {
        let extent = Extent { height: usize::from(height % 20) + 1, width: usize::from(width % 20) + 1 };
        let (stream, later) = later.split_at((4 * usize::from(*length)).min(later.len()));
        images.push((extent, stream));
        rest = later;
    }
    images.truncate(70);
    let alias = model.alias_tables();
    let expected: Vec<(bool, Vec<Vec<i32>>)> = images
        .iter()
        .map(|&(extent, stream)| {
            let mut scalar = Scalar::new(&model, extent, Depth::Eight);
            let whole = scalar.decode(&model, &alias, stream);
            (whole, (0..planes).map(|plane| scalar.pixels(plane).flatten().copied().collect()).collect())
        })
        .collect();
    let tables = Tables::new(&model, &Alias::of(&alias), Extent::largest(images.iter().map(|image| image.0)));
    if images.is_empty() {
        return;
    }
    for path in Path::available() {
        let mut group = Group::new(path);
        let lanes = group.lanes();
        for (images, expected) in images.chunks(lanes).zip(expected.chunks(lanes)) {
            let whole = group.decode(&tables, images);
            for (lane, (&(extent, _), (is_whole, pixels))) in images.iter().zip(expected).enumerate() {
                assert_eq!(whole[lane], *is_whole, "{path:?}");
                for (plane, expected) in pixels.iter().enumerate() {
                    for (y, expected) in expected.chunks_exact(extent.width).enumerate() {
                        let row = group.memory().row(plane, y)[lane..].iter().step_by(lanes);
                        assert!(row.zip(expected).all(|(&a, &b)| i32::from(a) == b), "{path:?}");
                    }
                }
            }
        }
    }
}
