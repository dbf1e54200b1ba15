//! The strings of a text column, whose cells are their numbers. In: a section's bytes. Out: the certainty that it is a
//! count (u32), the end of each string in what follows (u32 each, never falling), and UTF-8, string after string.

/// Check the section.
///
/// # Errors
/// A description of the first contradiction.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let (count, rest) = bytes.split_first_chunk().ok_or("strings without a count")?;
    let count = u32::from_le_bytes(*count);
    let ends = u64::from(count) * 4;
    if ends > rest.len() as u64 {
        return Err(format!("the ends of {count} strings in {} bytes", bytes.len()));
    }
    let (ends, text) = rest.split_at(ends as usize);
    let mut start = 0;
    for (number, end) in ends.as_chunks().0.iter().enumerate() {
        let end = u32::from_le_bytes(*end) as usize;
        let string = text.get(start..end).ok_or_else(|| {
            format!("string {number} from byte {start} to {end} of {} bytes of text", text.len())
        })?;
        std::str::from_utf8(string).map_err(|error| format!("string {number} is no UTF-8: {error}"))?;
        start = end;
    }
    if start != text.len() {
        return Err(format!("{} bytes of text after the last string", text.len() - start));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(count: u32, ends: &[u32], text: &[u8]) -> Vec<u8> {
        let ends = ends.iter().flat_map(|end| end.to_le_bytes());
        count.to_le_bytes().into_iter().chain(ends).chain(text.iter().copied()).collect()
    }

    #[test]
    fn strings_fill_their_section() {
        assert!(check(&section(0, &[], b"")).is_ok());
        let text = "a\u{e9}\u{1F600}".as_bytes();
        assert!(check(&section(4, &[1, 1, 3, 7], text)).is_ok());
        for wrong in [
            section(4, &[1, 1, 3, 6], text),
            section(4, &[1, 1, 3, 8], text),
            section(4, &[1, 2, 3, 7], text),
            section(3, &[3, 1, 7], text),
            section(u32::MAX, &[1, 3, 7], text),
            section(2, &[1], b""),
            vec![0, 0, 0],
        ] {
            assert!(check(&wrong).is_err(), "{wrong:?}");
        }
    }
}
