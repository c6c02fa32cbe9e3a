//! What a connection works with while there is something to run or to send.

use std::cell::RefCell;

use super::input::Input;
use super::output::Output;
use crate::resp::Protocol;
use crate::resp::request::RequestDecoder;

/// Spare desks kept.
const KEPT_COUNT_MAX: usize = 16;

/// The requests that have arrived, how far they were read, and the replies.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) decoder: RequestDecoder,
    pub(super) input: Input,
    pub(super) output: Output,
}

impl Desk {
    /// Is there nothing to run and nothing to send?
    pub(super) fn is_clear(&self) -> bool {
        self.input.is_empty() && self.output.is_empty()
    }
}

/// Desks that the connections of a thread take turns with: an idle connection has none.
#[derive(Debug, Default)]
pub(super) struct Desks {
    #[expect(clippy::vec_box, reason = "a connection has its desk in a box")]
    spare: RefCell<Vec<Box<Desk>>>,
}

impl Desks {
    /// A clear desk for a client of this protocol.
    pub(super) fn take(&self, protocol: Protocol) -> Box<Desk> {
        let mut desk = self.spare.borrow_mut().pop().unwrap_or_default();
        desk.output.reply.switch(protocol);
        desk
    }

    /// Takes back a clear desk.
    pub(super) fn give(&self, desk: Box<Desk>) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() < KEPT_COUNT_MAX {
            spare.push(desk);
        }
    }
}
