//! Consumer groups as queues: every entry is given to exactly one consumer, is pending with it
//! until it is acknowledged, and is so after a restart, with the number of its deliveries.

use std::collections::BTreeMap;

use proptest::prelude::*;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};

const CONSUMERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    /// Acknowledges a pending entry.
    Ack(usize),
    /// Adds so many entries, as one transaction.
    Add(usize),
    AutoClaim {
        start: usize,
        count: usize,
    },
    Claim(usize),
    /// Reads again what is pending with the consumer.
    History,
    Read(usize),
    /// Removes an entry that is pending.
    Remove(usize),
    TimeOut,
    Wait(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<usize>().prop_map(Step::Ack),
        6 => (1usize..4).prop_map(Step::Add),
        1 => (any::<usize>(), 1usize..5)
            .prop_map(|(start, count)| Step::AutoClaim { start, count }),
        2 => any::<usize>().prop_map(Step::Claim),
        1 => Just(Step::History),
        4 => (1usize..4).prop_map(Step::Read),
        1 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::TimeOut),
        4 => (1usize..4).prop_map(Step::Wait),
    ]
}

/// A pending entry.
#[derive(Clone, Copy, Debug)]
struct Pending {
    consumer: usize,
    deliveries: u32,
    /// Is it gone from the stream?
    removed: bool,
}

#[derive(Debug, Default)]
struct Model {
    added: u32,
    /// The last entry that was given to anyone.
    given: u32,
    pending: BTreeMap<u32, Pending>,
    /// Consumers that wait and how many entries they want, first come first served.
    waiting: Vec<(usize, usize)>,
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn id(entry: u32) -> String {
    bulk(&format!("{entry}-0"))
}

fn entry_reply(entry: u32) -> String {
    format!("*2\r\n{}*2\r\n$1\r\nf\r\n{}", id(entry), bulk(&entry.to_string()))
}

fn stream_reply(entries: &[u32]) -> String {
    let entries_text: String = entries.iter().copied().map(entry_reply).collect();
    format!("*1\r\n*2\r\n$1\r\ns\r\n*{}\r\n{entries_text}", entries.len())
}

impl Model {
    /// What a consumer is given now, as its reply; `None` if there is nothing.
    fn give(&mut self, consumer: usize, count: usize) -> Option<String> {
        let first = self.given + 1;
        let last = self.added.min(self.given + u32::try_from(count).unwrap());
        if first > last {
            return None;
        }
        self.given = last;
        let entries: Vec<u32> = (first..=last).collect();
        for &entry in &entries {
            let pending = Pending { consumer, deliveries: 1, removed: false };
            assert!(self.pending.insert(entry, pending).is_none(), "given twice");
        }
        Some(stream_reply(&entries))
    }

    fn nth_pending(&self, index: usize) -> Option<u32> {
        self.pending.keys().nth(index % self.pending.len().max(1)).copied()
    }
}

struct World<'e> {
    sessions: Vec<Session<'e>>,
    model: &'e mut Model,
}

impl World<'_> {
    fn run(&mut self, session: usize, line: &str) -> String {
        let reply = self.sessions[session].run_line(line).expect("a reply");
        String::from_utf8(reply).unwrap()
    }

    fn apply(&mut self, consumer: usize, step: &Step) {
        match *step {
            Step::Add(count) => self.add(consumer, count),
            Step::Ack(index) => {
                let Some(entry) = self.model.nth_pending(index) else { return };
                assert_eq!(self.run(consumer, &format!("XACK s g {entry}")), ":1\r\n");
                self.model.pending.remove(&entry);
            }
            Step::Remove(index) => {
                let Some(entry) = self.model.nth_pending(index) else { return };
                let pending = self.model.pending.get_mut(&entry).unwrap();
                let removed = i32::from(!std::mem::replace(&mut pending.removed, true));
                let reply = self.run(consumer, &format!("XDEL s {entry}"));
                assert_eq!(reply, format!(":{removed}\r\n"));
            }
            Step::Claim(index) => self.claim(consumer, index),
            Step::AutoClaim { start, count } => self.autoclaim(consumer, start, count),
            Step::History => self.read_history(consumer),
            Step::Read(count) => {
                let line = format!("XREADGROUP GROUP g c{consumer} COUNT {count} STREAMS s >");
                let reply = self.run(consumer, &line);
                let expected = self.model.give(consumer, count);
                assert_eq!(reply, expected.unwrap_or("*-1\r\n".to_owned()));
            }
            Step::Wait(count) => {
                let line =
                    format!("XREADGROUP GROUP g c{consumer} COUNT {count} BLOCK 0 STREAMS s >");
                let reply = self.sessions[consumer].run_line(&line);
                let expected = self.model.give(consumer, count);
                assert_eq!(reply.map(|reply| String::from_utf8(reply).unwrap()), expected);
                if expected.is_none() {
                    self.model.waiting.push((consumer, count));
                }
            }
            Step::TimeOut => {
                if self.sessions[consumer].is_waiting() {
                    assert_eq!(self.sessions[consumer].time_out().unwrap(), b"*-1\r\n");
                    self.model.waiting.retain(|waiting| waiting.0 != consumer);
                }
            }
        }
    }

    fn add(&mut self, session: usize, count: usize) {
        self.run(session, "MULTI");
        for _ in 0..count {
            self.model.added += 1;
            let entry = self.model.added;
            self.run(session, &format!("XADD s {entry} f {entry}"));
        }
        self.run(session, "EXEC");
        while let Some(&(consumer, count)) = self.model.waiting.first() {
            let Some(expected) = self.model.give(consumer, count) else { break };
            self.model.waiting.remove(0);
            let served = self.sessions[consumer].served().expect("the first is served");
            assert_eq!(String::from_utf8(served).unwrap(), expected);
        }
    }

    fn claim(&mut self, consumer: usize, index: usize) {
        let Some(entry) = self.model.nth_pending(index) else { return };
        let reply = self.run(consumer, &format!("XCLAIM s g c{consumer} 0 {entry}"));
        let pending = self.model.pending.get_mut(&entry).unwrap();
        if pending.removed {
            self.model.pending.remove(&entry);
            assert_eq!(reply, "*0\r\n");
            return;
        }
        pending.consumer = consumer;
        pending.deliveries += 1;
        assert_eq!(reply, format!("*1\r\n{}", entry_reply(entry)));
    }

    fn autoclaim(&mut self, consumer: usize, start: usize, count: usize) {
        let Some(start) = self.model.nth_pending(start) else { return };
        let line = format!("XAUTOCLAIM s g c{consumer} 0 {start} COUNT {count} JUSTID");
        let reply = self.run(consumer, &line);
        let found: Vec<u32> = self.model.pending.range(start..).map(|(&entry, _)| entry).collect();
        let next = found.get(count).map_or("$3\r\n0-0\r\n".to_owned(), |&entry| id(entry));
        let (mut claimed, mut gone) = (Vec::new(), Vec::new());
        for &entry in found.iter().take(count) {
            let pending = self.model.pending.get_mut(&entry).unwrap();
            if pending.removed {
                self.model.pending.remove(&entry);
                gone.push(entry);
            } else {
                pending.consumer = consumer;
                claimed.push(entry);
            }
        }
        let ids = |ids: &[u32]| {
            let text: String = ids.iter().copied().map(id).collect();
            format!("*{}\r\n{text}", ids.len())
        };
        assert_eq!(reply, format!("*3\r\n{next}{}{}", ids(&claimed), ids(&gone)));
    }

    fn read_history(&mut self, consumer: usize) {
        let reply = self.run(consumer, &format!("XREADGROUP GROUP g c{consumer} STREAMS s 0"));
        let mut expected = String::new();
        let mut count = 0;
        for (&entry, pending) in &mut self.model.pending {
            if pending.consumer != consumer {
                continue;
            }
            count += 1;
            if pending.removed {
                expected.extend(["*2\r\n", &id(entry), "*-1\r\n"]);
            } else {
                pending.deliveries += 1;
                expected.push_str(&entry_reply(entry));
            }
        }
        assert_eq!(reply, format!("*1\r\n*2\r\n$1\r\ns\r\n*{count}\r\n{expected}"));
    }

    /// Nobody got more than what was expected, and the same entries are pending.
    fn check(&mut self) {
        for consumer in 0..CONSUMERS {
            assert_eq!(self.sessions[consumer].served(), None, "served twice");
        }
        let idle = (0..CONSUMERS).find(|&session| !self.sessions[session].is_waiting());
        let Some(session) = idle else { return };
        let reply = self.run(session, "XPENDING s g - + 100000");
        let rows = self.model.pending.iter().map(|(&entry, pending)| {
            let (consumer, count) = (pending.consumer, pending.deliveries);
            format!("*4\r\n{}$2\r\nc{consumer}\r\n:0\r\n:{count}\r\n", id(entry))
        });
        let rows = rows.collect::<Vec<_>>().concat();
        assert_eq!(reply, format!("*{}\r\n{rows}", self.model.pending.len()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_entry_is_given_once_and_pending_until_acknowledged(
        lives in prop::collection::vec(
            prop::collection::vec((0..CONSUMERS, step()), 1..60), 1..4
        ),
    ) {
        let folder = tempfile::tempdir().expect("a folder for the log");
        let mut model = Model::default();
        for steps in lives {
            let engine = Engine::new(Config::default(), Clock::manual(1_700_000_000_000));
            engine.open_log(folder.path()).expect("what was written can be loaded");
            let sessions: Vec<Session<'_>> = (0..CONSUMERS).map(|_| engine.session()).collect();
            let mut world = World { sessions, model: &mut model };
            world.sessions[0].run_line("XGROUP CREATE s g 0 MKSTREAM");
            world.check();
            for (consumer, step) in steps {
                let waits = world.sessions[consumer].is_waiting();
                if !waits || matches!(step, Step::TimeOut) {
                    world.apply(consumer, &step);
                    world.check();
                }
            }
            drop(world);
            model.waiting.clear();
            prop_assert!(engine.sync_log());
        }
    }
}
