//! Lists as queues: every element that is pushed is popped once, in order; waiting clients are
//! served first come, first served, one for each element; moves lose nothing.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use respq::clock::Clock;
use respq::config::Config;
use respq::engine::{Engine, Session};

const SESSIONS: usize = 6;
const KEYS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Head,
    Tail,
}

impl End {
    fn word(self) -> &'static str {
        if self == Self::Head { "LEFT" } else { "RIGHT" }
    }

    fn letter(self) -> &'static str {
        if self == Self::Head { "L" } else { "R" }
    }
}

/// What a client does. Keys are numbers below `KEYS`.
#[derive(Clone, Debug)]
enum Step {
    /// Pushes so many new elements.
    Push(usize, End, usize),
    Pop(usize, End),
    Move(usize, usize, End, End),
    /// Waits for any of the keys.
    Wait(Vec<usize>, End),
    /// Waits for an element to move.
    WaitToMove(usize, usize, End, End),
    /// Several pushes as one transaction.
    Transaction(Vec<(usize, End, usize)>),
    TimeOut,
    Delete(usize),
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Head), Just(End::Tail)]
}

fn step() -> impl Strategy<Value = Step> {
    let key = || 0..KEYS;
    let keys = prop::sample::subsequence((0..KEYS).collect::<Vec<_>>(), 1..=3).prop_shuffle();
    prop_oneof![
        5 => (key(), end(), 1usize..4).prop_map(|(key, end, n)| Step::Push(key, end, n)),
        2 => (key(), end()).prop_map(|(key, end)| Step::Pop(key, end)),
        2 => (key(), key(), end(), end()).prop_map(|(s, d, from, to)| Step::Move(s, d, from, to)),
        5 => (keys, end()).prop_map(|(keys, end)| Step::Wait(keys, end)),
        4 => (key(), key(), end(), end())
            .prop_map(|(s, d, from, to)| Step::WaitToMove(s, d, from, to)),
        1 => prop::collection::vec((key(), end(), 1usize..3), 1..4).prop_map(Step::Transaction),
        1 => Just(Step::TimeOut),
        1 => key().prop_map(Step::Delete),
    ]
}

/// A client of the model that waits.
struct Waiting {
    session: usize,
    step: Step,
}

#[derive(Default)]
struct Model {
    lists: BTreeMap<usize, VecDeque<u32>>,
    /// In the order in which they began to wait.
    waiting: Vec<Waiting>,
    next_element: u32,
    /// Replies that waiting sessions must get.
    served: Vec<(usize, String)>,
}

fn bulk(element: u32) -> String {
    let digits = element.to_string();
    format!("${}\r\n{digits}\r\n", digits.len())
}

fn pair(key: usize, element: u32) -> String {
    format!("*2\r\n$1\r\n{key}\r\n{}", bulk(element))
}

impl Model {
    fn push(&mut self, key: usize, end: End, element: u32) {
        let list = self.lists.entry(key).or_default();
        if end == End::Head { list.push_front(element) } else { list.push_back(element) }
    }

    fn pop(&mut self, key: usize, end: End) -> Option<u32> {
        let list = self.lists.get_mut(&key)?;
        let element = if end == End::Head { list.pop_front() } else { list.pop_back() };
        if list.is_empty() {
            self.lists.remove(&key);
        }
        element
    }

    fn new_elements(&mut self, count: usize) -> Vec<u32> {
        let first = self.next_element;
        self.next_element += u32::try_from(count).unwrap();
        (first..self.next_element).collect()
    }

    /// What a blocking step replies if it need not wait, and the key it adds to.
    fn try_waiting(&mut self, step: &Step) -> Option<(String, Option<usize>)> {
        match step {
            Step::Wait(keys, end) => {
                let &key = keys.iter().find(|key| self.lists.contains_key(key))?;
                let element = self.pop(key, *end)?;
                Some((pair(key, element), None))
            }
            &Step::WaitToMove(source, destination, from, to) => {
                let element = self.pop(source, from)?;
                self.push(destination, to, element);
                Some((bulk(element), Some(destination)))
            }
            other => panic!("{other:?} does not wait"),
        }
    }

    /// Serves who waits for the keys that were added to.
    fn serve(&mut self, ready: Vec<usize>) {
        let mut ready = VecDeque::from(ready);
        while let Some(key) = ready.pop_front() {
            let mut at = 0;
            while at < self.waiting.len() && self.lists.contains_key(&key) {
                let waits_here = match &self.waiting[at].step {
                    Step::Wait(keys, _) => keys.contains(&key),
                    Step::WaitToMove(source, ..) => *source == key,
                    _ => false,
                };
                if !waits_here {
                    at += 1;
                    continue;
                }
                let step = self.waiting[at].step.clone();
                let (reply, added) = self.try_waiting(&step).unwrap();
                let waiting = self.waiting.remove(at);
                self.served.push((waiting.session, reply));
                ready.extend(added);
            }
        }
    }
}

/// The engine's side: sessions, some of which wait.
struct World<'e> {
    sessions: Vec<Session<'e>>,
    model: Model,
}

impl World<'_> {
    fn run(&mut self, session: usize, line: &str) -> String {
        text(self.sessions[session].run_line(line))
    }

    fn push(&mut self, session: usize, pushes: &[(usize, End, usize)]) {
        if pushes.len() > 1 {
            self.run(session, "MULTI");
        }
        let mut ready = Vec::new();
        for &(key, end, count) in pushes {
            let elements = self.model.new_elements(count);
            let words: Vec<String> = elements.iter().map(ToString::to_string).collect();
            self.run(session, &format!("{}PUSH {key} {}", end.letter(), words.join(" ")));
            for element in elements {
                self.model.push(key, end, element);
            }
            ready.push(key);
        }
        if pushes.len() > 1 {
            self.run(session, "EXEC");
        }
        self.model.serve(ready);
    }

    fn begin_to_wait(&mut self, session: usize, step: Step) {
        let line = match &step {
            Step::Wait(keys, end) => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                format!("B{}POP {} 0", end.letter(), keys.join(" "))
            }
            Step::WaitToMove(source, destination, from, to) => {
                format!("BLMOVE {source} {destination} {} {} 0", from.word(), to.word())
            }
            other => panic!("{other:?} does not wait"),
        };
        let reply = self.sessions[session].run_line(&line);
        match self.model.try_waiting(&step) {
            None => {
                assert_eq!(reply, None, "{line} must wait");
                self.model.waiting.push(Waiting { session, step });
            }
            Some((expected, added)) => {
                assert_eq!(text(reply), expected, "{line}");
                self.model.serve(added.into_iter().collect());
            }
        }
    }

    fn apply(&mut self, session: usize, step: Step) {
        match step {
            Step::Push(key, end, count) => self.push(session, &[(key, end, count)]),
            Step::Transaction(pushes) => self.push(session, &pushes),
            Step::Pop(key, end) => {
                let reply = self.run(session, &format!("{}POP {key}", end.letter()));
                let expected = self.model.pop(key, end).map_or("$-1\r\n".to_owned(), bulk);
                assert_eq!(reply, expected);
            }
            Step::Move(source, destination, from, to) => {
                let line = format!("LMOVE {source} {destination} {} {}", from.word(), to.word());
                let reply = self.run(session, &line);
                let step = Step::WaitToMove(source, destination, from, to);
                let moved = self.model.try_waiting(&step);
                let (expected, added) = moved.unwrap_or(("$-1\r\n".to_owned(), None));
                assert_eq!(reply, expected);
                self.model.serve(added.into_iter().collect());
            }
            Step::Delete(key) => {
                self.run(session, &format!("DEL {key}"));
                self.model.lists.remove(&key);
            }
            Step::Wait(..) | Step::WaitToMove(..) => self.begin_to_wait(session, step),
            Step::TimeOut => {
                if self.model.waiting.is_empty() {
                    return;
                }
                let waiting = self.model.waiting.remove(0);
                let reply = self.sessions[waiting.session].time_out();
                assert!(text(reply).ends_with("-1\r\n"), "a null at the time-out");
            }
        }
    }

    /// Every session has just the replies that it must have, and the lists are the same.
    fn check(&mut self) {
        for (session, expected) in std::mem::take(&mut self.model.served) {
            assert_eq!(text(self.sessions[session].served()), expected);
        }
        for session in 0..SESSIONS {
            assert_eq!(self.sessions[session].served(), None, "served twice");
            let waits = self.model.waiting.iter().any(|waiting| waiting.session == session);
            assert_eq!(self.sessions[session].is_waiting(), waits);
        }
    }

    fn check_lists(&mut self) {
        let idle = (0..SESSIONS).find(|&session| !self.sessions[session].is_waiting());
        let Some(session) = idle else { return };
        for key in 0..KEYS {
            let reply = self.run(session, &format!("LRANGE {key} 0 -1"));
            let list = self.model.lists.get(&key).cloned().unwrap_or_default();
            let elements: String = list.iter().copied().map(bulk).collect();
            assert_eq!(reply, format!("*{}\r\n{elements}", list.len()));
        }
    }
}

fn text(reply: Option<Vec<u8>>) -> String {
    String::from_utf8(reply.unwrap_or_default()).unwrap()
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nobody_is_overtaken(
        steps in prop::collection::vec((0..SESSIONS, step()), 1..120),
    ) {
        let engine = Engine::new(Config::default(), Clock::manual(1_000_000));
        let sessions = (0..SESSIONS).map(|_| engine.session()).collect();
        let mut world = World { sessions, model: Model::default() };
        for (session, step) in steps {
            if world.sessions[session].is_waiting() && !matches!(step, Step::TimeOut) {
                continue;
            }
            world.apply(session, step);
            world.check();
        }
        world.check_lists();
    }
}
