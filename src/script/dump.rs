//! The payload of FUNCTION DUMP: sources of libraries as an RDB file holds them, then the version
//! of that format and a checksum.

/// The code in front of a library.
const LIBRARY: u8 = 245;
/// The version of the format that is written, and the latest that is read.
const VERSION: u16 = 11;
/// Version and checksum.
const TAIL_BYTES: usize = 10;

/// The polynomial of Redis' CRC-64, its bits in reverse.
const POLYNOMIAL: u64 = 0x95AC_9329_AC4B_C9B5;

fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u64::from(byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 }
        })
    })
}

/// The payload of these sources.
pub(crate) fn write<'a>(sources: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for source in sources {
        out.push(LIBRARY);
        write_len(&mut out, source.len());
        out.extend_from_slice(source);
    }
    out.extend_from_slice(&VERSION.to_le_bytes());
    let crc = crc64(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn write_len(out: &mut Vec<u8>, len: usize) {
    let [.., b3, b2, b1, b0] = len.to_be_bytes();
    match len {
        0..=0x3f => out.push(b0),
        0x40..=0x3fff => out.extend_from_slice(&[0x40 | b1, b0]),
        _ => out.extend_from_slice(&[0x80, b3, b2, b1, b0]),
    }
}

/// The sources in a payload; the error reply if it is none.
pub(crate) fn read(payload: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let wrong = "ERR DUMP payload version or checksum are wrong";
    let split = payload.len().checked_sub(TAIL_BYTES).ok_or(wrong)?;
    let (body, tail) = payload.split_at(split);
    let (version, crc) = tail.split_at(2);
    let version = version.try_into().map_or(u16::MAX, u16::from_le_bytes);
    let crc = crc.try_into().map_or(0, u64::from_le_bytes);
    if version > VERSION || crc64(&payload[..payload.len() - 8]) != crc {
        return Err(wrong);
    }
    let mut rest = body;
    let mut sources = Vec::new();
    while let Some((&kind, after)) = rest.split_first() {
        if kind != LIBRARY {
            return Err("ERR given type is not a function");
        }
        let (source, after) =
            read_string(after).ok_or("ERR failed loading the given functions payload")?;
        sources.push(source);
        rest = after;
    }
    Ok(sources)
}

enum Len {
    /// A string in a form of its own.
    Encoded(u8),
    Plain(usize),
}

fn read_len(bytes: &[u8]) -> Option<(Len, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let low = usize::from(first & 0x3f);
    match first >> 6 {
        0 => Some((Len::Plain(low), rest)),
        1 => {
            let (&second, rest) = rest.split_first()?;
            Some((Len::Plain((low << 8) | usize::from(second)), rest))
        }
        2 => {
            let bytes = if first == 0x81 { 8 } else { 4 };
            let (digits, rest) = rest.split_at_checked(bytes)?;
            let len = digits.iter().fold(0, |len, &byte| (len << 8) | usize::from(byte));
            Some((Len::Plain(len), rest))
        }
        _ => Some((Len::Encoded(first & 0x3f), rest)),
    }
}

fn read_string(bytes: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    const COMPRESSED: u8 = 3;
    match read_len(bytes)? {
        (Len::Plain(len), rest) => {
            let (text, rest) = rest.split_at_checked(len)?;
            Some((text.to_vec(), rest))
        }
        (Len::Encoded(COMPRESSED), rest) => {
            let (Len::Plain(packed), rest) = read_len(rest)? else { return None };
            let (Len::Plain(len), rest) = read_len(rest)? else { return None };
            let (packed, rest) = rest.split_at_checked(packed)?;
            Some((unpack(packed, len)?, rest))
        }
        (Len::Encoded(_), _) => None,
    }
}

/// Undoes LZF: runs of literal bytes, and references to what was written before.
fn unpack(mut packed: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    while let Some((&control, rest)) = packed.split_first() {
        if control < 32 {
            let (literal, rest) = rest.split_at_checked(usize::from(control) + 1)?;
            out.extend_from_slice(literal);
            packed = rest;
            continue;
        }
        let (mut count, mut rest) = (usize::from(control >> 5), rest);
        if count == 7 {
            let (&more, after) = rest.split_first()?;
            count += usize::from(more);
            rest = after;
        }
        let (&low, rest) = rest.split_first()?;
        let back = (usize::from(control & 0x1f) << 8 | usize::from(low)) + 1;
        let start = out.len().checked_sub(back)?;
        for at in start..start + count + 2 {
            out.push(*out.get(at)?);
        }
        if out.len() > len {
            return None;
        }
        packed = rest;
    }
    (out.len() == len).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_read_back() {
        let long = vec![b'y'; 20_000];
        let sources = [&b"#!lua name=a\n"[..], &[b'x'; 70], &long];
        let payload = write(sources.into_iter());
        assert_eq!(read(&payload).unwrap(), sources);
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        for len in 0..payload.len() {
            assert!(read(&payload[..len]).is_err());
        }
    }

    #[test]
    fn packed_strings() {
        assert_eq!(unpack(&[2, b'a', b'b', b'c', 0x20, 2], 6).unwrap(), b"abcabc");
        assert!(unpack(&[0x20, 9], 3).is_none());
    }
}
