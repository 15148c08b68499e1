//! The local OSS as `dev` and `emulate` run it: its options, its address and its console output.
//!
//! Without options it is strict where the real OSS may be, and accepts V1 and default hosts as OSS does
//! for old accounts. [`oss::Strictness`] describes each setting.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;

use crate::conformance::MeasuredReadings;
use crate::console;
use crate::error::CommandError;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::KeyRing;
use oss_emulator::oss;
use oss_upload_signer::{app, time};

/// The default directory for objects, below the current directory. It is visible, because developers
/// look at the files in it.
pub(super) const DATA_DIRECTORY: &str = "oss-upload-data";

/// Listens on this machine only.
pub(super) async fn listen(port: u16, option: &str) -> Result<TcpListener, CommandError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        CommandError::new(format!(
            "port {port} cannot be listened on ({error}); choose another with {option}"
        ))
    })
}

/// Additional host names of the local servers.
#[derive(Args, Debug)]
pub(super) struct HostOptions {
    /// A further name that the servers answer to, such as that of a tunnel; may be given several times. A
    /// request for any name but localhost, names below it and addresses of this machine is refused
    #[arg(long, value_name = "NAME")]
    pub(super) allow_host: Vec<String>,
}

/// Who may read objects.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct ReadOptions {
    /// Return objects without a signature, as a bucket does whose ACL is public-read. By default the bucket
    /// is private, and reading needs a presigned URL
    #[arg(long)]
    public_read: bool,
}

impl ReadOptions {
    pub(super) fn bucket_acl(self) -> oss::BucketAcl {
        if self.public_read { oss::BucketAcl::PublicRead } else { oss::BucketAcl::Private }
    }
}

/// How strictly the local OSS validates a form.
#[derive(Args, Clone, Debug)]
pub(super) struct StrictnessOptions {
    /// Refuse V1 forms, as OSS does for new accounts and new buckets
    #[arg(long)]
    refuse_v1: bool,
    /// Refuse hosts below localhost, as OSS refuses its default hosts for new accounts; the bare
    /// address stands for a custom domain
    #[arg(long)]
    refuse_public_endpoint: bool,
    /// Accept field names only as they are documented, with upper and lower case
    #[arg(long)]
    case_sensitive_names: bool,
    /// The longest value of a form field; default is 2097152
    #[arg(long, value_name = "BYTES")]
    value_limit: Option<u64>,
    /// Accept what the documentation leaves open in one point; may be given several times, and a wrong
    /// name lists all points
    #[arg(long = "lenient", value_name = "NAME")]
    relaxed: Vec<oss::Relaxation>,
    /// Answer as the service did in this report of `oss-upload conformance`
    #[arg(long, value_name = "FILE", value_parser = MeasuredReadings::read)]
    like: Option<MeasuredReadings>,
}

impl StrictnessOptions {
    /// Returns the settings of the validator: those of a report, and then those of the options.
    pub(super) fn strictness(self) -> oss::Strictness {
        let mut strictness = oss::Strictness::default();
        if let Some(readings) = &self.like {
            readings.apply(&mut strictness);
        }
        strictness.relaxed.extend(self.relaxed);
        strictness.refuse_v1 |= self.refuse_v1;
        strictness.refuse_public_endpoint |= self.refuse_public_endpoint;
        strictness.case_sensitive_names |= self.case_sensitive_names;
        strictness.value_limit = self.value_limit.unwrap_or(strictness.value_limit);
        strictness
    }

    /// Prints what was taken from a report.
    pub(super) fn print_readings(&self) {
        if let Some(readings) = &self.like {
            console::print_line(&readings.line());
        }
    }
}

/// The web pages that the CORS rule of the local OSS allows. Requests of all other pages are refused,
/// even where the page could not read the response, because a page can also post.
#[derive(Debug)]
pub(super) struct AllowedPages {
    /// Whether the pages of this machine are allowed.
    pub(super) local: bool,
    pub(super) origins: Vec<String>,
}

/// The parts of a local OSS.
pub(super) struct LocalOssConfig {
    pub(super) data_directory: PathBuf,
    pub(super) buckets: Vec<oss::LocalBucket>,
    pub(super) key: oss::AccessKey,
    pub(super) pages: AllowedPages,
    pub(super) hosts: AllowedHosts,
    pub(super) allowed_callbacks: oss::AllowedCallbacks,
    pub(super) strictness: oss::Strictness,
    pub(super) bucket_acl: oss::BucketAcl,
}

impl LocalOssConfig {
    /// Opens the data directory. The key ring can be shared with a local STS.
    pub(super) fn open(self, ring: KeyRing) -> Result<oss::Oss, CommandError> {
        let clock = Arc::new(|| time::now().unix());
        let options = oss::Options {
            buckets: self.buckets,
            keys: vec![self.key],
            ring,
            cors_origins: self.pages.origins,
            cors_local_pages: self.pages.local,
            refuse_other_pages: true,
            hosts: self.hosts,
            allowed_callbacks: self.allowed_callbacks,
            strictness: self.strictness,
            bucket_acl: self.bucket_acl,
            observer: Some(Arc::new(print_event)),
            seed: app::system_random()().map_err(|error| {
                CommandError::new(format!("no random bytes for a key: {error}"))
            })?,
            ..oss::Options::new(self.data_directory, clock)
        };
        oss::Oss::open(options)
            .map_err(|error| CommandError::new(format!("{error}; choose another with --data-dir")))
    }
}

/// Prints one line for an event of the local OSS.
fn print_event(event: &oss::OssEvent) {
    let line = match event {
        oss::OssEvent::Stored { key, size, path, .. } => {
            format!("stored   {key}  {}  {}", console::size(*size), path.display())
        }
        oss::OssEvent::Warned { key, reason } => format!("warning  {key}  {reason}"),
        oss::OssEvent::Called { url, key, failure: None, spent } => {
            format!("callback {url}  200  {key}  {} ms", spent.as_millis())
        }
        oss::OssEvent::Called { url, key, failure: Some(reason), spent } => {
            format!("callback {url}  failed  {key}  {} ms  {reason}", spent.as_millis())
        }
        oss::OssEvent::Refused { status, code, ec, reason, .. } => {
            format!("refused  {status} {code} ({})  {reason}", ec.unwrap_or("-"))
        }
    };
    console::print_line(&line);
}

/// Returns an absolute path as text, so that it can be copied.
pub(super) fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        strictness: StrictnessOptions,
    }

    fn strictness(options: &[&str]) -> oss::Strictness {
        let options = ["oss-upload"].iter().chain(options);
        Cli::try_parse_from(options).map(|cli| cli.strictness.strictness()).unwrap()
    }

    #[test]
    fn without_options_the_strictness_is_the_default_of_the_validator() {
        let strict = format!("{:?}", oss::Strictness::default());
        assert_eq!(format!("{:?}", strictness(&[])), strict);
    }

    #[test]
    fn every_relaxation_can_be_selected() {
        for relaxation in oss::Relaxation::ALL {
            let two = ["--lenient", "preamble", "--lenient", relaxation.name()];
            assert!(strictness(&two).allows(*relaxation));
        }
    }
}
