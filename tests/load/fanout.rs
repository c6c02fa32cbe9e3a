//! `fanout`: one publisher, many subscribers. A message counts once for each subscriber that has
//! got it. With `rate` messages a second, or as many as `window` allows under way.

use std::rc::Rc;

use tokio::sync::Semaphore;

use crate::connection::{Connection, encode};
use crate::figures::Figures;
use crate::options::Options;
use crate::pace::{Pace, Paced};
use crate::queue::{stamp, stamped};

/// Subscribers' share of the window.
struct Run {
    figures: Rc<Figures>,
    window: Semaphore,
}

pub(crate) async fn run(options: &Options) -> String {
    let count = options.number("subscribers", 100);
    let mut subscribers = Vec::new();
    for _ in 0..count {
        let mut connection = Connection::open(options.port()).await;
        connection.call(&["SUBSCRIBE", "channel"]).await;
        subscribers.push(connection);
    }
    let window = Semaphore::new(options.number("window", 16) * count);
    let run = Rc::new(Run { figures: Figures::start(options.measured()), window });
    for connection in subscribers {
        tokio::task::spawn_local(receive(connection, run.clone()));
    }
    let bytes = options.number("bytes", 32);
    let rate = options.number("rate", 0);
    if rate > 0 {
        let figures = &run.figures;
        let pace = Pace { per_second: rate, begin: figures.begin(), end_ns: figures.end_ns };
        let paced = vec![Paced::open(options.port())];
        for (mut connection, _) in pace.start(paced, move |now_ns| publish(now_ns, bytes)) {
            tokio::task::spawn_local(async move {
                loop {
                    connection.read().await;
                }
            });
        }
    } else {
        let connection = Connection::open(options.port()).await;
        tokio::task::spawn_local(publish_all(connection, count, bytes, run.clone()));
    }
    run.figures.wait().await;
    run.figures.report()
}

fn publish(now_ns: u64, bytes: usize) -> Vec<u8> {
    encode(&[b"PUBLISH", b"channel", &stamp(now_ns, bytes)])
}

async fn publish_all(mut connection: Connection, subscribers: usize, bytes: usize, run: Rc<Run>) {
    let permits = u32::try_from(subscribers).expect("few subscribers");
    loop {
        run.window.acquire_many(permits).await.expect("it is never closed").forget();
        connection.send(&publish(run.figures.now_ns(), bytes)).await;
        connection.read().await;
    }
}

async fn receive(mut connection: Connection, run: Rc<Run>) {
    loop {
        connection.read().await;
        let message = connection.bulks().nth(2).expect("a kind, a channel and a message");
        run.figures.note(stamped(message), 1);
        run.window.add_permits(1);
    }
}
