//! The function: settings → app → listen → serve → exit code.
//!
//! Takes no arguments. Reads the environment and `upload.toml` beside the binary; reports every invalid setting at once
//! and does not start then; stops on SIGTERM or SIGINT after the requests in progress are answered.

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use oss_upload_signer::app::App;
use oss_upload_signer::config::Settings;
use oss_upload_signer::config::environment::Environment;
use oss_upload_signer::time;
use tokio::net::TcpListener;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            // If standard error is closed, the exit code is all that is left.
            let _ = writeln!(std::io::stderr(), "oss-upload-signer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The longest time of one request where large files are uploaded: OSS needs some seconds to join many parts. It is
/// less than the timeout of the function in `s.yaml`, so that the caller gets an answer.
const MULTIPART_DEADLINE: Duration = Duration::from_secs(25);

fn start() -> Result<(), Box<dyn Error>> {
    let environment = Environment::of_process();
    fc_http::log::init(environment.get("RUST_LOG"))?;
    let binary = std::env::current_exe().ok();
    let file = environment.read_file(binary.as_deref().and_then(|path| path.parent()))?;
    let settings = Settings::load(&environment, file.as_deref(), time::now())?;
    // One thread: the platform gives a share of one core, so a second thread would only cost.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<(), Box<dyn Error>> {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
    let listener =
        TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port)).await.map_err(|error| {
            format!(
                "port {} cannot be listened on: {error}; set FC_CUSTOM_LISTEN_PORT to a free one",
                settings.port
            )
        })?;
    let has_multipart = settings.routes.iter().any(|route| route.multipart.is_some());
    let ordinary = fc_http::Options::default();
    let options = fc_http::Options {
        platform: settings.platform,
        deadline: if has_multipart { MULTIPART_DEADLINE } else { ordinary.deadline },
        log_path: oss_upload_signer::http::redact::path,
        ..ordinary
    };
    let routes: Vec<_> = settings.routes.iter().map(|route| route.name.as_str()).collect();
    let (version, routes) = (env!("CARGO_PKG_VERSION"), routes.join(", "));
    tracing::info!(version, routes, "version {version} signs for {routes}");
    let service = oss_upload_signer::http::service(Arc::new(App::new(settings)));
    fc_http::serve(listener, service, options, fc_http::shutdown_signal()).await?;
    tracing::info!("stopped");
    Ok(())
}
