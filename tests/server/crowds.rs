//! Many connections that send requests at the same time, whose turns the server takes together:
//! each request is run and answered as if its client were alone.

use crate::harness::{Raw, Server, run, wait_until};

/// More connections than make a crowd.
const CLIENTS: usize = 40;
/// Rounds that make the server see one, and some more.
const ROUNDS: usize = 8;

fn encoded(line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    bytes
}

/// A server with a log, whose clients are a crowd.
fn crowd(settings: &[&str]) -> (Server, Vec<Raw>) {
    let log = ["--io-threads", "1", "--appendonly", "yes"];
    let server = Server::start(&[&log, settings].concat());
    let mut clients: Vec<Raw> = (0..CLIENTS).map(|_| server.raw()).collect();
    for _ in 0..ROUNDS {
        ask_all(&mut clients, |_| "PING".to_owned(), |_| "+PONG\r\n".to_owned());
    }
    (server, clients)
}

/// All clients send a request, and then each gets its reply.
fn ask_all(
    clients: &mut [Raw],
    request: impl Fn(usize) -> String,
    reply: impl Fn(usize) -> String,
) {
    for (number, client) in clients.iter_mut().enumerate() {
        client.send(&encoded(&request(number)));
    }
    for (number, client) in clients.iter_mut().enumerate() {
        client.expect(reply(number).as_bytes());
    }
}

#[test]
fn each_client_gets_its_own_replies() {
    let (mut server, mut clients) = crowd(&[]);
    for round in 0..ROUNDS {
        let value = |number: usize| format!("value:{number}:{round}");
        let bulk = |number| format!("${}\r\n{}\r\n", value(number).len(), value(number));
        let set = |number| format!("SET key:{number} {}", value(number));
        ask_all(&mut clients, set, |_| "+OK\r\n".to_owned());
        ask_all(&mut clients, |number| format!("GET key:{number}"), bulk);
        ask_all(
            &mut clients,
            |number| format!("HSET hash field:{number} {}", value(number)),
            |_| format!(":{}\r\n", usize::from(round == 0)),
        );
        ask_all(&mut clients, |number| format!("HGET hash field:{number}"), bulk);
        ask_all(
            &mut clients,
            |number| if number == 7 { "GET hash".to_owned() } else { "LLEN list".to_owned() },
            |number| {
                let wrong =
                    "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n";
                (if number == 7 { wrong } else { ":0\r\n" }).to_owned()
            },
        );
    }
    server.kill();
    server.start_again();
    let client = &mut server.client();
    assert_eq!(run::<usize>(client, "DBSIZE"), CLIENTS + 1);
}

#[test]
fn each_client_is_in_its_own_database() {
    let (_server, mut clients) = crowd(&[]);
    let db = |number: usize| number % 3;
    let ok = |_| "+OK\r\n".to_owned();
    ask_all(&mut clients, |number| format!("SELECT {}", db(number)), ok);
    for _ in 0..ROUNDS {
        ask_all(&mut clients, |number| format!("SET key {}", db(number)), ok);
        let value = |number: usize| format!("$1\r\n{}\r\n", db(number));
        ask_all(&mut clients, |_| "GET key".to_owned(), value);
    }
}

/// What client `number` sends to count once, in pieces that come one after the other, and the reply
/// but for the count.
fn to_count(number: usize) -> (Vec<Vec<u8>>, &'static str) {
    let incr = encoded("INCR count");
    match number % 6 {
        0 => (vec![incr], ":"),
        1 => (vec![b"EVAL \"return redis.call('incr', 'count')\" 0\r\n".to_vec()], ":"),
        2 => {
            let pieces = [encoded("MULTI"), incr, encoded("EXEC")];
            (vec![pieces.concat()], "+OK +QUEUED *1 :")
        }
        3 => (vec![incr[..9].to_vec(), incr[9..20].to_vec(), incr[20..].to_vec()], ":"),
        4 => (vec![[encoded("ECHO a"), incr, b"PING\r\n".to_vec()].concat()], "$1 a : +PONG"),
        _ => (vec![encoded("CLIENT REPLY SKIP"), [incr, encoded("PING")].concat()], "+PONG"),
    }
}

#[test]
fn requests_of_every_kind_are_run_once() {
    let (server, mut clients) = crowd(&[]);
    for _ in 0..ROUNDS {
        let pieces_max = 3;
        for piece in 0..pieces_max {
            for (number, client) in clients.iter_mut().enumerate() {
                to_count(number).0.get(piece).inspect(|piece| client.send(piece));
            }
        }
        for (number, client) in clients.iter_mut().enumerate() {
            for part in to_count(number).1.split(' ') {
                let line = client.read_line();
                assert!(line.starts_with(part), "{number}: {line} is no {part}");
            }
        }
    }
    assert_eq!(run::<usize>(&mut server.client(), "GET count"), CLIENTS * ROUNDS);
}

#[test]
fn a_script_that_takes_long_is_waited_for_by_none_that_came_later() {
    let (server, mut clients) = crowd(&["--busy-reply-threshold", "20"]);
    let endless = |number: usize| number == CLIENTS / 2;
    for (number, client) in clients.iter_mut().enumerate() {
        let endless_script = b"EVAL \"while true do end\" 0\r\n".to_vec();
        let incr = encoded("INCR count");
        client.send(&if endless(number) { endless_script } else { incr });
    }
    let mut other = server.raw();
    wait_until(|| {
        other.send(&encoded("GET count"));
        other.read_line().starts_with("-BUSY")
    });
    // Whoever is in the same thread and did not come with the script, too.
    for _ in 0..ROUNDS {
        let mut others: Vec<Raw> = (0..CLIENTS).map(|_| server.raw()).collect();
        for other in &mut others {
            other.send(&encoded("GET count"));
        }
        for other in &mut others {
            assert!(other.read_line().starts_with("-BUSY"));
        }
    }
    // Who came before it has the reply.
    clients[0].expect(b":1\r\n");
    other.send(&encoded("SCRIPT KILL"));
    assert_eq!(other.read_line().trim_end(), "+OK");
    let mut counted = 1;
    for (number, client) in clients.iter_mut().enumerate().skip(1) {
        let line = client.read_line();
        if endless(number) {
            assert!(line.starts_with("-ERR Script killed by user"), "{line}");
        } else if line.starts_with(':') {
            counted += 1;
        } else {
            assert!(line.starts_with("-BUSY"), "{line}");
        }
    }
    assert_eq!(run::<usize>(&mut server.client(), "GET count"), counted);
    for _ in 0..ROUNDS {
        ask_all(&mut clients, |_| "PING".to_owned(), |_| "+PONG\r\n".to_owned());
    }
}

#[test]
fn who_waits_is_served_by_the_others() {
    let (_server, mut clients) = crowd(&[]);
    for round in 0..ROUNDS {
        let half = CLIENTS / 2;
        let waits = |number: usize| (number + round).is_multiple_of(2);
        let request = |number: usize| {
            let queue = number % half / 2;
            if waits(number) {
                format!("BLPOP queue:{queue} 0")
            } else {
                format!("LPUSH queue:{queue} message")
            }
        };
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&encoded(&request(number)));
        }
        for (number, client) in clients.iter_mut().enumerate() {
            if waits(number) {
                let queue = format!("queue:{}", number % half / 2);
                let len = queue.len();
                let reply = format!("*2\r\n${len}\r\n{queue}\r\n$7\r\nmessage\r\n");
                client.expect(reply.as_bytes());
            } else {
                assert!(client.read_line().starts_with(':'));
            }
        }
    }
}

#[test]
fn who_is_killed_by_another_is_gone() {
    let (server, mut clients) = crowd(&[]);
    let ids: Vec<String> =
        clients.iter_mut().map(|client| client.line("CLIENT ID")[1..].to_owned()).collect();
    let (killers, killed) = clients.split_at_mut(CLIENTS / 2);
    for (number, (killer, victim)) in killers.iter_mut().zip(killed.iter_mut()).enumerate() {
        killer.send(&encoded(&format!("CLIENT KILL ID {}", ids[CLIENTS / 2 + number])));
        // It may be too late for that: who sends to a closed socket may get no more than a reset.
        if number % 2 == 0 {
            victim.try_send(&encoded("PING"));
        }
    }
    for killer in killers {
        killer.expect(b":1\r\n");
    }
    for victim in killed.iter_mut().skip(1).step_by(2) {
        assert_eq!(victim.read_to_end(), "");
    }
    // The killers, and this one.
    let client = &mut server.client();
    wait_until(|| server.info("connected_clients") == (CLIENTS / 2 + 2).to_string());
    assert_eq!(run::<String>(client, "PING"), "PONG");
}

#[test]
fn a_write_that_fails_holds_nobody_up_who_came_with_it() {
    let server = Server::start_by(
        "export RESPQ_FAULT=log.append:1+:full; exec",
        &["--io-threads", "1", "--enable-debug-command", "yes"],
    );
    let mut clients: Vec<Raw> = (0..CLIENTS).map(|_| server.raw()).collect();
    for _ in 0..ROUNDS {
        ask_all(&mut clients, |_| "PING".to_owned(), |_| "+PONG\r\n".to_owned());
    }
    let (writers, others) = clients.split_at_mut(2);
    let [sleeper, writer] = writers else { unreachable!("there are two") };
    // What comes meanwhile is run together.
    sleeper.send(b"DEBUG SLEEP 0.2\r\n");
    others[0].send(b"ECHO x\r\n");
    writer.send(b"SET key x\r\n");
    for other in &mut others[1..] {
        other.send(b"ECHO x\r\n");
    }
    sleeper.expect(b"+OK\r\n");
    for other in others {
        other.expect(b"$1\r\nx\r\n");
    }
    server.wait_info("aof_last_write_status", "err");
    assert!(writer.is_silent(), "what is not in the log is not acknowledged");
}

#[test]
fn published_messages_come_between_replies() {
    let (_server, mut clients) = crowd(&[]);
    let (subscribers, others) = clients.split_at_mut(CLIENTS / 4);
    for subscriber in subscribers.iter_mut() {
        subscriber.send(b"HELLO 3\r\nECHO begun\r\nSUBSCRIBE news\r\n");
        while subscriber.read_line() != "begun" {}
        subscriber.expect(b">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    }
    for round in 0..ROUNDS {
        let receivers = CLIENTS / 4;
        ask_all(
            others,
            |number| format!("PUBLISH news {number:02}"),
            |_| format!(":{receivers}\r\n"),
        );
        for subscriber in subscribers.iter_mut() {
            subscriber.send(&encoded(&format!("ECHO e{round}")));
            let mut lines: Vec<String> = Vec::new();
            // Each message is `>3` and three words; the echo is one word.
            while lines.len() < others.len() * 7 + 2 {
                lines.push(subscriber.read_line());
            }
            let echo = format!("e{round}");
            assert_eq!(lines.iter().filter(|line| **line == echo).count(), 1);
            assert_eq!(lines.iter().filter(|line| *line == "news").count(), others.len());
        }
    }
}
