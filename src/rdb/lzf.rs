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

/// The text of `len` bytes; `None` if the input makes no sense.
pub(super) fn decompress(input: &[u8], len: usize) -> Option<Vec<u8>> {
    // A byte of input gives less than 132 bytes, so a lie about `len` cannot take much memory.
    if len / 132 > input.len() {
        return None;
    }
    let mut output = Vec::with_capacity(len);
    let mut at = 0;
    while at < input.len() {
        let control = usize::from(input[at]);
        at += 1;
        if control < LITERALS_MAX {
            output.extend_from_slice(input.get(at..=at + control)?);
            at += control + 1;
        } else {
            let mut length = (control >> 5) + 2;
            if length == 9 {
                length += usize::from(*input.get(at)?);
                at += 1;
            }
            let distance = (((control & 31) << 8) | usize::from(*input.get(at)?)) + 1;
            at += 1;
            let start = output.len().checked_sub(distance)?;
            if output.len() + length > len {
                return None;
            }
            (start..start + length).for_each(|from| output.push(output[from]));
        }
        if output.len() > len {
            return None;
        }
    }
    (output.len() == len).then_some(output)
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
    use super::*;

    #[test]
    fn comes_back() {
        let mut mixed: Vec<u8> = (0..5000u32).flat_map(|n| (n * n).to_le_bytes()).collect();
        mixed.extend(b"the same words, the same words, the same words".repeat(40));
        for text in [&b"a".repeat(1000), &mixed, &b"abcabcabcabcabcabcabcabcabcabc".to_vec()] {
            let compressed = compress(text).unwrap();
            assert!(compressed.len() < text.len());
            assert_eq!(decompress(&compressed, text.len()).as_ref(), Some(text));
        }
        assert_eq!(compress(b"short"), None);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(decompress(b"\x05ab", 6), None);
        assert_eq!(decompress(b"\x20\x00", 3), None);
        assert_eq!(decompress(b"\x00a", usize::MAX), None);
        assert_eq!(decompress(b"\x00a", 2), None);
    }
}
