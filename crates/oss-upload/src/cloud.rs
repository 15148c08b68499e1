//! The local OSS as both commands run it: where it listens, what it prints.

use std::net::Ipv4Addr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::console;
use crate::failure::Failure;
use oss_emulator::keys::KeyRing;
use oss_emulator::oss;
use oss_upload_signer::app;
use oss_upload_signer::time;

/// Where objects land unless told otherwise: a hidden folder below the current one.
pub(super) const DATA_DIRECTORY: &str = ".oss-upload";

/// Listens on this machine only.
pub(super) async fn listen(port: u16, option: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::new(format!(
            "port {port} cannot be listened on ({error}); choose another with {option}"
        ))
    })
}

/// What a local OSS is made of.
pub(super) struct Setup {
    pub(super) data_directory: PathBuf,
    pub(super) buckets: Vec<oss::Bucket>,
    pub(super) key: oss::AccessKey,
    pub(super) cors_origins: Vec<String>,
    pub(super) judgement: oss::Judgement,
}

impl Setup {
    /// Opens the data directory and takes keys from a ring that others share.
    pub(super) fn open_with(self, ring: KeyRing) -> Result<oss::Oss, Failure> {
        let clock = Arc::new(|| time::now().unix());
        let options = oss::Options {
            buckets: self.buckets,
            keys: vec![self.key],
            ring,
            cors_origins: self.cors_origins,
            judgement: self.judgement,
            observer: Some(Arc::new(report)),
            seed: app::draw()()
                .map_err(|error| Failure::new(format!("no randomness for a key: {error}")))?,
            ..oss::Options::new(self.data_directory, clock)
        };
        oss::Oss::open(options)
            .map_err(|error| Failure::new(format!("{error}; choose another with --data-dir")))
    }
}

/// Says on the console what has just happened to an upload.
fn report(event: &oss::Event) {
    match event {
        oss::Event::Stored { key, size, path, .. } => {
            console::say(&format!("stored   {key}  {}  {}", console::size(*size), path.display()));
        }
        oss::Event::Warned { key, reason } => {
            console::say(&format!("warning  {key}  {reason}"));
        }
        oss::Event::Called { url, key, failure: None, spent } => {
            console::say(&format!("callback {url}  200  {key}  {} ms", spent.as_millis()));
        }
        oss::Event::Called { url, key, failure: Some(reason), spent } => {
            let spent = spent.as_millis();
            console::say(&format!("callback {url}  failed  {key}  {spent} ms  {reason}"));
        }
        oss::Event::Refused { status, code, ec, reason, .. } => {
            let ec = ec.as_deref().unwrap_or("-");
            console::say(&format!("refused  {status} {code} ({ec})  {reason}"));
        }
    }
}

/// Writes a path whole, so that it can be copied.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
