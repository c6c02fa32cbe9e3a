//! Any bytes, in any split, give the same requests and the same error.

use respq::resp::request::{Decoded, Limits, RequestDecoder};

const LIMITS: Limits = Limits { words_max: 1 << 20, bulk_bytes_max: 1 << 20, authenticated: true };

/// The requests in `input` when it arrives in pieces of `piece` bytes, and the error at the end.
fn decode(input: &[u8], piece: usize) -> (Vec<Vec<Vec<u8>>>, Option<String>) {
    let mut decoder = RequestDecoder::new();
    let (mut requests, mut start, mut end) = (Vec::new(), 0, 0);
    while end < input.len() {
        end = (end + piece).min(input.len());
        loop {
            match decoder.decode(&input[start..end], &LIMITS) {
                Err(error) => return (requests, Some(error.to_string())),
                Ok(Decoded::Incomplete) => break,
                Ok(Decoded::Nothing(used)) => start += used,
                Ok(Decoded::Request(argv, used)) => {
                    requests.push(argv.iter().map(<[u8]>::to_vec).collect());
                    start += used;
                }
            }
        }
    }
    (requests, None)
}

/// What the target does with an input: the first byte is the size of the pieces.
pub fn check(input: &[u8]) {
    let Some((&piece, input)) = input.split_first() else { return };
    assert_eq!(decode(input, usize::from(piece).max(1)), decode(input, input.len().max(1)));
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    super::texts(&[
        "\x01*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
        "\x03*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n*0\r\n*-1\r\n",
        "\x05PING\r\nset k \"a b\\x00\" 'c'\n\r\n  \n",
        "\x07*1\r\n$1048577\r\n",
        "\x02*1048577\r\n",
        "\x02*1\r\n$-1\r\n*1\r\n:1\r\n",
    ])
}
