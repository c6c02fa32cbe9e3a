//! SLOWLOG: the commands that took long.

use std::collections::VecDeque;

use parking_lot::Mutex;

use crate::resp::argv::Argv;

/// Words of a command that are kept.
const WORDS_MAX: usize = 32;
/// Bytes of a word that are kept.
const WORD_BYTES_MAX: usize = 128;

/// A command that took long.
#[derive(Clone, Debug)]
pub(crate) struct SlowCall {
    pub(crate) id: u64,
    /// When it ran: unix time in seconds.
    pub(crate) at_s: u64,
    pub(crate) us: u64,
    pub(crate) words: Vec<Box<[u8]>>,
    pub(crate) client_address: Box<str>,
    pub(crate) client_name: Box<[u8]>,
}

/// The last slow commands, the latest first.
#[derive(Debug, Default)]
pub(crate) struct SlowLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<SlowCall>,
    next_id: u64,
}

impl SlowLog {
    /// Notes a call, which gets the next number; at most `len_max` stay.
    pub(crate) fn note(&self, mut call: SlowCall, len_max: usize) {
        let mut state = self.state.lock();
        call.id = state.next_id;
        state.next_id += 1;
        state.calls.push_front(call);
        state.calls.truncate(len_max);
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().calls.len()
    }

    /// The latest `count` calls.
    pub(crate) fn latest(&self, count: usize) -> Vec<SlowCall> {
        self.state.lock().calls.iter().take(count).cloned().collect()
    }

    pub(crate) fn reset(&self) {
        self.state.lock().calls.clear();
    }
}

/// The words of a command as the log keeps them: not too many, none too long.
pub(crate) fn trimmed(argv: Argv<'_>) -> Vec<Box<[u8]>> {
    let len = argv.len();
    let kept = if len > WORDS_MAX { WORDS_MAX - 1 } else { len };
    let mut words: Vec<Box<[u8]>> = argv.iter().take(kept).map(trim_word).collect();
    if kept < len {
        words.push(format!("... ({} more arguments)", len - kept).into_bytes().into());
    }
    words
}

fn trim_word(word: &[u8]) -> Box<[u8]> {
    if word.len() <= WORD_BYTES_MAX {
        return word.into();
    }
    let more = format!("... ({} more bytes)", word.len() - WORD_BYTES_MAX);
    [&word[..WORD_BYTES_MAX], more.as_bytes()].concat().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::argv::OwnedArgv;

    #[test]
    fn long_commands_are_trimmed() {
        let word = [b'x'; 200];
        let argv = OwnedArgv::new(std::iter::repeat_n(&word[..], 40));
        let words = trimmed(argv.as_argv());
        assert_eq!(words.len(), 32);
        assert!(words[0].ends_with(b"... (72 more bytes)") && words[0].len() == 128 + 19);
        assert_eq!(&*words[31], b"... (9 more arguments)");
    }
}
