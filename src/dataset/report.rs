//! `info`. In: an open file. Out: what is in it and what each part costs, as JSON; every byte is accounted for.

use serde_json::{Map, Value, json};

use super::Dataset;
use crate::container::{ENTRY_BYTES, HEADER_BYTES};
use crate::error::Result;
use crate::metadata::digest_text;
use crate::transform::Spec;
use crate::transform::table::fit::MAX_FITTED;

impl Dataset {
    /// Bytes of all fields before compression.
    ///
    /// # Errors
    /// As [`crate::SampleLayout::bytes`].
    pub fn raw_bytes(&self) -> Result<u64> {
        let mut total = self.all_sample_bytes();
        for field in &self.metadata.fields {
            total = total.saturating_add(field.bytes()? as u64 * self.len());
        }
        Ok(total)
    }

    /// Bytes of all samples before compression.
    pub(super) fn all_sample_bytes(&self) -> u64 {
        match self.sample_bytes {
            Some(bytes) => bytes as u64 * self.len(),
            None => self.metadata.total_bytes.unwrap_or(0),
        }
    }

    /// See the module. Without `blocks` nothing beyond the metadata is read; what the partitions' splits look like is
    /// left out.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Io`] where the parameters of a block cannot be read.
    pub fn info(&self, blocks: bool) -> Result<Value> {
        let m = &self.metadata;
        let raw_bytes = self.raw_bytes()?;
        let file_bytes = self.file.file_bytes();
        let ratio = if raw_bytes == 0 { Value::Null } else { json!(file_bytes as f64 / raw_bytes as f64) };
        let mut fields = vec![json!({
            "name": "sample",
            "dtype": m.sample.dtype.name(),
            "shape": m.sample.open_shape(),
            "bytes": self.all_sample_bytes(),
            "raw": false,
        })];
        for field in &m.fields {
            fields.push(json!({
                "name": field.name,
                "dtype": field.layout.dtype.name(),
                "shape": field.layout.shape,
                "bytes": field.bytes()? as u64 * m.num_samples,
                "raw": true,
            }));
        }
        Ok(json!({
            "path": self.path().display().to_string(),
            "format_version": [self.file.version().0, self.file.version().1],
            "writer": m.writer,
            "num_samples": m.num_samples,
            "dtype": m.sample.dtype.name(),
            "shape": m.sample.open_shape(),
            "raw_bytes": raw_bytes,
            "file_bytes": file_bytes,
            "ratio": ratio,
            "preset": m.preset,
            "transform": m.transform,
            "exact": m.exact,
            "max_error": m.max_error,
            "digest": m.digest,
            "checksum": digest_text(self.file.checksum()),
            "columns": self.columns_info(blocks)?,
            "fields": fields,
            "partitions": self.partitions_info(blocks)?,
            "sections": self.sections_info(),
        }))
    }

    /// Dtype, code and bits of every column of a table.
    fn columns_info(&self, blocks: bool) -> Result<Option<Vec<Value>>> {
        let m = &self.metadata;
        let code = match &m.transform {
            Spec::Table { .. } => None,
            Spec::Columns => Some("ordered"),
            _ => Some("as it is"),
        };
        let columns: Vec<(&str, String)> = match (&m.transform, &m.columns) {
            (Spec::Table { columns, .. }, _) => {
                columns.iter().map(|column| (column.dtype.name(), column.code.describe())).collect()
            }
            (_, Some(columns)) => {
                columns.iter().map(|dtype| (dtype.name(), code.unwrap_or_default().to_owned())).collect()
            }
            (Spec::Columns, None) if m.sample.shape.len() == 1 && self.values_per_sample()? <= MAX_FITTED => {
                vec![(m.sample.dtype.name(), "ordered".to_owned()); self.values_per_sample()?]
            }
            _ => return Ok(None),
        };
        let bits =
            if blocks { self.bits_of_columns(columns.len())? } else { vec![Value::Null; columns.len()] };
        let columns = columns.into_iter().zip(bits);
        let columns =
            columns.map(|((dtype, code), bits)| json!({ "dtype": dtype, "code": code, "bits": bits }));
        Ok(Some(columns.collect()))
    }

    /// Bits of every column in a row, on average over the partitions.
    fn bits_of_columns(&self, columns: usize) -> Result<Vec<Value>> {
        let mut sums = vec![0u64; columns];
        for (number, partition) in self.metadata.partitions.iter().enumerate() {
            if partition.count > 0 && !self.is_hollow() {
                let widths = &self.block(number, 0)?.layout().widths;
                // A sample whose bytes are stored as they are has a column for each of them.
                let mut widths = widths.iter().map(|&width| u64::from(width));
                for (column, sum) in sums.iter_mut().enumerate() {
                    let parts = match (&self.metadata.transform, self.columns()) {
                        (Spec::Table { .. } | Spec::Columns, _) | (_, None) => 1,
                        (_, Some(columns)) => columns[column].size(),
                    };
                    *sum += partition.count * widths.by_ref().take(parts).sum::<u64>();
                }
            }
        }
        Ok(sums.into_iter().map(|sum| json!(sum as f64 / self.len().max(1) as f64)).collect())
    }

    fn partitions_info(&self, blocks: bool) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        for (number, partition) in self.metadata.partitions.iter().enumerate() {
            if !blocks {
                all.push(json!({ "name": partition.name, "count": partition.count }));
                continue;
            }
            let mut layers = Vec::new();
            if partition.count > 0 && !self.is_hollow() {
                for (layer, description) in self.transform.layers().iter().enumerate() {
                    let block = self.block(number, layer)?;
                    layers.push(json!({
                        "name": description.name,
                        "bits_per_sample": self.sample_bytes.map(|_| block.layout().total_bits()),
                        "coder": block.coder_name(),
                        "record_bits": block.record_bits(),
                        "base_bits": block.base_bits(),
                        "constant_bits": block.constant_bits(),
                        "num_bases": block.bases(),
                    }));
                }
            }
            all.push(json!({ "name": partition.name, "count": partition.count, "layers": layers }));
        }
        Ok(all)
    }

    /// Bytes of every kind of section; they add up to the file.
    fn sections_info(&self) -> Map<String, Value> {
        let mut sizes: Vec<(String, u64)> = vec![("header".to_owned(), HEADER_BYTES as u64)];
        let mut add = |name: String, bytes: u64| match sizes.iter_mut().find(|entry| entry.0 == name) {
            Some(entry) => entry.1 += bytes,
            None => sizes.push((name, bytes)),
        };
        let mut count = 0;
        for entry in self.file.entries() {
            add(entry.id.kind.name().to_owned(), entry.bytes);
            add("checksums".to_owned(), 8 * entry.chunks());
            count += 1;
        }
        add("section table".to_owned(), count * ENTRY_BYTES as u64);
        let listed: u64 = sizes.iter().map(|entry| entry.1).sum();
        sizes.push(("padding".to_owned(), self.file.file_bytes() - listed));
        sizes.into_iter().map(|(name, bytes)| (name, json!(bytes))).collect()
    }
}
