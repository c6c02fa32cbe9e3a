//! A look at the requests that have arrived behind the next one, without decoding them.

use super::request::plain_length;

/// Longer requests end the look: there is more to do for them than to find their key.
const WORDS_MAX: usize = 8;

/// The second word of each request that stands complete at the start of some bytes: as a rule its
/// key. Requests of one word count as an empty one. Ends before the first request that is not as
/// clients write short ones.
#[derive(Debug)]
pub(crate) struct SecondWords<'a> {
    rest: &'a [u8],
}

impl<'a> SecondWords<'a> {
    pub(crate) fn new(requests: &'a [u8]) -> Self {
        Self { rest: requests }
    }
}

impl<'a> Iterator for SecondWords<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (words, head) = plain_length(self.rest, b'*')?;
        if words > WORDS_MAX {
            return None;
        }
        let mut rest = &self.rest[head..];
        let mut second: &[u8] = &[];
        for place in 0..words {
            let (bytes, head) = plain_length(rest, b'$')?;
            if place == 1 {
                second = rest.get(head..head + bytes)?;
            }
            rest = rest.get(head + bytes + 2..)?;
        }
        self.rest = rest;
        Some(second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(requests: &str) -> Vec<String> {
        let words = SecondWords::new(requests.as_bytes());
        words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }

    #[test]
    fn keys_are_found() {
        let get = "*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n";
        let set = "*3\r\n$3\r\nSET\r\n$2\r\nk2\r\n$1\r\nv\r\n";
        let ping = "*1\r\n$4\r\nPING\r\n";
        assert_eq!(seconds(&[get, set, ping, get].concat()), ["k1", "k2", "", "k1"]);
    }

    #[test]
    fn what_is_not_plain_or_complete_ends_the_look() {
        let get = "*2\r\n$3\r\nGET\r\n$2\r\nk1\r\n";
        let long = format!("*9\r\n{}", "$1\r\nx\r\n".repeat(9));
        for other in ["PING\r\n", "*0\r\n", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", &long] {
            assert_eq!(seconds(&[get, other, get].concat()), ["k1"], "{other:?}");
        }
        for end in 0..get.len() {
            assert_eq!(seconds(&get[..end]), [""; 0]);
        }
    }
}
