//! Reading ahead: the requests that have arrived behind the next one, before it is their turn.

use std::ops::Range;

use super::{Decoded, Limits, RequestDecoder, read_plain};
use crate::resp::argv::{Argv, Word};

/// Words for which there is room at once, for each request.
const WORDS_EACH: usize = 4;

/// A request that was read.
#[derive(Clone, Debug)]
pub(super) struct ReadAhead {
    /// Its words, among those of all that were read; they lie behind its own start.
    words: Range<usize>,
    bytes: usize,
}

impl RequestDecoder {
    /// Reads up to `count` requests at the start of `buf`, which [`RequestDecoder::decode`] then
    /// gives out; returns them. Ends before the first that is not as clients write short ones, or
    /// has not arrived whole; at once if one was read in part before.
    pub(crate) fn read_ahead<'a>(
        &'a mut self,
        buf: &'a [u8],
        limits: &Limits,
        count: usize,
    ) -> Ahead<'a> {
        self.forget();
        let mut at = 0;
        if self.missing.is_none() {
            self.words.clear();
            self.words.reserve(WORDS_EACH * count);
            self.ahead.reserve(count);
        }
        while self.missing.is_none() && self.ahead.len() < count {
            let from = self.words.len();
            let Some(bytes) = read_plain(&buf[at..], limits, &mut self.words) else {
                self.words.truncate(from);
                break;
            };
            self.ahead.push(ReadAhead { words: from..self.words.len(), bytes });
            at += bytes;
        }
        Ahead { rest: buf, requests: &self.ahead, words: &self.words }
    }

    /// The first of the requests that were read ahead and not given out, which stands at the start
    /// of `buf`.
    pub(crate) fn first_ahead<'a>(&'a self, buf: &'a [u8]) -> Option<Argv<'a>> {
        let ReadAhead { words, .. } = self.ahead.get(self.given)?;
        Some(Argv::new(buf, &self.words[words.clone()]))
    }

    /// Forgets what was read ahead, so that all that was not run is read again.
    pub(crate) fn forget(&mut self) {
        self.ahead.clear();
        self.given = 0;
    }

    /// The next of the requests that were read ahead, which stands at the start of `buf`.
    #[inline]
    pub(super) fn next_ahead<'a>(&'a mut self, buf: &'a [u8]) -> Decoded<'a> {
        let ReadAhead { words, bytes } = self.ahead[self.given].clone();
        self.given += 1;
        Decoded::Request(Argv::new(buf, &self.words[words]), bytes)
    }
}

/// The requests that were read ahead.
#[derive(Clone, Debug)]
pub(crate) struct Ahead<'a> {
    rest: &'a [u8],
    requests: &'a [ReadAhead],
    words: &'a [Word],
}

impl<'a> Iterator for Ahead<'a> {
    type Item = Argv<'a>;

    fn next(&mut self) -> Option<Argv<'a>> {
        let (first, others) = self.requests.split_first()?;
        let argv = Argv::new(self.rest, &self.words[first.words.clone()]);
        self.requests = others;
        self.rest = &self.rest[first.bytes..];
        Some(argv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { words_max: 100, bulk_bytes_max: 100, authenticated: true };
    const GET: &str = "*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n";

    /// The second word of each request that is read ahead.
    fn seconds(requests: &str) -> Vec<String> {
        let mut decoder = RequestDecoder::new();
        let ahead = decoder.read_ahead(requests.as_bytes(), &LIMITS, 32);
        let words = ahead.map(|argv| argv.get(1).unwrap_or_default());
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn keys_are_found() {
        let set = "*3\r\n$3\r\nSET\r\n$2\r\nk2\r\n$1\r\nv\r\n";
        let ping = "*1\r\n$4\r\nPING\r\n";
        assert_eq!(seconds(&[GET, set, ping, GET].concat()), ["k1", "k2", "", "k1"]);
    }

    #[test]
    fn what_is_not_plain_or_complete_ends_the_look() {
        let long = format!("*65\r\n{}", "$1\r\nx\r\n".repeat(65));
        for other in ["PING\r\n", "*0\r\n", "*2\r\n$3\r\nGET\r\n$01\r\nk\r\n", &long] {
            assert_eq!(seconds(&[GET, other, GET].concat()), ["k1"], "{other:?}");
        }
        for end in 0..GET.len() {
            assert_eq!(seconds(&GET[..end]), [""; 0]);
        }
    }

    #[test]
    fn what_was_read_ahead_is_given_out_in_order_and_the_rest_read_behind_it() {
        let requests = "*1\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n*0\r\nd\r\n";
        for count in 0..4 {
            let mut decoder = RequestDecoder::new();
            let mut left = requests.as_bytes();
            let mut found = Vec::new();
            decoder.read_ahead(left, &LIMITS, count);
            while let Ok(Decoded::Request(argv, bytes)) = decoder.decode(left, &LIMITS) {
                found.push(argv.iter().map(<[u8]>::to_vec).collect::<Vec<_>>().concat());
                left = &left[bytes..];
            }
            assert_eq!(found, [&b"a"[..], b"bc"], "{count} read ahead");
            assert_eq!(left, b"*0\r\nd\r\n");
        }
    }

    #[test]
    fn what_was_read_in_part_is_kept() {
        let mut decoder = RequestDecoder::new();
        let buf = GET.repeat(2).into_bytes();
        let part = decoder.decode(&buf[..GET.len() - 3], &LIMITS);
        assert!(matches!(part, Ok(Decoded::Incomplete)));
        assert_eq!(decoder.read_ahead(&buf, &LIMITS, 32).count(), 0);
        let Ok(Decoded::Request(argv, bytes)) = decoder.decode(&buf, &LIMITS) else { panic!() };
        assert_eq!((argv.iter().collect::<Vec<_>>(), bytes), (vec![&b"GET"[..], b"k1"], GET.len()));
    }

    #[test]
    fn what_was_forgotten_is_read_again() {
        let mut decoder = RequestDecoder::new();
        decoder.read_ahead(GET.as_bytes(), &LIMITS, 32);
        for _ in 0..2 {
            let decoded = decoder.decode(GET.as_bytes(), &LIMITS);
            assert!(matches!(decoded, Ok(Decoded::Request(_, bytes)) if bytes == GET.len()));
            decoder.forget();
        }
    }
}
