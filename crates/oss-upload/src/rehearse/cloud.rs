//! `rehearse --cloud`: a whole deployment against a local cloud, with the commands that a user runs.
//!
//! | step | what runs |
//! |---|---|
//! | setup | `oss-upload setup`, against the local RAM and OSS |
//! | package | `oss-upload package`, unless a package is named |
//! | rehearse | `oss-upload rehearse`, without the checks that take long |
//! | doctor | `oss-upload doctor`: the package runs behind the gateway, with a key of the role that setup has made |
//! | upload | `oss-upload upload`, through the function |
//! | remove | `oss-upload setup --remove` |
//!
//! The settings are those of the function, with defaults for what only a deployment has. The only key is a generated
//! one, which no real service accepts.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::future::pending;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use fc_emulator::config::EnvironmentVariables;
use fc_emulator::package::Package;
use fc_emulator::{
    Function, FunctionConfig, Gateway, GatewayOptions, InstancePool, RoleCredentials,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::dev::{UploadKey, base_environment, set_missing_keys};
use crate::error::CommandError;
use crate::local_oss::{AllowedPages, LocalOssConfig};
use crate::local_sts::{LocalSts, StsConfig};
use crate::requirements::ram_policy::FUNCTION_COMPUTE;
use crate::{check, console, local_oss};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::keys::{AccessKey, KeyRing};
use oss_emulator::oss;
use oss_emulator::sts::Sts;
use oss_upload_signer::auth::origin::{Origin, Origins};
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::config::table::{SETTINGS, SettingScope};
use oss_upload_signer::policy::route::Route;
use oss_upload_signer::time;

/// What only a deployment has.
const DEFAULTS: [(&str, &str); 3] = [
    ("OSS_BUCKET", "rehearsal-bucket"),
    ("OSS_REGION", "cn-hangzhou"),
    ("UPLOAD_AUTH", "anonymous"),
];

/// The role that setup makes. Another one than that of the environment may exist in the real account.
const ROLE: &str = "oss-upload-rehearsal";

/// The origin of the page where the settings name none.
const PAGE: &str = "https://app.example";

/// The settings file in a package.
const SETTINGS_FILE: &str = "upload.toml";

/// The `instanceConcurrency` of the function in `s.yaml`.
const CONCURRENCY: usize = 50;

/// The largest file that is uploaded, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Runs all steps, and stops at the first one that fails.
pub(super) async fn run(package: Option<&Path>) -> Result<(), CommandError> {
    let folder = TempDir::new()?;
    let cloud = LocalCloud::open(folder.path()).await?;
    cloud.setup(&["--yes"]).await?;
    let package = match package {
        Some(path) => path.to_owned(),
        None => cloud.package().await?,
    };
    let variables = cloud.function_variables();
    cloud.rehearse(&package, &variables).await?;
    let function = cloud.start_function(&package, &variables).await?;
    let tested = cloud.test(function.address).await;
    function.gateway.stop().await;
    tested?;
    cloud.setup(&["--remove", "--yes"]).await?;
    console::print_line("the rehearsal went well: the deployment works against the local cloud");
    Ok(())
}

/// The local cloud, and the settings of the function that is deployed to it.
struct LocalCloud {
    folder: PathBuf,
    /// The variables of the function.
    environment: Environment,
    /// Whether there is a settings file too.
    has_file: bool,
    /// The key of the user.
    key: UploadKey,
    origin: String,
    route: Route,
    oss: SocketAddr,
    sts: Sts,
    sts_address: SocketAddr,
    /// The servers; dropping the set ends them.
    _servers: JoinSet<()>,
}

/// The function behind its gateway.
struct RunningFunction {
    gateway: Gateway,
    address: SocketAddr,
    /// The code of the instances.
    _package: Package,
    _server: JoinSet<()>,
}

impl LocalCloud {
    async fn open(folder: &Path) -> Result<Self, CommandError> {
        let oss_listener = local_oss::listen(0, "--cloud").await?;
        let oss_address = oss_listener.local_addr()?;
        let sts_listener = local_oss::listen(0, "--cloud").await?;
        let sts_address = sts_listener.local_addr()?;
        let LoadedSettings { mut environment, settings, has_file } = load(folder, oss_address)?;
        let origin = origin(&settings.origins);
        if settings.origins == Origins::Same {
            environment.set("UPLOAD_ORIGINS", origin.as_str());
        }
        let route = one_bucket(&settings)?;
        let key = UploadKey::generate("LTAI")?;
        let ring = KeyRing::default();
        let oss = oss_config(folder, &route, key.long_lived()).open(ring.clone())?;
        let config = StsConfig {
            account: None,
            roles: Vec::new(),
            faults: Vec::new(),
            hosts: AllowedHosts::default(),
        };
        let local_sts = LocalSts::open(sts_listener, config, ring)?;
        let sts = local_sts.sts();
        let mut servers = JoinSet::new();
        servers.spawn(async move { drop(oss.serve(oss_listener, pending()).await) });
        servers.spawn(async move { drop(local_sts.serve(pending()).await) });
        Ok(Self {
            folder: folder.to_owned(),
            environment,
            has_file,
            key,
            origin,
            route,
            oss: oss_address,
            sts,
            sts_address,
            _servers: servers,
        })
    }

    async fn setup(&self, more: &[&str]) -> Result<(), CommandError> {
        let endpoint = format!("http://localhost:{}", self.oss.port());
        let ram = format!("http://{}", self.sts_address);
        let arguments = [
            "setup",
            "--role",
            ROLE,
            "--origin",
            &self.origin,
            "--endpoint",
            &endpoint,
            "--ram-endpoint",
            &ram,
        ];
        self.step("setup", &[&arguments[..], more].concat()).await
    }

    /// Builds the package, and returns its path.
    async fn package(&self) -> Result<PathBuf, CommandError> {
        let out = self.folder.join("package");
        let arguments = [OsStr::new("package"), OsStr::new("--out"), out.as_os_str()];
        self.step("package", &arguments).await?;
        Ok(out.join("oss-upload-signer.zip"))
    }

    async fn rehearse(
        &self,
        package: &Path,
        variables: &[(&'static str, String)],
    ) -> Result<(), CommandError> {
        let mut arguments =
            vec![OsString::from("rehearse"), package.as_os_str().to_owned(), "--quick".into()];
        for (name, value) in variables {
            arguments.extend(["--env".into(), format!("{name}={value}").into()]);
        }
        self.step("rehearse", &arguments).await
    }

    /// Tests the function as a page and as a program.
    async fn test(&self, function: SocketAddr) -> Result<(), CommandError> {
        let signer = format!("http://{function}");
        let route = self.route.name.as_str();
        let mut arguments =
            vec!["doctor", "--signer", &signer, "--origin", &self.origin, "--route", route];
        if self.environment.get("UPLOAD_ORIGINS") == Some("*") {
            arguments.push("--any-origin");
        }
        self.step("doctor", &arguments).await?;
        let (file, content_type) = self.example_file()?;
        let mut arguments = vec![OsString::from("upload"), "--signer".into(), signer.into()];
        arguments.extend(["--route".into(), route.into(), "--type".into(), content_type.into()]);
        arguments.push(file.into());
        self.step("upload", &arguments).await
    }

    /// Writes a file that the route accepts, and returns its path and its type.
    fn example_file(&self) -> Result<(PathBuf, String), CommandError> {
        let example = check::example_request(&self.route);
        let (name, content_type, size) = example
            .and_then(|one| Some((one.filename?, one.content_type?.as_str().to_owned(), one.size?)))
            .filter(|(.., size)| *size <= MAX_FILE)
            .ok_or_else(|| {
                CommandError::usage(format!(
                    "route {:?} accepts no small file that could be made up, so it cannot be rehearsed",
                    self.route.name
                ))
            })?;
        let path = self.folder.join(name);
        fs::write(&path, vec![b'a'; usize::try_from(size).unwrap_or_default()])?;
        Ok((path, content_type))
    }

    /// Returns the variables of the function.
    fn function_variables(&self) -> Vec<(&'static str, String)> {
        let of_function = SETTINGS.iter().filter(|setting| {
            setting.scope != SettingScope::Environment && !setting.variable.is_empty()
        });
        let value = |name: &'static str| Some((name, self.environment.get(name)?.to_owned()));
        of_function.filter_map(|setting| value(setting.variable)).collect()
    }

    /// Starts the function with a key of the role, as Function Compute does.
    async fn start_function(
        &self,
        package: &Path,
        variables: &[(&'static str, String)],
    ) -> Result<RunningFunction, CommandError> {
        let package = Package::open(package)
            .map_err(|error| CommandError::usage(format!("TARGET: {error}")))?;
        if self.has_file && !package.folder().join(SETTINGS_FILE).is_file() {
            return Err(CommandError::usage(format!(
                "the package has no {SETTINGS_FILE}, and the settings are in a file; `oss-upload package` adds the \
                 {SETTINGS_FILE} of this folder"
            )));
        }
        let key = self.sts.lend(ROLE, FUNCTION_COMPUTE).ok_or_else(|| {
            CommandError::new(format!("Function Compute may not assume the role {ROLE}"))
        })?;
        let credentials = RoleCredentials {
            access_key_id: key.id,
            access_key_secret: key.secret,
            security_token: key.security_token.unwrap_or_default(),
        };
        let mut checked = EnvironmentVariables::default();
        for (name, value) in variables {
            let set = checked.set(name, value);
            set.map_err(|error| CommandError::usage(error.to_string()))?;
        }
        let function = Function::new("oss-upload-signer", self.route.region.as_str());
        let pool = InstancePool::new(FunctionConfig {
            variables: checked,
            credentials: Some(credentials.clone()),
            initializer: Some(FunctionConfig::MAX_INITIALIZER),
            pre_stop: Some(FunctionConfig::MAX_PRE_STOP),
            concurrency: CONCURRENCY,
            ..FunctionConfig::new(package.folder().to_owned(), function)
        });
        let mut options = GatewayOptions::for_pool(&pool);
        options.credentials = Some(credentials);
        let gateway = Gateway::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let mut server = JoinSet::new();
        let front = gateway.clone();
        server.spawn(async move { drop(front.serve(listener, pending()).await) });
        Ok(RunningFunction { gateway, address, _package: package, _server: server })
    }

    /// Runs a command of this tool, with the key of the user and the addresses of the local cloud.
    async fn step(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> Result<(), CommandError> {
        console::print_line(&format!("step     {name}"));
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).kill_on_drop(true);
        for setting in SETTINGS.iter().filter(|setting| !setting.variable.is_empty()) {
            // An empty value counts as unset.
            let value = self.environment.get(setting.variable).unwrap_or_default();
            command.env(setting.variable, value);
        }
        command
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", &self.key.id)
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", &self.key.secret)
            .env("ALIBABA_CLOUD_STS_ENDPOINT", format!("http://{}", self.sts_address))
            .env("OSS_UPLOAD_ROLE", "");
        let status = command.status().await?;
        if status.success() {
            return Ok(());
        }
        Err(CommandError::new(format!("the step {name} has failed; its lines say what to do")))
    }
}

/// The settings of the function, and where they come from.
struct LoadedSettings {
    environment: Environment,
    settings: Settings,
    has_file: bool,
}

/// Loads the settings of the function, with defaults for what is missing and the address of the local OSS.
fn load(folder: &Path, oss: SocketAddr) -> Result<LoadedSettings, CommandError> {
    let mut environment = base_environment();
    set_missing_keys(&mut environment, folder)?;
    let text = environment.read_file(Some(Path::new(".")));
    let text = text.map_err(|error| CommandError::usage(error.to_string()))?;
    let now = time::now();
    let load = |environment: &Environment| Settings::load(environment, text.as_deref(), now);
    for (name, value) in DEFAULTS {
        let lacks = |problems: String| problems.contains(&format!("{name}: it is not set"));
        if load(&environment).is_err_and(|errors| lacks(errors.to_string())) {
            environment.set(name, value);
        }
    }
    environment.set("OSS_UPLOAD_HOST", format!("http://{oss}"));
    let settings = load(&environment);
    let settings = settings.map_err(|errors| CommandError::usage(errors.to_string()))?;
    Ok(LoadedSettings { environment, settings, has_file: text.is_some() })
}

/// Returns the first route, if all routes have its bucket and sign with the role of the function.
fn one_bucket(settings: &Settings) -> Result<Route, CommandError> {
    let first = settings.routes.first().cloned();
    let first = first.ok_or_else(|| CommandError::usage("the settings have no route"))?;
    if settings.sources.role.is_some() {
        return Err(CommandError::usage(
            "the local cloud has no role to assume; leave out role_arn for the rehearsal",
        ));
    }
    if settings.routes.iter().any(|route| route.bucket != first.bucket) {
        return Err(CommandError::usage(
            "the local cloud has one bucket, and the routes have several; rehearse a settings file whose \
             routes share one (UPLOAD_CONFIG)",
        ));
    }
    Ok(first)
}

/// Returns an origin of the settings.
fn origin(origins: &Origins) -> String {
    let first = match origins {
        Origins::List(list) => list.first(),
        Origins::Same | Origins::Any => None,
    };
    match first {
        Some(Origin::Exact(origin)) => origin.clone(),
        Some(Origin::Subdomains { scheme, suffix }) => format!("{scheme}rehearsal{suffix}"),
        Some(Origin::Loopback) | None => PAGE.to_owned(),
    }
}

fn oss_config(folder: &Path, route: &Route, key: AccessKey) -> LocalOssConfig {
    LocalOssConfig {
        data_directory: folder.join("data"),
        buckets: vec![oss::LocalBucket {
            name: route.bucket.as_str().to_owned(),
            region: route.region.as_str().to_owned(),
        }],
        key,
        pages: AllowedPages { local: false, origins: Vec::new() },
        hosts: AllowedHosts::default(),
        allowed_callbacks: oss::AllowedCallbacks::Only(Vec::new()),
        strictness: oss::Strictness::default(),
        bucket_acl: oss::BucketAcl::Private,
    }
}
