//! The checksum of RDB files: CRC-64 with the polynomial of Jones, bits reflected, no final change.

/// The polynomial, bits reflected.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// `TABLES[n][byte]`: the effect of `byte` with `n` bytes behind it.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        table += 1;
    }
    tables
}

/// Long texts are summed up in so many parts at once, as a processor does several at a time.
const LANES: usize = 4;
const LANE_BYTES: usize = 4096;

/// `LANE_SHIFT[n]`: what becomes of bit `n` of a checksum when as many zeros follow as a lane has.
static LANE_SHIFT: [u64; 64] = lane_shift();

const fn lane_shift() -> [u64; 64] {
    let mut shift = [0; 64];
    let mut bit = 0;
    while bit < 64 {
        let mut crc = 1u64 << bit;
        let mut byte = 0;
        while byte < LANE_BYTES {
            crc = TABLES[0][(crc & 0xff) as usize] ^ (crc >> 8);
            byte += 1;
        }
        shift[bit] = crc;
        bit += 1;
    }
    shift
}

/// The checksum of `bytes` behind those of which `crc` is the checksum; 0 at the start.
pub(super) fn update(mut crc: u64, bytes: &[u8]) -> u64 {
    let (long, rest) = bytes.as_chunks::<{ LANES * LANE_BYTES }>();
    for lanes in long {
        crc = update_lanes(crc, lanes);
    }
    let (words, rest) = rest.as_chunks::<8>();
    for word in words {
        crc = update_word(crc, *word);
    }
    for byte in rest {
        let [low, ..] = (crc ^ u64::from(*byte)).to_le_bytes();
        crc = TABLES[0][usize::from(low)] ^ (crc >> 8);
    }
    crc
}

#[inline]
fn update_word(crc: u64, word: [u8; 8]) -> u64 {
    let mixed = (crc ^ u64::from_le_bytes(word)).to_le_bytes();
    let places = mixed.iter().enumerate();
    places.fold(0, |crc, (place, byte)| crc ^ TABLES[7 - place][usize::from(*byte)])
}

/// The lanes are summed up side by side, and put together: a checksum is linear in its bits.
fn update_lanes(crc: u64, bytes: &[u8; LANES * LANE_BYTES]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let mut sums = [crc, 0, 0, 0];
    for at in 0..LANE_BYTES / 8 {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = update_word(*sum, words[lane * (LANE_BYTES / 8) + at]);
        }
    }
    sums.into_iter().reduce(|before, sum| shifted(before) ^ sum).unwrap_or(crc)
}

/// A checksum behind which the zeros of a lane follow.
fn shifted(crc: u64) -> u64 {
    let bits = LANE_SHIFT.iter().enumerate();
    bits.fold(0, |sum, (bit, shift)| sum ^ (shift & 0u64.wrapping_sub((crc >> bit) & 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums() {
        assert_eq!(update(0, b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        let text = b"This is a test of the emergency broadcast system.";
        let parts = update(update(0, &text[..13]), &text[13..]);
        assert_eq!(parts, update(0, text));
    }

    #[test]
    fn long_texts_are_summed_up_in_parts() {
        let text: Vec<u8> = (0..100_000u32).flat_map(|n| n.wrapping_mul(n).to_le_bytes()).collect();
        let one_by_one = |bytes: &[u8]| bytes.chunks(1).fold(7, update);
        for len in [0, 1, 4096, 16_383, 16_384, 16_385, 50_000, 100_001] {
            assert_eq!(update(7, &text[..len]), one_by_one(&text[..len]), "{len}");
        }
    }
}
