//! `floor`: a server that answers each request with `reply` and does nothing else: about what the
//! system, the generator and the machine cost by themselves. It is a yardstick and no bound: when
//! replies leave decides how many requests come at once, so a real server may do more a second.
//!
//! With `reply=message`, BRPOP waits, and LPUSH is answered when its message has been sent to the
//! one that has waited longest: a hand-off and nothing else.
//!
//! With `log=PATH`, requests are appended there first and synced, all of a turn at once, as
//! `appendfsync always` asks; nothing is run meanwhile, which a real server may do.
//!
//! A request is counted by its `*` and the digit behind it, so none such may stand in a word.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::connection::encode;
use crate::options::Options;

const READ_BYTES: usize = 64 * 1024;
const EVENTS_MAX: usize = 1024;
const LISTENER: Token = Token(usize::MAX);
/// Written ahead, so that a sync need not tell the file's new size.
const LOG_BYTES: usize = 64 << 20;

struct Floor {
    poll: Poll,
    listener: TcpListener,
    clients: Vec<Option<Client>>,
    reply: Vec<u8>,
    handoff: Option<Handoff>,
    log: Option<Log>,
    input: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    /// The last byte that was read.
    last: u8,
}

impl Client {
    /// How many requests begin in what was read.
    fn count(&mut self, read: &[u8]) -> usize {
        let last = std::mem::replace(&mut self.last, read[read.len() - 1]);
        let begun = usize::from(last == b'*' && read[0].is_ascii_digit());
        let stars = memchr::memchr_iter(b'*', &read[..read.len() - 1]);
        begun + stars.filter(|star| read[star + 1].is_ascii_digit()).count()
    }
}

/// Clients that wait for a message, or messages that wait for a client.
#[derive(Default)]
struct Handoff {
    clients: VecDeque<usize>,
    messages: VecDeque<Vec<u8>>,
}

struct Log {
    file: File,
    offset: usize,
    group: Vec<u8>,
}

impl Log {
    fn create(path: &str) -> Self {
        let file = File::create(path).expect("the log is made");
        file.write_all_at(&vec![b'\n'; LOG_BYTES], 0).expect("the disk has room");
        file.sync_all().expect("the disk takes it");
        Self { file, offset: 0, group: Vec::new() }
    }

    fn commit(&mut self) {
        if self.offset + self.group.len() > LOG_BYTES {
            self.offset = 0;
        }
        self.file.write_all_at(&self.group, self.offset as u64).expect("the disk takes it");
        self.file.sync_data().expect("the disk takes it");
        self.offset += self.group.len();
        self.group.clear();
    }
}

/// Serves until the process is stopped.
pub(crate) fn run(options: &Options) -> ! {
    let address = (Ipv4Addr::LOCALHOST, options.port()).into();
    let mut listener = TcpListener::bind(address).expect("the port is free");
    let poll = Poll::new().expect("the system gives an event queue");
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE).expect("it is new");
    let reply = options.text("reply", ":1");
    let handoff = (reply == "message").then(Handoff::default);
    let reply = reply.replace("\\r\\n", "\r\n") + "\r\n";
    let log = options.text("log", "");
    let mut floor = Floor {
        poll,
        listener,
        clients: Vec::new(),
        reply: reply.into_bytes(),
        handoff,
        log: (!log.is_empty()).then(|| Log::create(log)),
        input: vec![0; READ_BYTES],
    };
    let mut events = Events::with_capacity(EVENTS_MAX);
    loop {
        floor.turn(&mut events);
    }
}

impl Floor {
    fn turn(&mut self, events: &mut Events) {
        self.poll.poll(events, None).expect("events come");
        let mut owed = Vec::new();
        for event in &*events {
            if event.token() == LISTENER {
                self.accept();
                continue;
            }
            if self.handoff.is_some() {
                self.hand_off(event.token().0);
                continue;
            }
            match (self.requests(event.token().0), self.log.is_some()) {
                (0, _) => {}
                (requests, false) => self.answer(event.token().0, requests),
                (requests, true) => owed.push((event.token().0, requests)),
            }
        }
        if !owed.is_empty() {
            self.log.iter_mut().for_each(Log::commit);
        }
        for (client, requests) in owed {
            self.answer(client, requests);
        }
    }

    fn accept(&mut self) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true).expect("a TCP socket has the option");
            let token = Token(self.clients.len());
            let registry = self.poll.registry();
            registry.register(&mut stream, token, Interest::READABLE).expect("it is new");
            self.clients.push(Some(Client { stream, last: 0 }));
        }
    }

    /// Reads all there is; returns how many requests that were.
    fn requests(&mut self, client: usize) -> usize {
        let mut requests = 0;
        loop {
            let Some(from) = &mut self.clients[client] else { return requests };
            match from.stream.read(&mut self.input) {
                Ok(0) => self.clients[client] = None,
                Ok(bytes) => {
                    let read = &self.input[..bytes];
                    requests += from.count(read);
                    self.log.iter_mut().for_each(|log| log.group.extend_from_slice(read));
                    if bytes < READ_BYTES {
                        return requests;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return requests,
                Err(_) => self.clients[client] = None,
            }
        }
    }

    fn answer(&mut self, client: usize, requests: usize) {
        self.send(client, &self.reply.repeat(requests));
    }

    fn send(&self, client: usize, bytes: &[u8]) {
        if let Some(to) = &self.clients[client] {
            // A client that reads nothing gets nothing.
            drop((&to.stream).write(bytes));
        }
    }

    /// Reads requests, which come whole, and hands messages to who waits for them.
    fn hand_off(&mut self, client: usize) {
        let Some(from) = &mut self.clients[client] else { return };
        let bytes = match from.stream.read(&mut self.input) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Ok(0) | Err(_) => return self.clients[client] = None,
            Ok(bytes) => bytes,
        };
        let handoff = self.handoff.as_mut().expect("it hands messages on");
        let mut answered = 0;
        for request in requests(&self.input[..bytes]) {
            if request[2] == b"BRPOP" {
                handoff.clients.push_back(client);
                continue;
            }
            answered += 1;
            if request[2] == b"LPUSH" {
                handoff.messages.push_back(request[6].to_vec());
            }
        }
        while let Some(handoff) = &mut self.handoff
            && !handoff.messages.is_empty()
            && let Some(waiting) = handoff.clients.pop_front()
        {
            let message = handoff.messages.pop_front().expect("there is one");
            self.send(waiting, &encode(&[b"list", &message]));
        }
        self.send(client, &b":1\r\n".repeat(answered));
    }
}

/// The lines of each request: those of its words are the third, the fifth and so on.
fn requests(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let starts: Vec<usize> = memchr::memchr_iter(b'*', bytes).collect();
    let ends = starts.clone().into_iter().skip(1).chain([bytes.len()]);
    let pieces = starts.into_iter().zip(ends).map(|(start, end)| &bytes[start..end]);
    pieces.map(lines)
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end).collect()
}
