//! Any model of the coder `grouped`, any stream and any rows: decoding gives rows or none, and with every model that a reader
//! accepts, every row comes back.

use dreamlearning::bits::{BitLayout, BitWriter, Container};
use dreamlearning::coder::grouped::model::{
    Bin, Branch, ColumnModel, MAX_LEAVES, Model, Prediction, Reference, Split,
};
use dreamlearning::coder::grouped::{GroupEncoder, decode_group, read, write};

/// Bytes of an input, one number after another; zeros where it has ended.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    fn number(&mut self) -> u64 {
        let bytes = usize::from(self.byte() % 9);
        (0..bytes).fold(0, |value, _| value << 8 | u64::from(self.byte()))
    }

    fn reference(&mut self, place: usize, columns: usize) -> Reference {
        let number = u32::from(self.byte()) % (3 * columns as u32 + 1);
        let reference = Reference::from_number(number, columns).filter(|reference| reference.is_known(place));
        reference.unwrap_or(Reference::Row)
    }
}

/// A model as a writer might have made it.
fn model(input: &mut Input<'_>, widths: &[u8]) -> Model {
    let columns = widths.len();
    let mut model = Model::default();
    for (place, &width) in widths.iter().enumerate() {
        let prediction = match input.byte() % 4 {
            1 => Prediction::Same(input.reference(place, columns)),
            2 if place > 0 => Prediction::Change(u32::from(input.byte()) % place as u32),
            3 => Prediction::Scaled(input.reference(place, columns), input.number() as i32),
            _ => Prediction::Zero,
        };
        let mut bins: Vec<Bin> = (0..input.byte() % 6)
            .map(|_| Bin { lower: input.number() as i64, bits: input.byte() % 65 })
            .collect();
        bins.sort_by_key(|bin| bin.lower);
        bins.dedup_by_key(|bin| bin.lower);
        // A chain of splits.
        let count = usize::from(input.byte() % 4).min(MAX_LEAVES - 1);
        let splits = (0..count).map(|number| Split {
            reference: input.reference(place, columns),
            threshold: input.number() as i64,
            less: Branch::Table(number as u16),
            other: if number + 1 < count {
                Branch::Split(number as u16 + 1)
            } else {
                Branch::Table(count as u16)
            },
        });
        let splits = splits.collect();
        let tables = (0..=count).map(|_| (0..=bins.len()).map(|_| input.byte() % 58).collect()).collect();
        let column = (columns - 1 - place) as u32;
        model.columns.push(ColumnModel { column, width, prediction, bins, splits, tables });
    }
    model.columns.iter_mut().for_each(|column| column.width = widths[column.column as usize]);
    model
}

/// Run on one input: kind, columns and their widths; then a model, as bits or part by part; a stream; rows.
pub fn run(data: &[u8]) {
    let mut input = Input(data);
    let kind = input.byte();
    let columns = usize::from(input.byte() % 5) + 1;
    let containers = [Container::U8, Container::U16, Container::U32, Container::U64];
    let container = containers[usize::from(kind % 4)];
    let widths: Vec<u8> = (0..columns).map(|_| 1 + input.byte() % container.bits() as u8).collect();
    let layout = BitLayout { container, widths };
    let model = if kind & 4 == 4 {
        let length = usize::from(input.byte()).min(input.0.len());
        let (bytes, rest) = input.0.split_at(length);
        input = Input(rest);
        let Ok(model) = read(bytes, &layout.widths) else { return };
        model
    } else {
        model(&mut input, &layout.widths)
    };
    let mut writer = BitWriter::default();
    write(&model, &layout.widths, &mut writer);
    assert_eq!(read(&writer.finish(), &layout.widths).unwrap(), model);
    let count = usize::from(input.byte() % 20) + 1;
    let _ = decode_group(&model, &layout, count, input.0);
    let mut rows = vec![0; count * layout.row_bytes()];
    for row in rows.chunks_exact_mut(layout.row_bytes()) {
        for (column, &width) in layout.widths.iter().enumerate() {
            container.set(row, column, input.number() & (u64::MAX >> (64 - u32::from(width))));
        }
    }
    let (mut stream, mut lengths) = (Vec::new(), Vec::new());
    GroupEncoder::new(&model, &layout).encode(&rows, count, &mut stream, &mut lengths);
    assert_eq!(stream.len(), 2 * lengths[0] as usize);
    assert_eq!(decode_group(&model, &layout, count, &stream).unwrap(), rows);
}
