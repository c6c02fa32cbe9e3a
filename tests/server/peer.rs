//! A real redis-server beside ours.

use std::process::{Child, Command, Stdio};

use redis::Connection;

use crate::harness::wait_until;

/// A redis-server on a port and a folder.
pub(crate) struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    /// Starts one; without it these tests would say nothing, so they fail.
    pub(crate) fn start(dir: &std::path::Path, appendonly: &str) -> Self {
        let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--appendonly", appendonly, "--save", "", "--dir"])
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed: scripts/setup");
        let redis = Self { child, port };
        wait_until(|| {
            redis
                .connect()
                .is_some_and(|mut client| redis::cmd("PING").query::<String>(&mut client).is_ok())
        });
        redis
    }

    /// A client, once it listens.
    pub(crate) fn connect(&self) -> Option<Connection> {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}/", self.port)).ok()?;
        client.get_connection().ok()
    }

    /// Stops it by SIGTERM.
    pub(crate) fn stop(&mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").arg(&pid).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
