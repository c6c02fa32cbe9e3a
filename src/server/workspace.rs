//! What a connection needs while there is something to run or to send: decoder and buffers.

use std::cell::RefCell;

use super::buffers::Buffers;
use super::input::Input;
use super::output::Output;
use crate::resp::Protocol;
use crate::resp::request::RequestDecoder;

/// Spare workspaces kept, with their buffers.
const KEPT_COUNT_MAX: usize = 16;

/// The requests that have arrived, how far they were read, and the replies.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) decoder: RequestDecoder,
    pub(super) input: Input,
    pub(super) output: Output,
}

impl Workspace {
    /// Gives shared buffers back, as far as they can be done without.
    pub(super) fn release(&mut self, buffers: &Buffers) {
        self.input.release(buffers);
        self.output.release(buffers);
    }

    /// Is there nothing to run and nothing to send?
    pub(super) fn is_empty(&self) -> bool {
        self.input.is_empty() && self.output.is_empty()
    }
}

/// The spare workspaces that the connections of a thread share: an idle connection has none.
#[derive(Debug, Default)]
pub(super) struct Workspaces {
    #[expect(clippy::vec_box, reason = "a connection keeps its workspace in a box")]
    spare: RefCell<Vec<Box<Workspace>>>,
}

impl Workspaces {
    /// An empty workspace for a client of this protocol.
    pub(super) fn take(&self, protocol: Protocol) -> Box<Workspace> {
        let mut workspace = self.spare.borrow_mut().pop().unwrap_or_default();
        workspace.output.reply.switch(protocol);
        workspace
    }

    /// Takes back an empty workspace.
    pub(super) fn give(&self, mut workspace: Box<Workspace>, buffers: &Buffers) {
        let mut spare = self.spare.borrow_mut();
        if spare.len() >= KEPT_COUNT_MAX {
            workspace.release(buffers);
        } else {
            workspace.input.reset();
            workspace.output.reset();
            spare.push(workspace);
        }
    }
}
