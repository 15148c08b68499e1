//! The plan: what differs between the account and the requirements, as steps in the order in which they are made.
//! Pure.

use crate::language::{Text, text};
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
    pub(super) title: Text,
    /// What is written, line by line.
    pub(super) details: Vec<String>,
}

/// All steps, and what the user should know beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    /// What is as it should be, or not there as it should be.
    pub(super) unchanged: Vec<Text>,
    pub(super) notes: Vec<Text>,
}

impl Plan {
    fn step(&mut self, change: SetupChange, title: Text, details: Vec<String>) {
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
        let (SigningRole { arn, policy }, own) = (role, wanted.names.role());
        plan.notes.push(text!(
            "the routes sign as {arn}, which is not changed; its policy has to allow at least {policy}, and \
             its trust policy the role {own}",
            "路由以 {arn} 的身份签名，该角色不做更改；其权限策略至少要允许 {policy}，其信任策略要信任角色 {own}"
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
        let title = text!(
            "create the RAM role {name}, which Function Compute may assume",
            "创建函数计算可以扮演的 RAM 角色 {name}"
        );
        plan.step(SetupChange::CreateRole, title, vec![TRUST_POLICY.to_owned()]);
        return Ok(());
    };
    if trusts_function_compute(&role.trust_policy) {
        plan.unchanged.push(text!(
            "RAM role {name}: Function Compute may assume it",
            "RAM 角色 {name}：函数计算可以扮演它"
        ));
        return Ok(());
    }
    if !is_own(&role.description) {
        return Err(MergeError(text!(
            "the RAM role {name} exists, was not made by setup, and Function Compute may not assume it; \
             choose another name with --role, or add this to its trust policy: {TRUST_POLICY}",
            "RAM 角色 {name} 已存在，不是由 setup 创建，且函数计算不能扮演它；请用 --role \
             选择其他名称，或在其信任策略中加入：{TRUST_POLICY}"
        )));
    }
    let document = with_trust(&role.trust_policy).unwrap_or_else(|| TRUST_POLICY.to_owned());
    let title = text!(
        "let Function Compute assume the RAM role {name}",
        "允许函数计算扮演 RAM 角色 {name}"
    );
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
            let title = text!("create the RAM policy {name}", "创建 RAM 权限策略 {name}");
            plan.step(SetupChange::CreatePolicy, title, vec![wanted.policy.clone()]);
        }
        Some(policy) if is_same_policy(&policy.document, &wanted.policy) => {
            plan.unchanged.push(text!(
                "RAM policy {name}: allows what the routes need",
                "RAM 权限策略 {name}：允许路由所需的操作"
            ));
        }
        Some(policy) if is_own(&policy.description) => {
            let title = text!(
                "give the RAM policy {name} a new version",
                "为 RAM 权限策略 {name} 创建新版本"
            );
            let details =
                vec![format!("now  {}", policy.document), format!("new  {}", wanted.policy)];
            plan.step(SetupChange::UpdatePolicy, title, details);
        }
        Some(_) => {
            return Err(MergeError(text!(
                "the RAM policy {name} exists, was not made by setup, and says something else; choose \
                 another name with --role, or rename that policy",
                "RAM 权限策略 {name} 已存在，不是由 setup 创建，且内容不同；请用 --role \
                 选择其他名称，或重命名该策略"
            )));
        }
    }
    Ok(())
}

fn plan_attachment(plan: &mut Plan, wanted: &Wanted, current: Option<&ObservedRole>) {
    let (role, policy) = (wanted.names.role(), wanted.names.policy());
    let attached = current.map(|role| role.attached.as_slice()).unwrap_or_default();
    if attached.iter().any(|one| one.is_custom(&policy)) {
        plan.unchanged.push(text!(
            "RAM role {role}: has the policy {policy}",
            "RAM 角色 {role}：已有权限策略 {policy}"
        ));
    } else {
        let title = text!(
            "attach the RAM policy {policy} to the role {role}",
            "将 RAM 权限策略 {policy} 授予角色 {role}"
        );
        plan.step(SetupChange::AttachPolicy, title, Vec::new());
    }
    for other in attached.iter().filter(|one| !one.is_custom(&policy)) {
        let AttachedPolicy { name, policy_type } = other;
        plan.notes.push(text!(
            "the role {role} also has the policy {name} ({policy_type}); a signed form allows no more than \
             the role, so it should have no other policy",
            "角色 {role} 还有权限策略 {name}（{policy_type}）；签名的表单所允许的不超过角色的权限，因此角色不应有其他策略"
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
            plan.unchanged.push(text!(
                "bucket {name}: CORS allows pages of {origins}",
                "Bucket {name}：跨域规则允许来源为 {origins} 的页面"
            ));
        }
        change => {
            let title = text!(
                "bucket {name}: let CORS allow pages of {origins}",
                "Bucket {name}：设置跨域规则，允许来源为 {origins} 的页面"
            );
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
        plan.notes.push(text!(
            "the lifecycle rule of the bucket {name} is for all keys, because the keys of a route have no \
             constant beginning: it also removes unfinished uploads of other programs",
            "Bucket {name} 的生命周期规则适用于所有 Object，因为某条路由的 Object \
             名称没有固定的开头：它也会删除其他程序未完成的上传"
        ));
    }
    let uploads = unfinished_uploads(bucket);
    match merged.change {
        ConfigurationChange::None if bucket.parts.is_empty() => {}
        ConfigurationChange::None => {
            let title = text!(
                "bucket {name}: removes unfinished uploads ",
                "Bucket {name}：删除未完成的上传，"
            );
            plan.unchanged.push(title.with(&uploads));
        }
        change => {
            let title = if bucket.parts.is_empty() {
                text!(
                    "bucket {name}: remove the lifecycle rule for unfinished uploads",
                    "Bucket {name}：删除针对未完成上传的生命周期规则"
                )
            } else {
                let title = text!(
                    "bucket {name}: remove unfinished uploads ",
                    "Bucket {name}：设置删除未完成的上传，"
                );
                title.with(&uploads)
            };
            plan.configuration(change, title, |document| {
                SetupChange::Lifecycle(BucketChange { bucket: index, document })
            });
        }
    }
    Ok(())
}

/// Names the directories of unfinished uploads, with the days after which they are removed.
fn unfinished_uploads(bucket: &WantedBucket) -> Text {
    let mut all: Option<Text> = None;
    for PartsPrefix { prefix, days } in &bucket.parts {
        let one = text!("below {prefix:?} after {days} days", "前缀 {prefix:?}，{days} 天后");
        all = Some(match all {
            None => one,
            Some(all) => all.with(&text!(", ", "；")).with(&one),
        });
    }
    all.unwrap_or_else(|| Text::verbatim(""))
}

impl Plan {
    /// Adds the step of a changed configuration.
    fn configuration(
        &mut self,
        change: ConfigurationChange,
        title: Text,
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
        Self(text!("bucket {name}: ", "Bucket {name}：").with(&self.0))
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
                plan.unchanged.push(text!(
                    "bucket {name}: has no CORS rule of setup",
                    "Bucket {name}：没有 setup 创建的跨域规则"
                ));
            }
            change => {
                let title =
                    text!("bucket {name}: remove the CORS rule", "Bucket {name}：删除跨域规则");
                plan.configuration(change, title, |document| {
                    SetupChange::Cors(BucketChange { bucket: index, document })
                });
            }
        }
        let lifecycle = lifecycle_merge::without(current.lifecycle.as_deref(), &wanted.names);
        match lifecycle.map_err(|error| error.of_bucket(name))? {
            ConfigurationChange::None => {
                plan.unchanged.push(text!(
                    "bucket {name}: has no lifecycle rule of setup",
                    "Bucket {name}：没有 setup 创建的生命周期规则"
                ));
            }
            change => {
                let title = text!(
                    "bucket {name}: remove the lifecycle rule",
                    "Bucket {name}：删除生命周期规则"
                );
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
        plan.unchanged
            .push(text!("RAM policy {name}: does not exist", "RAM 权限策略 {name}：不存在"));
        return;
    };
    if !is_own(&policy.description) {
        plan.notes.push(text!(
            "the RAM policy {name} was not made by setup, so it stays",
            "RAM 权限策略 {name} 不是由 setup 创建，因此保留"
        ));
        return;
    }
    let attached = observed.role.as_ref().map(|role| role.attached.as_slice()).unwrap_or_default();
    let is_attached = attached.iter().any(|one| one.is_custom(&name));
    if is_attached {
        let title = text!(
            "detach the RAM policy {name} from the role {role}",
            "从角色 {role} 移除 RAM 权限策略 {name}"
        );
        plan.step(SetupChange::DetachPolicy, title, Vec::new());
    }
    if policy.attachments > u64::from(is_attached) {
        plan.notes.push(text!(
            "others have the RAM policy {name} too, so it stays",
            "RAM 权限策略 {name} 还授予了其他身份，因此保留"
        ));
        return;
    }
    let title = text!("delete the RAM policy {name}", "删除 RAM 权限策略 {name}");
    plan.step(SetupChange::DeletePolicy(policy.old_versions.clone()), title, Vec::new());
}

fn remove_role(plan: &mut Plan, wanted: &Wanted, current: Option<&ObservedRole>) {
    let (name, policy) = (wanted.names.role(), wanted.names.policy());
    match current {
        None => {
            plan.unchanged
                .push(text!("RAM role {name}: does not exist", "RAM 角色 {name}：不存在"));
        }
        Some(role) if !is_own(&role.description) => {
            plan.notes.push(text!(
                "the RAM role {name} was not made by setup, so it stays",
                "RAM 角色 {name} 不是由 setup 创建，因此保留"
            ));
        }
        Some(role) if role.attached.iter().any(|one| !one.is_custom(&policy)) => {
            plan.notes.push(text!(
                "the RAM role {name} has other policies too, so it stays",
                "RAM 角色 {name} 还有其他权限策略，因此保留"
            ));
        }
        Some(_) => {
            let title = text!("delete the RAM role {name}", "删除 RAM 角色 {name}");
            plan.step(SetupChange::DeleteRole, title, Vec::new());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn english(text: &Text) -> &str {
        text.in_language(Language::En)
    }

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
        assert!(english(&first.notes[0]).contains("AliyunOSSFullAccess"), "{:?}", first.notes);
        let removal = plan_removal(&wanted, &observed).unwrap();
        assert!(
            english(&removal.notes[0]).contains("was not made by setup"),
            "{:?}",
            removal.notes
        );
        observed.role.as_mut().unwrap().trust_policy = r#"{"Statement":[]}"#.to_owned();
        assert!(english(&plan(&wanted, &observed).unwrap_err().0).contains("--role"));
        observed.role = None;
        observed.policy =
            Some(ObservedPolicy { document: "{}".to_owned(), ..ObservedPolicy::default() });
        assert!(english(&plan(&wanted, &observed).unwrap_err().0).contains("RAM policy signer"));
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
