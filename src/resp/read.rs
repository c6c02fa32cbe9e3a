//! Reads back replies that this server wrote, for scripts: trusted bytes, one item at a time.

use crate::number::parse_i64;

/// One RESP value; the values of an aggregate follow as items of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item<'a> {
    Array(usize),
    BigNumber(&'a [u8]),
    Boolean(bool),
    Bulk(&'a [u8]),
    Double(f64),
    Error(&'a [u8]),
    Integer(i64),
    /// So many pairs.
    Map(usize),
    Null,
    /// A null that RESP3 knows as such; in RESP2 nulls are missing strings and arrays.
    Null3,
    Set(usize),
    Status(&'a [u8]),
    /// A three-letter format and the text.
    Verbatim(&'a [u8], &'a [u8]),
}

/// A cursor over replies.
#[derive(Clone, Debug)]
pub(crate) struct ReplyReader<'a> {
    bytes: &'a [u8],
}

impl<'a> ReplyReader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\r', self.bytes)?;
        let line = self.bytes.get(..end)?;
        self.bytes = self.bytes.get(end + 2..)?;
        Some(line)
    }

    fn text(&mut self, len: usize) -> Option<&'a [u8]> {
        let text = self.bytes.get(..len)?;
        self.bytes = self.bytes.get(len + 2..)?;
        Some(text)
    }

    /// The next item; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Item<'a>> {
        let kind = *self.bytes.first()?;
        self.bytes = &self.bytes[1..];
        let line = self.line()?;
        let len = || parse_i64(line).and_then(|len| usize::try_from(len).ok());
        let item = match kind {
            b'+' => Item::Status(line),
            b'-' => Item::Error(line),
            b':' => Item::Integer(parse_i64(line)?),
            b'$' => match len() {
                Some(len) => Item::Bulk(self.text(len)?),
                None => Item::Null,
            },
            b'*' | b'>' => len().map_or(Item::Null, Item::Array),
            b'%' => Item::Map(len()?),
            b'~' => Item::Set(len()?),
            b'_' => Item::Null3,
            b'#' => Item::Boolean(line == b"t"),
            b',' => Item::Double(crate::number::parse_f64(line).unwrap_or(f64::NAN)),
            b'(' => Item::BigNumber(line),
            b'=' => {
                let text = self.text(len()?)?;
                Item::Verbatim(text.get(..3)?, text.get(4..)?)
            }
            _ => return None,
        };
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::{Protocol, Reply};

    #[test]
    fn reads_what_replies_write() {
        let mut reply = Reply::new(Protocol::Resp3);
        reply.array(2);
        reply.status("OK");
        reply.error("ERR no");
        reply.map(1);
        reply.bulk(b"a\r\nb");
        reply.double(1.5);
        reply.verbatim(*b"txt", b"hello");
        reply.nil();
        reply.boolean(true);
        reply.integer(-7);
        let mut reader = ReplyReader::new(reply.bytes());
        for expected in [
            Item::Array(2),
            Item::Status(b"OK"),
            Item::Error(b"ERR no"),
            Item::Map(1),
            Item::Bulk(b"a\r\nb"),
            Item::Double(1.5),
            Item::Verbatim(b"txt", b"hello"),
            Item::Null3,
            Item::Boolean(true),
            Item::Integer(-7),
        ] {
            assert_eq!(reader.next(), Some(expected));
        }
        assert_eq!(reader.next(), None);
    }
}
