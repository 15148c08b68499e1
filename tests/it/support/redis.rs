//! A real Redis server on a port of its own, with data in a folder that is deleted with it.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::support::port::free_port;
use crate::support::signal::send_signal;
use crate::support::wait::poll;

/// A running server; it ends with its test.
pub(crate) struct RedisServer {
    pub(crate) port: u16,
    options: Vec<String>,
    folder: TempDir,
    process: Child,
}

impl RedisServer {
    pub(crate) async fn start(options: &[&str]) -> Self {
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let folder = TempDir::new().unwrap();
        loop {
            // Another test may take this port; then the server ends, and another port is tried.
            let port = free_port();
            if let Some(process) = run(port, &options, &folder).await {
                return Self { port, options, folder, process };
            }
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Ends the server without a word, as a failing machine does.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, empty, at the same port.
    pub(crate) async fn restart(&mut self) {
        self.kill();
        let started = run(self.port, &self.options, &self.folder).await;
        // No other test is given the port, see `free_port`.
        self.process = started.unwrap();
    }

    /// Stops the process without ending it: connections stay open, and nothing is answered.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        assert!(send_signal(signal, &self.process.id().to_string()));
    }

    /// Runs a command of the server's own client and returns what it prints.
    pub(crate) fn ask(&self, arguments: &[&str]) -> String {
        let port = self.port.to_string();
        let output = Command::new("redis-cli").args(["-p", &port]).args(arguments).output();
        let output = String::from_utf8(output.unwrap().stdout).unwrap();
        output.trim_end().to_owned()
    }

    /// Returns the names of everything that is stored.
    pub(crate) fn names(&self) -> Vec<String> {
        self.ask(&["--scan"]).lines().map(str::to_owned).collect()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a server; `None` if it cannot have the port.
async fn run(port: u16, options: &[String], folder: &TempDir) -> Option<Child> {
    let log = folder.path().join("log");
    let _ = fs::remove_file(&log);
    // The last port is the one that counts, for a server that speaks TLS only.
    let ports = if options.iter().any(|option| option == "--tls-cert-file") {
        ["--port".to_owned(), "0".to_owned(), "--tls-port".to_owned(), port.to_string()].to_vec()
    } else {
        ["--port".to_owned(), port.to_string()].to_vec()
    };
    let mut process = Command::new("redis-server")
        .args(ports)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--rdbcompression", "no"])
        .args(["--loglevel", "notice", "--logfile", log.to_str().unwrap()])
        .args(options)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        // tests/install.sh installs it.
        .unwrap();
    let started = poll("the start of the server", || {
        let is_ready =
            fs::read_to_string(&log).is_ok_and(|log| log.contains("Ready to accept connections"));
        let has_ended = process.try_wait().unwrap().is_some();
        (is_ready || has_ended).then_some(is_ready && !has_ended)
    });
    started.await.then_some(process)
}
