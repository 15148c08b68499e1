//! Makes the changes of a plan, and reads back what has come of them.

use std::time::Duration;

use crate::console;
use crate::error::CommandError;
use crate::language::{Language, Text, text};
use crate::setup::account::Account;
use crate::setup::bucket_client::BucketSetting;
use crate::setup::configuration::{Configuration, MergeError};
use crate::setup::plan::{BucketChange, Observed, Plan, SetupChange, Step, Wanted};
use crate::setup::refusal::CloudError;
use crate::setup::{cors_merge, lifecycle_merge};
use crate::xml::XmlElement;

/// How often a request is repeated that is about something which was just created: RAM needs a moment until every
/// server knows it.
const ATTEMPTS: u32 = 6;

/// The pause before such a repetition.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes the changes in their order, and prints each of them.
pub(super) async fn apply(
    account: &Account,
    wanted: &Wanted,
    observed: &Observed,
    plan: &Plan,
    language: Language,
) -> Result<(), CommandError> {
    let all = plan.steps.len();
    for (done, step) in plan.steps.iter().enumerate() {
        let outcome = make(account, wanted, observed, step).await;
        outcome.map_err(|error| {
            let rest = all - done;
            let sentence = step.title.clone().with(&text!(": ", "：")).with(&error).with(&text!(
                "; {done} of {all} changes are made, and {rest} are left: run this again",
                "；{all} 项更改中已完成 {done} 项，还剩 {rest} 项：请再次运行"
            ));
            CommandError::new(sentence.in_language(language))
        })?;
        let label = language.choose("done    ", "完成    ");
        console::print_line(&format!("{label} {}", step.title.in_language(language)));
    }
    Ok(())
}

async fn make(
    account: &Account,
    wanted: &Wanted,
    observed: &Observed,
    step: &Step,
) -> Result<(), Text> {
    let made = match &step.change {
        SetupChange::CreateRole => account.create_role().await,
        SetupChange::UpdateTrust(document) => account.update_trust(document).await,
        SetupChange::CreatePolicy => account.create_policy(&wanted.policy).await,
        SetupChange::UpdatePolicy => account.update_policy(&wanted.policy).await,
        SetupChange::AttachPolicy => attach(account).await,
        SetupChange::DetachPolicy => gone(account.detach_policy().await),
        SetupChange::DeletePolicy(versions) => gone(account.delete_policy(versions).await),
        SetupChange::DeleteRole => gone(account.delete_role().await),
        SetupChange::Cors(change) => {
            let seen = observed.buckets[change.bucket].cors.as_deref();
            return write(account, BucketSetting::Cors, change, seen).await;
        }
        SetupChange::Lifecycle(change) => {
            let seen = observed.buckets[change.bucket].lifecycle.as_deref();
            return write(account, BucketSetting::Lifecycle, change, seen).await;
        }
    };
    made.map_err(|error| error.text())
}

/// Attaches the policy. Role and policy may have been created a moment ago.
async fn attach(account: &Account) -> Result<(), CloudError> {
    for _ in 1..ATTEMPTS {
        match account.attach_policy().await {
            Err(error) if error.is_missing() => tokio::time::sleep(PAUSE).await,
            Err(error) if error.is_there_already() => return Ok(()),
            other => return other,
        }
    }
    account.attach_policy().await
}

/// Accepts that what should be deleted is gone already.
fn gone(outcome: Result<(), CloudError>) -> Result<(), CloudError> {
    match outcome {
        Err(error) if error.is_missing() => Ok(()),
        other => other,
    }
}

/// Replaces a configuration of a bucket. OSS replaces all rules at once, so they are read again before, lest a rule is
/// lost that somebody has added since the plan, and afterwards.
async fn write(
    account: &Account,
    setting: BucketSetting,
    change: &BucketChange,
    seen: Option<&str>,
) -> Result<(), Text> {
    let bucket = &account.buckets[change.bucket];
    let refused = |error: CloudError| error.text();
    let now = bucket.get(setting).await.map_err(refused)?;
    if now.as_deref() != seen {
        return Err(text!(
            "somebody has changed the rules of the bucket since the plan was made, so nothing was written",
            "制定计划之后有人更改了 Bucket 的规则，因此没有写入"
        ));
    }
    bucket.set(setting, change.document.as_deref()).await.map_err(refused)?;
    let after = bucket.get(setting).await.map_err(refused)?;
    if !keeps(setting, seen, (change.document.as_deref(), after.as_deref())) {
        let name = &bucket.name;
        return Err(text!(
            "OSS returns other rules than those that were there before; look at them in the OSS console \
             (the bucket {name})",
            "OSS 返回的规则与之前不同；请在 OSS 控制台查看（Bucket {name}）"
        ));
    }
    Ok(())
}

/// Returns whether the rules that were `seen` and written back are still there `after` that, in their order.
fn keeps(
    setting: BucketSetting,
    seen: Option<&str>,
    (written, after): (Option<&str>, Option<&str>),
) -> bool {
    let rules = |document| rules(setting, document);
    let written = rules(written);
    let is_written = |rule: &XmlElement| written.iter().any(|one| one.is_same(rule));
    let kept: Vec<_> = rules(seen).into_iter().filter(is_written).collect();
    let after = rules(after);
    let mut after = after.iter();
    kept.iter().all(|rule| after.any(|one| one.is_same(rule)))
}

fn rules(setting: BucketSetting, document: Option<&str>) -> Vec<XmlElement> {
    let (root, rule) = match setting {
        BucketSetting::Cors => (cors_merge::ROOT, cors_merge::RULE),
        BucketSetting::Lifecycle => (lifecycle_merge::ROOT, lifecycle_merge::RULE),
    };
    let configuration = document.and_then(|text| Configuration::parse(text, root, rule).ok());
    configuration.unwrap_or_default().rules.into_iter().map(|rule| rule.element).collect()
}

/// Reads the account again until nothing is left to change.
pub(super) async fn verify(
    account: &Account,
    wanted: &Wanted,
    make_plan: fn(&Wanted, &Observed) -> Result<Plan, MergeError>,
) -> Result<(), Text> {
    let mut left = Text::verbatim("");
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let observed = account.observe().await;
        let observed = observed.map_err(|error| error.text())?;
        let plan = make_plan(wanted, &observed).map_err(|error| error.0)?;
        match plan.steps.first() {
            None => return Ok(()),
            Some(step) => left.clone_from(&step.title),
        }
    }
    Err(text!(
        "all changes are made, and the cloud still returns the old state (",
        "所有更改均已完成，但云端仍返回旧状态（"
    )
    .with(&left)
    .with(&text!("); run this again in a minute", "）；请一分钟后再次运行")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(prefixes: &[&str]) -> String {
        let rules: Vec<String> =
            prefixes.iter().map(|one| format!("<Rule><Prefix>{one}</Prefix></Rule>")).collect();
        format!("<LifecycleConfiguration>{}</LifecycleConfiguration>", rules.concat())
    }

    #[test]
    fn a_foreign_rule_that_is_lost_or_moved_is_noticed() {
        for (after, expected) in [
            (&["a", "b", "own"][..], true),
            (&["own", "a", "b"], true),
            (&["b", "a", "own"], false),
            (&["a", "own"], false),
            (&[], false),
        ] {
            let (seen, written) = (document(&["a", "old", "b"]), document(&["a", "b", "own"]));
            let after = document(after);
            let kept = keeps(BucketSetting::Lifecycle, Some(&seen), (Some(&written), Some(&after)));
            assert_eq!(kept, expected, "{after}");
        }
        assert!(keeps(BucketSetting::Cors, None, (None, None)));
    }
}
