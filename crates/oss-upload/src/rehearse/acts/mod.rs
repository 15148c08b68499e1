//! The acts of a rehearsal, in the order in which they are played.
//!
//! | file | plays |
//! |---|---|
//! | `opening` | the package, the start, the initializer, the health check, the first answers |
//! | `credentials` | keys by header, keys by the environment only |
//! | `limits` | what is too large, what is taken away |
//! | `rest` | a kept connection that idles, an instance that stands still |
//! | `crowd` | more requests than one instance takes |
//! | `accident` | a process that dies, a request that takes too long, one that nobody waits for |
//! | `closing` | memory, the end, the log |

mod accident;
mod closing;
mod credentials;
mod crowd;
mod limits;
mod opening;
mod rest;

use std::time::Duration;

use crate::rehearse::report::Report;
use crate::rehearse::report::Row;
use crate::rehearse::stage::Stage;
use fc_emulator::package::Package;

/// Plays all of it, as far as the function starts at all. None is the pause of the kept connection
/// where nobody wants to wait for it.
pub(super) async fn play(
    stage: &Stage,
    package: &Package,
    idle: Option<Duration>,
    report: &mut Report,
) {
    match opening::package(stage, package) {
        Ok(row) => report.add(row),
        Err(row) => return report.add(row),
    }
    match opening::cold_start(stage).await {
        Ok(rows) => rows.into_iter().for_each(|row| report.add(row)),
        Err(row) => return report.add(row),
    }
    for ask in &stage.asks {
        report.add(opening::answer(stage, ask).await);
    }
    report.add(credentials::by_header(stage).await);
    report.add(credentials::by_environment(stage).await);
    report.add(limits::head(stage).await);
    report.add(limits::body(stage).await);
    report.add(limits::answer(stage));
    report.add(limits::reserved(stage).await);
    report.add(limits::default_domain(stage).await);
    report.add(match idle {
        Some(idle) => rest::idle(stage, idle).await,
        None => Row::note("idle connection", "-", "left out by --quick: it takes half a minute"),
    });
    report.add(rest::freeze(stage).await);
    report.add(crowd::scale_out(stage).await);
    report.add(closing::memory(stage).await);
    report.add(accident::kill(stage).await);
    report.add(accident::invoke_later(stage).await);
    report.add(accident::timeout(stage).await);
    for row in closing::stop(stage).await {
        report.add(row);
    }
    report.add(closing::log(stage));
}
