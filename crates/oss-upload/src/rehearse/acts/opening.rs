//! The package, the start, the initializer, the health check, the first answers.

use crate::console;
use crate::rehearse::ask::Ask;
use crate::rehearse::figure;
use crate::rehearse::report::Row;
use crate::rehearse::stage::Stage;
use fc_emulator::Instance;
use fc_emulator::package::Kind;
use fc_emulator::package::Package;
use fc_emulator::package::Program;
use fc_emulator::package::start_command;

/// The act of the health check.
const HEALTH_CHECK: &str = "health check";

/// Looks at what was packed; fails where nothing can be started.
pub(super) fn package(stage: &Stage, package: &Package) -> Result<Row, Row> {
    const ACT: &str = "package";
    let size = match package.zipped {
        Some(bytes) => format!("zip of {}", console::size(bytes)),
        None => console::size(package.bytes),
    };
    let figure = format!("{} files, {size}", package.files);
    let command = start_command(&stage.fleet.plan().command, package.folder());
    let program = Program::inspect(&command, package.folder())
        .map_err(|defect| Row::fail(ACT, figure.clone(), defect.to_string()))?;
    let name = &program.name;
    let mode = program.mode.map(|mode| format!(" (mode {mode:03o})")).unwrap_or_default();
    Ok(match program.kind {
        Kind::Script(interpreter) => {
            Row::pass(ACT, figure, format!("{name}{mode} is a script that {interpreter} runs"))
        }
        Kind::Static => Row::pass(
            ACT,
            figure,
            format!("{name}{mode} is a static binary for x86-64: it needs nothing of the image"),
        ),
        Kind::Dynamic(loader) => Row::note(
            ACT,
            figure,
            format!(
                "{name}{mode} needs {loader} and libraries of the runtime's image; it starts here, and \
                 in an image whose libraries are old enough for it to miss something it does not"
            ),
        ),
        Kind::Installed => Row::note(
            ACT,
            figure,
            format!("{name} is a program of the runtime's image; here this machine's own is used"),
        ),
    })
}

/// Starts the first instance.
pub(super) async fn cold_start(stage: &Stage) -> Result<Vec<Row>, Row> {
    const ACT: &str = "cold start";
    if let Err(none) = stage.front.warm().await {
        let act = match none.code {
            "InitializationError" => "initializer",
            "HealthCheckFailed" => HEALTH_CHECK,
            _ => ACT,
        };
        return Err(Row::fail(act, none.code, none.sentence));
    }
    let Some(instance) = stage.fleet.instances().into_iter().next() else {
        return Err(Row::fail(ACT, "-", "the process ended as soon as it had started"));
    };
    let limit = stage.fleet.plan().start_limit.as_secs();
    let start = Row::pass(
        ACT,
        figure::time(instance.cold_start()),
        format!("from its start to its open port, for which the platform allows {limit} s"),
    );
    let initializer = match instance.initialized() {
        Some(called) => Row::pass(
            "initializer",
            figure::time(called.took),
            format!("POST /initialize was answered {}", called.status.unwrap_or_default()),
        ),
        None => Row::note("initializer", "-", "switched off, so the platform would not call it"),
    };
    Ok([start, initializer].into_iter().chain(health_check(stage, &instance)).collect())
}

/// Tells what came of the first health check, if there are any; without it there was no instance.
fn health_check(stage: &Stage, instance: &Instance) -> Option<Row> {
    let (called, check) = (instance.first_check()?, stage.fleet.plan().health_check.as_ref()?);
    let figure = format!("{}, {}", called.status?, figure::time(called.took));
    let (path, limit) = (check.path.path(), figure::time(check.timeout));
    let sentence = format!("GET {path} after the start, for which the platform allows {limit}");
    Some(Row::pass(HEALTH_CHECK, figure, sentence))
}

/// Sends one of the requests.
pub(super) async fn answer(stage: &Stage, ask: &Ask) -> Row {
    let reply = stage.send(&stage.front, ask.request()).await;
    let figure = format!("{}, {}", reply.status, figure::time(reply.took));
    if !reply.is_answer() {
        return Row::fail("answer", figure, format!("{ask}: {}", reply.words()));
    }
    if reply.status >= 400 {
        let words = "the function refuses it; choose others with --request if it should not";
        return Row::note("answer", figure, format!("{ask}: {words}"));
    }
    Row::pass("answer", figure, format!("{ask}: {}", console::size(reply.body.len() as u64)))
}
