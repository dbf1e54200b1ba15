//! Every cell comes back, whatever its bits and its column's code; what [`fit()`] chooses does not depend on threads; and
//! columns that hide integers are recognised.

use proptest::prelude::*;

use super::number::{Found, Numbering, rounded, value};
use super::spec::{LIMIT, check};
use super::*;
use crate::sample::NumberKind;
use crate::source::MemorySource;
use crate::transform::{Spec, build_with};

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 29
}

fn mask(dtype: DType) -> u64 {
    u64::MAX >> (64 - 8 * dtype.size())
}

/// NaNs with payloads, both zeros, infinities, denormals, extremes.
fn odd_cell(dtype: DType, state: &mut u64) -> u64 {
    let bits = 8 * dtype.size();
    let sign = 1u64 << (bits - 1);
    let infinity = match dtype {
        DType::Float16 => 0x7C00,
        DType::Float32 => 0x7F80_0000,
        DType::Float64 => 0x7FF0_0000_0000_0000,
        _ => 1 << (bits / 2),
    };
    let odd = [
        0,
        sign,
        infinity,
        infinity | sign,
        infinity + 1,
        infinity | sign | 0x55,
        infinity - 1,
        1,
        sign | 1,
        mask(dtype),
    ];
    odd[next(state) as usize % odd.len()] & mask(dtype)
}

fn floats() -> impl Strategy<Value = DType> {
    prop::sample::select(vec![DType::Float16, DType::Float32, DType::Float64])
}

/// Cells of one column; `others` are the columns before.
fn column(kind: u8, dtype: DType, rows: usize, others: &[(DType, Vec<u64>)], seed: u64) -> Vec<u64> {
    let state = &mut seed.clone();
    let scale = next(state) as usize % 7;
    let range = 1 << (next(state) % 30);
    let other = if others.is_empty() { None } else { others.get(next(state) as usize % others.len()) };
    let decimal = |state: &mut u64| {
        let integer = (next(state) % range) as i64 - (range / 3) as i64;
        rounded(dtype, integer as f64 / 10f64.powi(scale as i32))
    };
    let whole = |row: usize| match other {
        Some((dtype, cells)) if dtype.kind() == NumberKind::Float => value(*dtype, cells[row]) as i64,
        Some((dtype, cells)) => ordered::whole(*dtype, cells[row]),
        None => 7,
    };
    let is_float = dtype.kind() == NumberKind::Float;
    (0..rows)
        .map(|row| match kind % 8 {
            0 => (next(state) << 32 ^ next(state)) & mask(dtype),
            1 => odd_cell(dtype, state),
            2 => 0x5A & mask(dtype),
            3 => (next(state) % 5 * 0x0101_0101_0101_0111) & mask(dtype),
            _ if !is_float => (next(state) % range) & mask(dtype),
            4 => decimal(state),
            5 if next(state).is_multiple_of(9) => odd_cell(dtype, state),
            5 => decimal(state),
            6 => rounded(dtype, (next(state) % range) as f64 / whole(row) as f64),
            _ => rounded(dtype, whole(row) as f64 / (1 + next(state) % range) as f64),
        })
        .collect()
}

/// The records of some columns.
fn records(columns: &[(DType, Vec<u64>)]) -> Vec<u8> {
    let rows = columns.first().map_or(0, |column| column.1.len());
    let cell =
        |row: usize, (dtype, cells): &(DType, Vec<u64>)| cells[row].to_le_bytes()[..dtype.size()].to_vec();
    (0..rows).flat_map(|row| columns.iter().flat_map(move |column| cell(row, column))).collect()
}

fn dtypes(columns: &[(DType, Vec<u64>)]) -> Vec<DType> {
    columns.iter().map(|column| column.0).collect()
}

fn fit_records(columns: &[(DType, Vec<u64>)], threads: usize) -> (Fitted, SampleLayout, Vec<u8>) {
    let bytes = records(columns);
    let dtypes = dtypes(columns);
    let sample_bytes: usize = dtypes.iter().map(|dtype| dtype.size()).sum();
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![sample_bytes as u64] };
    let rows = (bytes.len() / sample_bytes) as u32;
    let source = MemorySource { bytes: &bytes, sample_bytes };
    let fitted = fit(&layout, Some(&dtypes), rows, &source, threads, &mut || Ok(())).unwrap();
    (fitted, layout, bytes)
}

fn assert_bijective(fitted: &Fitted, layout: &SampleLayout, bytes: &[u8]) {
    let dictionary = |column| {
        let found = fitted.dictionaries.iter().find(|dictionary| dictionary.0 == column);
        Ok(found.unwrap().1.clone())
    };
    // As a reader does: through JSON.
    let spec: Spec = serde_json::from_str(&serde_json::to_string(&fitted.spec).unwrap()).unwrap();
    assert_eq!(spec, fitted.spec);
    let transform = build_with(&spec, layout, &dictionary).unwrap();
    let sample_bytes = layout.bytes().unwrap();
    let mut row = vec![0; transform.layers()[0].row_bytes()];
    let mut out = vec![0xEE; sample_bytes];
    for (number, sample) in bytes.chunks_exact(sample_bytes).enumerate() {
        transform.forward(sample, &mut [&mut row], &mut Scratch::default());
        transform.inverse(&[&row], &mut out, &mut Scratch::default());
        assert_eq!(out, sample, "row {number} of {spec:?}");
    }
}

fn codes(fitted: &Fitted) -> Vec<CodeSpec> {
    match &fitted.spec {
        Spec::Table { columns, .. } => columns.iter().map(|column| column.code.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_row_comes_back(
        kinds in prop::collection::vec((any::<u8>(), prop::sample::select(DType::ALL.to_vec()), any::<u64>()), 1..7),
        float in any::<bool>(),
        rows in 1usize..300,
    ) {
        let mut columns: Vec<(DType, Vec<u64>)> = Vec::new();
        for (kind, dtype, seed) in kinds {
            let dtype = if float && dtype.size() > 2 { DType::Float64 } else { dtype };
            let cells = column(kind, dtype, rows, &columns, seed);
            columns.push((dtype, cells));
        }
        let (fitted, layout, bytes) = fit_records(&columns, 1);
        assert_bijective(&fitted, &layout, &bytes);
    }

    #[test]
    fn ordered_keeps_every_bit_and_the_order(
        dtype in prop::sample::select(DType::ALL.to_vec()), a in any::<u64>(), b in any::<u64>()
    ) {
        let (a, b) = (a & mask(dtype), b & mask(dtype));
        let (x, y) = (ordered::encode(dtype, a), ordered::encode(dtype, b));
        prop_assert!(x <= mask(dtype));
        prop_assert_eq!(ordered::decode(dtype, x), a);
        match dtype.kind() {
            NumberKind::Float => {
                let order = value(dtype, a).total_cmp(&value(dtype, b));
                // Conversion of a float16 or float32 may change what NaN it is.
                if !value(dtype, a).is_nan() && !value(dtype, b).is_nan() {
                    prop_assert_eq!(x.cmp(&y), order);
                }
            }
            NumberKind::Signed => prop_assert_eq!(x.cmp(&y), ordered::whole(dtype, a).cmp(&ordered::whole(dtype, b))),
            NumberKind::Unsigned => prop_assert_eq!(x, a),
        }
    }

    #[test]
    fn decimals_are_found_and_what_is_found_is_exact(
        dtype in floats(), bits in any::<u64>(), integer in -LIMIT + 1..LIMIT, shift in 0u32..54, scale in 0usize..=22
    ) {
        let numbering = Numbering { specials: Vec::new(), first: -LIMIT + 1 };
        let decimal = Decimal { scale, numbering };
        let gives_back = |bits: u64| match decimal::find(dtype, scale, bits) {
            Found::Integer(integer) => {
                let stored = decimal.numbering.encode(bits, Found::Integer(integer)).unwrap();
                decimal.decode(dtype, stored) == bits
            }
            _ => true,
        };
        prop_assert!(gives_back(bits & mask(dtype)));
        // A decimal of fewer digits than the dtype has is one at its scale, and at any larger one that still fits.
        let integer = integer >> shift;
        let cell = rounded(dtype, integer as f64 / 10f64.powi(scale as i32));
        prop_assert!(gives_back(cell));
        let safe = match dtype { DType::Float64 => 50, DType::Float32 => 23, _ => 10 };
        let normal = value(dtype, cell).abs() >= 1e-4 && value(dtype, cell).is_finite();
        if integer != 0 && integer.unsigned_abs() < 1 << safe && normal {
            prop_assert_eq!(decimal::find(dtype, scale, cell), Found::Integer(integer));
        }
    }

    #[test]
    fn quotients_are_found_and_what_is_found_is_exact(
        dtype in floats(), bits in any::<u64>(), other in any::<i64>(), own in 1i64..1 << 40, shift in 0u32..63, numerator in any::<bool>()
    ) {
        let role = if numerator { Role::Numerator } else { Role::Denominator };
        let quotient = Quotient { role, by: 0, numbering: Numbering { specials: Vec::new(), first: -LIMIT + 1 } };
        let gives_back = |bits: u64, other: i64| match quotient::find(dtype, role, bits, other) {
            Found::Integer(integer) => {
                let stored = quotient.numbering.encode(bits, Found::Integer(integer)).unwrap();
                quotient.decode(dtype, stored, other) == bits
            }
            _ => true,
        };
        let other = other >> shift;
        prop_assert!(gives_back(bits & mask(dtype), other));
        let own = own >> (shift / 2);
        if own != 0 && other != 0 {
            let (a, b) = if numerator { (own, other) } else { (other, own) };
            let cell = rounded(dtype, a as f64 / b as f64);
            prop_assert!(gives_back(cell, other));
            let safe = match dtype { DType::Float64 => 50, DType::Float32 => 23, _ => 10 };
            let normal = value(dtype, cell).abs() >= 1e-4 && value(dtype, cell).is_finite();
            if own < 1 << safe && other.unsigned_abs() < 1 << 53 && normal {
                prop_assert_eq!(quotient::find(dtype, role, cell, other), Found::Integer(own));
            }
        }
    }

    #[test]
    fn any_row_decodes_to_something(spec in "[ -~]{0,40}", row in any::<[u64; 3]>(), first in any::<i64>()) {
        // Not what a writer would make: integers past the dictionary, chains of zeros, the largest numbers.
        let _ = serde_json::from_str::<CodeSpec>(&spec);
        let specials = vec![Bits(0x7FF8_0000_0000_0001)];
        let columns = [
            ColumnSpec { dtype: DType::Int64, code: CodeSpec::Dictionary },
            ColumnSpec { dtype: DType::Float64, code: CodeSpec::Quotient { role: Role::Denominator, by: 0, first: first >> 11, specials } },
            ColumnSpec { dtype: DType::Float64, code: CodeSpec::Quotient { role: Role::Numerator, by: 1, first: 0, specials: vec![] } },
        ];
        let layout = SampleLayout { dtype: DType::UInt8, shape: vec![24] };
        let table = Table::new(8, &columns, &layout, &|_| Ok(vec![7; 8])).unwrap();
        let bytes: Vec<u8> = row.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        let (mut out, mut again) = (vec![0; 24], vec![0; 24]);
        table.inverse(&[&bytes], &mut out, &mut Scratch::default());
        table.forward(&out, &mut [&mut again], &mut Scratch::default());
    }
}

/// Cells of a float column.
fn reals(dtype: DType, values: impl IntoIterator<Item = f64>) -> (DType, Vec<u64>) {
    (dtype, values.into_iter().map(|value| rounded(dtype, value)).collect())
}

#[test]
fn districts_hide_their_households() {
    for dtype in [DType::Float64, DType::Float32] {
        let state = &mut 3;
        let rows: Vec<[f64; 5]> = (0..5000)
            .map(|_| {
                let households = 2 + next(state) % 3000;
                [
                    households,
                    next(state) % 9000,
                    1 + next(state) % 20000,
                    next(state) % 5000,
                    next(state) % 15_000_000,
                ]
                .map(|x| x as f64)
            })
            .collect();
        let columns = vec![
            reals(dtype, rows.iter().map(|r| r[2] / r[0])),
            reals(dtype, rows.iter().map(|r| r[4] / 10000.0)),
            reals(dtype, rows.iter().map(|r| r[2])),
            reals(dtype, rows.iter().map(|r| r[1] / r[0])),
            reals(dtype, rows.iter().map(|r| r[3] / r[0])),
        ];
        let (fitted, layout, bytes) = fit_records(&columns, 1);
        assert_bijective(&fitted, &layout, &bytes);
        let described: Vec<String> = codes(&fitted).iter().map(CodeSpec::describe).collect();
        let wanted = [
            "column 2 divided by integer",
            "decimal, 4 places",
            "integer",
            "integer divided by column 0",
            "integer divided by column 0",
        ];
        assert_eq!(described, wanted);
    }
}

#[test]
fn one_late_row_rules_a_code_out() {
    // More rows than one job reads, so that parts are merged.
    let rows = 60_000;
    let state = &mut 5;
    let integers: Vec<u64> = (0..rows).map(|_| 1 + next(state) % 50_000).collect();
    let counts: Vec<u64> = (0..rows).map(|_| 1 + next(state) % 50_000).collect();
    let decimals = |scale: f64| counts.iter().map(move |&count| count as f64 / scale);
    let quotients = || integers.iter().zip(&counts).map(|(&a, &b)| a as f64 / b as f64);
    let mut columns = vec![
        (DType::Int32, integers.clone()),
        reals(DType::Float64, decimals(100.0)),
        reals(DType::Float64, decimals(100.0)),
        reals(DType::Float64, decimals(100.0)),
        reals(DType::Float64, quotients()),
        reals(DType::Float64, quotients()),
        reals(DType::Float64, decimals(1.0)),
    ];
    let last = rows - 2;
    columns[2].1[last] = 0.0625f64.to_bits();
    columns[3].1[last] = 1f64.next_up().to_bits();
    columns[3].1[last - 1] = f64::NAN.to_bits();
    columns[4].1[last] = 0x7FF8_0000_DEAD_BEEF;
    columns[5].1[last] = std::f64::consts::PI.to_bits();
    columns[6].1[last] = 0.5f64.to_bits();
    let (fitted, layout, bytes) = fit_records(&columns, 1);
    let described: Vec<String> = codes(&fitted).iter().map(CodeSpec::describe).collect();
    let wanted = [
        "ordered",
        "decimal, 2 places",
        "decimal, 4 places",
        "dictionary",
        "column 0 divided by integer, 1 special",
        "ordered",
        "decimal, 1 place",
    ];
    assert_eq!(described, wanted);
    assert_bijective(&fitted, &layout, &bytes);
    let (again, ..) = fit_records(&columns, 3);
    assert_eq!((again.spec, again.dictionaries), (fitted.spec, fitted.dictionaries));
}

#[test]
fn cheap_columns_are_found_out() {
    let rows = 4000;
    let state = &mut 8;
    let mut words = || (next(state) % 6).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let columns = vec![
        (DType::Float64, vec![f64::NAN.to_bits(); rows]),
        (DType::UInt64, (0..rows).map(|_| words()).collect()),
        (DType::Bool, (0..rows as u64).map(|row| row & 1).collect()),
        reals(DType::Float32, (0..rows).map(|row| if row % 50 == 0 { f64::NAN } else { row as f64 })),
        reals(DType::Float16, (0..rows).map(|row| (row % 100) as f64 / 10.0)),
    ];
    let (fitted, layout, bytes) = fit_records(&columns, 1);
    assert_bijective(&fitted, &layout, &bytes);
    let described: Vec<String> = codes(&fitted).iter().map(CodeSpec::describe).collect();
    assert_eq!(described, ["ordered", "dictionary", "ordered", "integer, 1 special", "decimal, 1 place"]);
}

#[test]
fn what_gains_nothing_stays_as_it_was() {
    let layout = SampleLayout { dtype: DType::Float64, shape: vec![3] };
    let state = &mut 2;
    let bytes: Vec<u8> = (0..24_000).map(|_| next(state) as u8).collect();
    let source = MemorySource { bytes: &bytes, sample_bytes: 24 };
    let fitted = fit(&layout, None, 1000, &source, 1, &mut || Ok(())).unwrap();
    assert_eq!(fitted.spec, Spec::Columns);
    assert_eq!(fit(&layout, None, 0, &source, 1, &mut || Ok(())).unwrap().spec, Spec::Columns);
    assert!(fit(&layout, Some(&[DType::Float64; 2]), 1000, &source, 1, &mut || Ok(())).is_err());
}

#[test]
fn impossible_columns_are_refused() {
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![24] };
    let quotient = |by| CodeSpec::Quotient { role: Role::Numerator, by, first: 0, specials: Vec::new() };
    let decimal = |scale, first, specials| CodeSpec::Decimal { scale, first, specials };
    let float = |code| ColumnSpec { dtype: DType::Float64, code };
    let [int, plain] =
        [DType::Int64, DType::Float64].map(|dtype| ColumnSpec { dtype, code: CodeSpec::Ordered });
    let specials = |count: u64| (0..count).map(Bits).collect::<Vec<_>>();
    let good = [int.clone(), float(quotient(0)), float(quotient(1))];
    check(&good, &layout).unwrap();
    check(&[float(decimal(22, 1 - LIMIT, specials(16))), int.clone(), plain.clone()], &layout).unwrap();
    let small = ColumnSpec { dtype: DType::Float32, code: decimal(0, 0, vec![Bits(1 << 32)]) };
    let wrong: Vec<(Vec<ColumnSpec>, &str)> = vec![
        (good[..2].to_vec(), "2 columns of 16 bytes"),
        (vec![int.clone(), float(decimal(23, 0, vec![])), plain.clone()], "column 1: a decimal of scale 23"),
        (vec![int.clone(), float(decimal(2, LIMIT, vec![])), plain.clone()], "column 1: integers from"),
        (vec![int.clone(), float(decimal(2, i64::MIN, vec![])), plain.clone()], "column 1: integers from"),
        (vec![int.clone(), float(decimal(2, 0, specials(17))), plain.clone()], "17 specials"),
        (
            vec![ColumnSpec { code: decimal(2, 0, vec![]), ..int.clone() }, int.clone(), int.clone()],
            "no float",
        ),
        (
            vec![small.clone(), small, int.clone(), int.clone()],
            "column 0: a special 100000000 of dtype float32",
        ),
        (
            vec![int.clone(), float(quotient(2)), plain.clone()],
            "column 1: a quotient with column 2, which has no",
        ),
        (vec![int.clone(), float(quotient(3)), plain.clone()], "column 1: a quotient with column 3 of 3"),
        (vec![int.clone(), float(quotient(u32::MAX)), plain.clone()], "of 3"),
        (vec![int.clone(), float(quotient(1)), plain], "column 1: a quotient that builds on itself"),
        (
            vec![int.clone(), float(quotient(2)), float(quotient(1))],
            "column 1: a quotient that builds on itself",
        ),
        (vec![int, float(quotient(2)), float(decimal(1, 0, vec![]))], "which has no integers"),
    ];
    for (columns, message) in wrong {
        let error = check(&columns, &layout).unwrap_err().to_string();
        assert!(error.contains(message), "{error} instead of {message}");
    }
    // A long cycle among others that it does not go through.
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![800] };
    let cycle: Vec<ColumnSpec> = (0..100).map(|i| float(quotient((i + 1) % 100))).collect();
    assert!(check(&cycle, &layout).unwrap_err().to_string().contains("a chain of more than"));
    let no_record = SampleLayout { dtype: DType::Float32, shape: vec![6] };
    assert!(check(&good, &no_record).is_err());
}

#[test]
fn impossible_json_and_dictionaries_are_refused() {
    for json in [
        r#"{"name":"decimal","scale":256,"first":0}"#,
        r#"{"name":"decimal","scale":-1,"first":0}"#,
        r#"{"name":"decimal","scale":1,"first":9223372036854775808}"#,
        r#"{"name":"decimal","scale":1}"#,
        r#"{"name":"decimal","scale":1,"first":0,"specials":["+1"]}"#,
        r#"{"name":"decimal","scale":1,"first":0,"specials":["10000000000000000"]}"#,
        r#"{"name":"decimal","scale":1,"first":0,"more":1}"#,
        r#"{"name":"quotient","role":"product","by":0,"first":0}"#,
        r#"{"name":"quotient","role":"numerator","by":-1,"first":0}"#,
        r#"{"name":"secret"}"#,
    ] {
        assert!(serde_json::from_str::<CodeSpec>(json).is_err(), "{json}");
    }
    let layout = SampleLayout { dtype: DType::UInt8, shape: vec![4] };
    let columns = [ColumnSpec { dtype: DType::Float32, code: CodeSpec::Dictionary }];
    let with = |container, bytes: &[u8]| Table::new(container, &columns, &layout, &|_| Ok(bytes.to_vec()));
    let cells = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    assert!(with(1, &cells(&[-1.0, -0.0, 0.0, f32::NAN])).is_ok());
    for wrong in [vec![], vec![0; 5], cells(&[0.0, -0.0]), cells(&[1.0, 1.0])] {
        assert!(matches!(with(1, &wrong), Err(Error::Corrupt { .. })), "{wrong:?}");
    }
    for container in [0, 3, 16] {
        assert!(with(container, &cells(&[0.0])).is_err());
    }
}
