//! Checks of the package, the start, the initializer, the health check and the first responses.

use crate::error::GatewayError;
use crate::instance::Instance;
use crate::package::{Package, Program, ProgramKind, start_command};
use crate::rehearsal::harness::Harness;
use crate::rehearsal::report::{CheckResult, format_duration, format_size};
use crate::rehearsal::request::TestRequest;

const COLD_START: &str = "cold start";
const INITIALIZER: &str = "initializer";
const HEALTH_CHECK: &str = "health check";

/// Inspects the package. The error is a failed check, after which nothing can be started.
pub(super) fn package(harness: &Harness, package: &Package) -> Result<CheckResult, CheckResult> {
    const CHECK: &str = "package";
    let size = match package.zipped {
        Some(bytes) => format!("zip of {}", format_size(bytes)),
        None => format_size(package.bytes),
    };
    let figure = format!("{} files, {size}", package.files);
    let command = start_command(&harness.pool.config().command, package.folder());
    let program = Program::inspect(&command, package.folder())
        .map_err(|error| CheckResult::fail(CHECK, figure.clone(), error.to_string()))?;
    let name = &program.name;
    let mode = program.mode.map(|mode| format!(" (mode {mode:03o})")).unwrap_or_default();
    Ok(match program.kind {
        ProgramKind::Script(interpreter) => CheckResult::pass(
            CHECK,
            figure,
            format!("{name}{mode} is a script that {interpreter} runs"),
        ),
        ProgramKind::Static => CheckResult::pass(
            CHECK,
            figure,
            format!("{name}{mode} is a static binary for x86-64: it needs nothing of the image"),
        ),
        ProgramKind::Dynamic(loader) => CheckResult::note(
            CHECK,
            figure,
            format!(
                "{name}{mode} needs {loader} and libraries of the runtime's image; it starts here, and \
                 fails in an image whose libraries are too old for it"
            ),
        ),
        ProgramKind::Installed => CheckResult::note(
            CHECK,
            figure,
            format!("{name} is a program of the runtime's image; here this machine's own is used"),
        ),
    })
}

/// Starts the first instance. The error is a failed check, after which there is no instance.
pub(super) async fn cold_start(harness: &Harness) -> Result<Vec<CheckResult>, CheckResult> {
    if let Err(error) = harness.gateway.warm_up().await {
        let check = match error {
            GatewayError::Initialization(_) => INITIALIZER,
            GatewayError::HealthCheck(_) => HEALTH_CHECK,
            _ => COLD_START,
        };
        return Err(CheckResult::fail(check, error.code(), error.message()));
    }
    let Some(instance) = harness.pool.instances().into_iter().next() else {
        let sentence = "the process ended as soon as it had started";
        return Err(CheckResult::fail(COLD_START, "-", sentence));
    };
    let limit = harness.pool.config().start_timeout.as_secs();
    let start = CheckResult::pass(
        COLD_START,
        format_duration(instance.cold_start()),
        format!("from its start to its open port; the platform allows {limit} s"),
    );
    let initializer = match instance.initializer_result() {
        Some(result) => CheckResult::pass(
            INITIALIZER,
            format_duration(result.duration),
            format!("POST /initialize was answered {}", result.status.unwrap_or_default()),
        ),
        None => {
            CheckResult::note(INITIALIZER, "-", "switched off, so the platform would not call it")
        }
    };
    Ok([start, initializer].into_iter().chain(health_check(harness, &instance)).collect())
}

/// Reports the first health check, if checks are on. It has passed, or there would be no instance.
fn health_check(harness: &Harness, instance: &Instance) -> Option<CheckResult> {
    let result = instance.first_health_check()?;
    let check = harness.pool.config().health_check.as_ref()?;
    let figure = format!("{}, {}", result.status?, format_duration(result.duration));
    let (path, timeout) = (check.path.path(), format_duration(check.timeout));
    let sentence = format!("GET {path} after the start; the platform allows {timeout}");
    Some(CheckResult::pass(HEALTH_CHECK, figure, sentence))
}

/// Sends one of the requests.
pub(super) async fn response(harness: &Harness, request: &TestRequest) -> CheckResult {
    const CHECK: &str = "answer";
    let response = harness.send(&harness.gateway, request.build()).await;
    let figure = format!("{}, {}", response.status, format_duration(response.duration));
    if !response.is_from_function() {
        return CheckResult::fail(CHECK, figure, format!("{request}: {}", response.describe()));
    }
    if response.status >= 400 {
        let sentence = "the function refuses it; choose another request if it should not";
        return CheckResult::note(CHECK, figure, format!("{request}: {sentence}"));
    }
    let size = format_size(response.body.len() as u64);
    CheckResult::pass(CHECK, figure, format!("{request}: {size}"))
}
