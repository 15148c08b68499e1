//! `oss-upload dev`: the page, the function and a local OSS in one process.
//!
//! ```text
//! browser ──▶ gateway (as Function Compute) ──▶ function     signs with the role's credentials
//!    └──────▶ local OSS                                      validates and stores
//! ```
//!
//! The settings are those of the function, with defaults for what only a deployment has. Real credentials
//! in the environment are ignored: the credentials here are generated, and only the local OSS accepts them.

mod callbacks;
mod keys;
mod origin_log;
mod summary;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::console;
use crate::dev::callbacks::LoggingClient;
use crate::dev::origin_log::OriginLog;
use crate::dev::summary::Summary;
use crate::error::CommandError;
use crate::local_oss::{
    self, AllowedPages, DATA_DIRECTORY, HostOptions, LocalOssConfig, ReadOptions, StrictnessOptions,
};
use crate::local_sts::{LocalSts, StsConfig};
use oss_emulator::faults::FaultPlan;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::{KeyOwner, KeyRing};
use oss_emulator::oss;
use oss_emulator::ram::{Permissions, RamPolicy};
use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::ReqwestClient;
use oss_upload_signer::policy::bucket::UploadHost;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time;

pub(super) use keys::{UploadKey, set_missing_keys};

/// The account of all resources in `dev`.
const ACCOUNT: &str = "1234567890123456";

/// Settings that have no default in a deployment, and their values here.
pub(super) const DEFAULTS: [(&str, &str); 3] =
    [("bucket", "dev-bucket"), ("region", "cn-hangzhou"), ("auth", "anonymous")];

/// The settings file that is read if there is one.
const SETTINGS_FILE: &str = "upload.toml";

#[derive(Args, Debug)]
#[command(
    after_help = "`oss-upload rehearse --cloud` rehearses the whole deployment with a local cloud: setup, package, \
                  doctor and upload."
)]
pub(super) struct Options {
    /// The port of the page and the function; 0 lets the system choose
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port of the local OSS; 0 lets the system choose
    #[arg(long, default_value_t = 9100)]
    oss_port: u16,
    /// The directory of the stored files
    #[arg(long, default_value = DATA_DIRECTORY)]
    data_dir: PathBuf,
    /// The settings file; default is upload.toml in this folder, if there is one
    #[arg(long)]
    config: Option<PathBuf>,
    /// Sign with a key that has no token, as with credentials = "environment" and the key of a
    /// user: the well-known V1 pages need one
    #[arg(long)]
    long_lived_key: bool,
    /// Assume this role at a local STS, as with `role_arn`: forms are then signed with a session that
    /// is limited to what the routes need
    #[arg(long, value_name = "NAME", conflicts_with = "long_lived_key")]
    role: Option<String>,
    /// A fault of the local STS, such as 'assume-role:throttle-429*2'; may be given several times
    #[arg(long, value_name = "FAULT", requires = "role")]
    fault: Vec<FaultPlan>,
    #[command(flatten)]
    hosts: HostOptions,
    #[command(flatten)]
    strictness: StrictnessOptions,
    #[command(flatten)]
    read: ReadOptions,
}

/// The servers of `dev`, ready to run.
struct Servers {
    gateway: fc_emulator::Gateway,
    gateway_listener: TcpListener,
    function_listener: TcpListener,
    oss: oss::Oss,
    oss_listener: TcpListener,
    sts: Option<LocalSts>,
}

pub(super) async fn run(options: Options) -> Result<(), CommandError> {
    let (role_key, user_key) = (UploadKey::generate("STS.")?, UploadKey::generate("LTAI")?);
    let mut environment = environment(&options, &user_key);
    let generated = keys::set_missing_keys(&mut environment, &options.data_dir)?;
    start_log(&environment)?;
    let gateway_listener = local_oss::listen(options.port, "--port").await?;
    let oss_listener = local_oss::listen(options.oss_port, "--oss-port").await?;
    let (page, oss_address) = (gateway_listener.local_addr()?, oss_listener.local_addr()?);
    let (mut settings, file) = load_settings(&environment, page, oss_address)?;
    let ring = KeyRing::default();
    let sts = open_sts(&mut settings, &options, ring.clone()).await?;
    let key = if options.long_lived_key {
        user_key.long_lived()
    } else {
        role_access_key(&role_key, settings.sources.role.is_some())
    };
    let oss = open_oss(&settings, &options, key, ring)?;
    let function_listener = TcpListener::bind("127.0.0.1:0").await?;
    let gateway = gateway(
        function_listener.local_addr()?,
        &settings,
        role_key,
        gateway_hosts(&settings, &options),
    );
    let origin_log = OriginLog::new(&settings.origins, &environment, file.as_deref());
    let summary = Summary { settings: &settings, page, oss: oss_address, generated: &generated };
    summary.print(sts.as_ref(), file.as_deref(), &options.data_dir)?;
    options.strictness.print_readings();
    let servers = Servers { gateway, gateway_listener, function_listener, oss, oss_listener, sts };
    serve(servers, settings, origin_log).await?;
    console::print_line("stopped");
    Ok(())
}

/// Runs all servers until the process gets a signal to stop.
async fn serve(
    servers: Servers,
    settings: Settings,
    origin_log: OriginLog,
) -> Result<(), CommandError> {
    let (stop, stopped) = watch::channel(());
    let until_stopped = || {
        let mut stopped = stopped.clone();
        // The sender is dropped when the signal arrives.
        async move { while stopped.changed().await.is_ok() {} }
    };
    let network = ReqwestClient::new(settings.proxy.clone());
    // A developer's own page runs on another port of this machine.
    let settings = Settings { origins: settings.origins.clone().with_loopback(), ..settings };
    let mut app = App::with_http(settings, Arc::new(LoggingClient(network)));
    app.lists_routes = true;
    let service = origin_log.wrap(oss_upload_signer::http::service(Arc::new(app)));
    let ((), function, gateway, sts, oss) = tokio::join!(
        async {
            fc_http::shutdown_signal().await;
            drop(stop);
        },
        fc_http::serve(servers.function_listener, service, function_options(), until_stopped()),
        servers.gateway.serve(servers.gateway_listener, until_stopped()),
        serve_sts(servers.sts, until_stopped()),
        servers.oss.serve(servers.oss_listener, until_stopped()),
    );
    function.and(gateway).and(sts).and(oss)?;
    Ok(())
}

async fn serve_sts(sts: Option<LocalSts>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    match sts {
        Some(sts) => sts.serve(shutdown).await,
        None => Ok(()),
    }
}

/// Returns the variables of the process without credentials, because nothing here may be signed with real
/// ones.
pub(super) fn base_environment() -> Environment {
    let mut environment = Environment::of_process().without_keys();
    environment.set("FC_FUNCTION_NAME", "dev");
    environment
}

/// Returns the base environment with the variables of the options.
fn environment(options: &Options, user_key: &UploadKey) -> Environment {
    let mut environment = base_environment();
    if let Some(path) = &options.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    }
    if options.long_lived_key {
        // The gateway still sends the role's credentials, as the platform does.
        environment.set("UPLOAD_CREDENTIALS", "environment");
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_ID", user_key.id.as_str());
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", user_key.secret.as_str());
    }
    if let Some(role) = &options.role {
        environment.set("OSS_STS_ROLE_ARN", format!("acs:ram::{ACCOUNT}:role/{role}"));
    }
    environment
}

/// Starts the function's log. It shows errors only unless `RUST_LOG` is set, because the lines of this
/// command are easier to read.
fn start_log(environment: &Environment) -> Result<(), CommandError> {
    let filter = environment.get("RUST_LOG").unwrap_or("error");
    fc_http::log::init(Some(filter)).map_err(|error| CommandError::new(error.to_string()))
}

fn function_options() -> fc_http::Options {
    fc_http::Options {
        platform: true,
        log: fc_http::log::LogWriter::new(io::sink()),
        log_path: oss_upload_signer::http::redact::path,
        ..fc_http::Options::default()
    }
}

/// Creates the gateway in front of the function. It sends the role's credentials with each request.
fn gateway(
    function: SocketAddr,
    settings: &Settings,
    role_key: UploadKey,
    hosts: fc_emulator::Hosts,
) -> fc_emulator::Gateway {
    let region = settings.routes.first().map(|route| route.region.as_str()).unwrap_or_default();
    let backend = fc_emulator::Backend::Address(function);
    let function = fc_emulator::Function::new("dev", region);
    let mut options = fc_emulator::GatewayOptions::new(backend, function);
    options.credentials = Some(fc_emulator::RoleCredentials {
        access_key_id: role_key.id,
        access_key_secret: role_key.secret,
        security_token: role_key.token,
    });
    options.hosts = hosts;
    fc_emulator::Gateway::new(options)
}

/// Loads the settings, and replaces the hosts of all routes by the local OSS and the public URL by the
/// page's address. Returns the path of the settings file too, if one was read.
fn load_settings(
    environment: &Environment,
    page: SocketAddr,
    oss: SocketAddr,
) -> Result<(Settings, Option<String>), CommandError> {
    let text = environment
        .read_file(Some(Path::new(".")))
        .map_err(|error| CommandError::new(error.to_string()))?;
    let mut settings = Settings::load_over(&DEFAULTS, environment, text.as_deref(), time::now())
        .map_err(|errors| CommandError::new(errors.to_string()))?;
    // The public keys of the real OSS verify nothing here.
    settings.callback.key_urls = vec![oss::callback_key_prefix(oss)];
    callbacks::use_local_url(&mut settings, &format!("http://{page}"));
    let first = settings.routes.first().map(|route| route.bucket.clone());
    for route in &mut settings.routes {
        // The first bucket gets the address itself as its host. Not every browser and library resolves
        // names below localhost.
        let host = match &first {
            Some(bucket) if *bucket == route.bucket => format!("http://{oss}"),
            _ => format!("http://{}.localhost:{}", route.bucket.as_str(), oss.port()),
        };
        route.host =
            UploadHost::parse(&host).map_err(|error| CommandError::new(error.to_string()))?;
    }
    let path = environment.get("UPLOAD_CONFIG").unwrap_or(SETTINGS_FILE).to_owned();
    Ok((settings, text.map(|_| path)))
}

/// Opens a local STS if an option or the settings name a role, and lets the function call it.
async fn open_sts(
    settings: &mut Settings,
    options: &Options,
    ring: KeyRing,
) -> Result<Option<LocalSts>, CommandError> {
    let sources = &mut settings.sources;
    let Some(role) = &sources.role else {
        return Ok(None);
    };
    let mut parts = role.role_arn.trim_start_matches("acs:ram::").splitn(2, ":role/");
    let account = parts.next().map(str::to_owned);
    let roles = parts.map(str::to_owned).collect();
    let listener = local_oss::listen(0, "--role").await?;
    let hosts = AllowedHosts::named(options.hosts.allow_host.clone());
    sources.sts_endpoint = format!("http://{}", listener.local_addr()?);
    let config = StsConfig { account, roles, faults: options.fault.clone(), hosts };
    LocalSts::open(listener, config, ring).map(Some)
}

fn open_oss(
    settings: &Settings,
    options: &Options,
    key: oss::AccessKey,
    ring: KeyRing,
) -> Result<oss::Oss, CommandError> {
    let mut buckets: Vec<oss::LocalBucket> = Vec::new();
    for Route { bucket, region, .. } in &settings.routes {
        if !buckets.iter().any(|known| known.name == bucket.as_str()) {
            buckets.push(oss::LocalBucket {
                name: bucket.as_str().to_owned(),
                region: region.as_str().to_owned(),
            });
        }
    }
    let pages = AllowedPages { local: true, origins: origin_log::list(&settings.origins) };
    let config = LocalOssConfig {
        data_directory: options.data_dir.clone(),
        buckets,
        key,
        pages,
        hosts: AllowedHosts::named(options.hosts.allow_host.clone()),
        allowed_callbacks: oss::AllowedCallbacks::Only(callback_addresses(settings)?),
        strictness: options.strictness.clone().strictness(),
        bucket_acl: options.read.bucket_acl(),
    };
    config.open(ring)
}

/// Returns the callback addresses of the routes. The local OSS calls no other address of this machine.
fn callback_addresses(settings: &Settings) -> Result<Vec<oss::CallbackAddress>, CommandError> {
    let public_url = settings.callback.public_url.as_deref();
    let of_route = |route: &Route| route.callback.as_ref()?.address(&route.name, public_url);
    let addresses = settings.routes.iter().filter_map(of_route);
    let addresses: Vec<_> =
        addresses.flat_map(|all| all.split(';').map(str::to_owned).collect::<Vec<_>>()).collect();
    let parsed = addresses.iter().map(|address| address.parse());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error: oss::InvalidCallbackAddress| CommandError::new(error.to_string()))
}

/// Returns the additional host names of the gateway: those of the option, and the `Host` headers of
/// callbacks.
fn gateway_hosts(settings: &Settings, options: &Options) -> fc_emulator::Hosts {
    let callbacks = settings.routes.iter().filter_map(|route| route.callback.as_ref());
    let hosts = callbacks.filter_map(|callback| callback.host.clone());
    let hosts = hosts.map(|host| host.split(':').next().unwrap_or_default().to_owned());
    fc_emulator::Hosts::named(options.hosts.allow_host.iter().cloned().chain(hosts))
}

/// Returns the access key of the function's role for the local OSS. If the function assumes another role,
/// its own role may do nothing else, so a form that is accepted was signed with the other role's session.
fn role_access_key(key: &UploadKey, assumes_role: bool) -> oss::AccessKey {
    oss::AccessKey {
        security_token: Some(key.token.clone()),
        owner: KeyOwner::Role(format!("acs:ram::{ACCOUNT}:role/dev-function")),
        permissions: assumes_role.then(only_assume_role),
        ..key.long_lived()
    }
}

fn only_assume_role() -> Permissions {
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let document = RamPolicy::parse(policy).ok();
    document.map(|document| Permissions::default().restricted_by(document)).unwrap_or_default()
}
