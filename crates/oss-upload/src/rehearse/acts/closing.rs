//! The end: how much memory it took, how it stops, what it has written.

use crate::console;
use crate::rehearse::figure;
use crate::rehearse::report::Row;
use crate::rehearse::stage;
use crate::rehearse::stage::Stage;

/// Measures the instance that has answered most.
pub(super) async fn memory(stage: &Stage) -> Row {
    const ACT: &str = "memory";
    let limit = stage.fleet.plan().function.memory;
    let instance = match stage.instance().await {
        Ok(instance) => instance,
        Err(sentence) => return Row::fail(ACT, "-", sentence),
    };
    let Some(memory) = instance.memory() else {
        return Row::note(ACT, "-", "this system does not tell how much a process holds");
    };
    let figure = format!("{} of {limit} MB", console::size(memory.peak));
    let sentence = format!("at the most; {} now", console::size(memory.now));
    if memory.peak > u64::from(limit) << 20 {
        let harm = "the platform would have killed it; give it more with memorySize, or need less";
        return Row::fail(ACT, figure, format!("{sentence}; {harm}"));
    }
    Row::pass(ACT, figure, sentence)
}

/// Calls the last hook and ends every instance.
pub(super) async fn stop(stage: &Stage) -> Vec<Row> {
    // One has to be there to be stopped; if none starts any more, an act before has said so.
    let _ = stage.instance().await;
    let Some(farewell) = stage.front.stop().await.into_iter().next() else {
        return vec![Row::fail("stop", "-", "there is no instance left to stop")];
    };
    let hook = match farewell.pre_stop {
        None => Row::note("pre-stop", "-", "switched off, so the platform would not call it"),
        Some(called) if called.is_good() => Row::pass(
            "pre-stop",
            figure::time(called.took),
            format!("GET /pre-stop was answered {}", called.status.unwrap_or_default()),
        ),
        Some(called) => {
            let answer =
                called.status.map_or("nothing in time".to_owned(), |status| status.to_string());
            let sentence = format!("GET /pre-stop was answered {answer}; it has to be 2xx");
            Row::fail("pre-stop", figure::time(called.took), sentence)
        }
    };
    let stop = if farewell.by_itself {
        Row::pass("stop", "SIGTERM", "ended when it was told to")
    } else {
        let sentence = "did not end when it was told to, and was killed; the platform promises no \
                        SIGTERM, so nothing may hang on it";
        Row::note("stop", "SIGKILL", sentence)
    };
    vec![hook, stop]
}

/// Reads everything that was written and answered for what nobody may see.
pub(super) fn log(stage: &Stage) -> Row {
    const ACT: &str = "log";
    let lines = stage.fleet.log().lines();
    let named = lines.iter().filter(|line| line.request_id.is_some()).count();
    let figure = format!("{} lines", lines.len());
    if let Some(path) = &stage.seen().secret {
        let sentence =
            format!("{path} answers with the secret of the role's key: nobody may have it");
        return Row::fail(ACT, figure, sentence);
    }
    if lines.iter().any(|line| stage::is_telling(&line.text)) {
        let sentence = "a line holds the secret or the token of the role's key, and logs are read by \
                        many";
        return Row::fail(ACT, figure, sentence);
    }
    let sentence = format!("{named} belong to a request; none holds a secret or a token");
    Row::pass(ACT, figure, sentence)
}
