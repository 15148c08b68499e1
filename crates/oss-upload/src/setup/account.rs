//! The account: the operations of RAM and STS, and its buckets.

use serde_json::Value;

use crate::language::{Text, text};
use crate::requirements::ram_policy::TRUST_POLICY;
use crate::setup::bucket_client::BucketConfigClient;
use crate::setup::bucket_client::BucketSetting;
use crate::setup::ownership::Ownership;
use crate::setup::plan::{AttachedPolicy, Observed, ObservedBucket, ObservedPolicy, ObservedRole};
use crate::setup::refusal::{CloudError, CloudErrorCause, CloudService};
use crate::setup::rpc::{RpcClient, RpcRequest};
use oss_upload_signer::credentials::sts::request::Parameter;

/// The type of policies that an account has made itself.
const CUSTOM: (&str, &str) = ("PolicyType", "Custom");

/// The account.
pub(super) struct Account {
    pub(super) rpc: RpcClient,
    pub(super) buckets: Vec<BucketConfigClient>,
    pub(super) names: Ownership,
}

impl Account {
    /// Returns the id of the account to which the access key belongs. Every key may ask for it.
    pub(super) async fn id(&self) -> Result<String, CloudError> {
        let request = RpcRequest {
            service: CloudService::Sts,
            action: "sts:GetCallerIdentity",
            subject: &text!("the access key", "AccessKey"),
            parameters: &[],
        };
        let response = self.rpc.call(request).await?;
        let id = response["AccountId"].as_str().map(str::to_owned);
        id.ok_or_else(|| CloudError {
            service: CloudService::Sts,
            action: request.action,
            subject: request.subject.clone(),
            cause: CloudErrorCause::Malformed,
        })
    }

    /// Reads what the account has.
    pub(super) async fn observe(&self) -> Result<Observed, CloudError> {
        let role = self.observe_role().await?;
        let policy = self.observe_policy().await?;
        let mut buckets = Vec::new();
        for bucket in &self.buckets {
            buckets.push(ObservedBucket {
                cors: bucket.get(BucketSetting::Cors).await?,
                lifecycle: bucket.get(BucketSetting::Lifecycle).await?,
            });
        }
        Ok(Observed { role, policy, buckets })
    }

    async fn observe_role(&self) -> Result<Option<ObservedRole>, CloudError> {
        let name = [("RoleName", self.names.role())];
        let Some(role) = found(self.role_call("ram:GetRole", &name).await)? else {
            return Ok(None);
        };
        let policies = found(self.role_call("ram:ListPoliciesForRole", &name).await)?;
        let policies = policies.unwrap_or_default();
        let attached = policies["Policies"]["Policy"].as_array().into_iter().flatten();
        Ok(Some(ObservedRole {
            description: text(&role["Role"]["Description"]),
            trust_policy: text(&role["Role"]["AssumeRolePolicyDocument"]),
            attached: attached
                .map(|one| AttachedPolicy {
                    name: text(&one["PolicyName"]),
                    policy_type: text(&one["PolicyType"]),
                })
                .collect(),
        }))
    }

    async fn observe_policy(&self) -> Result<Option<ObservedPolicy>, CloudError> {
        let name = self.names.policy();
        let parameters = [CUSTOM, ("PolicyName", &name)];
        let Some(policy) = found(self.policy_call("ram:GetPolicy", &parameters).await)? else {
            return Ok(None);
        };
        let versions = found(self.policy_call("ram:ListPolicyVersions", &parameters).await)?;
        let versions = versions.unwrap_or_default();
        let versions = versions["PolicyVersions"]["PolicyVersion"].as_array().cloned();
        let old = versions.unwrap_or_default().into_iter();
        let old = old.filter(|version| version["IsDefaultVersion"] != Value::Bool(true));
        Ok(Some(ObservedPolicy {
            description: text(&policy["Policy"]["Description"]),
            document: text(&policy["DefaultPolicyVersion"]["PolicyDocument"]),
            attachments: policy["Policy"]["AttachmentCount"].as_u64().unwrap_or_default(),
            old_versions: old.map(|version| text(&version["VersionId"])).collect(),
        }))
    }

    pub(super) async fn create_role(&self) -> Result<(), CloudError> {
        let description = self.names.description();
        let parameters = [
            ("RoleName", self.names.role()),
            ("Description", &description),
            ("AssumeRolePolicyDocument", TRUST_POLICY),
        ];
        self.role_call("ram:CreateRole", &parameters).await.map(|_| ())
    }

    pub(super) async fn update_trust(&self, document: &str) -> Result<(), CloudError> {
        let parameters =
            [("RoleName", self.names.role()), ("NewAssumeRolePolicyDocument", document)];
        self.role_call("ram:UpdateRole", &parameters).await.map(|_| ())
    }

    pub(super) async fn delete_role(&self) -> Result<(), CloudError> {
        self.role_call("ram:DeleteRole", &[("RoleName", self.names.role())]).await.map(|_| ())
    }

    pub(super) async fn create_policy(&self, document: &str) -> Result<(), CloudError> {
        let (name, description) = (self.names.policy(), self.names.description());
        let parameters = [
            ("PolicyName", name.as_str()),
            ("Description", &description),
            ("PolicyDocument", document),
        ];
        self.policy_call("ram:CreatePolicy", &parameters).await.map(|_| ())
    }

    /// Gives the policy a new version. The oldest one makes room for it, since a policy has at most five.
    pub(super) async fn update_policy(&self, document: &str) -> Result<(), CloudError> {
        let name = self.names.policy();
        let parameters = [
            ("PolicyName", name.as_str()),
            ("PolicyDocument", document),
            ("SetAsDefault", "true"),
            ("RotateStrategy", "DeleteOldestNonDefaultVersionWhenLimitExceeded"),
        ];
        self.policy_call("ram:CreatePolicyVersion", &parameters).await.map(|_| ())
    }

    pub(super) async fn delete_policy(&self, versions: &[String]) -> Result<(), CloudError> {
        let name = self.names.policy();
        for version in versions {
            let parameters = [("PolicyName", name.as_str()), ("VersionId", version)];
            self.policy_call("ram:DeletePolicyVersion", &parameters).await?;
        }
        self.policy_call("ram:DeletePolicy", &[("PolicyName", &name)]).await.map(|_| ())
    }

    pub(super) async fn attach_policy(&self) -> Result<(), CloudError> {
        self.attachment("ram:AttachPolicyToRole").await
    }

    pub(super) async fn detach_policy(&self) -> Result<(), CloudError> {
        self.attachment("ram:DetachPolicyFromRole").await
    }

    async fn attachment(&self, action: &'static str) -> Result<(), CloudError> {
        let name = self.names.policy();
        let parameters = [CUSTOM, ("PolicyName", &name), ("RoleName", self.names.role())];
        self.role_call(action, &parameters).await.map(|_| ())
    }

    async fn role_call(
        &self,
        action: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Value, CloudError> {
        let role = self.names.role();
        let subject = text!("the role {role}", "角色 {role}");
        self.ram(action, &subject, parameters).await
    }

    async fn policy_call(
        &self,
        action: &'static str,
        parameters: &[Parameter<'_>],
    ) -> Result<Value, CloudError> {
        let policy = self.names.policy();
        let subject = text!("the policy {policy}", "权限策略 {policy}");
        self.ram(action, &subject, parameters).await
    }

    async fn ram(
        &self,
        action: &'static str,
        subject: &Text,
        parameters: &[Parameter<'_>],
    ) -> Result<Value, CloudError> {
        let service = CloudService::Ram;
        self.rpc.call(RpcRequest { service, action, subject, parameters }).await
    }
}

/// Turns the refusal of what does not exist into `None`.
fn found(response: Result<Value, CloudError>) -> Result<Option<Value>, CloudError> {
    match response {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
