//! The local OSS as both commands run it: where it listens, what it prints.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use crate::console;
use crate::failure::Failure;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::KeyRing;
use oss_emulator::oss;
use oss_upload_signer::{app, time};

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

/// Further names of this machine.
#[derive(Args, Debug)]
pub(super) struct Names {
    /// A further name that the servers answer to, such as that of a tunnel; may be given several times. A
    /// request for any name but localhost, names below it and addresses of this machine is refused
    #[arg(long, value_name = "NAME")]
    pub(super) allow_host: Vec<String>,
}

/// The web pages that the CORS rule of the local OSS names. All others are refused, even where they
/// want to read no answer: they could post.
#[derive(Debug)]
pub(super) struct Pages {
    /// Whether it names the pages of this machine.
    pub(super) local: bool,
    /// The origins that it names.
    pub(super) named: Vec<String>,
}

/// What a local OSS is made of.
pub(super) struct Setup {
    pub(super) data_directory: PathBuf,
    pub(super) buckets: Vec<oss::LocalBucket>,
    pub(super) key: oss::AccessKey,
    pub(super) pages: Pages,
    pub(super) hosts: AllowedHosts,
    pub(super) allowed_callbacks: oss::AllowedCallbacks,
    pub(super) strictness: oss::Strictness,
}

impl Setup {
    /// Opens the data directory and takes keys from a ring that others share.
    pub(super) fn open_with(self, ring: KeyRing) -> Result<oss::Oss, Failure> {
        let clock = Arc::new(|| time::now().unix());
        let options = oss::Options {
            buckets: self.buckets,
            keys: vec![self.key],
            ring,
            cors_origins: self.pages.named,
            cors_local_pages: self.pages.local,
            refuse_other_pages: true,
            hosts: self.hosts,
            allowed_callbacks: self.allowed_callbacks,
            strictness: self.strictness,
            observer: Some(Arc::new(report)),
            seed: app::system_random()()
                .map_err(|error| Failure::new(format!("no randomness for a key: {error}")))?,
            ..oss::Options::new(self.data_directory, clock)
        };
        oss::Oss::open(options)
            .map_err(|error| Failure::new(format!("{error}; choose another with --data-dir")))
    }
}

/// Says on the console what has just happened to an upload.
fn report(event: &oss::OssEvent) {
    match event {
        oss::OssEvent::Stored { key, size, path, .. } => {
            console::say(&format!("stored   {key}  {}  {}", console::size(*size), path.display()));
        }
        oss::OssEvent::Warned { key, reason } => {
            console::say(&format!("warning  {key}  {reason}"));
        }
        oss::OssEvent::Called { url, key, failure: None, spent } => {
            console::say(&format!("callback {url}  200  {key}  {} ms", spent.as_millis()));
        }
        oss::OssEvent::Called { url, key, failure: Some(reason), spent } => {
            let spent = spent.as_millis();
            console::say(&format!("callback {url}  failed  {key}  {spent} ms  {reason}"));
        }
        oss::OssEvent::Refused { status, code, ec, reason, .. } => {
            let ec = ec.as_deref().unwrap_or("-");
            console::say(&format!("refused  {status} {code} ({ec})  {reason}"));
        }
    }
}

/// Writes a path whole, so that it can be copied.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
