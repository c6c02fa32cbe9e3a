//! A real server for each test: a child process on a port of its own, with a folder of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis::{Connection, FromRedisValue, Value};
use tempfile::TempDir;

/// How long a state may take to come about before a test gives up; no measure of speed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: TempDir,
    settings: Vec<String>,
}

impl Server {
    /// Starts a server with these settings, such as `&["--appendfsync", "always"]`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the data");
        Self::start_in(dir, settings.iter().map(|&setting| setting.to_owned()).collect())
    }

    /// As [`Server::start`], with a configuration file.
    pub(crate) fn start_with_file(file: &str, settings: &[&str]) -> Self {
        let settings: Vec<&str> = std::iter::once(file).chain(settings.iter().copied()).collect();
        Self::start(&settings)
    }

    /// Starts a server by a line of shell that its command is put behind.
    pub(crate) fn start_by(shell: &str, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the data");
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let (child, port) = spawn_by(behind(shell), &dir, &settings);
        Self { child, port, dir, settings }
    }

    /// As [`Server::start`], for a server that listens on all addresses.
    pub(crate) fn start_anywhere(settings: &[&str]) -> Self {
        Self::start_behind("is ready on 0.0.0.0:", settings)
    }

    /// As [`Server::start`], for a server that listens on a socket of the file system only.
    pub(crate) fn start_at_path(settings: &[&str]) -> Self {
        Self::start_behind("is ready on /", settings)
    }

    /// Starts a server that is ready when it says so; what stands there next is its port.
    fn start_behind(ready: &str, settings: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the data");
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let command = Command::new(env!("CARGO_BIN_EXE_respq"));
        let (child, port) = spawn_until(ready, command, &dir, &settings);
        Self { child, port, dir, settings }
    }

    fn start_in(dir: TempDir, settings: Vec<String>) -> Self {
        let (child, port) = spawn(&dir, &settings);
        Self { child, port, dir, settings }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The data folder.
    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// A client of the redis crate.
    pub(crate) fn client(&self) -> Connection {
        self.open("")
    }

    /// A client that speaks RESP3.
    pub(crate) fn client_resp3(&self) -> Connection {
        self.open("?protocol=resp3")
    }

    fn open(&self, suffix: &str) -> Connection {
        let address = format!("redis://127.0.0.1:{}/{suffix}", self.port);
        let client = redis::Client::open(address).expect("an address");
        client.get_connection().expect("the server accepts")
    }

    /// A bare socket, for bytes that no client library would send.
    pub(crate) fn raw(&self) -> Raw {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Raw { stream }
    }

    /// Kills the server as the kernel would: no goodbye, nothing written.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server ends");
    }

    /// Stops the server by SIGTERM; returns whether it ended well.
    pub(crate) fn stop(&mut self) -> bool {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").arg(&pid).status().expect("kill exists");
        assert!(sent.success());
        self.child.wait().expect("the server ends").success()
    }

    /// Has its process ended?
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it is a child of this process").is_some()
    }

    /// Waits for the end of a server that was told to stop; returns whether it ended well.
    pub(crate) fn ended_well(&mut self) -> bool {
        self.child.wait().expect("the server ends").success()
    }

    /// Starts it again on the same folder, after [`Server::kill`] or [`Server::stop`].
    pub(crate) fn start_again(&mut self) {
        (self.child, self.port) = spawn(&self.dir, &self.settings);
    }

    /// As [`Server::start_again`], by a line of shell that its command is put behind.
    pub(crate) fn start_again_by(&mut self, shell: &str) {
        (self.child, self.port) = spawn_by(behind(shell), &self.dir, &self.settings);
    }

    /// As [`Server::start_again`], but returns as soon as it listens, while it loads the data.
    pub(crate) fn start_to_load(&mut self, settings: &[&str]) {
        let command = Command::new(env!("CARGO_BIN_EXE_respq"));
        let more = settings.iter().map(|&setting| setting.to_owned());
        let settings: Vec<String> = self.settings.iter().cloned().chain(more).collect();
        let words = "listening on 127.0.0.1:";
        (self.child, self.port) = spawn_until(words, command, &self.dir, &settings);
    }

    /// The signal that has ended it, if one has.
    pub(crate) fn ended_by_signal(&mut self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt;
        self.child.wait().expect("the server ends").signal()
    }

    /// As [`Server::start_again`], with these settings added.
    pub(crate) fn start_again_with(&mut self, settings: &[&str]) {
        self.settings.extend(settings.iter().map(|&setting| setting.to_owned()));
        self.start_again();
    }

    /// The value of a field of INFO.
    pub(crate) fn info(&self, field: &str) -> String {
        let text: String = run(&mut self.client(), "INFO everything");
        let prefix = format!("{field}:");
        let line = text.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("INFO has no field {field}")).to_owned()
    }

    /// Waits until a field of INFO has this value.
    pub(crate) fn wait_info(&self, field: &str, value: &str) {
        wait_until(|| self.info(field) == value);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(dir: &TempDir, settings: &[String]) -> (Child, u16) {
    spawn_by(Command::new(env!("CARGO_BIN_EXE_respq")), dir, settings)
}

fn spawn_by(command: Command, dir: &TempDir, settings: &[String]) -> (Child, u16) {
    spawn_until("is ready on 127.0.0.1:", command, dir, settings)
}

/// A port of this machine that is free now.
pub(crate) fn free_port() -> u16 {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    probe.local_addr().expect("bound").port()
}

/// A line of shell with the server's command behind it.
fn behind(shell: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{shell} \"$0\" \"$@\""), env!("CARGO_BIN_EXE_respq")]);
    command
}

/// Starts a server and waits for these words; returns the number behind them, 0 if there is none.
fn spawn_until(
    ready: &str,
    mut command: Command,
    dir: &TempDir,
    settings: &[String],
) -> (Child, u16) {
    // A configuration file comes before all options.
    let files = settings.iter().take_while(|setting| !setting.starts_with("--")).count();
    let (file, options) = settings.split_at(files);
    let mut child = command
        .args(file)
        .args(["--port", "0", "--dir"])
        .arg(dir.path())
        .args(options)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary was built");
    let stdout = child.stdout.take().expect("standard output is a pipe");
    let mut lines = BufReader::new(stdout).lines();
    let mut seen = String::new();
    for line in &mut lines {
        let line = line.expect("the log is text");
        if let Some((_, rest)) = line.split_once(ready) {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            std::thread::spawn(move || lines.for_each(drop));
            return (child, digits.parse().unwrap_or(0));
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    drop(child.kill());
    drop(child.wait());
    panic!("the server did not start:\n{seen}");
}

/// A bare socket.
pub(crate) struct Raw {
    stream: TcpStream,
}

impl Raw {
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server takes bytes");
    }

    /// As [`Raw::send`]; `false` once the server has closed the connection.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// As [`Raw::line`]; `None` if the server closes the connection instead.
    pub(crate) fn try_line(&mut self, command: &str) -> Option<String> {
        self.stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut line = String::new();
        let read = BufReader::new(&self.stream).read_line(&mut line).ok()?;
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Sends nothing more, but goes on reading.
    pub(crate) fn shut_down(&mut self) {
        self.stream.shutdown(std::net::Shutdown::Write).expect("the socket is open");
    }

    /// Reads just as many bytes as `expected` has, which must be these.
    pub(crate) fn expect(&mut self, expected: &[u8]) {
        let mut found = vec![0; expected.len()];
        let mut len = 0;
        while len < expected.len() {
            let read = self.read(&mut found[len..]);
            len += read;
            if read == 0 || !expected.starts_with(&found[..len]) {
                break;
            }
        }
        assert_eq!(
            String::from_utf8_lossy(&found[..len]),
            String::from_utf8_lossy(expected),
            "the reply"
        );
    }

    /// Has nothing come that was not read?
    pub(crate) fn is_silent(&mut self) -> bool {
        self.stream.set_nonblocking(true).expect("the socket is open");
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).expect("the socket is open");
        peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Sends an inline command and reads its one-line reply, without the line end.
    pub(crate) fn line(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n").as_bytes());
        self.read_line()
    }

    /// Reads some bytes; a signal to the test is no end of its patience.
    fn read(&mut self, bytes: &mut [u8]) -> usize {
        loop {
            match self.stream.read(bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => return read.expect("the server replies"),
            }
        }
    }

    /// Reads one line, without its end.
    pub(crate) fn read_line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            let read = self.read(&mut byte);
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&line));
            line.push(byte[0]);
        }
        line.truncate(line.len() - 2);
        String::from_utf8_lossy(&line).into_owned()
    }

    /// Reads until the server closes the connection; returns what came before.
    pub(crate) fn read_to_end(&mut self) -> String {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest).expect("the server closes");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Runs a command given as words between spaces; panics on an error reply.
pub(crate) fn run<T: FromRedisValue>(client: &mut Connection, line: &str) -> T {
    words(line).query(client).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// Walks with a cursor to the end: `command` stands before the cursor and `options`, if any, behind
/// it. Returns all that was found; `between` is called between two steps.
pub(crate) fn walk<T: FromRedisValue>(
    client: &mut Connection,
    command: &str,
    options: &str,
    mut between: impl FnMut(&mut Connection),
) -> Vec<T> {
    let (mut cursor, mut seen) = (0u64, Vec::new());
    loop {
        let line = format!("{command} {cursor} {options}");
        let (next, found): (u64, Vec<T>) = run(client, line.trim_end());
        seen.extend(found);
        if next == 0 {
            return seen;
        }
        cursor = next;
        between(client);
    }
}

/// Runs a command; returns its error as the server wrote it, or the value as text if it is none.
pub(crate) fn error(client: &mut Connection, line: &str) -> String {
    match words(line).query::<Value>(client) {
        Ok(value) => format!("no error but {value:?}"),
        Err(error) => error_text(&error),
    }
}

fn error_text(error: &redis::RedisError) -> String {
    match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        _ => error.to_string(),
    }
}

fn words(line: &str) -> redis::Cmd {
    let mut words = line.split(' ');
    let mut command = redis::cmd(words.next().unwrap_or_default());
    words.for_each(|word| {
        command.arg(word);
    });
    command
}

/// Checks each command's reply, as `{:?}` of [`Value`] shows it after [`show`].
pub(crate) fn check(client: &mut Connection, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        let shown = match words(line).query::<Value>(client) {
            Ok(value) => show(&value),
            Err(error) => format!("({})", error_text(&error)),
        };
        assert_eq!(shown, *expected, "{line}");
    }
}

/// A short text of a reply: `OK`, `5`, `"bulk"`, `nil`, `[1 2]`, `{a:1}`, `(ERR text)`.
pub(crate) fn show(value: &Value) -> String {
    let list = |values: &[Value]| values.iter().map(show).collect::<Vec<_>>().join(" ");
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::BulkString(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Value::Array(values) | Value::Set(values) => format!("[{}]", list(values)),
        Value::SimpleString(text) => text.clone(),
        Value::Okay => "OK".to_owned(),
        Value::Map(pairs) => {
            let pairs: Vec<_> =
                pairs.iter().map(|(key, value)| format!("{}:{}", show(key), show(value))).collect();
            format!("{{{}}}", pairs.join(" "))
        }
        Value::Double(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::ServerError(error) => format!("({error:?})"),
        other => format!("{other:?}"),
    }
}

/// Waits for a state, looking again and again; panics if it does not come about.
pub(crate) fn wait_until(mut reached: impl FnMut() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}
