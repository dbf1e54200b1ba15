//! The cheapest codes. In: what every code of every column would take. Out: one code for each. A code whose integers
//! other columns are divided by may be worth more than it costs; quotients build on each other like trees, so the best
//! choice is found from the leaves to the roots.

use super::measure::Measured;
use super::{Fitted, Plan, Records, Tally, width};
use crate::bits::bits_for;
use crate::sample::NumberKind;
use crate::transform::Spec;
use crate::transform::table::dictionary::Dictionary;
use crate::transform::table::spec::{Bits, CodeSpec, ColumnSpec};

/// Bytes that a column takes in the metadata, about; what its code adds; a special; and what goes with a section.
const COLUMN_BYTES: i64 = 48;
const DECIMAL_BYTES: i64 = 30;
const QUOTIENT_BYTES: i64 = 60;
const SPECIAL_BYTES: i64 = 19;
const SECTION_BYTES: i64 = 112;

/// What was chosen, and how many bits fewer it takes than if all columns were `ordered`, without being listed.
pub(super) struct Choice {
    pub(super) chosen: Fitted,
    pub(super) saved_bits: i64,
}

/// A code that a column may have.
struct Offer {
    code: CodeSpec,
    /// Bits for all rows and what the code needs beside them.
    cost: i64,
    /// Bits of what is stored.
    width: u32,
}

/// See the module.
pub(super) fn choose(records: &Records<'_>, plan: &Plan, measured: Vec<Measured>) -> Choice {
    let rows = i64::from(records.rows);
    let columns = measured.len();
    let plain: Vec<Offer> = (0..columns).map(|c| plain_offer(records, c, &measured[c])).collect();
    let mut numbers: Vec<Option<Offer>> =
        (0..columns).map(|c| number_offer(rows, plan, c, &measured[c])).collect();
    // What the integers of a column save others, and what they save in all.
    let mut benefits = vec![0; columns];
    let gain = |column: usize, benefits: &[i64]| -> Option<i64> {
        let offer: &Offer = numbers[column].as_ref()?;
        Some(plain[column].cost - offer.cost + benefits[column])
    };
    for &column in plan.quotients.iter().rev() {
        if let Some(gain) = gain(column, &benefits)
            && let Some((_, other)) = plan.candidates[column].quotient
        {
            benefits[other] += gain.max(0);
        }
    }
    let gains: Vec<Option<i64>> = (0..columns).map(|column| gain(column, &benefits)).collect();
    let mut taken: Vec<bool> = gains.iter().map(|gain| gain.is_some_and(|gain| gain > 0)).collect();
    for &column in &plan.quotients {
        if let Some((_, other)) = plan.candidates[column].quotient {
            taken[column] &= taken[other] || records.dtypes[other].kind() != NumberKind::Float;
        }
    }
    let mut choice = Choice {
        chosen: Fitted { spec: Spec::Columns, dictionaries: Vec::new() },
        saved_bits: -8 * COLUMN_BYTES * columns as i64,
    };
    let mut specs = Vec::with_capacity(columns);
    let mut widest = 0;
    for (column, (plain, measured)) in plain.into_iter().zip(measured).enumerate() {
        let offer = numbers[column].take().filter(|_| taken[column]).unwrap_or(plain);
        let dtype = records.dtypes[column];
        if offer.code == CodeSpec::Dictionary {
            let section = Dictionary::to_bytes(dtype, &measured.distinct.unwrap_or_default());
            choice.chosen.dictionaries.push((column as u32, section));
        }
        choice.saved_bits += ordered_cost(rows, measured.range) - offer.cost;
        widest = widest.max(offer.width);
        specs.push(ColumnSpec { dtype, code: offer.code });
    }
    let container = (widest.div_ceil(8) as u8).max(1).next_power_of_two();
    choice.chosen.spec = Spec::Table { container, columns: specs };
    choice
}

fn ordered_cost(rows: i64, (least, most): (u64, u64)) -> i64 {
    rows * i64::from(width(most - least))
}

/// The best code whose integers mean nothing to others.
fn plain_offer(records: &Records<'_>, column: usize, measured: &Measured) -> Offer {
    let rows = i64::from(records.rows);
    let size = records.dtypes[column].size() as u32;
    let mut offers =
        vec![Offer { code: CodeSpec::Ordered, cost: ordered_cost(rows, measured.range), width: 8 * size }];
    if let Some((scale @ 1.., Some(tally))) = &measured.decimal {
        offers.extend(decimal_offer(rows, *scale, tally));
    }
    if let Some(distinct) = &measured.distinct {
        let width = bits_for(distinct.len() as u64);
        let section = SECTION_BYTES + distinct.len() as i64 * i64::from(size);
        let cost = rows * i64::from(width) + 8 * section;
        offers.push(Offer { code: CodeSpec::Dictionary, cost, width });
    }
    let best = offers.into_iter().min_by_key(|offer| offer.cost);
    best.unwrap_or(Offer { code: CodeSpec::Ordered, cost: 0, width: 8 * size })
}

/// The code that gives others integers: a decimal without fraction, or a quotient.
fn number_offer(rows: i64, plan: &Plan, column: usize, measured: &Measured) -> Option<Offer> {
    if let Some((0, Some(tally))) = &measured.decimal {
        return decimal_offer(rows, 0, tally);
    }
    let (role, by) = plan.candidates[column].quotient?;
    offer(rows, measured.quotient.as_ref()?, QUOTIENT_BYTES, |first, specials| CodeSpec::Quotient {
        role,
        by: by as u32,
        first,
        specials,
    })
}

fn decimal_offer(rows: i64, scale: usize, tally: &Tally) -> Option<Offer> {
    offer(rows, tally, DECIMAL_BYTES, |first, specials| CodeSpec::Decimal {
        scale: scale as u8,
        first,
        specials,
    })
}

fn offer(
    rows: i64,
    tally: &Tally,
    bytes: i64,
    code: impl FnOnce(i64, Vec<Bits>) -> CodeSpec,
) -> Option<Offer> {
    let width = tally.width()?;
    let bytes = bytes + SPECIAL_BYTES * tally.specials.len() as i64;
    let specials = tally.specials.iter().map(|&bits| Bits(bits)).collect();
    Some(Offer { code: code(tally.least, specials), cost: rows * i64::from(width) + 8 * bytes, width })
}
