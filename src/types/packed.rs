//! How elements lie in a packed run of bytes: readable from either end.
//!
//! ```text
//! [length][payload][size]     length: of the payload; size: of length + payload
//! ```
//!
//! Both numbers take one byte up to 253, else three (`254`, 16 bits) or five (`255`, 32 bits);
//! `size` is written backwards, so that a reader who comes from the end meets its mark first.

/// Bytes that an element of `payload` bytes takes.
pub(crate) fn entry_bytes(payload: usize) -> usize {
    let length = number_bytes(payload);
    length + payload + number_bytes(length + payload)
}

/// Appends an element.
pub(crate) fn push(buf: &mut Vec<u8>, payload: &[u8]) {
    push_number(buf, payload.len());
    buf.extend_from_slice(payload);
    let size = number_bytes(payload.len()) + payload.len();
    match size {
        0..=253 => buf.push(low_byte(size)),
        254..=0xFFFF => {
            buf.extend_from_slice(&size.to_le_bytes()[..2]);
            buf.push(254);
        }
        _ => {
            buf.extend_from_slice(&size.to_le_bytes()[..4]);
            buf.push(255);
        }
    }
}

/// Writes an element into `slot`, which has just the size of it ([`entry_bytes`]).
pub(crate) fn write(slot: &mut [u8], payload: &[u8]) {
    if payload.len() <= 252 {
        let last = slot.len() - 1;
        slot[0] = low_byte(payload.len());
        slot[1..last].copy_from_slice(payload);
        slot[last] = low_byte(payload.len() + 1);
        return;
    }
    let mut entry = Vec::with_capacity(slot.len());
    push(&mut entry, payload);
    slot.copy_from_slice(&entry);
}

/// The element that starts at `at`: its payload and where the next one starts.
#[inline]
pub(crate) fn read(buf: &[u8], at: usize) -> (&[u8], usize) {
    let (payload, end) = read_text(buf, at);
    (payload, end + number_bytes(end - at))
}

/// Where the element starts that ends before `end`.
#[inline]
pub(crate) fn start_of_previous(buf: &[u8], end: usize) -> usize {
    match buf[end - 1] {
        254 => end - 3 - number(&buf[end - 3..end - 1]),
        255 => end - 5 - number(&buf[end - 5..end - 1]),
        size => end - 1 - usize::from(size),
    }
}

/// The elements of `buf` from first to last, with the offset of each.
pub(crate) fn iter(buf: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= buf.len() {
            return None;
        }
        let (payload, next) = read(buf, at);
        Some((std::mem::replace(&mut at, next), payload))
    })
}

/// As [`iter`], from last to first.
pub(crate) fn iter_back(buf: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut end = buf.len();
    std::iter::from_fn(move || {
        if end == 0 {
            return None;
        }
        end = start_of_previous(buf, end);
        Some((end, read(buf, end).0))
    })
}

/// Appends a text to a run that is read forwards only: its length and its bytes, no size.
pub(crate) fn push_text(buf: &mut Vec<u8>, text: &[u8]) {
    push_number(buf, text.len());
    buf.extend_from_slice(text);
}

/// The text that starts at `at` in such a run, and where the next one starts.
#[inline]
pub(crate) fn read_text(buf: &[u8], at: usize) -> (&[u8], usize) {
    let (start, len) = match buf[at] {
        254 => (at + 3, number(&buf[at + 1..at + 3])),
        255 => (at + 5, number(&buf[at + 1..at + 5])),
        len => (at + 1, usize::from(len)),
    };
    (&buf[start..start + len], start + len)
}

/// Bytes that a text takes in such a run.
pub(crate) fn text_bytes(len: usize) -> usize {
    number_bytes(len) + len
}

fn number_bytes(value: usize) -> usize {
    match value {
        0..=253 => 1,
        254..=0xFFFF => 3,
        _ => 5,
    }
}

fn push_number(buf: &mut Vec<u8>, value: usize) {
    match value {
        0..=253 => buf.push(low_byte(value)),
        254..=0xFFFF => {
            buf.push(254);
            buf.extend_from_slice(&value.to_le_bytes()[..2]);
        }
        _ => {
            assert!(u32::try_from(value).is_ok(), "an element is smaller than 4 GiB");
            buf.push(255);
            buf.extend_from_slice(&value.to_le_bytes()[..4]);
        }
    }
}

fn low_byte(value: usize) -> u8 {
    value.to_le_bytes()[0]
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |value, &byte| (value << 8) | usize::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_pushed_from_both_ends() {
        let lengths = [0, 1, 252, 253, 254, 300, 65_530, 65_535, 65_536, 70_000];
        let payloads: Vec<Vec<u8>> = lengths.iter().map(|&len| vec![b'x'; len]).collect();
        let mut buf = Vec::new();
        for payload in &payloads {
            let before = buf.len();
            push(&mut buf, payload);
            assert_eq!(buf.len() - before, entry_bytes(payload.len()));
        }
        let forward: Vec<&[u8]> = iter(&buf).map(|(_, payload)| payload).collect();
        assert_eq!(forward, payloads);
        let mut back: Vec<&[u8]> = iter_back(&buf).map(|(_, payload)| payload).collect();
        back.reverse();
        assert_eq!(back, payloads);
    }
}
