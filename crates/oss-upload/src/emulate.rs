//! `oss-upload emulate`: the local OSS, alone or with the local STS, for other signers and for tests.

use std::path::PathBuf;

use clap::Args;

use crate::cloud::{DATA_DIRECTORY, Names, Pages, Setup};
use crate::failure::Failure;
use crate::lender::Lending;
use crate::strictness::StrictnessArgs;
use crate::{cloud, console};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::KeyRing;
use oss_emulator::oss;
use oss_upload_signer::policy::bucket::{Bucket, Region};

#[derive(Args)]
pub(super) struct Options {
    /// The port to listen on; 0 lets the system choose
    #[arg(long, default_value_t = 9100)]
    port: u16,
    /// The bucket
    #[arg(long)]
    bucket: String,
    /// The bucket's region
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// The one access key that is known
    #[arg(long)]
    access_key_id: String,
    /// Its secret
    #[arg(long)]
    access_key_secret: String,
    /// Its security token, if it is a temporary key
    #[arg(long)]
    security_token: Option<String>,
    /// Where objects land
    #[arg(long, default_value = DATA_DIRECTORY)]
    data_dir: PathBuf,
    /// An origin that the bucket's CORS rule names, or '*'; may be given several times. Without it the rule
    /// names the pages of this machine. A page that is neither on this machine nor named here is refused; one
    /// that is opened from a file is 'null'
    #[arg(long)]
    cors_origin: Vec<String>,
    /// An address that callbacks may go to: a whole server as '127.0.0.1:3000', or one path of it; may be
    /// given several times. Without it no callback is made
    #[arg(long, value_name = "URL")]
    allow_callback_to: Vec<oss::CallbackAddress>,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    lending: Lending,
    #[command(flatten)]
    strictness: StrictnessArgs,
}

/// The options hold keys, so they show only what is none.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("port", &self.port)
            .field("bucket", &self.bucket)
            .field("lending", &self.lending)
            .field("strictness", &self.strictness)
            .finish_non_exhaustive()
    }
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let name = Bucket::parse(&options.bucket)
        .map_err(|error| Failure::new(format!("--bucket: {error}")))?;
    let region = Region::parse(&options.region)
        .map_err(|error| Failure::new(format!("--region: {error}")))?;
    let listener = cloud::listen(options.port, "--port").await?;
    let address = listener.local_addr()?;
    let data = cloud::absolute(&options.data_dir);
    let setup = Setup {
        data_directory: options.data_dir,
        buckets: vec![oss::LocalBucket {
            name: name.as_str().to_owned(),
            region: region.as_str().to_owned(),
        }],
        key: oss::AccessKey {
            security_token: options.security_token,
            ..oss::AccessKey::new(options.access_key_id, options.access_key_secret)
        },
        pages: Pages { local: options.cors_origin.is_empty(), named: options.cors_origin },
        hosts: AllowedHosts::named(options.names.allow_host.clone()),
        allowed_callbacks: oss::AllowedCallbacks::Only(options.allow_callback_to),
        strictness: options.strictness.strictness(),
    };
    let ring = KeyRing::default();
    let oss = setup.open_with(ring.clone())?;
    let lender = options.lending.open(ring, AllowedHosts::named(options.names.allow_host)).await?;
    console::say(&format!(
        "oss   http://{address}   http://{}.localhost:{}",
        name.as_str(),
        address.port()
    ));
    console::say(&format!("key   {}", oss::callback_key_url(address)));
    console::say(&format!("data  {data}"));
    let Some(lender) = lender else {
        return Ok(oss.serve(listener, fc_http::shutdown_signal()).await?);
    };
    lender.announce()?;
    let (oss, sts) = tokio::join!(
        oss.serve(listener, fc_http::shutdown_signal()),
        lender.serve(fc_http::shutdown_signal()),
    );
    Ok(oss.and(sts)?)
}
