//! What was learned from a data set. In: the trainer's numbers, or the bytes of a parameters section. Out: those
//! bytes, or a model that has been checked.

use super::{CONTEXTS, WEIGHT_BITS, taps};
use crate::bits::{BitWriter, PADDING, bits_for, read_bits};
use crate::rans::{AliasTable, Frequencies};

/// Most tables of a plane.
pub const MAX_TABLES: usize = 64;

/// Most planes of an image.
pub const MAX_PLANES: usize = 4;

/// Largest sum of a plane's energy weights, so that an energy of an 8-bit image is below `2^23`.
pub const MAX_ENERGY_WEIGHTS: i32 = i16::MAX as i32;

/// Everything about one plane. Planes are numbered in the order of decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneModel {
    /// Weights of [`taps::prediction`], in 4096ths. Those of the own plane add up to 1, those of any other to 0, so
    /// that a brighter image gives a brighter prediction.
    pub weights: Vec<i16>,
    /// Weights of [`taps::errors`] and then of [`taps::GRADIENTS`], in 256ths, none negative.
    pub energy: Vec<i16>,
    /// The table of every context.
    pub map: Vec<u8>,
    /// Frequencies.
    pub tables: Vec<Frequencies>,
}

/// The models of all planes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// In the order of decoding.
    pub planes: Vec<PlaneModel>,
}

impl Model {
    /// The decoding tables of every plane.
    pub fn alias_tables(&self) -> Vec<Vec<AliasTable>> {
        self.planes.iter().map(|plane| plane.tables.iter().map(AliasTable::new).collect()).collect()
    }

    /// The bytes that [`Model::from_bytes`] reads; the number of planes is not among them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for plane in &self.planes {
            let numbers = plane.weights.iter().chain(&plane.energy);
            bytes.extend(numbers.flat_map(|number| number.to_le_bytes()));
            bytes.push((plane.tables.len() - 1) as u8);
            let mut writer = BitWriter::default();
            let width = bits_for(plane.tables.len() as u64);
            plane.map.iter().for_each(|&table| writer.push(table.into(), width));
            plane.tables.iter().for_each(|table| table.write(&mut writer));
            bytes.extend(writer.finish());
        }
        bytes
    }

    /// Read the model of images with `planes` planes.
    ///
    /// # Errors
    /// The first contradiction.
    pub fn from_bytes(bytes: &[u8], planes: usize) -> Result<Self, String> {
        let mut rest = bytes;
        let planes = (0..planes).map(|plane| {
            read_plane(&mut rest, plane).map_err(|detail| format!("the model of plane {plane}: {detail}"))
        });
        let model = Self { planes: planes.collect::<Result<_, _>>()? };
        if rest.is_empty() { Ok(model) } else { Err(format!("{} bytes after the model", rest.len())) }
    }
}

fn read_plane(rest: &mut &[u8], plane: usize) -> Result<PlaneModel, String> {
    let mut take = |count: usize| {
        let (head, tail) = rest.split_at_checked(count).ok_or_else(|| "it is cut short".to_owned())?;
        *rest = tail;
        Ok::<_, String>(head)
    };
    let mut numbers = |count: usize| {
        let bytes = take(2 * count)?;
        let pairs = bytes.chunks_exact(2);
        Ok::<_, String>(pairs.map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect::<Vec<_>>())
    };
    let places = taps::prediction(plane);
    let weights = numbers(places.len())?;
    for q in 0..=plane {
        let of_plane = weights.iter().zip(&places).filter(|(_, place)| place.0 == q);
        let sum: i32 = of_plane.map(|(&weight, _)| i32::from(weight)).sum();
        let expected = if q == plane { 1 << WEIGHT_BITS } else { 0 };
        if sum != expected {
            return Err(format!("weights add up to {sum} instead of {expected}"));
        }
    }
    let energy = numbers(taps::errors(plane).len() + taps::GRADIENTS.len())?;
    let sum: i32 = energy.iter().map(|&weight| i32::from(weight)).sum();
    if energy.iter().any(|&weight| weight < 0) || sum > MAX_ENERGY_WEIGHTS {
        return Err("impossible energy weights".to_owned());
    }
    let tables = take(1)?[0] as usize + 1;
    if tables > MAX_TABLES {
        return Err(format!("{tables} tables, more than {MAX_TABLES}"));
    }
    let mut stream = rest.to_vec();
    let end = stream.len() as u64 * 8;
    stream.extend([0; PADDING]);
    let width = bits_for(tables as u64);
    let mut at = u64::from(width) * CONTEXTS as u64;
    if at > end {
        return Err("it is cut short".to_owned());
    }
    let map: Vec<u8> =
        (0..CONTEXTS as u64).map(|i| read_bits(&stream, i * u64::from(width), width) as u8).collect();
    if let Some(bad) = map.iter().find(|&&table| table as usize >= tables) {
        return Err(format!("table {bad} of {tables}"));
    }
    let tables: Vec<Frequencies> =
        (0..tables).map(|_| Frequencies::read(&stream, &mut at, end)).collect::<Result<_, _>>()?;
    *rest = &rest[at.div_ceil(8) as usize..];
    Ok(PlaneModel { weights, energy, map, tables })
}
