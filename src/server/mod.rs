//! The only async part: sockets, threads, signals and timers around the engine.
//!
//! ```text
//! main thread     accepts, hands each connection to a worker; signals; timers (tasks.rs)
//! workers         one single-threaded tokio runtime each; connections stay for life
//! log thread      Aof::run
//! saver           rewrites of the log and snapshots
//! loader          loads the data at the start, while early clients get -LOADING
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::aof::folder;
use crate::clock::Clock;
use crate::command::{Services, table};
use crate::config::{Config, Effect, Setting, rows};
use crate::engine::Engine;
use crate::error::ServerError;
use crate::fault;

mod buffers;
mod commit;
mod connection;
mod crowd;
mod input;
mod listener;
mod logging;
mod output;
mod shutdown;
mod stream;
mod systemd;
mod tasks;
mod turns;
mod waiting;
mod worker;
mod workspace;

use listener::Listeners;
use worker::Workers;

/// Runs a server until it is asked to stop.
pub fn run(config: Config) -> Result<(), ServerError> {
    logging::start(&config)?;
    fault::arm()?;
    tracing::info!("respq {} starts, PID: {}", env!("CARGO_PKG_VERSION"), std::process::id());
    let dir = PathBuf::from(config.text(Setting::Dir));
    folder::create(&dir)?;
    let _lock = folder::lock(&dir)?;
    let runtime = worker::runtime()?;
    let listeners = runtime.block_on(async { Listeners::bind(&config) })?;
    settle(&config, &listeners, &dir)?;
    make_room_for_clients(&config);
    let _pid_file = PidFile::write(&config)?;
    table::rename(&config.renamed_commands())?;
    let engine = Arc::new(Engine::new(config, Clock::system()));
    engine.load_users()?;
    engine.load_node_names(&dir)?;
    let services = &engine.services;
    if services.config.number(Setting::TlsPort) != 0 {
        services.tls.load(&services.config)?;
    }
    services.loading.begin(services.clock.now_ms());
    save_log_on_panic(&engine);
    let used_bytes = crate::observe::process::used_bytes();
    services.stats.startup_bytes.store(used_bytes, Ordering::Relaxed);
    let threads = Threads::start(&engine)?;
    // Tools that start servers look for these words of Redis.
    let addresses = listeners.shown_addresses();
    tracing::info!("Server initialized; listening on {addresses}, loading the data");
    let loading = start_loading(&engine, &dir)?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            // Signals are listened to before anyone is told that the server is ready.
            biased;
            () = shutdown::granted(&engine) => Ok(()),
            () = listeners.accept(&engine, &threads.workers) => Ok(()),
            outcome = serve_data(&engine, loading, &listeners, &dir) => outcome,
        }
    });
    tracing::info!("stopping");
    systemd::tell(&services.config, systemd::STOPPING);
    drop(listeners);
    threads.stop(&engine);
    tell_end(services, outcome.is_ok());
    outcome
}

/// The threads that work until the server stops.
struct Threads {
    log: JoinHandle<()>,
    saver: JoinHandle<()>,
    workers: Workers,
}

impl Threads {
    fn start(engine: &Arc<Engine>) -> Result<Self, ServerError> {
        let log = spawn("log", {
            let engine = Arc::clone(engine);
            move || engine.services.aof.run()
        })?;
        let saver = spawn("saver", {
            let engine = Arc::clone(engine);
            move || engine.run_saver()
        })?;
        Ok(Self { log, saver, workers: worker::start_all(engine)? })
    }

    /// Disconnects all clients, and ends the threads; the log's own comes last.
    fn stop(self, engine: &Engine) {
        let ended = worker::stop_all(engine, self.workers);
        engine.stop_saver();
        if ended {
            drop(self.saver.join());
        } else {
            tracing::warn!("a script is still running; it ends with the process, without a trace");
        }
        engine.services.aof.stop();
        drop(self.log.join());
    }
}

/// Says what became of the data.
fn tell_end(services: &Services, went_well: bool) {
    match services.aof.failure() {
        Some((_, error)) => tracing::error!(error, "stopped; the last writes are not on disk"),
        None if services.is_over.load(Ordering::Relaxed) => {
            tracing::info!("stopped; all data are on disk, also in the snapshot");
        }
        None if went_well && !services.aof.is_enabled() => {
            tracing::info!("stopped; nothing is kept but snapshots written before");
        }
        None if went_well => tracing::info!("stopped; all data are on disk"),
        None => {}
    }
}

/// Puts what the start has found out into the settings, and says which of them do nothing.
fn settle(config: &Config, listeners: &Listeners, dir: &Path) -> Result<(), ServerError> {
    let folder = std::fs::canonicalize(dir)
        .map_err(|error| ServerError::file("find the folder", dir, error))?;
    let port = listeners.port();
    let found = [(Setting::Dir, folder.display().to_string()), (Setting::Port, port.to_string())];
    for (setting, value) in found {
        config.set(setting, &value).map_err(|error| {
            ServerError::Usage(format!("{} '{value}': {error}", setting.row().name))
        })?;
    }
    for (place, row) in rows().iter().enumerate() {
        if let Effect::None(why) = row.effect
            && config.is_changed(place)
        {
            tracing::warn!("the setting {} has no effect: {why}", row.name);
        }
    }
    Ok(())
}

/// Has the system allow as many open files as clients may come, or else fewer clients.
fn make_room_for_clients(config: &Config) {
    let wanted = config.size(Setting::MaxClients) as u64;
    let room = crate::observe::process::room_for_clients(wanted);
    if room < wanted {
        tracing::warn!(wanted, room, "fewer clients than maxclients, as open files are limited");
        drop(config.set(Setting::MaxClients, &room.to_string()));
    }
}

/// Loads the data on a thread of its own, while early clients get `-LOADING`.
fn start_loading(
    engine: &Arc<Engine>,
    dir: &Path,
) -> Result<oneshot::Receiver<Result<(), ServerError>>, ServerError> {
    let (sender, receiver) = oneshot::channel();
    let (engine, dir) = (Arc::clone(engine), dir.to_owned());
    // As it was at the start: who changes it while data are loaded does not change which.
    let is_logged = engine.services.config.flag(Setting::AppendOnly);
    spawn("loader", move || drop(sender.send(load(&engine, &dir, is_logged))))?;
    Ok(receiver)
}

/// The file that holds the number of the process; it goes with this.
struct PidFile(Option<PathBuf>);

impl PidFile {
    fn write(config: &Config) -> Result<Self, ServerError> {
        let path = config.text(Setting::PidFile);
        if path.is_empty() {
            return Ok(Self(None));
        }
        let path = PathBuf::from(path);
        std::fs::write(&path, format!("{}\n", std::process::id()))
            .map_err(|error| ServerError::file("write the pid file", &path, error))?;
        Ok(Self(Some(path)))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        self.0.iter().for_each(|path| drop(std::fs::remove_file(path)));
    }
}

/// Waits for the data, then does the periodic work.
async fn serve_data(
    engine: &Engine,
    loading: oneshot::Receiver<Result<(), ServerError>>,
    listeners: &Listeners,
    dir: &Path,
) -> Result<(), ServerError> {
    loading.await.unwrap_or(Ok(()))?;
    if engine.services.is_cluster() && engine.uses_several_databases() {
        let text = "a cluster has one database, and there are keys in others";
        return Err(ServerError::Usage(text.to_owned()));
    }
    engine.services.loading.end();
    announce(engine, &listeners.shown_addresses(), dir);
    systemd::tell(&engine.services.config, systemd::READY);
    tasks::run(engine).await;
    Ok(())
}

/// Lets what is buffered reach the log's file even if the server fails.
fn save_log_on_panic(engine: &Arc<Engine>) {
    let engine = Arc::downgrade(engine);
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Some(engine) = engine.upgrade() {
            engine.services.aof.save_what_is_buffered();
        }
        tracing::error!("the server failed: {info}");
        report(info);
    }));
}

fn load(engine: &Engine, dir: &Path, is_logged: bool) -> Result<(), ServerError> {
    if !is_logged {
        return engine.load_snapshot_file().map(drop);
    }
    let clock = &engine.services.clock;
    let start_ns = clock.elapsed_ns();
    let loaded = engine.open_aof(dir)?;
    let ms = (clock.elapsed_ns() - start_ns) / 1_000_000;
    tracing::info!(effects = loaded.effects, bytes = loaded.bytes, ms, "loaded the data");
    Ok(())
}

/// The banner: where, what is kept, how to stop.
fn announce(engine: &Engine, addresses: &str, dir: &Path) {
    let config = &engine.services.config;
    let folder = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let kept = if config.flag(Setting::AppendOnly) {
        format!(
            "append-only file, appendfsync {}, in {}",
            config.text(Setting::AppendFsync),
            folder.display()
        )
    } else {
        "none, data end with the process".to_owned()
    };
    tracing::info!(
        "respq {} is ready on {}; persistence: {kept}; stop with Ctrl-C or SIGTERM (pid {})",
        env!("CARGO_PKG_VERSION"),
        addresses,
        std::process::id(),
    );
    tracing::info!("Ready to accept connections");
}

/// Starts a named thread.
fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, ServerError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| ServerError::System { action: "start a thread", error })
}
