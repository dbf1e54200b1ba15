//! What the coder `grouped` has learned of a block. In: nothing. Out: for every column, in the order of decoding, how it
//! is predicted, the bins of what the prediction misses, the tree that selects frequencies, and the frequencies.

use super::weights::Code;

/// Most rows of a group.
pub const MAX_GROUP: usize = 128;

/// Most columns that are not constant.
pub const MAX_COLUMNS: usize = 2048;

/// Most tables of a block.
pub const MAX_TABLES: usize = 8192;

/// Most bins of a column. One symbol more is the escape.
pub const MAX_BINS: usize = 255;

/// Most leaves of a tree.
pub const MAX_LEAVES: usize = 256;

/// Bits behind the point of a factor.
pub const FACTOR_BITS: u32 = 16;

/// A number that is known before a value is decoded. Columns are named by their place in the order of decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// The value of an earlier column in the same row.
    Value(u32),
    /// The value of any column in the row before; 0 in the first row of a group.
    Previous(u32),
    /// What the prediction of an earlier column missed in the same row, a signed number.
    Residual(u32),
    /// The number of the row in its group.
    Row,
}

/// What is subtracted from a value, modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prediction {
    /// 0.
    Zero,
    /// A number as it is.
    Same(Reference),
    /// The column's value in the row before, plus what an earlier column has gained since.
    Change(u32),
    /// A signed number times a factor with [`FACTOR_BITS`] bits behind the point, rounded down.
    Scaled(Reference, i32),
}

/// Residuals from `lower` to `lower + 2^bits - 1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Smallest residual.
    pub lower: i64,
    /// Plain bits that follow, 0 to 64.
    pub bits: u8,
}

/// Where a branch of a tree leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// To a split, by number.
    Split(u16),
    /// To a table, by number.
    Table(u16),
}

/// A question of a tree, and what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// What is compared, as a signed number.
    pub reference: Reference,
    /// With what.
    pub threshold: i64,
    /// Where to go if it is less.
    pub less: Branch,
    /// Where to go if it is not.
    pub other: Branch,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnModel {
    /// Its number in the row.
    pub column: u32,
    /// Its width, which is not 0.
    pub width: u8,
    /// What is subtracted from its values.
    pub prediction: Prediction,
    /// By increasing lower ends. Symbol `i` stands for bin `i`; the symbol after the last is the escape, after which the
    /// value follows in `width` plain bits.
    pub bins: Vec<Bin>,
    /// Splits in the order of a walk that goes to the smaller side first; none where there is one table.
    pub splits: Vec<Split>,
    /// One for each leaf, in the same order: a code for every bin and the escape.
    pub tables: Vec<Vec<Code>>,
}

impl ColumnModel {
    /// The first branch of the tree.
    pub fn root(&self) -> Branch {
        if self.splits.is_empty() { Branch::Table(0) } else { Branch::Split(0) }
    }
}

/// The models of all columns that are not constant, in the order of decoding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    /// See [`ColumnModel`].
    pub columns: Vec<ColumnModel>,
}

impl Reference {
    /// Its number among the references of a block of `columns` columns that are not constant.
    pub fn number(self, columns: usize) -> u32 {
        let columns = columns as u32;
        match self {
            Self::Value(place) => place,
            Self::Previous(place) => columns + place,
            Self::Residual(place) => 2 * columns + place,
            Self::Row => 3 * columns,
        }
    }

    /// The reference of this number.
    pub fn from_number(number: u32, columns: usize) -> Option<Self> {
        let columns = columns as u32;
        match number.checked_div(columns)? {
            0 => Some(Self::Value(number)),
            1 => Some(Self::Previous(number - columns)),
            2 => Some(Self::Residual(number - 2 * columns)),
            3 if number == 3 * columns => Some(Self::Row),
            _ => None,
        }
    }

    /// Whether it is known when column `place` is decoded.
    pub fn is_known(self, place: usize) -> bool {
        match self {
            Self::Value(other) | Self::Residual(other) => (other as usize) < place,
            Self::Previous(_) | Self::Row => true,
        }
    }
}
