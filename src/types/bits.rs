//! Bits of a string: bit 0 is the highest of the first byte; what lies behind the end is 0.

/// The bit at `offset`.
pub(crate) fn get(bytes: &[u8], offset: usize) -> bool {
    bytes.get(offset / 8).is_some_and(|byte| byte >> (7 - offset % 8) & 1 == 1)
}

/// Sets the bit at `offset`, which lies within `bytes`.
pub(crate) fn set(bytes: &mut [u8], offset: usize, bit: bool) {
    let mask = 1 << (7 - offset % 8);
    if bit {
        bytes[offset / 8] |= mask;
    } else {
        bytes[offset / 8] &= !mask;
    }
}

/// Number of bits that are 1 from `first` to `last`, both within `bytes`.
pub(crate) fn count(bytes: &[u8], first: usize, last: usize) -> usize {
    let bytes = &bytes[first / 8..=last / 8];
    let before = (0..first % 8).filter(|&offset| get(bytes, offset)).count();
    let end = bytes.len() * 8;
    let after = (end - 7 + last % 8..end).filter(|&offset| get(bytes, offset)).count();
    ones(bytes) - before - after
}

fn ones(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let in_words: u32 = words.iter().map(|word| u64::from_ne_bytes(*word).count_ones()).sum();
    let in_rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    (in_words + in_rest) as usize
}

/// The first bit equal to `bit` from `first` to `last`, both within `bytes`.
pub(crate) fn find(bytes: &[u8], bit: bool, first: usize, last: usize) -> Option<usize> {
    let plain = if bit { 0 } else { 0xFF };
    let mut offset = first;
    while offset <= last {
        if offset.is_multiple_of(8) {
            let plain_bytes =
                bytes[offset / 8..=last / 8].iter().take_while(|&&byte| byte == plain).count();
            offset += plain_bytes * 8;
            if offset > last {
                return None;
            }
        }
        if get(bytes, offset) == bit {
            return Some(offset);
        }
        offset += 1;
    }
    None
}

/// The unsigned number in the `width` bits (at most 64) from `offset` on, highest first.
pub(crate) fn read(bytes: &[u8], offset: usize, width: usize) -> u64 {
    (offset..offset + width).fold(0, |value, at| (value << 1) | u64::from(get(bytes, at)))
}

/// Writes the lowest `width` bits of `value` from `offset` on, all within `bytes`.
pub(crate) fn write(bytes: &mut [u8], offset: usize, width: usize, value: u64) {
    for place in 0..width {
        set(bytes, offset + place, value >> (width - 1 - place) & 1 == 1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn counting_and_finding_agree_with_looking(
            bytes in prop::collection::vec(prop_oneof![Just(0), Just(0xFF), any::<u8>()], 1..40),
            range in any::<(prop::sample::Index, prop::sample::Index)>(),
            bit in any::<bool>(),
        ) {
            let bits = bytes.len() * 8;
            let (a, b) = (range.0.index(bits), range.1.index(bits));
            let (first, last) = (a.min(b), a.max(b));
            let ones = (first..=last).filter(|&at| get(&bytes, at)).count();
            prop_assert_eq!(count(&bytes, first, last), ones);
            let found = (first..=last).find(|&at| get(&bytes, at) == bit);
            prop_assert_eq!(find(&bytes, bit, first, last), found);
        }

        #[test]
        fn what_is_written_reads_back(
            bytes in prop::collection::vec(any::<u8>(), 20..21),
            offset in 0usize..90,
            width in 1usize..=64,
            value in any::<u64>(),
        ) {
            let mut changed = bytes.clone();
            write(&mut changed, offset, width, value);
            let mask = u64::MAX >> (64 - width);
            prop_assert_eq!(read(&changed, offset, width), value & mask);
            write(&mut changed, offset, width, read(&bytes, offset, width));
            prop_assert_eq!(changed, bytes);
        }
    }
}
