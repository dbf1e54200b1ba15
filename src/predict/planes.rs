//! Planes with margins. In: an image's pixels, known or being decoded. Out: memory in which every tap of every pixel
//! has a place and a defined value.
//!
//! What lies outside an image, where `(y, x)` is the pixel being decoded:
//! * above: the pixel to its left, `(y, x - 1)`, whatever the tap's column;
//! * left: the first pixel of the row above; left of row 0, the first pixel of the plane before, or the middle of
//!   the range where there is none;
//! * right: the last pixel of the row;
//! * below (planes decoded before): the row above the edge.
//!
//! Errors (as absolute values) have the same margins, but 0 left of row 0.

use super::taps::REACH;

/// Rows and columns of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Extent {
    /// The smallest that holds all of `extents`.
    pub fn largest(extents: impl Iterator<Item = Self>) -> Self {
        let none = Self { height: 0, width: 0 };
        extents.fold(none, |all, extent| Self {
            height: all.height.max(extent.height),
            width: all.width.max(extent.width),
        })
    }

    /// Number of pixels.
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// Extents sorted by this resemble their neighbours.
    pub fn order(&self) -> (usize, usize, usize) {
        (self.height.div_ceil(16), self.width, self.height)
    }

    /// Elements from one row to the next, margins included.
    pub fn stride(&self) -> usize {
        self.width + 2 * REACH
    }

    /// Elements of a plane, margins included.
    pub fn padded(&self) -> usize {
        self.stride() * (self.height + REACH + 1)
    }

    /// Number of the pixel `(y, x)` in a padded plane.
    pub fn at(&self, y: usize, x: usize) -> usize {
        (y + REACH) * self.stride() + x + REACH
    }

    /// What is added to a pixel's number to reach a neighbour.
    pub fn offset(&self, (down, right): super::taps::Tap) -> isize {
        down as isize * self.stride() as isize + right as isize
    }
}

/// Several planes of one kind of element `T`, one after another.
#[derive(Clone, Debug)]
pub struct Planes<T> {
    extent: Extent,
    elements: Vec<T>,
}

impl<T: Copy + Default> Planes<T> {
    /// `count` planes of `extent`.
    pub fn new(extent: Extent, count: usize) -> Self {
        Self { extent, elements: vec![T::default(); extent.padded() * count] }
    }

    /// Their extent.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// Number of pixel `(y, x)` of `plane` in [`Planes::elements`].
    pub fn at(&self, plane: usize, y: usize, x: usize) -> usize {
        plane * self.extent.padded() + self.extent.at(y, x)
    }

    /// All elements.
    pub fn elements(&self) -> &[T] {
        &self.elements
    }

    /// All elements.
    pub fn elements_mut(&mut self) -> &mut [T] {
        &mut self.elements
    }

    /// Before row `y` of `plane`: its left margin. `first` is what lies left of row 0.
    pub fn begin_row(&mut self, plane: usize, y: usize, first: T) {
        let at = self.at(plane, y, 0);
        let value = if y == 0 { first } else { self.elements[at - self.extent.stride()] };
        self.elements[at - REACH..at].fill(value);
    }

    /// Before pixel `(y, x)`: what its taps in planes `0..=plane` find above the image.
    pub fn begin_pixel(&mut self, plane: usize, y: usize, x: usize) {
        if y >= REACH {
            return;
        }
        for q in 0..=plane {
            let at = self.at(q, y, x);
            let value = self.elements[at - 1];
            for up in y + 1..=REACH {
                let above = at - up * self.extent.stride();
                self.elements[above - REACH..=above + REACH].fill(value);
            }
        }
    }

    /// After row `y`: its right margin.
    pub fn end_row(&mut self, plane: usize, y: usize) {
        let end = self.at(plane, y, self.extent.width);
        let value = self.elements[end - 1];
        self.elements[end..end + REACH].fill(value);
    }

    /// After the last row: the row below it.
    pub fn end_plane(&mut self, plane: usize) {
        let stride = self.extent.stride();
        let last = self.at(plane, self.extent.height - 1, 0) - REACH;
        self.elements.copy_within(last..last + stride, last + stride);
    }
}
