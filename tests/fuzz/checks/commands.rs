//! Several clients with requests from the command table, in transactions or waiting, while time
//! goes on, snapshots are taken and the log is rewritten.
//!
//! Whatever they ask: no panic, whole replies, an error leaves the data as they were, the engine
//! agrees with itself, and the log, the snapshot and the RDB form of each value give the same data.

use respq::clock::Clock;
use respq::engine::{Engine, Session};

use super::dice::Dice;
use super::{fixture, syntax, words};

const CLIENTS: usize = 3;
/// How far time goes on at once, in milliseconds.
const STRIDES_MS: &[u64] = &[0, 1, 10, 99, 500, 1000, 1024, 5000, 100_000, 1_000_000_000];
/// Commands that may have changed something when they fail, as they run others.
const RUNNING_OTHERS: &[&str] = &["eval", "evalsha", "exec", "fcall"];
/// Requests of one input.
const STEPS_MAX: usize = 400;

struct Run<'e, 'b> {
    engine: &'e Engine,
    clock: &'e Clock,
    dice: Dice<'b>,
    sessions: Vec<Session<'e>>,
    /// Is the digest taken after each request? That takes most of the time.
    looks_closely: bool,
    /// The digest of the data after the last request.
    digest: String,
    steps: usize,
    in_snapshot: bool,
}

/// What the target does with an input.
pub fn check(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::manual(fixture::START_MS);
    let engine = fixture::engine(folder.path(), clock.clone());
    engine.open_log(folder.path()).expect("an empty log opens");
    fixture::fill(&engine);
    let mut dice = Dice::new(input);
    let mut run = Run {
        engine: &engine,
        clock: &clock,
        looks_closely: dice.once_in(2),
        dice,
        sessions: (0..CLIENTS).map(|_| engine.session()).collect(),
        digest: fixture::digest(&engine),
        steps: 0,
        in_snapshot: false,
    };
    run.some_steps(STEPS_MAX);
    fixture::assert_sound(&engine);
    drop(run);
    fixture::assert_sound(&engine);
    assert!(engine.sync_log(), "the log is written");
    let again = fixture::reopen(folder.path(), clock);
    fixture::assert_same(&engine, &again, "after a replay of the log");
    fixture::assert_reload(&engine);
}

impl Run<'_, '_> {
    fn some_steps(&mut self, count: usize) {
        for _ in 0..count {
            if self.dice.is_over() || self.steps == STEPS_MAX {
                break;
            }
            self.steps += 1;
            self.step();
        }
    }

    fn step(&mut self) {
        let client = self.dice.below(CLIENTS);
        match self.dice.below(16) {
            0..=10 => {
                let place = self.dice.below(syntax::commands_of_data());
                self.command(client, place);
            }
            11 => {
                let others = syntax::commands().len() - syntax::commands_of_data();
                let place = syntax::commands_of_data() + self.dice.below(others);
                self.command(client, place);
            }
            12 => {
                let name = self.dice.pick(&["multi", "exec", "exec", "discard", "watch"]);
                self.command(client, syntax::place_of(name).expect("it is in the table"));
            }
            13 => {
                let ms = STRIDES_MS[self.dice.below(STRIDES_MS.len())];
                fixture::trace(|| format!("{ms} ms go by"));
                self.clock.advance(ms);
                if self.dice.once_in(2) {
                    self.engine.expire_cycle();
                }
                self.note();
            }
            14 => {
                self.sessions[client]
                    .time_out()
                    .iter()
                    .for_each(|reply| fixture::assert_replies(reply));
            }
            _ => self.rare_step(client),
        }
    }

    fn rare_step(&mut self, client: usize) {
        let choice = self.dice.below(6);
        fixture::trace(|| format!("{client}: rare step {choice}"));
        match choice {
            0 => fixture::assert_sound(self.engine),
            1 if !self.in_snapshot => {
                self.note();
                assert!(self.engine.rewrite_log(), "the log is rewritten");
                assert_eq!(fixture::digest(self.engine), self.digest, "after a rewrite");
            }
            2 if !self.in_snapshot => self.snapshot(),
            3 => {
                fixture::assert_reload(self.engine);
                self.note();
            }
            4 => {
                let bytes = self.dice.raw();
                if !self.is_busy(client) {
                    fixture::assert_replies(&self.sessions[client].feed(bytes));
                    self.note();
                }
            }
            _ => self.sessions[client] = self.engine.session(),
        }
    }

    fn note(&mut self) {
        self.digest = fixture::digest(self.engine);
    }

    /// Takes a snapshot while commands go on; it holds the data as they were at its start.
    fn snapshot(&mut self) {
        let folder = tempfile::tempdir().expect("a folder");
        self.note();
        let (engine, count) = (self.engine, self.dice.below(32));
        let (digest, at_ms) = (self.digest.clone(), self.clock.now_ms());
        self.in_snapshot = true;
        let path = folder.path().join("dump.rdb");
        assert!(engine.save_across(&path, || self.some_steps(count)), "the snapshot is written");
        self.in_snapshot = false;
        let restored = fixture::reopen(folder.path(), Clock::manual(at_ms));
        assert_eq!(fixture::digest(&restored), digest, "in a snapshot");
    }

    /// Takes what the client was sent unasked. Does it wait, or is it gone?
    fn is_busy(&mut self, client: usize) -> bool {
        let session = &mut self.sessions[client];
        session.served().iter().for_each(|bytes| fixture::assert_replies(bytes));
        if session.is_over() {
            *session = self.engine.session();
        }
        self.sessions[client].is_waiting()
    }

    fn command(&mut self, client: usize, place: usize) {
        let command = &syntax::commands()[place];
        let words = words::request(command, &mut self.dice);
        if self.is_busy(client) {
            return;
        }
        fixture::trace(|| format!("{client}: {}", fixture::shown_words(&words)));
        let reply = self.sessions[client].run(&words).unwrap_or_default();
        fixture::assert_replies(&reply);
        if !self.looks_closely {
            return;
        }
        let digest = fixture::digest(self.engine);
        let runs_others = RUNNING_OTHERS.iter().any(|name| command.name[0].starts_with(name));
        if reply.first() == Some(&b'-') && !runs_others {
            let words = fixture::shown_words(&words);
            assert_eq!(digest, self.digest, "failed and changed the data: {words}");
        }
        self.digest = digest;
    }
}

/// Inputs to start from.
pub fn seeds() -> Vec<Vec<u8>> {
    (1..40).map(|seed| super::noise(seed, 60 * usize::try_from(seed).unwrap_or(1))).collect()
}
