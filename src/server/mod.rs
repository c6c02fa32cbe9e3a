//! The only async part: sockets, threads, signals and timers around the engine.
//!
//! ```text
//! main thread     accepts, hands each connection to a worker; signals; timers (tasks.rs)
//! workers         one single-threaded tokio runtime each; connections stay for life
//! log thread      Aof::run
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::clock::Clock;
use crate::config::{Config, Setting};
use crate::engine::Engine;
use crate::error::ServerError;

mod bell;
mod buffers;
mod commit;
mod connection;
mod input;
mod listener;
mod logging;
mod output;
mod shutdown;
mod tasks;
mod waiting;
mod worker;

use listener::Listeners;

/// Runs a server until it is asked to stop.
pub fn run(config: Config) -> Result<(), ServerError> {
    logging::start(&config)?;
    let dir = PathBuf::from(config.text(Setting::Dir));
    std::fs::create_dir_all(&dir)
        .map_err(|error| ServerError::file("create the folder", &dir, error))?;
    let runtime = worker::runtime()?;
    let listeners = runtime.block_on(async { Listeners::bind(&config) })?;
    let engine = Arc::new(Engine::new(config, Clock::system()));
    load(&engine, &dir)?;
    let log_thread = spawn("log", {
        let engine = Arc::clone(&engine);
        move || engine.services.aof.run()
    })?;
    let workers = worker::start_all(&engine)?;
    announce(&engine, listeners.addresses(), &dir);
    runtime.block_on(async {
        tokio::select! {
            () = listeners.accept(&engine, &workers) => {}
            () = tasks::run(&engine) => {}
            () = shutdown::asked(&engine) => {}
        }
    });
    tracing::info!("stopping");
    drop(listeners);
    worker::stop_all(&engine, workers);
    engine.services.aof.stop();
    drop(log_thread.join());
    tracing::info!("stopped; all data are on disk");
    Ok(())
}

fn load(engine: &Engine, dir: &Path) -> Result<(), ServerError> {
    if !engine.services.config.flag(Setting::AppendOnly) {
        return Ok(());
    }
    let clock = &engine.services.clock;
    let start_ns = clock.elapsed_ns();
    let loaded = engine.open_aof(dir)?;
    let ms = (clock.elapsed_ns() - start_ns) / 1_000_000;
    tracing::info!(effects = loaded.effects, bytes = loaded.bytes, ms, "loaded the data");
    Ok(())
}

/// The banner: where, what is kept, how to stop.
fn announce(engine: &Engine, addresses: &[SocketAddr], dir: &Path) {
    let config = &engine.services.config;
    let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
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
        addresses.join(" and "),
        std::process::id(),
    );
}

/// Starts a named thread.
fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<std::thread::JoinHandle<T>, ServerError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| ServerError::System { action: "start a thread", error })
}
