//! The order of the system's calls, by strace: with `appendfsync always` no reply leaves before
//! what it tells of is synced, and no file gets its name before it is.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

use crate::harness::{Raw, Server, check, run, wait_until};

/// Iterations of each of the threads.
const ITERATIONS: usize = 25;
const THREADS: usize = 3;

/// A system call of the server; what happened before something else has the lower number.
#[derive(Debug)]
struct Call {
    name: String,
    /// All arguments, as strace shows them; a file as `<path>`.
    text: String,
    start: usize,
    /// `None` if it never ended.
    end: Option<usize>,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names.contains(&self.name.as_str())
    }

    /// The file of its first argument.
    fn file(&self) -> &str {
        let inside = self.text.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        inside.map_or("", |(path, _)| path)
    }

    fn ended_before(&self, other: &Self) -> bool {
        self.end.is_some_and(|end| end < other.start)
    }
}

/// A server that is watched, and where the calls are written down.
struct Watched {
    server: Server,
    trace: PathBuf,
    _folder: tempfile::TempDir,
}

/// May a process watch another here? If not, that is said: the test is skipped.
fn can_watch() -> bool {
    let probe = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    let probe = probe.expect("strace is installed: scripts/setup");
    if !probe.status.success() {
        let why = String::from_utf8_lossy(&probe.stderr);
        let said = format!("SKIPPED, as the system refuses ptrace: {why}\n");
        // Where it is seen even if the test passes.
        std::io::Write::write_all(&mut std::io::stderr(), said.as_bytes())
            .expect("standard error is open");
    }
    probe.status.success()
}

/// Starts a server under strace; `None` where no process may watch another.
fn watch(settings: &[&str]) -> Option<Watched> {
    watch_by(|shell| Server::start_by(shell, settings))
}

/// Has `start` start a server under strace, by a line of shell.
fn watch_by(start: impl FnOnce(&str) -> Server) -> Option<Watched> {
    if !can_watch() {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let calls =
        "write,writev,pwrite64,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,unlink";
    let shell =
        format!("exec strace -D -f -q -y -s 100000 -e trace={calls} -o {}", trace.display());
    Some(Watched { server: start(&shell), trace, _folder: folder })
}

impl Watched {
    /// Ends the server; replies all its calls.
    fn calls(mut self) -> Vec<Call> {
        let pid = self.server.pid().to_string();
        assert!(self.server.stop(), "it ends well");
        let has_ended = |line: &str| {
            let mut words = line.split_whitespace();
            words.next() == Some(&pid) && words.next() == Some("+++")
        };
        let read = || std::fs::read_to_string(&self.trace).expect("strace writes");
        wait_until(|| read().lines().any(has_ended));
        parse(&read())
    }
}

fn parse(text: &str) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut open: HashMap<&str, usize> = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let (thread, rest) = line.split_once(' ').expect("a thread's number");
        let rest = rest.trim_start();
        if rest.starts_with("<... ") {
            let at = open.remove(thread).expect("what is resumed was begun");
            calls[at].end = Some(number);
        } else if let Some((name, text)) = rest.split_once('(') {
            let is_open = rest.ends_with("<unfinished ...>");
            if is_open {
                open.insert(thread, calls.len());
            }
            let end = (!is_open).then_some(number);
            calls.push(Call { name: name.to_owned(), text: text.to_owned(), start: number, end });
        }
    }
    calls
}

/// A text of the wire as strace shows it.
fn shown(words: &[&str]) -> String {
    let words = words.iter().map(|word| format!("${}\\r\\n{word}\\r\\n", word.len()));
    words.collect::<Vec<_>>().concat()
}

/// A client that speaks in lines and reads whole replies.
fn expect(client: &mut Raw, words: &[&str]) {
    for word in words {
        client.expect(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// One client of each kind, as they wait for one another.
fn work(server: &Server, thread: usize) {
    let [mut pusher, mut popper, mut teller, mut reader] = std::array::from_fn(|_| server.raw());
    let mut listener = server.raw();
    listener.send(format!("SUBSCRIBE told{thread}\r\n").as_bytes());
    listener.expect(b"*3\r\n");
    expect(&mut listener, &["subscribe", &format!("told{thread}")]);
    listener.expect(b":1\r\n");
    for n in 0..ITERATIONS {
        let token = format!("t{thread}x{n}e");
        popper.send(format!("BLPOP queue-{token} 0\r\n").as_bytes());
        pusher.send(format!("RPUSH queue-{token} {token}\r\nECHO pushed-{token}\r\n").as_bytes());
        teller.send(
            format!(
                "MULTI\r\nSET key-{token} set-{token}\r\nPUBLISH told{thread} told-{token}\r\n\
                 EXEC\r\nEVAL \"redis.call('set', KEYS[1], 'x') return ARGV[1]\" 1 lua-{token} \
                 ran-{token}\r\n"
            )
            .as_bytes(),
        );
        reader.send(format!("GET key-{token}\r\n").as_bytes());
        pusher.expect(b":1\r\n");
        expect(&mut pusher, &[&format!("pushed-{token}")]);
        popper.expect(b"*2\r\n");
        expect(&mut popper, &[&format!("queue-{token}"), &token]);
        teller.expect(b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n:1\r\n");
        expect(&mut teller, &[&format!("ran-{token}")]);
        if reader.read_line() != "$-1" {
            reader.read_line();
        }
        listener.expect(b"*3\r\n");
        expect(&mut listener, &["message", &format!("told{thread}"), &format!("told-{token}")]);
    }
}

/// What a reply with a mark of this iteration tells of: `(mark, effects)`.
fn promises(token: &str) -> [(String, Vec<String>); 5] {
    let queue = format!("queue-{token}");
    let key = format!("key-{token}");
    let set = shown(&["SET", &key, &format!("set-{token}")]);
    let push = shown(&["RPUSH", &queue, token]);
    [
        (shown(&[&format!("pushed-{token}")]), vec![push.clone()]),
        (shown(&[&queue, token]), vec![push, shown(&["LPOP", &queue])]),
        (shown(&[&format!("told-{token}")]), vec![set.clone()]),
        (shown(&[&format!("set-{token}")]), vec![set]),
        (shown(&[&format!("ran-{token}")]), vec![shown(&["SET", &format!("lua-{token}"), "x"])]),
    ]
}

/// One thread that serves all makes short syncs itself; of several, none does.
#[test]
fn no_reply_leaves_before_a_sync_of_what_it_tells() {
    for threads in ["1", "2"] {
        check_replies(&["--appendfsync", "always", "--io-threads", threads]);
    }
}

fn check_replies(settings: &[&str]) {
    let Some(watched) = watch(settings) else { return };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let server = &watched.server;
            scope.spawn(move || work(server, thread));
        }
    });
    let calls = watched.calls();
    let of = |names: &[&str]| calls.iter().filter(|call| call.is(names)).collect::<Vec<_>>();
    let is_log = |call: &&&Call| call.file().ends_with(".incr.aof");
    let sends = of(&["sendto", "sendmsg", "write", "writev"]);
    let writes: Vec<_> = of(&["pwrite64"]).into_iter().filter(|call| is_log(&call)).collect();
    let sends: Vec<_> = sends.into_iter().filter(|call| call.file().contains("socket:")).collect();
    let syncs: Vec<_> = of(&["fdatasync", "fsync"]).into_iter().filter(|c| is_log(&c)).collect();
    let mut kept = 0;
    for (thread, n) in (0..THREADS).flat_map(|thread| (0..ITERATIONS).map(move |n| (thread, n))) {
        for (mark, effects) in promises(&format!("t{thread}x{n}e")) {
            for send in sends.iter().filter(|send| send.text.contains(&mark)) {
                for effect in &effects {
                    let write = writes.iter().find(|write| write.text.contains(effect));
                    let write = write.unwrap_or_else(|| panic!("{effect} is not in the log"));
                    let synced = syncs.iter().any(|sync| {
                        write.ended_before(sync)
                            && sync.file() == write.file()
                            && sync.ended_before(send)
                    });
                    assert!(synced, "{} before the sync of {effect}", send.text);
                    kept += 1;
                }
            }
        }
    }
    // The reader may be too early to see anything; all others must have been told.
    assert!(kept >= THREADS * ITERATIONS * 5, "{kept} replies were looked at");
}

#[test]
fn files_are_synced_before_they_get_their_names() {
    let Some(watched) = watch(&["--appendfsync", "always"]) else { return };
    let client = &mut watched.server.client();
    for n in 0..100 {
        let _: () = run(client, &format!("SET key{n} value"));
    }
    for preamble in ["yes", "no"] {
        check(client, &[(&format!("CONFIG SET aof-use-rdb-preamble {preamble}"), "OK")]);
        let _: () = run(client, "BGREWRITEAOF");
        watched.server.wait_info("aof_rewrite_in_progress", "0");
    }
    check(client, &[("SAVE", "OK")]);
    let calls = watched.calls();
    let syncs = || calls.iter().filter(|call| call.is(&["fsync", "fdatasync"]));
    let mut renames = 0;
    for rename in calls.iter().filter(|call| call.name.starts_with("rename")) {
        let (from, rest) = rename.text[1..].split_once('"').expect("a quoted path");
        let to = rest.split('"').nth(1).expect("another");
        let last = calls.iter().rfind(|call| {
            call.is(&["write", "pwrite64"]) && call.file() == from && call.ended_before(rename)
        });
        let last = last.unwrap_or_else(|| panic!("{from} was never written"));
        let synced = syncs().any(|sync| {
            sync.file() == from && last.ended_before(sync) && sync.ended_before(rename)
        });
        assert!(synced, "{to} gets its name before it is synced");
        let (folder, _) = to.rsplit_once('/').expect("a folder");
        let lasting = syncs().find(|sync| sync.file() == folder && rename.ended_before(sync));
        let lasting = lasting.unwrap_or_else(|| panic!("{folder} is not synced after {to}"));
        let removed = calls.iter().find(|call| {
            call.name == "unlink" && !call.text.contains("temp-") && rename.ended_before(call)
        });
        assert!(removed.is_none_or(|removed| lasting.ended_before(removed)), "{to} may be lost");
        renames += 1;
    }
    assert!(renames >= 7, "manifests, bases and a snapshot: {renames}");
}

#[test]
fn what_a_killed_server_wrote_is_synced_before_anyone_sees_it() {
    let mut server = Server::start(&["--appendfsync", "everysec"]);
    check(&mut server.client(), &[("SET seen 1", "OK")]);
    server.kill();
    let again = |shell: &str| {
        server.start_again_by(shell);
        server
    };
    let Some(watched) = watch_by(again) else { return };
    check(&mut watched.server.client(), &[("GET seen", "\"1\"")]);
    let calls = watched.calls();
    let told = calls.iter().find(|call| call.text.contains("$1\\r\\n1\\r\\n"));
    let told = told.expect("the reply is sent");
    let synced = calls.iter().any(|call| {
        call.is(&["fdatasync"]) && call.file().ends_with(".incr.aof") && call.ended_before(told)
    });
    assert!(synced, "the reply may tell of what a power cut takes away");
}

#[test]
fn a_repair_keeps_a_lasting_copy_before_it_cuts() {
    if !can_watch() {
        return;
    }
    let mut server = Server::start(&[]);
    check(&mut server.client(), &[("SET a 1", "OK")]);
    server.kill();
    let folder = server.dir().join("appendonlydir");
    let log = folder.join("appendonly.aof.1.incr.aof");
    let mut bytes = std::fs::read(&log).expect("it is there");
    bytes.extend_from_slice(b"*2\r\n$3\r\nG");
    std::fs::write(&log, bytes).expect("written");
    let trace = server.dir().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-q", "-y", "-e", "trace=fsync,ftruncate", "-o"])
        .arg(&trace)
        .args([env!("CARGO_BIN_EXE_respq"), "check-aof", "--fix"])
        .arg(server.dir())
        .output()
        .expect("strace is installed: scripts/setup");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&trace).expect("strace writes");
    let calls = parse(&text);
    let cut = calls.iter().find(|call| call.name == "ftruncate").expect("it is cut");
    let folder = folder.display().to_string();
    for path in [format!("{folder}/appendonly.aof.1.incr.aof.damaged.1"), folder] {
        let mut syncs = calls.iter().filter(|call| call.name == "fsync" && call.file() == path);
        assert!(syncs.any(|sync| sync.ended_before(cut)), "{path} is not synced:\n{text}");
    }
}
