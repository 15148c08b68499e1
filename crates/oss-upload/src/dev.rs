//! `oss-upload dev`: the whole journey in one process.
//!
//! ```text
//! browser ──▶ gateway (as Function Compute) ──▶ function     signs with the role's keys
//!    └──────▶ local OSS                                      judges, stores, answers
//! ```
//!
//! The settings are the function's own, with what a laptop lacks filled in. Real keys in the
//! environment are left alone: the keys here are invented, and known to the local OSS only.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::cloud::{DATA_DIRECTORY, Names, Pages, Setup};
use crate::dev_keys::UploadKey;
use crate::failure::Failure;
use crate::lender::{Lender, Loan};
use crate::strictness::StrictnessArgs;
use crate::{cloud, console, dev_keys, told};
use oss_emulator::faults::FaultPlan;
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::{KeyOwner, KeyRing};
use oss_emulator::oss;
use oss_emulator::ram::{Permissions, RamPolicy};
use oss_upload_signer::app::App;
use oss_upload_signer::auth::origin::{Origin, Origins};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::net::ReqwestClient;
use oss_upload_signer::policy::bucket::UploadHost;
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time;

/// The account of everything here.
const ACCOUNT: &str = "1234567890123456";

/// What a laptop lacks, unless the environment or the file says otherwise.
pub(super) const DEFAULTS: [(&str, &str); 3] =
    [("bucket", "dev-bucket"), ("region", "cn-hangzhou"), ("auth", "anonymous")];

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The port of the page and the function; 0 lets the system choose
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port of the local OSS; 0 lets the system choose
    #[arg(long, default_value_t = 9100)]
    oss_port: u16,
    /// Where objects land
    #[arg(long, default_value = DATA_DIRECTORY)]
    data_dir: PathBuf,
    /// The settings file; default is upload.toml in this folder, if there is one
    #[arg(long)]
    config: Option<PathBuf>,
    /// Sign with a key that has no token, as with credentials = "environment" and the key of a
    /// user: the well-known V1 pages need one
    #[arg(long)]
    long_lived_key: bool,
    /// Take this role at a local STS, as with `role_arn`: forms are then signed with a session that
    /// may do no more than the routes need
    #[arg(long, value_name = "NAME", conflicts_with = "long_lived_key")]
    role: Option<String>,
    /// A fault that the local STS meets, such as 'assume-role:throttle-429*2'; may be given several
    /// times
    #[arg(long, value_name = "FAULT", requires = "role")]
    fault: Vec<FaultPlan>,
    #[command(flatten)]
    names: Names,
    #[command(flatten)]
    strictness: StrictnessArgs,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let (role, user) = (UploadKey::draw("STS.")?, UploadKey::draw("LTAI")?);
    let mut environment = environment(&options, &user);
    let keys = dev_keys::fill(&mut environment, &options.data_dir)?;
    start_log(&environment)?;
    let front = cloud::listen(options.port, "--port").await?;
    let back = cloud::listen(options.oss_port, "--oss-port").await?;
    let mut settings = settings(&environment, front.local_addr()?, back.local_addr()?)?;
    let ring = KeyRing::default();
    let lender = open_sts(&mut settings, &options, ring.clone()).await?;
    let key = if options.long_lived_key {
        user.long_lived()
    } else {
        role_key(&role, settings.sources.role.is_some())
    };
    let oss = open_oss(&settings, &options, key, ring)?;
    let function = TcpListener::bind("127.0.0.1:0").await?;
    let hosts = gateway_hosts(&settings, &options);
    let gateway = gateway(function.local_addr()?, &settings, role, hosts);
    for warning in settings.v1_warnings() {
        console::say(&format!("note  {warning}"));
    }
    announce(front.local_addr()?, back.local_addr()?, lender.as_ref())?;
    told::announce(&settings, &keys);
    console::say(&format!("data  {}", cloud::absolute(&options.data_dir)));
    console::say("Ctrl-C stops all of it.");

    let (stop, stopped) = watch::channel(());
    let until_stopped = || {
        let mut stopped = stopped.clone();
        // The sender goes away when the signal has come, and that is the news.
        async move { while stopped.changed().await.is_ok() {} }
    };
    let network = ReqwestClient::new(settings.proxy.clone());
    // A developer's own page runs on another port of this machine.
    let settings = Settings { origins: settings.origins.clone().with_loopback(), ..settings };
    let app = App::with_http(settings, Arc::new(told::Aloud(network)));
    let service = oss_upload_signer::http::service(Arc::new(app));
    let (signal, function, gateway, sts, oss) = tokio::join!(
        async {
            fc_http::shutdown_signal().await;
            drop(stop);
        },
        fc_http::serve(function, service, function_options(), until_stopped()),
        gateway.serve(front, until_stopped()),
        lend(lender, until_stopped()),
        oss.serve(back, until_stopped()),
    );
    let () = signal;
    function.and(gateway).and(sts).and(oss)?;
    console::say("stopped");
    Ok(())
}

/// The environment of every run, without its options.
pub(super) fn base_environment() -> Environment {
    let mut environment = Environment::of_process().without_keys();
    environment.set("FC_FUNCTION_NAME", "dev");
    environment
}

/// The process's own variables, as far as they are settings; keys are left out, since nothing here
/// may be signed with real ones.
fn environment(options: &Options, user: &UploadKey) -> Environment {
    let mut environment = base_environment();
    if let Some(path) = &options.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    }
    if options.long_lived_key {
        // The gateway goes on bringing the role's keys, as the platform would.
        environment.set("UPLOAD_CREDENTIALS", "environment");
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_ID", user.id.as_str());
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", user.secret.as_str());
    }
    if let Some(role) = &options.role {
        environment.set("OSS_STS_ROLE_ARN", format!("acs:ram::{ACCOUNT}:role/{role}"));
    }
    environment
}

/// The function's own log would bury what matters here, so it is silent unless asked for.
fn start_log(environment: &Environment) -> Result<(), Failure> {
    let filter = environment.get("RUST_LOG").unwrap_or("error");
    fc_http::log::init(Some(filter)).map_err(|error| Failure::new(error.to_string()))
}

fn function_options() -> fc_http::Options {
    fc_http::Options {
        platform: true,
        log: fc_http::log::LogWriter::new(io::sink()),
        log_path: oss_upload_signer::http::redact::path,
        ..fc_http::Options::default()
    }
}

/// The gateway in front of the function; it brings the role's keys.
fn gateway(
    upstream: SocketAddr,
    settings: &Settings,
    role: UploadKey,
    hosts: fc_emulator::Hosts,
) -> fc_emulator::Gateway {
    let region = settings.routes.first().map(|route| route.region.as_str()).unwrap_or_default();
    let backend = fc_emulator::Backend::Address(upstream);
    let function = fc_emulator::Function::new("dev", region);
    let mut options = fc_emulator::GatewayOptions::new(backend, function);
    options.credentials = Some(fc_emulator::RoleCredentials {
        access_key_id: role.id,
        access_key_secret: role.secret,
        security_token: role.token,
    });
    options.hosts = hosts;
    fc_emulator::Gateway::new(options)
}

/// Loads the settings, turns every route towards the local OSS, and that towards the page's own address.
fn settings(
    environment: &Environment,
    page: SocketAddr,
    oss: SocketAddr,
) -> Result<Settings, Failure> {
    let file = environment
        .read_file(Some(Path::new(".")))
        .map_err(|error| Failure::new(error.to_string()))?;
    let mut settings = Settings::load_over(&DEFAULTS, environment, file.as_deref(), time::now())
        .map_err(|complaints| Failure::new(complaints.to_string()))?;
    // The keys of the real OSS sign nothing here.
    settings.callback.key_urls = vec![oss::callback_key_prefix(oss)];
    told::bring_home(&mut settings, &format!("http://{page}"));
    let first = settings.routes.first().map(|route| route.bucket.clone());
    for route in &mut settings.routes {
        // The first bucket has the address itself as its domain: every browser and library can
        // find that one, which is not so for names below localhost.
        let host = match &first {
            Some(bucket) if *bucket == route.bucket => format!("http://{oss}"),
            _ => format!("http://{}.localhost:{}", route.bucket.as_str(), oss.port()),
        };
        route.host = UploadHost::parse(&host).map_err(|error| Failure::new(error.to_string()))?;
    }
    Ok(settings)
}

/// Where a role is to be taken, by an option or by the settings file, opens a local STS that lends
/// it, and turns the function to that one.
async fn open_sts(
    settings: &mut Settings,
    options: &Options,
    ring: KeyRing,
) -> Result<Option<Lender>, Failure> {
    let sources = &mut settings.sources;
    let Some(role) = &sources.role else {
        return Ok(None);
    };
    let mut parts = role.role_arn.trim_start_matches("acs:ram::").splitn(2, ":role/");
    let account = parts.next().map(str::to_owned);
    let roles = parts.map(str::to_owned).collect();
    let listener = cloud::listen(0, "--role").await?;
    let hosts = AllowedHosts::named(options.names.allow_host.clone());
    sources.sts_endpoint = format!("http://{}", listener.local_addr()?);
    let loan = Loan { account, roles, faults: options.fault.clone(), hosts };
    Lender::open(listener, loan, ring).map(Some)
}

async fn lend(lender: Option<Lender>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    match lender {
        Some(lender) => lender.serve(shutdown).await,
        None => Ok(()),
    }
}

fn open_oss(
    settings: &Settings,
    options: &Options,
    key: oss::AccessKey,
    ring: KeyRing,
) -> Result<oss::Oss, Failure> {
    let mut buckets: Vec<oss::LocalBucket> = Vec::new();
    for Route { bucket, region, .. } in &settings.routes {
        if !buckets.iter().any(|known| known.name == bucket.as_str()) {
            buckets.push(oss::LocalBucket {
                name: bucket.as_str().to_owned(),
                region: region.as_str().to_owned(),
            });
        }
    }
    let setup = Setup {
        data_directory: options.data_dir.clone(),
        buckets,
        key,
        pages: Pages { local: true, named: named_origins(&settings.origins) },
        hosts: AllowedHosts::named(options.names.allow_host.clone()),
        allowed_callbacks: oss::AllowedCallbacks::Only(callback_addresses(settings)?),
        strictness: options.strictness.clone().strictness(),
    };
    setup.open_with(ring)
}

/// The origins of the settings, as a CORS rule names them.
fn named_origins(origins: &Origins) -> Vec<String> {
    let write = |origin: &Origin| match origin {
        Origin::Exact(origin) => Some(origin.clone()),
        Origin::Subdomains { scheme, suffix } => Some(format!("{scheme}*{suffix}")),
        // The local OSS has a switch of its own for these.
        Origin::Loopback => None,
    };
    match origins {
        Origins::Same => Vec::new(),
        Origins::List(origins) => origins.iter().filter_map(write).collect(),
        Origins::Any => vec!["*".to_owned()],
    }
}

/// The addresses that the routes have called, and no other of this machine.
fn callback_addresses(settings: &Settings) -> Result<Vec<oss::CallbackAddress>, Failure> {
    let own = settings.callback.public_url.as_deref();
    let of_route = |route: &Route| route.callback.as_ref()?.address(&route.name, own);
    let addresses = settings.routes.iter().filter_map(of_route);
    let addresses: Vec<_> =
        addresses.flat_map(|all| all.split(';').map(str::to_owned).collect::<Vec<_>>()).collect();
    let parsed = addresses.iter().map(|address| address.parse());
    parsed
        .collect::<Result<_, _>>()
        .map_err(|error: oss::InvalidCallbackAddress| Failure::new(error.to_string()))
}

/// The names that the gateway answers to: those that were given, and the `Host` that a route's callback
/// brings.
fn gateway_hosts(settings: &Settings, options: &Options) -> fc_emulator::Hosts {
    let callbacks = settings.routes.iter().filter_map(|route| route.callback.as_ref());
    let called = callbacks.filter_map(|callback| callback.host.clone());
    let called = called.map(|host| host.split(':').next().unwrap_or_default().to_owned());
    fc_emulator::Hosts::named(options.names.allow_host.iter().cloned().chain(called))
}

/// The key of the function's role. Where another role is taken it may do nothing but that, so that an
/// upload that works was signed with the other role's session.
fn role_key(key: &UploadKey, takes_a_role: bool) -> oss::AccessKey {
    oss::AccessKey {
        security_token: Some(key.token.clone()),
        owner: KeyOwner::Role(format!("acs:ram::{ACCOUNT}:role/dev-function")),
        permissions: takes_a_role.then(only_assume_role),
        ..key.long_lived()
    }
}

fn only_assume_role() -> Permissions {
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let document = RamPolicy::parse(policy).ok();
    document.map(|document| Permissions::default().restricted_by(document)).unwrap_or_default()
}

fn announce(front: SocketAddr, back: SocketAddr, lender: Option<&Lender>) -> Result<(), Failure> {
    console::say(&format!("page  http://{front}/"));
    console::say(&format!("sign  http://{front}/get_post_signature_for_oss_upload"));
    console::say(&format!("oss   http://{back}"));
    lender.map_or(Ok(()), Lender::announce)
}
