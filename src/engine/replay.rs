//! Loading the log: every effect goes through the same call path as a client's command.

use std::path::{Path, PathBuf};

use self::joined::Joined;
use super::{Batch, Engine, Flow};
use crate::aof::file::{Content, LogFile};
use crate::aof::manifest::{self, Manifest, Part, Role};
use crate::aof::reader::{End, Reader};
use crate::aof::{ahead, folder};
use crate::client::Client;
use crate::command::Mode;
use crate::command::table::table;
use crate::config::Setting;
use crate::error::ServerError;
use crate::fault::{self, Point};
use crate::rdb;
use crate::resp::argv::{Argv, OwnedArgv};
use crate::resp::{Protocol, Reply};

/// Effects between two looks at the clock.
const EFFECTS_PER_LOOK: u64 = 4096;
/// Time between two looks at how many keys there are.
const LOOK_EVERY_NS: u64 = 100_000_000;
/// Time between two lines about a long load.
const REPORT_EVERY_NS: u64 = 5_000_000_000;

/// Effects that failed of which a line tells.
const FAILURES_TOLD_MAX: u64 = 10;
/// How errors start that words have which were never an effect.
const MALFORMED: [&str; 3] =
    ["-ERR unknown ", "-ERR wrong number of arguments", "-ERR syntax error"];

/// What was loaded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) effects: u64,
    pub(crate) bytes: u64,
}

impl Engine {
    /// Loads the log in the data folder and appends to it from now on.
    pub(crate) fn open_aof(&self, dir: &Path) -> Result<Loaded, ServerError> {
        let config = &self.services.config;
        let folder = dir.join(config.text(Setting::AppendDirName));
        folder::create(&folder)?;
        let mut manifest = Manifest::read(&folder, &config.text(Setting::AppendFilename))?;
        folder::clean(&mut manifest)?;
        if manifest.parts.is_empty() {
            folder::adopt_old_log(dir, &mut manifest)?;
        }
        let is_new = manifest.parts.is_empty();
        if is_new {
            folder::keep_unnamed(&manifest)?;
        }
        let (mut loaded, content) = self.load(&manifest)?;
        if is_new && self.load_snapshot_file()? {
            let functions = self.begin_snapshot(|| {});
            let base = self.write_base(&manifest, &functions);
            self.services.keyspace.end_snapshot();
            let (base, bytes) = base?;
            fault::step(Point::LoadBase, manifest.folder())?;
            manifest.parts.push(base);
            loaded.bytes = bytes;
        }
        let last = manifest.parts.iter().rfind(|part| part.role == Role::Increment).cloned();
        let file = if let Some(part) = last {
            LogFile::open(&manifest.path_of(&part), content)?
        } else {
            let part = manifest.next_increment();
            let file = LogFile::create(&manifest.path_of(&part))?;
            fault::step(Point::LoadIncrement, manifest.folder())?;
            manifest.parts.push(part);
            manifest.write()?;
            manifest::sync_folder(dir)?;
            file
        };
        let older_bytes = loaded.bytes.saturating_sub(file.len());
        self.services.aof.open(file, older_bytes);
        self.services.saver.log_has(self.services.aof.bytes());
        Ok(loaded)
    }

    /// Loads all parts; returns what is known of the last one.
    fn load(&self, manifest: &Manifest) -> Result<(Loaded, Content), ServerError> {
        let mut loaded = Loaded::default();
        let mut content = Content::default();
        let mut parts = Vec::new();
        for part in manifest.to_load() {
            let path = manifest.path_of(part);
            let size = std::fs::metadata(&path)
                .map_err(|error| ServerError::file("read", &path, error))?
                .len();
            parts.push((part, path, size));
        }
        self.services.loading.expect(parts.iter().map(|(_, _, size)| size).sum());
        for (index, part) in parts.iter().enumerate() {
            let is_last = parts[index + 1..].iter().all(|(_, _, size)| *size == 0);
            content = self.load_part(part, is_last, &mut loaded)?;
        }
        Ok((loaded, content))
    }

    /// Loads a part and, meanwhile, makes it durable.
    fn load_part(
        &self,
        part: &(&Part, PathBuf, u64),
        is_last: bool,
        loaded: &mut Loaded,
    ) -> Result<Content, ServerError> {
        std::thread::scope(|scope| {
            let syncing = scope.spawn(|| sync(&part.1));
            let content = self.read_part(part, is_last, loaded)?;
            syncing.join().expect("a panic ends the process")?;
            Ok(content)
        })
    }

    fn read_part(
        &self,
        (part, path, bytes): &(&Part, PathBuf, u64),
        is_last: bool,
        loaded: &mut Loaded,
    ) -> Result<Content, ServerError> {
        let is_rdb = rdb::is_rdb(path).map_err(|error| ServerError::file("read", path, error))?;
        let preamble = if is_rdb { self.load_rdb(path, loaded.bytes, 0)?.0 } else { 0 };
        if part.role == Role::Base && preamble == *bytes {
            // Nothing is appended to a base, so what it holds need not be known.
            loaded.bytes += bytes;
            return Ok(Content::default());
        }
        let mut reader = Reader::open(path, preamble)?;
        let size = reader.size();
        let mut replay = Replay::new(self, loaded);
        let end = ahead::for_each(&mut reader, |argv, offset| replay.apply(argv, offset))?;
        let cut = match (end, replay.open_since) {
            (End::Clean, None) => None,
            (_, Some(offset)) | (End::Torn(offset), None) => Some(offset),
        };
        replay.finish(path)?;
        let Some(offset) = cut else {
            loaded.bytes += size;
            return Ok(reader.content().clone());
        };
        if !is_last || !self.may_cut(part) {
            let reason = "the file ends in the middle of a command or transaction".to_owned();
            return Err(ServerError::Corrupt { path: path.clone(), offset, reason });
        }
        loaded.bytes += offset;
        cut_off(path, offset, size)
    }

    /// May a torn tail of this file be cut off? A base was whole before the manifest named it.
    fn may_cut(&self, part: &Part) -> bool {
        let is_written_at_once = part.role == Role::Base && part.name.contains(".base.");
        self.services.config.flag(Setting::AofLoadTruncated) && !is_written_at_once
    }
}

/// Makes durable what a process that was killed wrote to a file: clients will see it, and what is
/// appended or cut off next must not outlive it.
fn sync(path: &Path) -> Result<(), ServerError> {
    let file = std::fs::File::open(path);
    file.and_then(|file| fault::sync(&file)).map_err(|error| ServerError::file("sync", path, error))
}

/// Cuts a torn tail off a file; returns what is left.
fn cut_off(path: &Path, offset: u64, size: u64) -> Result<Content, ServerError> {
    let lost = size - offset;
    tracing::warn!(
        file = %path.display(), offset, lost,
        "the file ends in the middle of a command or transaction; cutting off what is incomplete"
    );
    fault::step(Point::LoadCut, path)?;
    std::fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|file| file.set_len(offset).and_then(|()| file.sync_all()))
        .map_err(|error| ServerError::file("cut the torn tail of", path, error))?;
    Ok(Reader::open(path, offset)?.content().clone())
}

/// Applies effects, transactions as a whole.
struct Replay<'e> {
    engine: &'e Engine,
    batch: Batch<'e>,
    client: Client,
    reply: Reply,
    /// The effects of a transaction that has not ended.
    queue: Vec<OwnedArgv>,
    /// Where that transaction starts.
    open_since: Option<u64>,
    /// What is run later, together.
    joined: Joined,
    /// The offset behind the last effect.
    offset: u64,
    loaded: &'e mut Loaded,
    reported_ns: u64,
    looked_ns: u64,
    /// Effects that could not be had again.
    failed: u64,
    failure: Option<(u64, String)>,
}

impl<'e> Replay<'e> {
    fn new(engine: &'e Engine, loaded: &'e mut Loaded) -> Self {
        let mut batch = engine.batch();
        batch.mode = Mode::Replay;
        Self {
            engine,
            batch,
            client: Client::internal(),
            reply: Reply::new(Protocol::Resp2),
            queue: Vec::new(),
            open_since: None,
            joined: Joined::default(),
            offset: 0,
            loaded,
            reported_ns: engine.services.clock.elapsed_ns(),
            looked_ns: 0,
            failed: 0,
            failure: None,
        }
    }

    fn apply(&mut self, argv: Argv<'_>, offset: u64) {
        if self.failure.is_some() {
            return;
        }
        let start = std::mem::replace(&mut self.offset, offset);
        let name = argv.get(0).unwrap_or_default();
        if name.eq_ignore_ascii_case(b"MULTI") {
            self.open_since = Some(start);
        } else if name.eq_ignore_ascii_case(b"EXEC") {
            self.open_since = None;
            for argv in std::mem::take(&mut self.queue) {
                self.run(argv.as_argv(), start);
            }
        } else if self.open_since.is_some() {
            self.queue.push(argv.to_owned());
        } else {
            self.run(argv, start);
        }
    }

    fn run(&mut self, argv: Argv<'_>, start: u64) {
        self.loaded.effects += 1;
        if !self.joined.take(argv) {
            let due = self.joined.due(argv);
            self.run_joined(due);
            self.call(argv, start);
        } else if self.joined.is_full() {
            let all = self.joined.all();
            self.run_joined(all);
        }
        self.engine.delay(Setting::KeyLoadDelay, self.loaded.effects);
        if self.loaded.effects.is_multiple_of(EFFECTS_PER_LOOK) {
            self.report();
        }
    }

    fn run_joined(&mut self, joined: Vec<OwnedArgv>) {
        if !joined.is_empty() {
            self.look();
        }
        for argv in joined {
            self.call(argv.as_argv(), self.offset);
        }
    }

    fn call(&mut self, argv: Argv<'_>, start: u64) {
        let mut flow = self.batch.call(&mut self.client, &mut self.reply, argv);
        // Others are told that a script takes long, but what comes next goes by all of it.
        while let Flow::Suspended(call) = flow {
            flow = self.batch.go_on(call, &mut self.client, &mut self.reply);
        }
        debug_assert!(matches!(flow, Flow::Next), "nothing waits in a replay: {flow:?}");
        if self.reply.bytes().first() == Some(&b'-') {
            let text = String::from_utf8_lossy(self.reply.bytes()).trim_end().to_owned();
            self.note_failure(argv, start, text);
        }
        self.reply.truncate(0);
    }

    /// An effect has failed. Words that no server writes are damage. But a script may have changed
    /// data without a trace (`redis.set_repl`), so others may find them as they were not: all
    /// else is loaded nevertheless. What a script says that Redis has logged tells nothing.
    fn note_failure(&mut self, argv: Argv<'_>, offset: u64, error: String) {
        let command = table().resolve(argv).or_else(|| table().resolve_logged(argv));
        let is_script = command.is_some_and(|command| command.of_scripts);
        if !is_script && MALFORMED.iter().any(|start| error.starts_with(start)) {
            self.failure = Some((offset, error));
            return;
        }
        self.failed += 1;
        if self.failed <= FAILURES_TOLD_MAX {
            tracing::warn!(offset, error, "an effect in the log could not be had again");
        }
    }

    /// Sees for INFO how many keys there are, as what comes next may hold the locks for long.
    fn look(&mut self) {
        let services = &self.engine.services;
        let now_ns = services.clock.elapsed_ns();
        if now_ns - self.looked_ns >= LOOK_EVERY_NS {
            self.looked_ns = now_ns;
            self.batch.release();
            services.keyspace.glance(services.clock.now_ms());
        }
    }

    /// Tells how far a long load has come.
    fn report(&mut self) {
        self.look();
        let loading = &self.engine.services.loading;
        let bytes = self.loaded.bytes + self.offset;
        loading.reached(bytes);
        let now_ns = self.engine.services.clock.elapsed_ns();
        if now_ns - self.reported_ns >= REPORT_EVERY_NS {
            self.reported_ns = now_ns;
            let percent = bytes * 100 / loading.total_bytes().max(1);
            tracing::info!(percent, bytes, effects = self.loaded.effects, "loading the data");
        }
    }

    /// Ends the replay of a file.
    fn finish(mut self, path: &Path) -> Result<(), ServerError> {
        let all = self.joined.all();
        self.run_joined(all);
        if self.failed > 0 {
            tracing::warn!(
                file = %path.display(), failed = self.failed,
                "some effects could not be had again; the data may differ from those before"
            );
        }
        match self.failure {
            None => Ok(()),
            Some((offset, reason)) => {
                Err(ServerError::Corrupt { path: path.to_owned(), offset, reason })
            }
        }
    }
}

mod joined;
#[cfg(test)]
mod tests;
