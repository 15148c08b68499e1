//! `oss-upload emulate`: the local OSS, alone or with the local STS, for other signers and for tests.

use std::path::PathBuf;

use clap::Args;

use crate::error::CommandError;
use crate::local_oss::{
    AllowedPages, DATA_DIRECTORY, HostOptions, LocalOssConfig, ReadOptions, StrictnessOptions,
};
use crate::local_sts::StsOptions;
use crate::{console, local_oss};
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
    /// The access key id that the local OSS accepts
    #[arg(long)]
    access_key_id: String,
    /// The secret of the access key
    #[arg(long)]
    access_key_secret: String,
    /// The security token, if the key is temporary
    #[arg(long)]
    security_token: Option<String>,
    /// The directory of the objects
    #[arg(long, default_value = DATA_DIRECTORY)]
    data_dir: PathBuf,
    /// An origin of the bucket's CORS rule, or '*'; may be given several times. Default are the pages of this
    /// machine. Any other page is refused; the origin of a page that is opened from a file is 'null'
    #[arg(long)]
    cors_origin: Vec<String>,
    /// An address that callbacks may go to: a whole server as '127.0.0.1:3000', or one path of it; may be
    /// given several times. Without it no callback is made
    #[arg(long, value_name = "URL")]
    allow_callback_to: Vec<oss::CallbackAddress>,
    #[command(flatten)]
    hosts: HostOptions,
    #[command(flatten)]
    sts: StsOptions,
    #[command(flatten)]
    strictness: StrictnessOptions,
    #[command(flatten)]
    read: ReadOptions,
}

/// The options contain keys, so `Debug` shows only some of them.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("port", &self.port)
            .field("bucket", &self.bucket)
            .field("sts", &self.sts)
            .field("strictness", &self.strictness)
            .finish_non_exhaustive()
    }
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let name = Bucket::parse(&options.bucket)
        .map_err(|error| CommandError::new(format!("--bucket: {error}")))?;
    let region = Region::parse(&options.region)
        .map_err(|error| CommandError::new(format!("--region: {error}")))?;
    let listener = local_oss::listen(options.port, "--port").await?;
    let address = listener.local_addr()?;
    let data = local_oss::absolute(&options.data_dir);
    let config = LocalOssConfig {
        data_directory: options.data_dir,
        buckets: vec![oss::LocalBucket {
            name: name.as_str().to_owned(),
            region: region.as_str().to_owned(),
        }],
        key: oss::AccessKey {
            security_token: options.security_token,
            ..oss::AccessKey::new(options.access_key_id, options.access_key_secret)
        },
        pages: AllowedPages { local: options.cors_origin.is_empty(), origins: options.cors_origin },
        hosts: AllowedHosts::named(options.hosts.allow_host.clone()),
        allowed_callbacks: oss::AllowedCallbacks::Only(options.allow_callback_to),
        strictness: options.strictness.clone().strictness(),
        bucket_acl: options.read.bucket_acl(),
    };
    let ring = KeyRing::default();
    let oss = config.open(ring.clone())?;
    let sts = options.sts.open(ring, AllowedHosts::named(options.hosts.allow_host)).await?;
    console::print_line(&format!(
        "oss   http://{address}   http://{}.localhost:{}",
        name.as_str(),
        address.port()
    ));
    console::print_line(&format!("key   {}", oss::callback_key_url(address)));
    console::print_line(&format!("data  {data}"));
    options.strictness.print_readings();
    let Some(sts) = sts else {
        return Ok(oss.serve(listener, fc_http::shutdown_signal()).await?);
    };
    sts.print_addresses()?;
    let (oss, sts) = tokio::join!(
        oss.serve(listener, fc_http::shutdown_signal()),
        sts.serve(fc_http::shutdown_signal()),
    );
    Ok(oss.and(sts)?)
}
