//! LZF, the compression of texts in RDB files.
//!
//! A control byte below 32 announces that many bytes plus one as they are. Any other announces a
//! repetition: its upper three bits plus two are the length (7: one more byte adds to it), its
//! lower five bits and the next byte are the distance minus one.

use smallvec::SmallVec;

/// Shortest text worth compressing.
const BYTES_MIN: usize = 20;
/// Least and most bits of the table of places that were seen.
const HASH_BITS: (u32, u32) = (6, 13);
/// A place in that table that nothing was seen at.
const NOWHERE: u32 = u32::MAX;
const DISTANCE_MAX: usize = 1 << 13;
const LENGTH_MAX: usize = 264;
const LITERALS_MAX: usize = 32;

/// Short pieces are copied as if they had so many bytes; what is too much is overwritten.
const PIECE_BYTES: usize = 32;

/// Puts the text of `len` bytes in place of what `text` holds; `None` if the input makes no sense.
pub(super) fn decompress(input: &[u8], len: usize, text: &mut Vec<u8>) -> Option<()> {
    // A byte of input gives less than 132 bytes, so a lie about `len` cannot take much memory.
    if len / 132 > input.len() {
        return None;
    }
    text.clear();
    text.resize(len.checked_add(PIECE_BYTES)?, 0);
    let (mut from, mut at) = (0, 0);
    while let Some(&control) = input.get(from) {
        let control = usize::from(control);
        from += 1;
        let length = if control < LITERALS_MAX {
            let length = control + 1;
            copy_literals(input.get(from..)?, text.get_mut(at..)?, length)?;
            from += length;
            length
        } else {
            let mut length = (control >> 5) + 2;
            if length == 9 {
                length += usize::from(*input.get(from)?);
                from += 1;
            }
            let distance = (((control & 31) << 8) | usize::from(*input.get(from)?)) + 1;
            from += 1;
            if at + length > len {
                return None;
            }
            repeat(text, at.checked_sub(distance)?, at, length);
            length
        };
        at += length;
        if at > len {
            return None;
        }
    }
    text.truncate(len);
    (at == len).then_some(())
}

fn copy_literals(input: &[u8], text: &mut [u8], length: usize) -> Option<()> {
    match (input.first_chunk::<PIECE_BYTES>(), text.first_chunk_mut()) {
        (Some(piece), Some(room)) => *room = *piece,
        _ => text.get_mut(..length)?.copy_from_slice(input.get(..length)?),
    }
    Some(())
}

/// Copies `length` bytes from `start` to `at`, one after the other: they may overlap.
fn repeat(text: &mut [u8], start: usize, at: usize, length: usize) {
    let distance = at - start;
    if distance == 1 {
        let byte = text[start];
        return text[at..at + length].fill(byte);
    }
    if distance >= PIECE_BYTES && length <= PIECE_BYTES {
        let piece: Option<[u8; PIECE_BYTES]> = text[start..].first_chunk().copied();
        if let (Some(piece), Some(room)) = (piece, text[at..].first_chunk_mut()) {
            *room = piece;
            return;
        }
    }
    let mut done = 0;
    while done < length {
        // What stands there since `start` is whole repetitions of it.
        let more = (distance + done).min(length - done);
        text.copy_within(start..start + more, at + done);
        done += more;
    }
}

/// The compressed form; `None` where it would save nothing.
pub(super) fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() <= BYTES_MIN {
        return None;
    }
    let mut output = Vec::with_capacity(input.len());
    // Most texts are short: a large table would cost more to clear than they cost to compress.
    let bits = (input.len().ilog2() + 1).clamp(HASH_BITS.0, HASH_BITS.1);
    let mut seen: SmallVec<[u32; 256]> = SmallVec::from_elem(NOWHERE, 1 << bits);
    let (mut at, mut literals_from) = (0, 0);
    while at + 2 < input.len() {
        let slot = &mut seen[hash(&input[at..at + 3], bits)];
        let before = std::mem::replace(slot, u32::try_from(at).unwrap_or(NOWHERE));
        let is_known = before != NOWHERE;
        let before = before as usize;
        let fits = is_known
            && at - before <= DISTANCE_MAX
            && input[before..before + 3] == input[at..at + 3];
        if !fits {
            at += 1;
            continue;
        }
        let same = input[before..].iter().zip(&input[at..]).take(LENGTH_MAX);
        let length = same.take_while(|(left, right)| left == right).count();
        push_literals(&mut output, &input[literals_from..at]);
        push_repetition(&mut output, at - before, length);
        if output.len() >= input.len() {
            return None;
        }
        at += length;
        literals_from = at;
    }
    push_literals(&mut output, &input[literals_from..]);
    (output.len() + 4 < input.len()).then_some(output)
}

fn hash(three: &[u8], bits: u32) -> usize {
    let value = three.iter().fold(0u32, |value, byte| (value << 8) | u32::from(*byte));
    (value.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

fn push_literals(output: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        output.push(low_byte(run.len() - 1));
        output.extend_from_slice(run);
    }
}

fn push_repetition(output: &mut Vec<u8>, distance: usize, length: usize) {
    let (distance, length) = (distance - 1, length - 2);
    let high = distance >> 8;
    if length < 7 {
        output.push(low_byte((length << 5) | high));
    } else {
        output.push(low_byte((7 << 5) | high));
        output.push(low_byte(length - 7));
    }
    output.push(low_byte(distance));
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decompressed(input: &[u8], len: usize) -> Option<Vec<u8>> {
        let mut text = b"of another text".to_vec();
        decompress(input, len, &mut text).map(|()| text)
    }

    #[test]
    fn comes_back() {
        let mut mixed: Vec<u8> = (0..5000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        mixed.extend(b"the same words, the same words, the same words".repeat(40));
        for text in [&b"a".repeat(1000), &mixed, &b"abcabcabcabcabcabcabcabcabcabc".to_vec()] {
            let compressed = compress(text).unwrap();
            assert!(compressed.len() < text.len());
            assert_eq!(decompressed(&compressed, text.len()).as_ref(), Some(text));
        }
        assert_eq!(compress(b"short"), None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(decompressed(b"\x05ab", 6), None);
        assert_eq!(decompressed(b"\x20\x00", 3), None);
        assert_eq!(decompressed(b"\x00a", usize::MAX), None);
        assert_eq!(decompressed(b"\x00a", 2), None);
        assert_eq!(decompressed(b"\x01ab\x20\x00", 4), None);
        assert_eq!(decompressed(b"\x01ab\x20\x02", 5), None);
        assert_eq!(decompressed(b"\x01ab\x20\x01", 5), Some(b"ababa".to_vec()));
    }

    proptest! {
        #[test]
        fn any_text_of_few_words_comes_back(
            words in prop::collection::vec("[ab]{1,3}|[a-z]{1,40}", 1..8),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..200),
        ) {
            let chosen = order.iter().map(|at| words[at.index(words.len())].as_str());
            let text: String = chosen.collect();
            if let Some(compressed) = compress(text.as_bytes()) {
                prop_assert_eq!(decompressed(&compressed, text.len()), Some(text.into_bytes()));
            }
        }
    }
}
