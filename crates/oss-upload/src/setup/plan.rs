//! The plan: what differs between the account and the requirements, as steps in the order in which they are made.
//! Pure.

use crate::requirements::cors_rule::CorsRule;
use crate::requirements::ram_policy::{
    TRUST_POLICY, is_same_policy, trusts_function_compute, with_trust,
};
use crate::requirements::routes::{PartsPrefix, SigningRole};
use crate::setup::configuration::{ConfigurationChange, MergeError};
use crate::setup::ownership::{Ownership, is_own};
use crate::setup::{cors_merge, lifecycle_merge};

/// What the account has to have.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) names: Ownership,
    /// The policy of the function's role.
    pub(super) policy: String,
    /// A role that the function assumes. It is not changed.
    pub(super) signing_role: Option<SigningRole>,
    pub(super) buckets: Vec<WantedBucket>,
}

/// What a bucket has to have.
#[derive(Clone, Debug)]
pub(super) struct WantedBucket {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) cors: CorsRule,
    pub(super) parts: Vec<PartsPrefix>,
}

/// What the account has.
#[derive(Clone, Debug, Default)]
pub(super) struct Observed {
    pub(super) role: Option<ObservedRole>,
    pub(super) policy: Option<ObservedPolicy>,
    /// The buckets, in the order of the wanted ones.
    pub(super) buckets: Vec<ObservedBucket>,
}

/// The role as RAM returns it.
#[derive(Clone, Debug, Default)]
pub(super) struct ObservedRole {
    pub(super) description: String,
    pub(super) trust_policy: String,
    /// The names of the attached policies; those of Alibaba have the type `System`.
    pub(super) attached: Vec<AttachedPolicy>,
}

/// A policy that is attached to the role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AttachedPolicy {
    pub(super) name: String,
    pub(super) policy_type: String,
}

/// The policy as RAM returns it.
#[derive(Clone, Debug, Default)]
pub(super) struct ObservedPolicy {
    pub(super) description: String,
    pub(super) document: String,
    /// The number of users, groups and roles that have the policy.
    pub(super) attachments: u64,
    /// The ids of the versions that are not in force.
    pub(super) old_versions: Vec<String>,
}

/// The configurations of a bucket as OSS returns them; `None` where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ObservedBucket {
    pub(super) cors: Option<String>,
    pub(super) lifecycle: Option<String>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SetupChange {
    CreateRole,
    /// The trust policy becomes this one.
    UpdateTrust(String),
    CreatePolicy,
    /// The policy gets a new version, which comes into force.
    UpdatePolicy,
    AttachPolicy,
    DetachPolicy,
    /// The policy is deleted, after these versions of it.
    DeletePolicy(Vec<String>),
    DeleteRole,
    Cors(BucketChange),
    Lifecycle(BucketChange),
}

/// A change of a configuration of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BucketChange {
    /// The index of the bucket.
    pub(super) bucket: usize,
    /// The new document; `None` deletes the configuration.
    pub(super) document: Option<String>,
}

/// A change with its description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) change: SetupChange,
    pub(super) title: String,
    /// What is written, line by line.
    pub(super) details: Vec<String>,
}

/// All steps, and what the user should know beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What is as it should be, or not there as it should be.
    pub(super) unchanged: Vec<String>,
    pub(super) notes: Vec<String>,
}

impl Plan {
    fn step(&mut self, change: SetupChange, title: String, details: Vec<String>) {
        self.steps.push(Step { change, title, details });
    }
}

/// Plans what is missing.
pub(super) fn plan(wanted: &Wanted, observed: &Observed) -> Result<Plan, MergeError> {
    let mut plan = Plan::default();
    plan_role(&mut plan, wanted, observed.role.as_ref())?;
    plan_policy(&mut plan, wanted, observed.policy.as_ref())?;
    plan_attachment(&mut plan, wanted, observed.role.as_ref());
    for (index, (bucket, current)) in wanted.buckets.iter().zip(&observed.buckets).enumerate() {
        plan_cors(&mut plan, wanted, (index, bucket), current)?;
        plan_lifecycle(&mut plan, wanted, (index, bucket), current)?;
    }
    if let Some(role) = &wanted.signing_role {
        plan.notes.push(format!(
            "the routes sign as {}, which is not changed; its policy has to allow at least {}, and its \
             trust policy the role {}",
            role.arn,
            role.policy,
            wanted.names.role()
        ));
    }
    Ok(plan)
}

fn plan_role(
    plan: &mut Plan,
    wanted: &Wanted,
    current: Option<&ObservedRole>,
) -> Result<(), MergeError> {
    let name = wanted.names.role();
    let Some(role) = current else {
        let title = format!("create the RAM role {name}, which Function Compute may assume");
        plan.step(SetupChange::CreateRole, title, vec![TRUST_POLICY.to_owned()]);
        return Ok(());
    };
    if trusts_function_compute(&role.trust_policy) {
        plan.unchanged.push(format!("RAM role {name}: Function Compute may assume it"));
        return Ok(());
    }
    if !is_own(&role.description) {
        return Err(MergeError(format!(
            "the RAM role {name} exists, was not made by setup, and Function Compute may not assume it; \
             choose another name with --role, or add this to its trust policy: {TRUST_POLICY}"
        )));
    }
    let document = with_trust(&role.trust_policy).unwrap_or_else(|| TRUST_POLICY.to_owned());
    let title = format!("let Function Compute assume the RAM role {name}");
    plan.step(SetupChange::UpdateTrust(document.clone()), title, vec![document]);
    Ok(())
}

fn plan_policy(
    plan: &mut Plan,
    wanted: &Wanted,
    current: Option<&ObservedPolicy>,
) -> Result<(), MergeError> {
    let name = wanted.names.policy();
    match current {
        None => {
            let title = format!("create the RAM policy {name}");
            plan.step(SetupChange::CreatePolicy, title, vec![wanted.policy.clone()]);
        }
        Some(policy) if is_same_policy(&policy.document, &wanted.policy) => {
            plan.unchanged.push(format!("RAM policy {name}: allows what the routes need"));
        }
        Some(policy) if is_own(&policy.description) => {
            let title = format!("give the RAM policy {name} a new version");
            let details =
                vec![format!("now  {}", policy.document), format!("new  {}", wanted.policy)];
            plan.step(SetupChange::UpdatePolicy, title, details);
        }
        Some(_) => {
            return Err(MergeError(format!(
                "the RAM policy {name} exists, was not made by setup, and says something else; choose \
                 another name with --role, or rename that policy"
            )));
        }
    }
    Ok(())
}

fn plan_attachment(plan: &mut Plan, wanted: &Wanted, current: Option<&ObservedRole>) {
    let (role, policy) = (wanted.names.role(), wanted.names.policy());
    let attached = current.map(|role| role.attached.as_slice()).unwrap_or_default();
    if attached.iter().any(|one| one.is_custom(&policy)) {
        plan.unchanged.push(format!("RAM role {role}: has the policy {policy}"));
    } else {
        let title = format!("attach the RAM policy {policy} to the role {role}");
        plan.step(SetupChange::AttachPolicy, title, Vec::new());
    }
    for other in attached.iter().filter(|one| !one.is_custom(&policy)) {
        plan.notes.push(format!(
            "the role {role} also has the policy {} ({}); a signed form allows no more than the role, so \
             it should have no other policy",
            other.name, other.policy_type
        ));
    }
}

impl AttachedPolicy {
    fn is_custom(&self, name: &str) -> bool {
        self.name == name && self.policy_type == "Custom"
    }
}

fn plan_cors(
    plan: &mut Plan,
    wanted: &Wanted,
    (index, bucket): (usize, &WantedBucket),
    current: &ObservedBucket,
) -> Result<(), MergeError> {
    let name = &bucket.name;
    let merged =
        cors_merge::merge(current.cors.as_deref(), &bucket.cors, &wanted.names.cors_mark());
    let origins = bucket.cors.origins.join(", ");
    match merged.map_err(|error| error.of_bucket(name))? {
        ConfigurationChange::None => {
            plan.unchanged.push(format!("bucket {name}: CORS allows pages of {origins}"));
        }
        change => {
            let title = format!("bucket {name}: let CORS allow pages of {origins}");
            plan.configuration(change, title, |document| {
                SetupChange::Cors(BucketChange { bucket: index, document })
            });
        }
    }
    Ok(())
}

fn plan_lifecycle(
    plan: &mut Plan,
    wanted: &Wanted,
    (index, bucket): (usize, &WantedBucket),
    current: &ObservedBucket,
) -> Result<(), MergeError> {
    let name = &bucket.name;
    let merged = lifecycle_merge::merge(current.lifecycle.as_deref(), &bucket.parts, &wanted.names);
    let merged = merged.map_err(|error| error.of_bucket(name))?;
    plan.notes.extend(merged.notes);
    if bucket.parts.iter().any(|one| one.prefix.is_empty()) {
        plan.notes.push(format!(
            "the lifecycle rule of the bucket {name} is for all keys, because the keys of a route have no \
             constant beginning: it also removes unfinished uploads of other programs"
        ));
    }
    let what: Vec<_> = bucket
        .parts
        .iter()
        .map(|one| format!("below {:?} after {} days", one.prefix, one.days))
        .collect();
    match merged.change {
        ConfigurationChange::None if what.is_empty() => {}
        ConfigurationChange::None => {
            let what = what.join(", ");
            plan.unchanged.push(format!("bucket {name}: removes unfinished uploads {what}"));
        }
        change => {
            let title = match what.join(", ").as_str() {
                "" => format!("bucket {name}: remove the lifecycle rule for unfinished uploads"),
                what => format!("bucket {name}: remove unfinished uploads {what}"),
            };
            plan.configuration(change, title, |document| {
                SetupChange::Lifecycle(BucketChange { bucket: index, document })
            });
        }
    }
    Ok(())
}

impl Plan {
    /// Adds the step of a changed configuration.
    fn configuration(
        &mut self,
        change: ConfigurationChange,
        title: String,
        make: impl FnOnce(Option<String>) -> SetupChange,
    ) {
        let document = match change {
            ConfigurationChange::Put(document) => Some(document),
            ConfigurationChange::None | ConfigurationChange::Delete => None,
        };
        let lines = document.as_deref().unwrap_or_default().lines().map(str::to_owned);
        let details = lines.collect();
        self.step(make(document), title, details);
    }
}

impl MergeError {
    /// Names the bucket in front.
    fn of_bucket(self, name: &str) -> Self {
        Self(format!("bucket {name}: {}", self.0))
    }
}

/// Plans the removal of everything that `setup` has made, and of nothing else.
pub(super) fn plan_removal(wanted: &Wanted, observed: &Observed) -> Result<Plan, MergeError> {
    let mut plan = Plan::default();
    for (index, (bucket, current)) in wanted.buckets.iter().zip(&observed.buckets).enumerate() {
        let name = &bucket.name;
        let cors = cors_merge::without(current.cors.as_deref(), &wanted.names.cors_mark());
        match cors.map_err(|error| error.of_bucket(name))? {
            ConfigurationChange::None => {
                plan.unchanged.push(format!("bucket {name}: has no CORS rule of setup"));
            }
            change => {
                let title = format!("bucket {name}: remove the CORS rule");
                plan.configuration(change, title, |document| {
                    SetupChange::Cors(BucketChange { bucket: index, document })
                });
            }
        }
        let lifecycle = lifecycle_merge::without(current.lifecycle.as_deref(), &wanted.names);
        match lifecycle.map_err(|error| error.of_bucket(name))? {
            ConfigurationChange::None => {
                plan.unchanged.push(format!("bucket {name}: has no lifecycle rule of setup"));
            }
            change => {
                let title = format!("bucket {name}: remove the lifecycle rule");
                plan.configuration(change, title, |document| {
                    SetupChange::Lifecycle(BucketChange { bucket: index, document })
                });
            }
        }
    }
    remove_policy(&mut plan, wanted, observed);
    remove_role(&mut plan, wanted, observed.role.as_ref());
    Ok(plan)
}

fn remove_policy(plan: &mut Plan, wanted: &Wanted, observed: &Observed) {
    let (role, name) = (wanted.names.role(), wanted.names.policy());
    let Some(policy) = &observed.policy else {
        plan.unchanged.push(format!("RAM policy {name}: does not exist"));
        return;
    };
    if !is_own(&policy.description) {
        plan.notes.push(format!("the RAM policy {name} was not made by setup, so it stays"));
        return;
    }
    let attached = observed.role.as_ref().map(|role| role.attached.as_slice()).unwrap_or_default();
    let is_attached = attached.iter().any(|one| one.is_custom(&name));
    if is_attached {
        let title = format!("detach the RAM policy {name} from the role {role}");
        plan.step(SetupChange::DetachPolicy, title, Vec::new());
    }
    if policy.attachments > u64::from(is_attached) {
        plan.notes.push(format!("others have the RAM policy {name} too, so it stays"));
        return;
    }
    let title = format!("delete the RAM policy {name}");
    plan.step(SetupChange::DeletePolicy(policy.old_versions.clone()), title, Vec::new());
}

fn remove_role(plan: &mut Plan, wanted: &Wanted, current: Option<&ObservedRole>) {
    let (name, policy) = (wanted.names.role(), wanted.names.policy());
    match current {
        None => plan.unchanged.push(format!("RAM role {name}: does not exist")),
        Some(role) if !is_own(&role.description) => {
            plan.notes.push(format!("the RAM role {name} was not made by setup, so it stays"));
        }
        Some(role) if role.attached.iter().any(|one| !one.is_custom(&policy)) => {
            plan.notes.push(format!("the RAM role {name} has other policies too, so it stays"));
        }
        Some(_) => {
            plan.step(SetupChange::DeleteRole, format!("delete the RAM role {name}"), Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        let origins = ["https://a.test".to_owned()];
        Wanted {
            names: Ownership::new("signer").unwrap(),
            policy: r#"{"Version":"1","Statement":[]}"#.to_owned(),
            signing_role: None,
            buckets: vec![WantedBucket {
                name: "my-bucket".to_owned(),
                region: "cn-hangzhou".to_owned(),
                cors: CorsRule::new(&origins, &["POST"]),
                parts: vec![PartsPrefix { prefix: "up/".to_owned(), days: 2 }],
            }],
        }
    }

    fn empty() -> Observed {
        Observed { buckets: vec![ObservedBucket::default()], ..Observed::default() }
    }

    /// Makes the changes of a plan, as the cloud would.
    fn apply(wanted: &Wanted, observed: &mut Observed, plan: &Plan) {
        let own = || wanted.names.description();
        for step in &plan.steps {
            match &step.change {
                SetupChange::CreateRole => {
                    observed.role = Some(ObservedRole {
                        description: own(),
                        trust_policy: TRUST_POLICY.to_owned(),
                        attached: Vec::new(),
                    });
                }
                SetupChange::UpdateTrust(document) => {
                    observed.role.as_mut().unwrap().trust_policy.clone_from(document);
                }
                SetupChange::CreatePolicy => {
                    observed.policy = Some(ObservedPolicy {
                        description: own(),
                        document: wanted.policy.clone(),
                        ..ObservedPolicy::default()
                    });
                }
                SetupChange::UpdatePolicy => {
                    let policy = observed.policy.as_mut().unwrap();
                    policy.document.clone_from(&wanted.policy);
                    policy.old_versions.push("v1".to_owned());
                }
                SetupChange::AttachPolicy => {
                    observed.policy.as_mut().unwrap().attachments += 1;
                    let name = wanted.names.policy();
                    let attached = AttachedPolicy { name, policy_type: "Custom".to_owned() };
                    observed.role.as_mut().unwrap().attached.push(attached);
                }
                SetupChange::DetachPolicy => {
                    observed.policy.as_mut().unwrap().attachments -= 1;
                    observed.role.as_mut().unwrap().attached.clear();
                }
                SetupChange::DeletePolicy(_) => observed.policy = None,
                SetupChange::DeleteRole => observed.role = None,
                SetupChange::Cors(change) => {
                    observed.buckets[change.bucket].cors.clone_from(&change.document);
                }
                SetupChange::Lifecycle(change) => {
                    observed.buckets[change.bucket].lifecycle.clone_from(&change.document);
                }
            }
        }
    }

    #[test]
    fn an_empty_account_gets_everything_and_a_second_plan_is_empty() {
        let (wanted, mut observed) = (wanted(), empty());
        let first = plan(&wanted, &observed).unwrap();
        assert_eq!(first.steps.len(), 5);
        apply(&wanted, &mut observed, &first);
        let second = plan(&wanted, &observed).unwrap();
        assert_eq!((second.steps, second.notes), (Vec::new(), Vec::new()));
        assert_eq!(second.unchanged.len(), 5);
        let removal = plan_removal(&wanted, &observed).unwrap();
        assert_eq!(removal.steps.len(), 5);
        apply(&wanted, &mut observed, &removal);
        assert!(observed.role.is_none() && observed.policy.is_none());
        assert_eq!(observed.buckets, [ObservedBucket::default()]);
        assert!(plan_removal(&wanted, &observed).unwrap().steps.is_empty());
    }

    #[test]
    fn a_plan_that_broke_off_anywhere_is_completed_by_the_next_one() {
        let wanted = wanted();
        let whole = plan(&wanted, &empty()).unwrap();
        for done in 0..whole.steps.len() {
            let mut observed = empty();
            let part = Plan { steps: whole.steps[..done].to_vec(), ..Plan::default() };
            apply(&wanted, &mut observed, &part);
            let rest = plan(&wanted, &observed).unwrap();
            assert_eq!(rest.steps.len(), whole.steps.len() - done);
            apply(&wanted, &mut observed, &rest);
            assert!(plan(&wanted, &observed).unwrap().steps.is_empty());
        }
    }

    #[test]
    fn a_role_and_a_policy_of_others_are_used_if_they_fit_and_are_never_changed() {
        let wanted = wanted();
        let mut observed = empty();
        observed.role = Some(ObservedRole {
            description: "mine".to_owned(),
            trust_policy: TRUST_POLICY.to_owned(),
            attached: vec![AttachedPolicy {
                name: "AliyunOSSFullAccess".to_owned(),
                policy_type: "System".to_owned(),
            }],
        });
        let first = plan(&wanted, &observed).unwrap();
        assert!(first.steps.iter().all(|step| step.change != SetupChange::CreateRole));
        assert!(first.notes[0].contains("AliyunOSSFullAccess"), "{:?}", first.notes);
        let removal = plan_removal(&wanted, &observed).unwrap();
        assert!(removal.notes[0].contains("was not made by setup"), "{:?}", removal.notes);
        observed.role.as_mut().unwrap().trust_policy = r#"{"Statement":[]}"#.to_owned();
        assert!(plan(&wanted, &observed).unwrap_err().0.contains("--role"));
        observed.role = None;
        observed.policy =
            Some(ObservedPolicy { document: "{}".to_owned(), ..ObservedPolicy::default() });
        assert!(plan(&wanted, &observed).unwrap_err().0.contains("RAM policy signer"));
        assert!(plan_removal(&wanted, &observed).unwrap().steps.is_empty());
    }

    #[test]
    fn our_role_gets_its_trust_back_beside_what_was_added() {
        let (wanted, mut observed) = (wanted(), empty());
        let trust = TRUST_POLICY.replace("fc.", "ecs.");
        let description = wanted.names.description();
        observed.role =
            Some(ObservedRole { description, trust_policy: trust, ..ObservedRole::default() });
        let plan = plan(&wanted, &observed).unwrap();
        let SetupChange::UpdateTrust(document) = &plan.steps[0].change else { panic!("{plan:?}") };
        assert!(document.contains("ecs.aliyuncs.com") && trusts_function_compute(document));
    }

    #[test]
    fn a_policy_that_others_have_and_a_role_with_other_policies_stay() {
        let (wanted, mut observed) = (wanted(), empty());
        let first = plan(&wanted, &observed).unwrap();
        apply(&wanted, &mut observed, &first);
        observed.policy.as_mut().unwrap().attachments = 2;
        let other = AttachedPolicy { name: "other".to_owned(), policy_type: "Custom".to_owned() };
        observed.role.as_mut().unwrap().attached.push(other);
        let removal = plan_removal(&wanted, &observed).unwrap();
        let is_there =
            |change: &SetupChange| removal.steps.iter().any(|step| step.change == *change);
        assert!(is_there(&SetupChange::DetachPolicy) && !is_there(&SetupChange::DeleteRole));
        assert!(
            !removal.steps.iter().any(|step| matches!(step.change, SetupChange::DeletePolicy(_)))
        );
        assert_eq!(removal.notes.len(), 2);
    }
}
