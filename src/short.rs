//! Short texts as numbers: names and keys of up to 16 bytes are compared and searched in a few
//! instructions, where a loop or a call would take longer than all else that is done with them.

/// Longer texts are not short.
const SHORT_BYTES_MAX: usize = 16;

/// A word of bytes that are all 1.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// The bytes of a short text as two words that may overlap: with its length they tell all of it.
/// `None` for one of less than 2 or more than [`SHORT_BYTES_MAX`] bytes.
#[inline]
pub(crate) fn words(text: &[u8]) -> Option<[u64; 2]> {
    if text.len() > SHORT_BYTES_MAX {
        return None;
    }
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return Some([u64::from_le_bytes(*head), u64::from_le_bytes(*tail)]);
    }
    if let (Some(head), Some(tail)) = (text.first_chunk(), text.last_chunk()) {
        return Some([u32::from_le_bytes(*head).into(), u32::from_le_bytes(*tail).into()]);
    }
    let (head, tail) = (text.first_chunk()?, text.last_chunk()?);
    Some([u16::from_le_bytes(*head).into(), u16::from_le_bytes(*tail).into()])
}

/// Are two texts the same?
#[inline]
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    match words(one) {
        Some(of_one) => words(other) == Some(of_one),
        None => one == other,
    }
}

/// The letters of a short text in lower case; not to be asked where other characters matter, of
/// which some become the same.
#[inline]
pub(crate) fn letters(text: &[u8]) -> Option<[u64; 2]> {
    const LOWER: u64 = u64::from_ne_bytes([b' '; 8]);
    words(text).map(|words| words.map(|word| word | LOWER))
}

/// The bytes of a short text, as [`words`], with its ASCII letters in lower case.
#[inline]
pub(crate) fn lower(text: &[u8]) -> Option<[u64; 2]> {
    words(text).map(|words| words.map(lower_letters))
}

/// The bytes of a word with its ASCII letters in lower case. What is added to the lower seven bits
/// of each byte carries into the eighth for those above `@`, and then for those above `Z`.
#[inline]
fn lower_letters(word: u64) -> u64 {
    const HIGH: u64 = ONES << 7;
    let low = word & !HIGH;
    let above_at = low + ONES * u64::from(0x7f - b'@');
    let above_z = low + ONES * u64::from(0x7f - b'Z');
    let is_upper = (above_at ^ above_z) & HIGH & !word;
    word | (is_upper >> 2)
}

/// Where `byte` stands in a text first. A short one that has none is told at once.
#[inline]
pub(crate) fn position(text: &[u8], byte: u8) -> Option<usize> {
    match words(text) {
        Some(words) if byte != 0 && !words.into_iter().any(|word| has_byte(word, byte)) => None,
        _ => memchr::memchr(byte, text),
    }
}

/// Is one of the bytes of `word` this one? A byte becomes zero by the exclusive or if it is, and
/// only a zero borrows from its highest bit.
#[inline]
fn has_byte(word: u64, byte: u8) -> bool {
    let differences = word ^ u64::from_ne_bytes([byte; 8]);
    differences.wrapping_sub(ONES) & !differences & (ONES << 7) != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of all lengths up to 20, with one byte changed.
    fn texts() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        (0..20).flat_map(|len| {
            let text: Vec<u8> = (b'a'..).take(len).collect();
            (0..len).map(move |at| {
                let mut other = text.clone();
                other[at] = b'{';
                (text.clone(), other)
            })
        })
    }

    #[test]
    fn the_same_are_the_same() {
        for (text, other) in texts() {
            assert!(same(&text, &text.clone()) && !same(&text, &other));
            assert!(!same(&text, &text[1..]));
        }
        assert!(same(b"", b""));
    }

    #[test]
    fn a_byte_is_found_anywhere() {
        for (text, other) in texts() {
            let at = other.iter().position(|byte| *byte == b'{');
            assert!(at.is_some() && position(&other, b'{') == at, "{other:?}");
            assert_eq!(position(&text, b'{'), None, "{text:?}");
        }
        let bytes: Vec<u8> = (0..=255).collect();
        for part in bytes.chunks(7).chain(bytes.chunks(16)).chain(bytes.chunks(3)) {
            for byte in 0..=255 {
                let at = part.iter().position(|other| *other == byte);
                assert_eq!(position(part, byte), at, "{byte} in {part:?}");
            }
        }
    }

    #[test]
    fn only_ascii_letters_become_lower_case() {
        let bytes: Vec<u8> = (0..=255).collect();
        for part in bytes.windows(8).chain(bytes.windows(16)).chain(bytes.windows(3)) {
            assert_eq!(lower(part), words(&part.to_ascii_lowercase()), "{part:?}");
        }
    }

    #[test]
    fn letters_are_the_same_in_any_case() {
        for (text, other) in texts().filter(|(text, _)| (2..=16).contains(&text.len())) {
            assert_eq!(letters(&text), letters(&text.to_ascii_uppercase()));
            assert_ne!(letters(&text), letters(&other));
        }
        assert_eq!((letters(b"a"), letters(&[b'a'; 17])), (None, None));
    }
}
