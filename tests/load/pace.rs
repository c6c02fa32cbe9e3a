//! Requests at a fixed rate, whether replies come or not: a server that stalls meets all the
//! requests that it would meet in life, and their waiting counts.

use std::collections::VecDeque;
use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::Connection;

/// When the requests were sent whose replies have not come, in nanoseconds since the start.
pub(crate) type Sent = Arc<Mutex<VecDeque<u64>>>;

/// A connection on which another thread sends.
pub(crate) struct Paced {
    pub(crate) connection: Connection,
    pub(crate) sent: Sent,
    writer: TcpStream,
}

impl Paced {
    pub(crate) fn open(port: u16) -> Self {
        let writer = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server listens");
        writer.set_nonblocking(true).expect("a socket can be");
        let reader = writer.try_clone().expect("there are descriptors left");
        let reader = tokio::net::TcpStream::from_std(reader).expect("within a runtime");
        Self { connection: Connection::new(reader), sent: Sent::default(), writer }
    }
}

/// How much is sent, and until when.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) per_second: usize,
    pub(crate) begin: Instant,
    pub(crate) end_ns: u64,
}

impl Pace {
    /// Starts a thread that sends what `request` makes for each instant, on each connection in
    /// turn; returns the connections to read from.
    pub(crate) fn start(
        self,
        paced: Vec<Paced>,
        mut request: impl FnMut(u64) -> Vec<u8> + Send + 'static,
    ) -> Vec<(Connection, Sent)> {
        let mut writers: Vec<_> = paced
            .iter()
            .map(|p| (p.writer.try_clone().expect("descriptors"), p.sent.clone()))
            .collect();
        std::thread::spawn(move || {
            for (turn, place) in (0_u64..).zip((0..writers.len()).cycle()) {
                let due_ns = turn * 1_000_000_000 / self.per_second as u64;
                if due_ns >= self.end_ns {
                    return;
                }
                let now_ns = self.wait_for(due_ns);
                let (writer, sent) = &mut writers[place];
                sent.lock().push_back(now_ns);
                if !write(writer, &request(now_ns)) {
                    return;
                }
            }
        });
        paced.into_iter().map(|paced| (paced.connection, paced.sent)).collect()
    }

    /// Sleeps until it is due; returns what time it is then.
    fn wait_for(self, due_ns: u64) -> u64 {
        let due = Duration::from_nanos(due_ns);
        loop {
            let now = self.begin.elapsed();
            if now >= due {
                return u64::try_from(now.as_nanos()).expect("a run is shorter than centuries");
            }
            std::thread::sleep(due.saturating_sub(now));
        }
    }
}

/// Writes all, however full the socket is; `false` if the server has gone.
fn write(mut writer: &TcpStream, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match writer.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(_) => return false,
        }
    }
    true
}
