//! One group of rows. In: a model and a stream, or rows. Out: rows, or a stream; or how often every symbol occurs.
//!
//! The numbers that predictions and trees look at lie in one memory, a stretch for each row: values, residuals, and the
//! number of the row. A row sees its own stretch and the one before it, which is zero for the first row.

use super::model::{Branch, ColumnModel, FACTOR_BITS, Model, Prediction, Reference};
use super::weights::frequencies;
use crate::bits::BitLayout;
use crate::rans::{AliasTable, Decoder, EncodeTable, Encoder, SYMBOLS};

/// From this number on, the target of a branch is a table.
const TABLES: u16 = 1 << 15;

/// A prediction with the places of what it looks at.
#[derive(Clone, Copy, Debug)]
enum Step {
    Zero,
    Same(u32),
    /// The column before, and another column, now and before.
    Change(u32, u32, u32),
    Scaled(u32, i64),
}

#[derive(Clone, Copy, Debug)]
struct Node {
    at: u32,
    threshold: i64,
    /// If less, and if not.
    next: [u16; 2],
}

/// A column, ready to decode with.
#[derive(Clone, Debug)]
struct Plan {
    column: u32,
    width: u32,
    mask: u64,
    step: Step,
    root: u16,
    nodes: Vec<Node>,
    /// By symbol: smallest residual, and plain bits.
    bins: Vec<(u64, u32)>,
    /// Its first table.
    first_table: usize,
}

/// A symbol as it is to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Put {
    /// Number of the column in the order of decoding.
    pub(super) place: u32,
    /// Number of the table among the column's.
    pub(super) table: u16,
    /// Which symbol.
    pub(super) symbol: u8,
    /// Plain bits after it, and how many.
    pub(super) rest: (u64, u32),
}

/// A model, ready to walk over rows.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    plans: Vec<Plan>,
    layout: BitLayout,
}

/// Numbers of the rows of a group that are known so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory(Vec<u64>);

impl Walk {
    /// `layout` is the row's.
    pub(super) fn new(model: &Model, layout: &BitLayout) -> Self {
        let columns = model.columns.len();
        let stretch = 2 * columns as u32 + 1;
        let at = |reference: Reference| match reference {
            Reference::Previous(place) => place,
            Reference::Value(place) => stretch + place,
            Reference::Residual(place) => stretch + columns as u32 + place,
            Reference::Row => stretch + 2 * columns as u32,
        };
        let mut first_table = 0;
        let plans = (0u32..).zip(&model.columns).map(|(place, column)| {
            let next = |branch| match branch {
                Branch::Split(number) => number,
                Branch::Table(number) => TABLES + number,
            };
            let node = |split: &super::model::Split| Node {
                at: at(split.reference),
                threshold: split.threshold,
                next: [next(split.less), next(split.other)],
            };
            let plan = Plan {
                column: column.column,
                width: column.width.into(),
                mask: u64::MAX >> (64 - u32::from(column.width.clamp(1, 64))),
                step: match column.prediction {
                    Prediction::Zero => Step::Zero,
                    Prediction::Same(reference) => Step::Same(at(reference)),
                    Prediction::Change(other) => {
                        Step::Change(place, at(Reference::Value(other)), at(Reference::Previous(other)))
                    }
                    Prediction::Scaled(reference, factor) => Step::Scaled(at(reference), factor.into()),
                },
                root: next(column.root()),
                nodes: column.splits.iter().map(node).collect(),
                bins: column.bins.iter().map(|bin| (bin.lower as u64, bin.bits.into())).collect(),
                first_table,
            };
            first_table += column.tables.len();
            plan
        });
        Self { plans: plans.collect(), layout: layout.clone() }
    }

    /// Memory for `rows` rows.
    pub(super) fn start(&self, rows: usize, memory: &mut Memory) {
        memory.0.clear();
        memory.0.resize((rows + 1) * self.stretch(), 0);
    }

    fn stretch(&self) -> usize {
        2 * self.plans.len() + 1
    }

    /// Decode row `row` of a group, after those before it. `tables` are all of the model's.
    pub(super) fn decode(
        &self,
        tables: &[AliasTable],
        row: usize,
        memory: &mut Memory,
        decoder: &mut Decoder<'_>,
    ) {
        let (stretch, columns) = (self.stretch(), self.plans.len());
        let window = &mut memory.0[row * stretch..(row + 2) * stretch];
        window[stretch + 2 * columns] = row as u64;
        for (place, plan) in self.plans.iter().enumerate() {
            let expected = plan.expect(window);
            let symbol = usize::from(decoder.take(&tables[plan.first_table + plan.table(window)]));
            let (value, residual) = match plan.bins.get(symbol) {
                Some(&(lower, bits)) => {
                    let residual = lower.wrapping_add(decoder.take_wide(bits));
                    (expected.wrapping_add(residual) & plan.mask, residual)
                }
                None => {
                    let value = decoder.take_wide(plan.width);
                    (value, value.wrapping_sub(expected))
                }
            };
            window[stretch + place] = value;
            window[stretch + columns + place] = residual;
        }
    }

    /// Write row `row`, which is decoded, to `out`.
    pub(super) fn write_row(&self, row: usize, memory: &Memory, out: &mut [u8]) {
        let values = &memory.0[(row + 1) * self.stretch()..];
        out.fill(0);
        for (plan, &value) in self.plans.iter().zip(values) {
            self.layout.container.set(out, plan.column as usize, value);
        }
    }

    /// Walk over the rows of a group and tell `each` what is to be written, in the order of decoding. `has` says whether a
    /// column's table can write a symbol.
    pub(super) fn encode(
        &self,
        rows: &[u8],
        memory: &mut Memory,
        has: impl Fn(u32, u16, u8) -> bool,
        mut each: impl FnMut(Put),
    ) {
        let (stretch, columns) = (self.stretch(), self.plans.len());
        let row_bytes = self.layout.row_bytes();
        self.start(rows.len() / row_bytes, memory);
        for (number, row) in rows.chunks_exact(row_bytes).enumerate() {
            let window = &mut memory.0[number * stretch..(number + 2) * stretch];
            window[stretch + 2 * columns] = number as u64;
            for (place, plan) in (0u32..).zip(&self.plans) {
                let value = self.layout.container.get(row, plan.column as usize);
                let residual = value.wrapping_sub(plan.expect(window));
                let table = plan.table(window) as u16;
                let escape = (plan.bins.len() as u8, (value, plan.width));
                let bin = plan.bin_of(residual).filter(|&(symbol, _)| has(place, table, symbol));
                let (symbol, rest) = bin.unwrap_or(escape);
                each(Put { place, table, symbol, rest });
                window[stretch + place as usize] = value;
                window[stretch + columns + place as usize] = residual;
            }
        }
    }
}

impl Plan {
    #[inline]
    fn expect(&self, window: &[u64]) -> u64 {
        match self.step {
            Step::Zero => 0,
            Step::Same(at) => window[at as usize],
            Step::Change(own, now, before) => {
                window[own as usize].wrapping_add(window[now as usize]).wrapping_sub(window[before as usize])
            }
            Step::Scaled(at, factor) => {
                ((window[at as usize] as i64).wrapping_mul(factor) >> FACTOR_BITS) as u64
            }
        }
    }

    /// The number of the table, among the column's.
    #[inline]
    fn table(&self, window: &[u64]) -> usize {
        let mut next = self.root;
        while next < TABLES {
            let node = &self.nodes[next as usize];
            next = node.next[usize::from(window[node.at as usize] as i64 >= node.threshold)];
        }
        usize::from(next - TABLES)
    }

    /// The symbol of `residual`, and its plain bits.
    fn bin_of(&self, residual: u64) -> Option<(u8, (u64, u32))> {
        let after = self.bins.partition_point(|&(lower, _)| lower as i64 <= residual as i64);
        let symbol = after.checked_sub(1)?;
        let (lower, bits) = self.bins[symbol];
        let rest = residual.wrapping_sub(lower);
        (rest.checked_shr(bits).unwrap_or(0) == 0).then_some((symbol as u8, (rest, bits)))
    }
}

/// Turns groups of rows into streams.
pub struct GroupEncoder {
    walk: Walk,
    /// For every column, its tables.
    tables: Vec<Vec<EncodeTable>>,
}

impl GroupEncoder {
    /// The encoder of rows of this layout.
    pub fn new(model: &Model, layout: &BitLayout) -> Self {
        let table = |codes: &Vec<u8>| EncodeTable::new(&frequencies(codes));
        let tables = |column: &ColumnModel| column.tables.iter().map(table).collect();
        Self { walk: Walk::new(model, layout), tables: model.columns.iter().map(tables).collect() }
    }

    /// Append the streams of `rows`, of which `group` make a group, and the streams' lengths in units of 2 bytes.
    pub fn encode(&self, rows: &[u8], group: usize, bytes: &mut Vec<u8>, lengths: &mut Vec<u32>) {
        let (mut memory, mut puts, mut encoder) = (Memory::default(), Vec::new(), Encoder::default());
        let has = |place: u32, table: u16, symbol| self.tables[place as usize][table as usize].has(symbol);
        for rows in rows.chunks(group * self.walk.layout.row_bytes()) {
            puts.clear();
            self.walk.encode(rows, &mut memory, has, |put| puts.push(put));
            for put in puts.iter().rev() {
                encoder.put_wide(put.rest.0, put.rest.1);
                encoder.put(&self.tables[put.place as usize][put.table as usize], put.symbol);
            }
            lengths.push((encoder.bytes() / 2) as u32);
            encoder.finish(bytes);
        }
    }
}

/// All rows of the group that `stream` holds, from its beginning to its end; `None` where it does not end as it should.
/// What reads row by row is held against this.
pub fn decode_group(model: &Model, layout: &BitLayout, rows: usize, stream: &[u8]) -> Option<Vec<u8>> {
    let (walk, tables) = (Walk::new(model, layout), alias_tables(model));
    let (mut memory, mut decoder) = (Memory::default(), Decoder::new(stream));
    walk.start(rows, &mut memory);
    (0..rows).for_each(|row| walk.decode(&tables, row, &mut memory, &mut decoder));
    let mut out = vec![0; rows * layout.row_bytes()];
    let each = out.chunks_exact_mut(layout.row_bytes()).enumerate();
    each.for_each(|(row, out)| walk.write_row(row, &memory, out));
    decoder.is_finished().then_some(out)
}

/// For every column and table of `model`, how often each symbol occurs in `rows`, of which `group` make a group; the
/// tables that `model` has do not matter.
pub fn count(model: &Model, layout: &BitLayout, rows: &[u8], group: usize) -> Vec<Vec<[u64; SYMBOLS]>> {
    let walk = Walk::new(model, layout);
    let empty = |column: &ColumnModel| vec![[0; SYMBOLS]; column.tables.len()];
    let mut counts: Vec<Vec<[u64; SYMBOLS]>> = model.columns.iter().map(empty).collect();
    let mut memory = Memory::default();
    for rows in rows.chunks(group * layout.row_bytes()) {
        walk.encode(
            rows,
            &mut memory,
            |_, _, _| true,
            |put| counts[put.place as usize][put.table as usize][put.symbol as usize] += 1,
        );
    }
    counts
}

/// The decoding tables of a model, column after column.
pub(super) fn alias_tables(model: &Model) -> Vec<AliasTable> {
    let tables = model.columns.iter().flat_map(|column| &column.tables);
    tables.map(|codes| AliasTable::new(&frequencies(codes))).collect()
}
