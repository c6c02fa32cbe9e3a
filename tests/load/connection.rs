//! A connection, and replies as the ranges of their bulk strings.

use std::net::Ipv4Addr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const READ_BYTES: usize = 64 * 1024;

/// A client; replies stay in its buffer until the next one is read.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    input: Vec<u8>,
    /// Where the next reply begins.
    start: usize,
    bulks: Vec<Range<usize>>,
}

impl Connection {
    pub(crate) async fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        Self::new(stream.expect("the server listens"))
    }

    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP socket has the option");
        Self { stream, input: Vec::with_capacity(READ_BYTES), start: 0, bulks: Vec::new() }
    }

    pub(crate) async fn send(&mut self, requests: &[u8]) {
        self.stream.write_all(requests).await.expect("the server reads");
    }

    /// Waits for the next reply, which must be no error.
    pub(crate) async fn read(&mut self) {
        loop {
            self.bulks.clear();
            if let Some(bytes) = scan(&self.input[self.start..], &mut self.bulks) {
                for bulk in &mut self.bulks {
                    *bulk = bulk.start + self.start..bulk.end + self.start;
                }
                self.start += bytes;
                return;
            }
            self.input.drain(..self.start);
            self.start = 0;
            self.input.reserve(READ_BYTES);
            let bytes = self.stream.read_buf(&mut self.input).await.expect("the server writes");
            assert!(bytes > 0, "the server closed the connection");
        }
    }

    /// The bulk strings of the last reply, in order, whatever arrays they stand in.
    pub(crate) fn bulks(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.bulks.iter().map(|bulk| &self.input[bulk.clone()])
    }

    /// Sends one request and waits for its reply.
    pub(crate) async fn call(&mut self, words: &[&str]) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        self.send(&encode(&words)).await;
        self.read().await;
    }
}

/// A request on the wire.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend_from_slice(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// The length of the RESP2 reply at the start of `bytes`, if it is whole, and its bulk strings.
fn scan(bytes: &[u8], bulks: &mut Vec<Range<usize>>) -> Option<usize> {
    let (mut at, mut missing) = (0, 1);
    while missing > 0 {
        let end = at + memchr::memchr(b'\r', bytes.get(at..)?)?;
        let number = || -> i64 {
            std::str::from_utf8(&bytes[at + 1..end]).unwrap().parse().expect("a length")
        };
        let line_end = end + 2;
        missing -= 1;
        match bytes[at] {
            b'+' | b':' => at = line_end,
            b'$' => match usize::try_from(number()) {
                Ok(length) => {
                    bulks.push(line_end..line_end + length);
                    at = line_end + length + 2;
                }
                Err(_) => at = line_end,
            },
            b'*' => {
                missing += usize::try_from(number()).unwrap_or(0);
                at = line_end;
            }
            _ => panic!("{}", String::from_utf8_lossy(&bytes[at..end])),
        }
    }
    (at <= bytes.len()).then_some(at)
}
