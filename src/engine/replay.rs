//! Loading the log: every effect goes through the same call path as a client's command.

use std::path::Path;

use super::{Batch, Engine};
use crate::aof::manifest::{Manifest, Part, Role};
use crate::aof::reader::{End, Reader};
use crate::aof::{manifest, open_for_append};
use crate::client::Client;
use crate::command::Mode;
use crate::config::Setting;
use crate::error::ServerError;
use crate::resp::request::{Argv, OwnedArgv};
use crate::resp::{Protocol, Reply};

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
        std::fs::create_dir_all(&folder)
            .map_err(|error| ServerError::file("create the folder", &folder, error))?;
        let mut manifest = Manifest::read(&folder, &config.text(Setting::AppendFilename))?;
        let loaded = self.load(&manifest)?;
        let last = manifest.parts.iter().rfind(|part| part.role == Role::Increment).cloned();
        let part = match last {
            Some(part) => part,
            None => {
                let part = manifest.next_increment();
                manifest.parts.push(part.clone());
                open_for_append(&manifest.path_of(&part))?;
                manifest.write()?;
                manifest::sync_folder(dir)?;
                part
            }
        };
        self.services.aof.open(open_for_append(&manifest.path_of(&part))?);
        Ok(loaded)
    }

    fn load(&self, manifest: &Manifest) -> Result<Loaded, ServerError> {
        let mut loaded = Loaded::default();
        let parts: Vec<&Part> = manifest.to_load().collect();
        for (index, part) in parts.iter().enumerate() {
            let is_last = index + 1 == parts.len();
            self.load_part(&manifest.path_of(part), is_last, &mut loaded)?;
        }
        Ok(loaded)
    }

    fn load_part(
        &self,
        path: &Path,
        is_last: bool,
        loaded: &mut Loaded,
    ) -> Result<(), ServerError> {
        let mut reader = Reader::open(path)?;
        let size = reader.size();
        let mut replay = Replay::new(self);
        let end = reader.for_each(|argv, offset| replay.apply(argv, offset))?;
        let cut = match (end, replay.open_since) {
            (End::Clean, None) => None,
            (_, Some(offset)) | (End::Torn(offset), None) => Some(offset),
        };
        loaded.effects += replay.effects;
        loaded.bytes += size;
        replay.result(path)?;
        let Some(offset) = cut else { return Ok(()) };
        if !is_last || !self.services.config.flag(Setting::AofLoadTruncated) {
            let reason = "the file ends in the middle of a command or transaction".to_owned();
            return Err(ServerError::Corrupt { path: path.to_owned(), offset, reason });
        }
        let lost = size - offset;
        tracing::warn!(file = %path.display(), offset, lost, "cutting off a torn tail");
        std::fs::OpenOptions::new()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(offset).and_then(|()| file.sync_all()))
            .map_err(|error| ServerError::file("cut the torn tail of", path, error))
    }
}

/// Applies effects, transactions as a whole.
struct Replay<'e> {
    batch: Batch<'e>,
    client: Client,
    reply: Reply,
    /// The effects of a transaction that has not ended.
    queue: Vec<OwnedArgv>,
    /// Where that transaction starts.
    open_since: Option<u64>,
    /// The offset behind the last effect.
    offset: u64,
    effects: u64,
    failure: Option<(u64, String)>,
}

impl<'e> Replay<'e> {
    fn new(engine: &'e Engine) -> Self {
        let mut batch = engine.batch();
        batch.mode = Mode::Replay;
        Self {
            batch,
            client: Client::internal(),
            reply: Reply::new(Protocol::Resp2),
            queue: Vec::new(),
            open_since: None,
            offset: 0,
            effects: 0,
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
        self.effects += 1;
        self.batch.call(&mut self.client, &mut self.reply, argv);
        if self.reply.bytes().first() == Some(&b'-') {
            let text = String::from_utf8_lossy(self.reply.bytes()).trim_end().to_owned();
            self.failure = Some((start, text));
        }
        self.reply.truncate(0);
    }

    fn result(self, path: &Path) -> Result<(), ServerError> {
        match self.failure {
            None => Ok(()),
            Some((offset, reason)) => {
                Err(ServerError::Corrupt { path: path.to_owned(), offset, reason })
            }
        }
    }
}
