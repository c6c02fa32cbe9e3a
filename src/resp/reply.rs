//! Replies: a command writes its answer piece by piece, in the protocol of its client.
//!
//! A [`Reply`] is the encoder itself, not a tree of values: an answer of a thousand elements is
//! written once, straight from the data to the bytes of the wire (`ARCHITECTURE.md` has the
//! measurement against frames). Every method writes one RESP value; after [`Reply::array`] and
//! its like, the caller writes as many values as it has announced.

use super::line;
use crate::number::{format_f64, parse_i64};

/// Length from which on a string is given its room as a whole.
const LARGE_BYTES: usize = 64 * 1024;

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// What every client speaks until it says HELLO 3.
    #[default]
    Resp2,
    /// Maps, sets, doubles, booleans, nulls and pushes of their own.
    Resp3,
}

/// Writes replies.
#[derive(Debug, Default)]
pub struct Reply {
    buf: Vec<u8>,
    protocol: Protocol,
}

impl Reply {
    /// An empty buffer for a client of this protocol.
    pub fn new(protocol: Protocol) -> Self {
        Self { buf: Vec::new(), protocol }
    }

    /// The protocol in which values are written.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Values are written in this protocol from now on.
    pub(crate) fn switch(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.buf
    }

    /// The integer that was written, if nothing else was.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        match &*self.buf {
            [b':', digits @ .., b'\r', b'\n'] => parse_i64(digits),
            _ => None,
        }
    }

    /// The bulk string that was written, if nothing else was.
    pub(crate) fn as_bulk(&self) -> Option<&[u8]> {
        let rest = self.buf.strip_prefix(b"$")?;
        let (digits, rest) =
            rest.split_at(rest.iter().take_while(|it| it.is_ascii_digit()).count());
        let text = rest.strip_prefix(b"\r\n")?.strip_suffix(b"\r\n")?;
        (digits == itoa::Buffer::new().format(text.len()).as_bytes()).then_some(text)
    }

    /// Number of bytes written.
    pub(crate) fn len(&self) -> usize {
        self.buf.len()
    }

    /// Takes what was written.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buf)
    }

    /// Writes into `buf` from now on, which holds replies already or nothing.
    pub(crate) fn give(&mut self, buf: Vec<u8>) {
        self.buf = buf;
    }

    /// Forgets what was written after the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.buf.truncate(len);
    }

    /// Forgets the first `len` bytes, which were sent.
    pub(crate) fn drop_front(&mut self, len: usize) {
        if len == self.buf.len() {
            self.buf.clear();
        } else {
            self.buf.drain(..len);
        }
    }

    /// Bytes of memory held.
    pub(crate) fn capacity(&self) -> usize {
        self.buf.capacity()
    }

    /// `+OK`
    pub(crate) fn ok(&mut self) {
        self.buf.extend_from_slice(b"+OK\r\n");
    }

    /// `+text`; the text has no line break.
    pub(crate) fn status(&mut self, text: &str) {
        line::text(&mut self.buf, b'+', text.as_bytes());
    }

    /// `-text`, such as `ERR syntax error`, without line breaks around it; others become spaces.
    pub(crate) fn error(&mut self, text: &str) {
        self.one_line(b'-', text.trim_matches(['\r', '\n']).as_bytes());
    }

    /// A simple value of this kind that may be any bytes; line breaks become spaces.
    pub(crate) fn one_line(&mut self, kind: u8, text: &[u8]) {
        self.buf.push(kind);
        self.buf.extend(without_breaks(text));
        self.buf.extend_from_slice(b"\r\n");
    }

    /// `:value`
    pub(crate) fn integer(&mut self, value: i64) {
        line::number(&mut self.buf, b':', value);
    }

    /// A count or length as an integer.
    pub(crate) fn count(&mut self, value: usize) {
        self.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }

    /// A bulk string: any bytes.
    pub(crate) fn bulk(&mut self, bytes: &[u8]) {
        line::length(&mut self.buf, b'$', bytes.len());
        if bytes.len() > LARGE_BYTES {
            // With the line end, for which the buffer would else double.
            self.buf.reserve(bytes.len() + 2);
        }
        self.buf.extend_from_slice(bytes);
        self.buf.extend_from_slice(b"\r\n");
    }

    /// The null that stands for a missing string.
    pub(crate) fn nil(&mut self) {
        self.buf.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The null that stands for a missing array.
    pub(crate) fn nil_array(&mut self) {
        self.buf.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// The head of an array of `len` values.
    pub(crate) fn array(&mut self, len: usize) {
        line::length(&mut self.buf, b'*', len);
    }

    /// The head of a map of `len` pairs; RESP2: an array of twice as many.
    pub(crate) fn map(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(2 * len),
            Protocol::Resp3 => line::length(&mut self.buf, b'%', len),
        }
    }

    /// The head of a set of `len` values; RESP2: an array.
    pub(crate) fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => line::length(&mut self.buf, b'~', len),
        }
    }

    /// The head of a push of `len` values; RESP2: an array.
    pub(crate) fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => line::length(&mut self.buf, b'>', len),
        }
    }

    /// The head of `len` pairs that tell about the reply behind them; only in RESP3.
    pub(crate) fn attributes(&mut self, len: usize) {
        debug_assert!(self.protocol == Protocol::Resp3, "RESP2 has no attributes");
        line::length(&mut self.buf, b'|', len);
    }

    /// A double; RESP2: its text as a bulk string.
    pub(crate) fn double(&mut self, value: f64) {
        self.double_text(&format_f64(value));
    }

    /// A double that has a text of its own.
    pub(crate) fn double_text(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => line::text(&mut self.buf, b',', text.as_bytes()),
        }
    }

    /// A boolean; RESP2: 1 or 0.
    pub(crate) fn boolean(&mut self, value: bool) {
        match self.protocol {
            Protocol::Resp2 => self.integer(i64::from(value)),
            Protocol::Resp3 => line::text(&mut self.buf, b'#', if value { b"t" } else { b"f" }),
        }
    }

    /// An integer of any size, in digits; RESP2: a bulk string. Line breaks become spaces.
    pub(crate) fn big_number(&mut self, digits: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(&without_breaks(digits).collect::<Vec<_>>()),
            Protocol::Resp3 => self.one_line(b'(', digits),
        }
    }

    /// Text for people, and what it is written in; RESP2: a bulk string.
    pub(crate) fn verbatim(&mut self, format: [u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                line::length(&mut self.buf, b'=', text.len() + 4);
                self.buf.extend_from_slice(&format);
                self.buf.push(b':');
                self.buf.extend_from_slice(text);
                self.buf.extend_from_slice(b"\r\n");
            }
        }
    }

    /// A text of lines `name:value`.
    pub(crate) fn fields(&mut self, fields: &[(&str, &str)]) {
        let mut text = String::new();
        for (name, value) in fields {
            text.extend([name, ":", value, "\r\n"]);
        }
        self.verbatim(*b"txt", text.as_bytes());
    }

    /// Bytes that are replies already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }

    /// An array whose length is known only once its values are written: `write` writes them and
    /// returns their number.
    pub(crate) fn counted_array(&mut self, write: impl FnOnce(&mut Self) -> usize) {
        let start = self.buf.len();
        let len = write(self);
        self.put_before(start, |reply| reply.array(len));
    }

    /// Puts what `write` writes before the bytes from `start` on.
    pub(crate) fn put_before(&mut self, start: usize, write: impl FnOnce(&mut Self)) {
        let end = self.buf.len();
        write(self);
        let head = self.buf.len() - end;
        self.buf[start..].rotate_right(head);
    }
}

fn without_breaks(text: &[u8]) -> impl Iterator<Item = u8> {
    text.iter().map(|byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte })
}

#[cfg(test)]
mod tests {
    use redis_protocol::resp2::types::OwnedFrame as Frame2;
    use redis_protocol::resp3::types::OwnedFrame as Frame3;

    use super::*;

    fn write_all(reply: &mut Reply) {
        reply.array(9);
        reply.status("OK");
        reply.integer(-5);
        reply.bulk(b"a\r\nb");
        reply.nil();
        reply.map(1);
        reply.bulk(b"field");
        reply.double(1.5);
        reply.boolean(true);
        reply.set(0);
        reply.verbatim(*b"txt", b"hello");
        reply.counted_array(|reply| {
            (0..12).for_each(|n| reply.integer(n));
            12
        });
    }

    #[test]
    fn a_single_bulk_string_is_known() {
        let written = |write: &dyn Fn(&mut Reply)| {
            let mut reply = Reply::new(Protocol::Resp2);
            write(&mut reply);
            reply.as_bulk().map(<[u8]>::to_vec)
        };
        for text in [&b""[..], b"a", b"12\r\n", &[b'$'; 1234]] {
            assert_eq!(written(&|reply| reply.bulk(text)).as_deref(), Some(text));
        }
        let others: [&dyn Fn(&mut Reply); 5] = [
            &|_| {},
            &|reply| reply.nil(),
            &|reply| reply.status("OK"),
            &|reply| (0..2).for_each(|_| reply.bulk(b"")),
            &|reply| reply.raw(b"$99999999999999999999\r\n\r\n"),
        ];
        for write in others {
            assert_eq!(written(write), None);
        }
    }

    #[test]
    fn resp2_reads_back() {
        let mut reply = Reply::new(Protocol::Resp2);
        write_all(&mut reply);
        let (frame, used) = redis_protocol::resp2::decode::decode(reply.bytes()).unwrap().unwrap();
        assert_eq!(used, reply.len());
        let Frame2::Array(values) = frame else { panic!("{frame:?}") };
        assert_eq!(values[2], Frame2::BulkString(b"a\r\nb".to_vec()));
        assert_eq!(values[3], Frame2::Null);
        assert_eq!(values[5], Frame2::Integer(1));
    }

    #[test]
    fn resp3_reads_back() {
        let mut reply = Reply::new(Protocol::Resp3);
        write_all(&mut reply);
        let decoded = redis_protocol::resp3::decode::complete::decode(reply.bytes());
        let (frame, used) = decoded.unwrap().unwrap();
        assert_eq!(used, reply.len());
        let Frame3::Array { data, .. } = frame else { panic!("{frame:?}") };
        assert_eq!(data[3], Frame3::Null);
        assert_eq!(data[5], Frame3::Boolean { data: true, attributes: None });
    }

    #[test]
    fn errors_stay_on_one_line() {
        let mut reply = Reply::default();
        reply.error("ERR a\r\nb \r\n");
        assert_eq!(reply.bytes(), b"-ERR a  b \r\n");
    }
}
