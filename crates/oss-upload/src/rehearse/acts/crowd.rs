//! A crowd: more requests at once than the instances together take.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::rehearse::report::Row;
use crate::rehearse::stage;
use crate::rehearse::stage::HEADER_KEY;
use crate::rehearse::stage::Stage;
use fc_emulator::Fleet;

/// How long a crowd may take altogether.
const LIMIT: Duration = Duration::from_mins(2);

/// Sends one request more than fits, all at once, to a function that has no instance yet.
pub(super) async fn scale_out(stage: &Stage) -> Row {
    const ACT: &str = "scale-out";
    let plan = stage.fleet.plan();
    if plan.port.is_some() {
        return Row::note(
            ACT,
            "-",
            "left out: instances share this machine, so a fixed --port allows only one; take the port \
             from FC_CUSTOM_LISTEN_PORT to rehearse it",
        );
    }
    let fleet = Fleet::new(plan.clone());
    let gateway = stage::gateway(&fleet, |options| options.keys = Some(stage::keys(HEADER_KEY)));
    let room = plan.concurrency * plan.instances;
    let figure = format!("{room} in {} instances", plan.instances);
    let mut crowd = JoinSet::new();
    for _ in 0..=room {
        let (gateway, request) = (gateway.clone(), stage.ask().request());
        crowd.spawn(async move { gateway.handle(request).await.status().as_u16() });
    }
    let Ok(statuses) = tokio::time::timeout(LIMIT, crowd.join_all()).await else {
        return Row::fail(ACT, figure, "not all of them were answered within two minutes");
    };
    let started = fleet.started();
    gateway.stop().await;
    let refused = statuses.iter().filter(|status| **status == 429).count();
    let failed: Vec<u16> = statuses.iter().copied().filter(|status| *status >= 500).collect();
    if let Some(status) = failed.first() {
        let sentence =
            format!("{} of {} requests failed, the first with {status}", failed.len(), room + 1);
        return Row::fail(ACT, figure, sentence);
    }
    if usize::try_from(started).ok() != Some(plan.instances) || refused != 1 {
        let sentence = format!("{started} instances were started and {refused} requests refused");
        return Row::fail(ACT, figure, sentence);
    }
    Row::pass(ACT, figure, "all were answered; the one beyond got 429 ResourceExhausted")
}
