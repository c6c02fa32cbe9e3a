//! Turns that connections take together.
//!
//! Where many connections send requests, each is served by its task only up to the point where
//! its requests have been read. Then it leaves itself with its thread's [`Crowd`], which runs
//! the requests of all that have come in the same look at the sockets in one batch, under the
//! locks of one another where they suffice, and sends all replies. So a request costs one turn
//! of a task, and locks and log are handed on instead of given back.
//!
//! A connection comes back to its task when it has something to do that is not done at once: it
//! waits for a key, closes, has messages besides its replies, or cannot send all. What wakes a task
//! whose connection is away is noted, and the task is woken again when it is back.
//!
//! While a script takes so long that others have their turns, the crowd is occupied: the tasks
//! serve all others alone, but for those whose requests were run before it under the same locks.
//!
//! Under `appendfsync always` nobody takes part: most would wait for the disk, by their tasks.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::vec::Drain;

use super::connection::{Aside, Closed, Connection, Next, RUN_BYTES_MAX, Rest, Turn};
use super::turns::let_others_go_first;
use super::waiting::Event;
use super::worker::Worker;
use super::workspace::Workspace;
use crate::aof::FsyncPolicy;
use crate::engine::{Batch, Finished};
use crate::resp::argv::Argv;

/// Time after which replies leave before more requests are run.
const RUN_NS_MAX: u64 = 1_000_000;

/// Connections from which on it pays to look ahead.
const LOOKS_AHEAD_FROM: usize = 4;

/// Where a task finds its connection again.
struct Seat {
    place: Cell<Place>,
    /// Was the task woken while its connection was away?
    was_woken: Cell<bool>,
}

/// Where a connection is.
enum Place {
    /// With the crowd.
    Away,
    /// With its task, which serves it alone again.
    Back(Left),
    /// Here, until something arrives.
    Here(Box<Connection>),
}

/// A connection that its task serves alone again, with a turn that is to be ended, if any.
type Left = (Box<Connection>, Result<Option<Turn>, Closed>);

/// A connection with requests to be run, and the way back to its task.
struct Member {
    connection: Box<Connection>,
    seat: Rc<Seat>,
}

/// The connections of a thread that wait to have their requests run together.
#[derive(Default)]
pub(super) struct Crowd {
    ready: RefCell<Vec<Member>>,
    /// Of the task that runs them, while there are none.
    waker: Cell<Option<Waker>>,
    /// Does it wait for a script?
    is_occupied: Cell<bool>,
}

impl Crowd {
    fn join(&self, member: Member) {
        self.ready.borrow_mut().push(member);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Waits until some have come.
    async fn gathered(&self, members: &mut Vec<Member>) {
        poll_fn(|context| {
            std::mem::swap(members, &mut self.ready.borrow_mut());
            if members.is_empty() {
                self.waker.set(Some(context.waker().clone()));
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Connection {
    /// May its requests be run together with those of others?
    pub(super) fn may_join(&self) -> bool {
        let is_plain = !self.ended
            && !self.client.closing
            && self.wakeups == 0
            && self.pending() == 0
            && !self.client.handle.is_killed();
        let may_run = |workspace: &Workspace| {
            workspace.input.len() <= RUN_BYTES_MAX && !workspace.input.has_more
        };
        is_plain
            && self.worker.turns.is_crowded()
            && self.worker.engine.services.aof.policy() != FsyncPolicy::Always
            && !self.worker.engine.services.aof.is_failing()
            && self.workspace.as_deref().is_none_or(may_run)
            && !self.worker.crowd.is_occupied.get()
    }

    /// Reads the first request that has arrived, before it is run.
    fn read_ahead(&mut self) {
        let limits = self.limits();
        if let Some(workspace) = &mut self.workspace {
            let Workspace { decoder, input, .. } = &mut **workspace;
            decoder.read_ahead(input.unread(), &limits, 1);
        }
    }

    /// The request that was read ahead.
    fn first_ahead(&self) -> Option<Argv<'_>> {
        let workspace = self.workspace.as_ref()?;
        workspace.decoder.first_ahead(workspace.input.unread())
    }

    /// Runs the requests that have arrived, in a batch that others share.
    fn run_among_others(&mut self, batch: &mut Batch<'_>) -> Result<Next, Aside> {
        if self.client.handle.is_killed() {
            // Perhaps by one of the others, just now.
            return Ok(Next::Read);
        }
        let calls = batch.calls();
        let next = self.run_in(batch);
        if batch.calls() != calls {
            self.worker.turns.count(&mut self.round);
        }
        next
    }
}

/// Serves a connection's requests together with those of others, until one is to be served by its
/// task alone.
pub(super) async fn take_turns(connection: Box<Connection>) -> Left {
    let mut has_input = connection.has_input();
    let place = Cell::new(Place::Here(connection));
    let seat = Rc::new(Seat { place, was_woken: Cell::new(false) });
    poll_fn(|context| poll_turns(&seat, std::mem::take(&mut has_input), context)).await
}

/// `has_input`: has something come that was not run yet? Later, what is left is no whole request.
fn poll_turns(seat: &Rc<Seat>, has_input: bool, context: &mut Context<'_>) -> Poll<Left> {
    let mut connection = match seat.place.replace(Place::Away) {
        Place::Away => {
            seat.was_woken.set(true);
            return Poll::Pending;
        }
        Place::Back(left) => return Poll::Ready(left),
        Place::Here(connection) => connection,
    };
    if !has_input {
        connection.release_workspace();
        match connection.poll_event(context, None) {
            Poll::Pending => {
                seat.place.set(Place::Here(connection));
                return Poll::Pending;
            }
            Poll::Ready(Err(_)) => return Poll::Ready((connection, Err(Closed::ByPeer))),
            Poll::Ready(Ok(Event::Input)) => {
                if let Err(closed) = connection.check_input() {
                    return Poll::Ready((connection, Err(closed)));
                }
            }
            Poll::Ready(Ok(_)) => return Poll::Ready((connection, Ok(None))),
        }
    }
    if !connection.may_join() {
        return Poll::Ready((connection, Ok(None)));
    }
    // What comes next is to wake the task.
    let is_wanted = connection.poll_readable(context).is_ready();
    seat.was_woken.set(is_wanted || connection.client.handle.wakeup.is_pending());
    let worker = Rc::clone(&connection.worker);
    worker.crowd.join(Member { connection, seat: Rc::clone(seat) });
    Poll::Pending
}

/// Runs the requests of those that come together, for as long as the thread serves.
pub(super) async fn run(worker: &Worker) {
    let (mut ready, mut ran) = (Vec::new(), Vec::new());
    loop {
        worker.crowd.gathered(&mut ready).await;
        if ready.len() >= LOOKS_AHEAD_FROM && worker.engine.looks_ahead() {
            for member in &mut ready {
                member.connection.read_ahead();
            }
        }
        let mut members = ready.drain(..);
        while members.len() > 0 {
            let finished = match run_some(worker, &mut members, &mut ran) {
                Ok(finished) => finished,
                Err(delayed) => delayed.run(worker, &mut members, &mut ran).await,
            };
            if !worker.engine.services.aof.is_committed(finished.position) {
                worker.committer.commit(&worker.engine.services.aof);
            }
            if finished.has_served {
                // Who waited for a message gets it before its sender gets the reply.
                let_others_go_first().await;
            }
            ran.drain(..).for_each(|(member, turn)| go_back(member, turn));
            if members.len() > 0 {
                let_others_go_first().await;
            }
        }
    }
}

/// A member with a script that has used up its time.
struct Delayed<'w> {
    member: Member,
    rest: Box<Rest<'w>>,
}

impl Delayed<'_> {
    /// Goes on with the script while the tasks of all others serve them alone. Only those that ran
    /// under the same locks wait for it: the log gets what they did together with what it does.
    async fn run(
        self,
        worker: &Worker,
        members: &mut Drain<'_, Member>,
        ran: &mut Vec<(Member, Turn)>,
    ) -> Finished {
        let Self { mut member, rest } = self;
        worker.crowd.is_occupied.set(true);
        members.chain(worker.crowd.ready.take()).for_each(leave);
        worker.committer.commit(&worker.engine.services.aof);
        let_others_go_first().await;
        let settled: Vec<u64> = rest.batch.settled_positions().collect();
        for ((member, (_, next)), position) in ran.drain(..settled.len()).zip(settled) {
            go_back(member, (position, next));
        }
        let (finished, next) = Box::pin(member.connection.run_rest(rest)).await;
        worker.crowd.is_occupied.set(false);
        ran.push((member, (0, next)));
        for (_, turn) in ran.iter_mut() {
            turn.0 = finished.position;
        }
        finished
    }
}

/// Runs the requests of members until the replies have to leave, or a script has used up its time.
fn run_some<'w>(
    worker: &'w Worker,
    members: &mut Drain<'_, Member>,
    ran: &mut Vec<(Member, Turn)>,
) -> Result<Finished, Delayed<'w>> {
    let mut batch = worker.engine.batch();
    look_ahead(&mut batch, members.as_slice());
    for (place, mut member) in members.enumerate() {
        batch.begin_client(place);
        let next = match member.connection.run_among_others(&mut batch) {
            Ok(next) => next,
            Err(aside) => return Err(Delayed { member, rest: Box::new(Rest { batch, aside }) }),
        };
        ran.push((member, (0, next)));
        if batch.took_ns() >= RUN_NS_MAX {
            break;
        }
    }
    let finished = batch.finish();
    for ((_, turn), position) in ran.iter_mut().zip(batch.positions()) {
        turn.0 = position;
    }
    Ok(finished)
}

/// Has what the requests ask for looked for side by side, if they were read ahead.
fn look_ahead(batch: &mut Batch<'_>, members: &[Member]) {
    let Some(Member { connection: first, .. }) = members.first() else { return };
    let db = first.client.db;
    let requests = members.iter().map(|Member { connection, .. }| {
        connection.first_ahead().filter(|_| connection.client.db == db).unwrap_or_default()
    });
    batch.foresee_clients(db, requests);
}

/// Gives a member back to its task with its requests as they are.
fn leave(member: Member) {
    let Member { connection, seat } = member;
    connection.client.handle.wakeup.wake_task();
    seat.place.set(Place::Back((connection, Ok(None))));
}

/// Sends the replies of a member and gives it back to its task.
fn go_back(member: Member, turn: Turn) {
    let Member { mut connection, seat } = member;
    connection.settle_input();
    let left = match turn {
        (position, Next::Read) => match connection.send_now(position) {
            Err(closed) => Some(Err(closed)),
            Ok(true) => None,
            Ok(false) => Some(Ok(Some(turn))),
        },
        _ => Some(Ok(Some(turn))),
    };
    connection.release_workspace();
    let is_wanted = left.is_some() || connection.pending() > 0;
    if seat.was_woken.get() || is_wanted {
        connection.client.handle.wakeup.wake_task();
    }
    seat.place.set(match left {
        Some(left) => Place::Back((connection, left)),
        None => Place::Here(connection),
    });
}
