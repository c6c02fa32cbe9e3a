//! Slots of a cluster: each key has one, by its `{hash tag}` or the whole of it.
//!
//! <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/>

use crate::hash;

/// How many slots there are.
pub(crate) const COUNT: u16 = 16_384;

/// The polynomial of CRC-16 as XMODEM uses it.
const POLYNOMIAL: u16 = 0x1021;

static TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut crc = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ POLYNOMIAL };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
}

/// The slot of a key.
pub(crate) fn of(key: &[u8]) -> u16 {
    let crc = hash::tag(key).iter().fold(0_u16, |crc, &byte| {
        let place = (crc >> 8) ^ u16::from(byte);
        (crc << 8) ^ TABLE[usize::from(place)]
    });
    crc % COUNT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_slots() {
        for (key, slot) in
            [("", 0), ("123456789", 12739), ("foo", 12182), ("{foo}bar", 12182), ("a{}b", 13694)]
        {
            assert_eq!(of(key.as_bytes()), slot, "{key}");
        }
    }
}
