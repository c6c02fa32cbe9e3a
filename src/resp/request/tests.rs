use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { words_max: 1 << 20, bulk_bytes_max: 1 << 20, authenticated: true };

/// Feeds `input` in pieces that end at `cuts`; returns the requests and the error, if any.
fn feed(input: &[u8], cuts: &[usize], limits: &Limits) -> (Vec<Vec<Vec<u8>>>, String) {
    let mut decoder = RequestDecoder::new();
    let (mut requests, mut start) = (Vec::new(), 0);
    let mut ends: Vec<usize> = cuts.iter().map(|&cut| cut.min(input.len())).collect();
    ends.sort_unstable();
    ends.push(input.len());
    for end in ends {
        loop {
            if end < start {
                break;
            }
            match decoder.decode(&input[start..end], limits) {
                Err(error) => return (requests, error.to_string()),
                Ok(Decoded::Incomplete) => break,
                Ok(Decoded::Nothing(used)) => start += used,
                Ok(Decoded::Request(argv, used)) => {
                    requests.push(argv.iter().map(<[u8]>::to_vec).collect());
                    start += used;
                }
            }
        }
    }
    (requests, String::new())
}

fn check(input: &[u8], expected: &[&[&str]], error: &str) {
    let expected: Vec<Vec<Vec<u8>>> = expected
        .iter()
        .map(|words| words.iter().map(|word| word.as_bytes().to_vec()).collect())
        .collect();
    assert_eq!(feed(input, &[], &LIMITS), (expected, error.to_owned()));
}

#[test]
fn requests() {
    check(b"*1\r\n$4\r\nPING\r\n", &[&["PING"]], "");
    check(b"*2\r\n$4\r\nECHO\r\n$2\r\n\r\n\r\n", &[&["ECHO", "\r\n"]], "");
    check(b"*0\r\n*-1\r\nPING\r\n", &[&["PING"]], "");
    check(b"\r\n  \r\nPING\n", &[&["PING"]], "");
    check(b"SET 'a b' \"\\x41\\n\"\r\n", &[&["SET", "a b", "A\n"]], "");
    check(b"GET \"\"\r\n", &[&["GET", ""]], "");
}

#[test]
fn errors_have_the_texts_of_redis() {
    check(b"*abc\r\n", &[], "Protocol error: invalid multibulk length");
    check(b"*2000000000000\r\n", &[], "Protocol error: invalid multibulk length");
    check(b"*1\r\n+PING\r\n", &[], "Protocol error: expected '$', got '+'");
    check(b"*1\r\n$-1\r\n", &[], "Protocol error: invalid bulk length");
    check(b"*1\r\n$2000000\r\n", &[], "Protocol error: invalid bulk length");
    check(b"GET \"a\r\n", &[], "Protocol error: unbalanced quotes in request");
    check(b"GET \"a\"b\r\n", &[], "Protocol error: unbalanced quotes in request");
    check(&vec![b'a'; 70_000], &[], "Protocol error: too big inline request");
    let digits = [b"*".as_slice(), &vec![b'1'; 70_000]].concat();
    check(&digits, &[], "Protocol error: too big mbulk count string");
    let digits = [b"*1\r\n$".as_slice(), &vec![b'1'; 70_000]].concat();
    check(&digits, &[], "Protocol error: too big bulk count string");
}

#[test]
fn before_auth_requests_are_small() {
    let limits = Limits { authenticated: false, ..LIMITS };
    let (_, error) = feed(b"*11\r\n", &[], &limits);
    assert_eq!(error, "Protocol error: unauthenticated multibulk length");
    let whole = format!("*11\r\n{}", "$1\r\nx\r\n".repeat(11));
    let (_, error) = feed(whole.as_bytes(), &[], &limits);
    assert_eq!(error, "Protocol error: unauthenticated multibulk length");
    let (_, error) = feed(b"*1\r\n$16385\r\n", &[], &limits);
    assert_eq!(error, "Protocol error: unauthenticated bulk length");
}

proptest! {
    #[test]
    fn any_split_gives_the_same_requests(
        requests in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5), 1..5),
        many in 1usize..100,
        cuts in prop::collection::vec(0usize..400, 0..10),
    ) {
        let mut requests = requests;
        requests.push(vec![b"word".to_vec(); many]);
        let mut input = Vec::new();
        for words in &requests {
            input.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in words {
                input.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                input.extend_from_slice(word);
                input.extend_from_slice(b"\r\n");
            }
        }
        prop_assert_eq!(feed(&input, &cuts, &LIMITS), (requests, String::new()));
    }

    #[test]
    fn any_bytes_and_any_split_agree(
        input in prop::collection::vec(
            prop::sample::select(b"*$+-0123 \r\n\"'\\xPING".to_vec()), 0..80),
        cuts in prop::collection::vec(0usize..80, 0..10),
    ) {
        prop_assert_eq!(feed(&input, &cuts, &LIMITS), feed(&input, &[], &LIMITS));
    }
}

/// What a line of this kind says, if it is a number of up to five digits as clients write it.
fn number_of(line: &[u8], kind: u8) -> Option<(usize, usize)> {
    let digits = line.strip_prefix(&[kind])?;
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_plain = (1..=5).contains(&count) && (digits[0] != b'0' || count == 1);
    let has_end = digits.get(count) == Some(&b'\r') && digits.len() > count + 1;
    let number = std::str::from_utf8(&digits[..count]).ok()?.parse().ok()?;
    (is_plain && has_end).then_some((number, count + 3))
}

#[test]
fn plain_lengths_are_what_they_say() {
    let bytes = [0, b'\n', b'\r', b'$', b'*', b'/', b'0', b'1', b'9', b':', 0x7F, 0xFF];
    let mut line = [0; 6];
    for number in 0..bytes.len().pow(5) {
        for (at, byte) in line[..5].iter_mut().enumerate() {
            *byte = bytes[number / bytes.len().pow(u32::try_from(at).unwrap()) % bytes.len()];
        }
        for len in [4, 5, 6] {
            let line = &line[..len];
            assert_eq!(plain_length(line, b'$'), number_of(line, b'$'), "{line:?}");
        }
    }
}
