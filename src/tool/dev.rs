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
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::App;
use crate::emulator::fc;
use crate::emulator::oss;
use crate::policy::name::UploadHost;
use crate::policy::route::Route;
use crate::routes;
use crate::runtime;
use crate::settings::Settings;
use crate::settings::environment::Environment;
use crate::time;
use crate::tool::cloud;
use crate::tool::cloud::DATA_DIRECTORY;
use crate::tool::cloud::Setup;
use crate::tool::console;
use crate::tool::failure::Failure;
use crate::tool::strictness::Strictness;

const ROLE_KEY_ID: &str = "STS.LocalRoleKeyId";
const ROLE_KEY_SECRET: &str = "LocalRoleKeySecret";
const ROLE_TOKEN: &str = "LocalRoleSecurityToken";

const LONG_LIVED_KEY_ID: &str = "LocalLongLivedKeyId";
const LONG_LIVED_KEY_SECRET: &str = "LocalLongLivedKeySecret";

/// What a laptop lacks, unless the environment or the file says otherwise.
const DEFAULTS: [(&str, &str); 3] =
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
    #[command(flatten)]
    strictness: Strictness,
}

pub(super) async fn run(options: Options) -> Result<(), Failure> {
    let environment = environment(&options);
    start_log(&environment)?;
    let front = cloud::listen(options.port, "--port").await?;
    let back = cloud::listen(options.oss_port, "--oss-port").await?;
    let settings = settings(&environment, back.local_addr()?)?;
    let oss = open_oss(&settings, &options)?;
    let function = TcpListener::bind("127.0.0.1:0").await?;
    let gateway = fc::Gateway::new(fc::Options {
        upstream: function.local_addr()?,
        keys: Some(fc::Keys {
            access_key_id: ROLE_KEY_ID.to_owned(),
            access_key_secret: ROLE_KEY_SECRET.to_owned(),
            security_token: ROLE_TOKEN.to_owned(),
        }),
        function_name: "dev".to_owned(),
        region: settings
            .routes
            .first()
            .map(|route| route.region.as_str().to_owned())
            .unwrap_or_default(),
        default_domain: false,
    });
    for warning in settings.v1_warnings() {
        console::say(&format!("note  {warning}"));
    }
    announce(front.local_addr()?, back.local_addr()?, &options.data_dir);

    let (stop, stopped) = watch::channel(());
    let until_stopped = || {
        let mut stopped = stopped.clone();
        // The sender goes away when the signal has come, and that is the news.
        async move { while stopped.changed().await.is_ok() {} }
    };
    let service = routes::service(Arc::new(App::new(settings)));
    let (signal, function, gateway, oss) = tokio::join!(
        async {
            runtime::stop_signal().await;
            drop(stop);
        },
        runtime::run_with(function, service, function_options(), until_stopped()),
        gateway.serve(front, until_stopped()),
        oss.serve(back, until_stopped()),
    );
    let () = signal;
    function.and(gateway).and(oss)?;
    console::say("stopped");
    Ok(())
}

/// The process's own variables, as far as they are settings; keys are left out, since nothing here
/// may be signed with real ones.
fn environment(options: &Options) -> Environment {
    let mut environment = Environment::of_process().without_keys();
    environment.set("FC_FUNCTION_NAME", "dev");
    if let Some(path) = &options.config {
        environment.set("UPLOAD_CONFIG", path.to_string_lossy());
    }
    if options.long_lived_key {
        // The gateway goes on bringing the role's keys, as the platform would.
        environment.set("UPLOAD_CREDENTIALS", "environment");
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_ID", LONG_LIVED_KEY_ID);
        environment.set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", LONG_LIVED_KEY_SECRET);
    }
    environment
}

/// The function's own log would bury what matters here, so it is silent unless asked for.
fn start_log(environment: &Environment) -> Result<(), Failure> {
    let filter = environment.get("RUST_LOG").unwrap_or("error");
    runtime::log::init(Some(filter)).map_err(|error| Failure::new(error.to_string()))
}

fn function_options() -> runtime::Options {
    runtime::Options {
        platform: true,
        log: runtime::log::Sink::new(io::sink()),
        log_path: routes::loggable::path,
        ..runtime::Options::default()
    }
}

/// Loads the settings and turns every route towards the local OSS.
fn settings(environment: &Environment, oss: SocketAddr) -> Result<Settings, Failure> {
    let file = environment
        .read_file(Some(Path::new(".")))
        .map_err(|error| Failure::new(error.to_string()))?;
    let mut settings = Settings::load_over(&DEFAULTS, environment, file.as_deref(), time::now())
        .map_err(|complaints| Failure::new(complaints.to_string()))?;
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

fn open_oss(settings: &Settings, options: &Options) -> Result<oss::Oss, Failure> {
    let mut buckets: Vec<oss::Bucket> = Vec::new();
    for Route { bucket, region, .. } in &settings.routes {
        if !buckets.iter().any(|known| known.name == bucket.as_str()) {
            buckets.push(oss::Bucket {
                name: bucket.as_str().to_owned(),
                region: region.as_str().to_owned(),
            });
        }
    }
    let setup = Setup {
        data_directory: options.data_dir.clone(),
        buckets,
        key: key(options.long_lived_key),
        cors_origins: vec!["*".to_owned()],
        judgement: options.strictness.clone().judgement(),
    };
    setup.open()
}

/// The one key that is known to the local OSS: the one that the function signs with.
fn key(is_long_lived: bool) -> oss::AccessKey {
    let (id, secret, token) = if is_long_lived {
        (LONG_LIVED_KEY_ID, LONG_LIVED_KEY_SECRET, None)
    } else {
        (ROLE_KEY_ID, ROLE_KEY_SECRET, Some(ROLE_TOKEN.to_owned()))
    };
    oss::AccessKey { security_token: token, ..oss::AccessKey::new(id, secret) }
}

fn announce(front: SocketAddr, back: SocketAddr, data_directory: &Path) {
    console::say(&format!("page  http://{front}/"));
    console::say(&format!("sign  http://{front}/get_post_signature_for_oss_upload"));
    console::say(&format!("oss   http://{back}"));
    console::say(&format!("data  {}", cloud::absolute(data_directory)));
    console::say("Ctrl-C stops all of it.");
}
