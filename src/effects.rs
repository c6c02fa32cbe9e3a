//! Effects: what commands did to the data, in order, as commands that do it again.
//!
//! An effect is deterministic: replaying all of them gives the same state. They are gathered
//! while the shard locks are held and handed to the append-only file before those are released,
//! so the order in the file is the order of execution.

use crate::resp::request::{encode_head, encode_word};

/// Room made at first, for the effects of a usual batch.
const FIRST_BYTES: usize = 512;

/// A run of effects, encoded as requests.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Is there anyone to read them? If not, nothing is encoded.
    enabled: bool,
    /// Does a script want its effects not to be logged?
    muted: bool,
    buf: Vec<u8>,
    /// The database that the first effect needs; later ones select theirs in `buf`.
    first_db: Option<usize>,
    last_db: usize,
    /// Effects added since the last [`Effects::begin`].
    count: usize,
    /// Where the first effect since then starts.
    start: usize,
}

impl Effects {
    /// No effects yet; `room` is empty memory for them.
    pub(crate) fn new(enabled: bool, room: Vec<u8>) -> Self {
        Self { enabled, buf: room, ..Self::default() }
    }

    /// The memory, if it is no more than so many bytes, once all effects were handed on.
    pub(crate) fn take_room(&mut self, bytes_max: usize) -> Vec<u8> {
        self.clear();
        let room = std::mem::take(&mut self.buf);
        if room.capacity() <= bytes_max { room } else { Vec::new() }
    }

    /// Is there anyone to read what is added from now on?
    pub(crate) fn enable(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    /// What follows is not logged, or is again.
    pub(crate) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Does anyone read what is added now?
    pub(crate) fn are_read(&self) -> bool {
        self.enabled && !self.muted
    }

    /// Adds the effect `words` on database `db`.
    pub(crate) fn push<'a>(
        &mut self,
        db: usize,
        words: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        if self.are_read() {
            self.add(db, words);
        }
    }

    /// As [`Effects::push`], for what the server itself does: whatever a script wants, the log says
    /// when a key or a part of it went. What comes later would go with it on replay.
    pub(crate) fn push_own<'a>(
        &mut self,
        db: usize,
        words: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        if self.enabled {
            self.add(db, words);
        }
    }

    fn add<'a>(&mut self, db: usize, words: impl ExactSizeIterator<Item = &'a [u8]> + Clone) {
        if self.buf.capacity() == 0 {
            self.buf.reserve(FIRST_BYTES);
        }
        if self.first_db.is_none() {
            self.first_db = Some(db);
        } else if self.last_db != db {
            encode(&mut self.buf, [b"SELECT", db.to_string().as_bytes()].into_iter());
        }
        self.last_db = db;
        if self.count == 0 {
            self.start = self.buf.len();
        }
        self.count += 1;
        encode(&mut self.buf, words);
    }

    /// From here to [`Effects::end`] the effects stand or fall together.
    pub(crate) fn begin(&mut self) {
        self.count = 0;
    }

    /// Puts several effects since [`Effects::begin`] between MULTI and EXEC.
    pub(crate) fn end(&mut self) {
        if self.count > 1 {
            let len = self.buf.len();
            encode(&mut self.buf, [&b"MULTI"[..]].into_iter());
            let multi = self.buf.len() - len;
            self.buf[self.start..].rotate_right(multi);
            encode(&mut self.buf, [&b"EXEC"[..]].into_iter());
        }
        self.count = 0;
    }

    /// The database that must be selected before [`Effects::bytes`], and the one selected after;
    /// `None` if there are no effects.
    pub(crate) fn databases(&self) -> Option<(usize, usize)> {
        self.first_db.map(|first| (first, self.last_db))
    }

    /// The encoded effects.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf
    }

    /// Forgets all effects, which were handed on.
    pub(crate) fn clear(&mut self) {
        self.buf.clear();
        self.first_db = None;
        self.count = 0;
    }
}

/// Appends one request.
pub(crate) fn encode<'a>(buf: &mut Vec<u8>, words: impl ExactSizeIterator<Item = &'a [u8]>) {
    encode_head(buf, words.len());
    words.for_each(|word| encode_word(buf, word));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(effects: &mut Effects, db: usize, line: &str) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        effects.push(db, words.into_iter());
    }

    #[test]
    fn several_effects_of_one_call_are_a_transaction() {
        let mut effects = Effects::new(true, Vec::new());
        effects.begin();
        push(&mut effects, 0, "SET a 1");
        effects.end();
        effects.begin();
        push(&mut effects, 1, "DEL a");
        push(&mut effects, 1, "DEL b");
        effects.end();
        let text = String::from_utf8_lossy(effects.bytes()).replace("\r\n", " ");
        assert_eq!(
            text,
            "*3 $3 SET $1 a $1 1 *2 $6 SELECT $1 1 *1 $5 MULTI *2 $3 DEL $1 a *2 $3 DEL $1 b \
             *1 $4 EXEC "
        );
        assert_eq!(effects.databases(), Some((0, 1)));
    }

    #[test]
    fn nothing_is_encoded_when_nobody_reads() {
        let mut effects = Effects::new(false, Vec::new());
        push(&mut effects, 0, "SET a 1");
        assert!(effects.bytes().is_empty() && effects.databases().is_none());
    }
}
