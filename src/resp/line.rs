//! Lines of a number: the kind of what follows, or of the line itself, and digits.

/// Appends a line. Most numbers are short: a count of words, the length of one, a small integer.
pub(super) fn number(buf: &mut Vec<u8>, kind: u8, number: i64) {
    match number {
        0..10 => buf.extend_from_slice(&[kind, digit(number), b'\r', b'\n']),
        10..100 => {
            let line = [kind, digit(number / 10), digit(number % 10), b'\r', b'\n'];
            buf.extend_from_slice(&line);
        }
        _ => {
            let mut digits = itoa::Buffer::new();
            text(buf, kind, digits.format(number).as_bytes());
        }
    }
}

/// As [`number`], for a length or count.
pub(super) fn length(buf: &mut Vec<u8>, kind: u8, length: usize) {
    number(buf, kind, i64::try_from(length).unwrap_or(i64::MAX));
}

/// Appends a line of text, which has no line break.
pub(super) fn text(buf: &mut Vec<u8>, kind: u8, text: &[u8]) {
    buf.push(kind);
    buf.extend_from_slice(text);
    buf.extend_from_slice(b"\r\n");
}

fn digit(value: i64) -> u8 {
    b'0' + value.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_written_in_digits() {
        let ends = [i64::MIN, i64::MAX, 12_345_678];
        for value in (-200..2000).chain(ends) {
            let mut line = Vec::new();
            super::number(&mut line, b':', value);
            assert_eq!(line, format!(":{value}\r\n").into_bytes());
        }
    }
}
