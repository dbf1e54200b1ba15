//! Where the pixels of all lanes are. In: an extent. Out: rows of vectors, to be filled or read.

use crate::predict::planes::Extent;

/// Alignment of vectors.
#[derive(Clone, Copy)]
#[repr(align(64))]
#[expect(dead_code, reason = "read as elements")]
struct Line([i16; 32]);

/// Planes of pixels and of absolute errors of all lanes, with margins as in [`crate::predict::planes`]; each element
/// is a vector.
pub struct Memory {
    extent: Extent,
    planes: usize,
    lanes: usize,
    pixels: Vec<Line>,
    errors: Vec<Line>,
}

impl Memory {
    /// For no images yet.
    pub(super) fn new(lanes: usize) -> Self {
        let extent = Extent { height: 0, width: 0 };
        Self { extent, planes: 0, lanes, pixels: Vec::new(), errors: Vec::new() }
    }

    /// Make room for images of `extent` with `planes` planes. What is in it may be left over from others: a walk reads
    /// nothing that it has not written.
    pub(super) fn fit(&mut self, extent: Extent, planes: usize) {
        let lines = (extent.padded() * planes * self.lanes).div_ceil(32);
        if self.pixels.len() < lines {
            self.pixels.resize(lines, Line([0; 32]));
            self.errors.resize(lines, Line([0; 32]));
        }
        (self.extent, self.planes) = (extent, planes);
    }

    /// What all lanes have.
    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// The first elements of pixels and of errors.
    pub(super) fn elements(&mut self) -> (*mut i16, *mut i16) {
        (self.pixels.as_mut_ptr().cast(), self.errors.as_mut_ptr().cast())
    }

    /// Symbols of one image.
    pub(super) fn symbols(&self) -> usize {
        self.planes * self.extent.height * self.extent.width
    }

    /// Pixels of all lanes in row `y` of `plane`: `width` times as many elements as there are lanes.
    pub fn row(&self, plane: usize, y: usize) -> &[i16] {
        let start = (plane * self.extent.padded() + self.extent.at(y, 0)) * self.lanes;
        &elements(&self.pixels)[start..start + self.extent.width * self.lanes]
    }

    /// The same, to be filled.
    pub fn row_mut(&mut self, plane: usize, y: usize) -> &mut [i16] {
        let start = (plane * self.extent.padded() + self.extent.at(y, 0)) * self.lanes;
        let length = self.extent.width * self.lanes;
        &mut elements_mut(&mut self.pixels)[start..start + length]
    }
}

fn elements(lines: &[Line]) -> &[i16] {
    // SAFETY: a line is 32 elements without padding.
    unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len() * 32) }
}

fn elements_mut(lines: &mut [Line]) -> &mut [i16] {
    // SAFETY: a line is 32 elements without padding.
    unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), lines.len() * 32) }
}
