//! Checks at the end: the memory of an instance, how it stops, and its log.

use crate::rehearsal::harness::{self, Harness};
use crate::rehearsal::report::{CheckResult, format_duration, format_size};

/// Measures the memory of the instance.
pub(super) async fn memory(harness: &Harness) -> CheckResult {
    const CHECK: &str = "memory";
    let limit = harness.pool.config().function.memory;
    let instance = match harness.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return CheckResult::fail(CHECK, "-", sentence),
    };
    let Some(memory) = instance.memory() else {
        let sentence = "this system does not report the memory of a process";
        return CheckResult::note(CHECK, "-", sentence);
    };
    let figure = format!("{} of {limit} MB", format_size(memory.peak));
    let sentence = format!("at the most; {} now", format_size(memory.now));
    if memory.peak > u64::from(limit) << 20 {
        let advice =
            "the platform would have killed it; give it more with memorySize, or need less";
        return CheckResult::fail(CHECK, figure, format!("{sentence}; {advice}"));
    }
    CheckResult::pass(CHECK, figure, sentence)
}

/// Calls the pre-stop hook and ends every instance.
pub(super) async fn stop(harness: &Harness) -> Vec<CheckResult> {
    const HOOK: &str = "pre-stop";
    const STOP: &str = "stop";
    // There has to be an instance to stop. If none starts any more, an earlier check has failed for it.
    let _ = harness.instance().await;
    let Some(report) = harness.gateway.stop().await.into_iter().next() else {
        return vec![CheckResult::fail(STOP, "-", "there is no instance left to stop")];
    };
    let hook = match report.pre_stop {
        None => CheckResult::note(HOOK, "-", "switched off, so the platform would not call it"),
        Some(result) => {
            let duration = format_duration(result.duration);
            let status =
                result.status.map_or("nothing in time".to_owned(), |status| status.to_string());
            let sentence = format!("GET /pre-stop was answered {status}");
            if result.is_success() {
                CheckResult::pass(HOOK, duration, sentence)
            } else {
                CheckResult::fail(HOOK, duration, format!("{sentence}; it has to be 2xx"))
            }
        }
    };
    let stop = if report.ended_by_itself {
        CheckResult::pass(STOP, "SIGTERM", "ended after SIGTERM")
    } else {
        let sentence = "did not end after SIGTERM, and was killed; the platform promises no SIGTERM, \
                        so nothing may depend on it";
        CheckResult::note(STOP, "SIGKILL", sentence)
    };
    vec![hook, stop]
}

/// Looks for secrets in the log and in the responses.
pub(super) fn log(harness: &Harness) -> CheckResult {
    const CHECK: &str = "log";
    let lines = harness.pool.log().lines();
    let named = lines.iter().filter(|line| line.request_id.is_some()).count();
    let figure = format!("{} lines", lines.len());
    if let Some(path) = &harness.observations().leaked_secret {
        let sentence =
            format!("{path} answers with the secret of the role's key, which no caller may get");
        return CheckResult::fail(CHECK, figure, sentence);
    }
    if lines.iter().any(|line| harness::contains_secret(&line.text)) {
        let sentence = "a line holds the secret or the token of the role's key, and many people can \
                        read logs";
        return CheckResult::fail(CHECK, figure, sentence);
    }
    let sentence = format!("{named} belong to a request; none holds a secret or a token");
    CheckResult::pass(CHECK, figure, sentence)
}
