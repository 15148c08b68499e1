//! The description of where credentials come from, as both kinds of file contain it, and the provider that is
//! built from it.
//!
//! A role in a file is checked when it is used: the file may change while the process runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::credentials::assume_role::AssumeRole;
use crate::credentials::providers::ecs_metadata::{EcsMetadata, EcsMetadataOptions};
use crate::credentials::providers::local::external::ExternalCommand;
use crate::credentials::providers::oidc::OidcProvider;
use crate::credentials::providers::raw_credentials::RawCredentials;
use crate::credentials::sts::{RoleError, RoleRequest, StsClient, endpoint};
use crate::credentials::{
    Credentials, FetchFuture, FetchRequest, Provider, ProviderContext, ProviderError,
    ProviderErrorKind,
};
use crate::secret::Secret;

/// The lifetime of a role's key where the file states none: the default of STS.
const DEFAULT_DURATION: Duration = Duration::from_hours(1);

/// The network, and the settings for what a file does not state.
#[derive(Clone, Debug)]
pub struct ProfileContext {
    /// The network and the randomness.
    pub context: ProviderContext,
    /// Scheme and host of STS.
    pub sts_endpoint: String,
    /// The name of a role's session in audit logs.
    pub session_name: String,
    /// The metadata service; `None` when it must not be used.
    pub metadata: Option<EcsMetadataOptions>,
}

/// Where the credentials come from.
#[derive(Clone, Debug)]
pub(super) enum ProfileSource {
    /// The file contains them.
    Static(RawCredentials),
    /// The metadata service has those of the instance's role.
    Metadata { role: Option<String> },
    /// Other credentials take a role.
    AssumeRole { base: Box<Self>, role: ProfileRole },
    /// The token of a pod takes a role.
    Oidc { provider_arn: String, token_file: PathBuf, role: ProfileRole },
    /// A command prints them.
    External { command: Secret },
}

impl ProfileSource {
    /// Fetches the credentials.
    pub(super) async fn fetch(
        self,
        context: &ProfileContext,
        request: FetchRequest<'_>,
    ) -> Result<Credentials, ProviderError> {
        let provider = self.build(context)?;
        provider.fetch(request).await.map_err(|error| match error.kind {
            // The file names this provider, so it is configured here, and its absence is a failure.
            ProviderErrorKind::Absent => ProviderError::temporary(error.reason),
            _ => error,
        })
    }

    fn build(self, context: &ProfileContext) -> Result<Arc<dyn Provider>, ProviderError> {
        Ok(match self {
            Self::Static(credentials) => Arc::new(StaticProvider(credentials)),
            Self::Metadata { role } => {
                let options = context.metadata.clone().ok_or_else(|| {
                    ProviderError::absent("the metadata service that it names is switched off")
                })?;
                let role = role.or(options.role);
                let options = EcsMetadataOptions { role, ..options };
                Arc::new(EcsMetadata::new(options, Arc::clone(&context.context.http)))
            }
            Self::AssumeRole { base, role } => {
                let (request, sts) = (role.request(context)?, role.sts(context)?);
                Arc::new(AssumeRole::new(base.build(context)?, request, sts))
            }
            Self::Oidc { provider_arn, token_file, role } => {
                let (request, sts) = (role.request(context)?, role.sts(context)?);
                Arc::new(OidcProvider::new(provider_arn, token_file, request, sts))
            }
            Self::External { command } => Arc::new(ExternalCommand::new(command)),
        })
    }
}

/// Returns the credentials in a file.
#[derive(Debug)]
struct StaticProvider(RawCredentials);

impl Provider for StaticProvider {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fetch<'a>(&'a self, request: FetchRequest<'a>) -> FetchFuture<'a> {
        let checked = self.0.clone().check(request.now);
        Box::pin(async {
            checked
                .map_err(|error| ProviderError::permanent(format!("its key is of no use: {error}")))
        })
    }
}

/// A role as a file describes it. Empty values are `None`.
#[derive(Clone, Debug, Default)]
pub(super) struct ProfileRole {
    pub(super) arn: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) seconds: Option<u64>,
    pub(super) external_id: Option<String>,
    pub(super) policy: Option<String>,
    /// A host, with or without `https://`; takes precedence over the region.
    pub(super) sts_endpoint: Option<String>,
    pub(super) sts_region: Option<String>,
    /// Whether the endpoint inside the region's network is used.
    pub(super) vpc: bool,
}

impl ProfileRole {
    /// Returns the checked role.
    pub(super) fn request(&self, context: &ProfileContext) -> Result<RoleRequest, ProviderError> {
        let role_arn = self
            .arn
            .clone()
            .ok_or_else(|| ProviderError::permanent("it names no ARN of a role"))?;
        let session_name = self.session_name.as_ref().unwrap_or(&context.session_name);
        let duration = self.seconds.map_or(DEFAULT_DURATION, Duration::from_secs);
        let wrong = |error: RoleError| ProviderError::permanent(format!("its role: {error}"));
        let mut request = RoleRequest::new(role_arn, session_name, duration).map_err(wrong)?;
        if let Some(id) = &self.external_id {
            request = request.with_external_id(id).map_err(wrong)?;
        }
        if let Some(policy) = &self.policy {
            request = request.with_policy(minify(policy)?).map_err(wrong)?;
        }
        Ok(request)
    }

    /// Returns the client for the role's endpoint.
    pub(super) fn sts(&self, context: &ProfileContext) -> Result<StsClient, ProviderError> {
        let (named, region) = (self.sts_endpoint.as_deref(), self.sts_region.as_deref());
        let endpoint = match (named, region, self.vpc) {
            (None, None, false) => context.sts_endpoint.clone(),
            _ => endpoint::choose(named, region, self.vpc)
                .map_err(|error| ProviderError::permanent(error.to_string()))?,
        };
        Ok(StsClient { endpoint, context: context.context.clone() })
    }
}

/// Removes the white space between the parts of a session policy, because its length is limited.
fn minify(policy: &str) -> Result<String, ProviderError> {
    serde_json::from_str::<Value>(policy)
        .map(|policy| policy.to_string())
        .map_err(|_| ProviderError::permanent("its policy is not JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::providers::test_http;

    fn endpoint(endpoint: &str, region: &str, vpc: bool) -> Result<String, String> {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let role = ProfileRole {
            sts_endpoint: filled(endpoint),
            sts_region: filled(region),
            vpc,
            ..ProfileRole::default()
        };
        let sts = role.sts(&test_http::profile_context());
        sts.map(|sts| sts.endpoint).map_err(|failure| failure.reason)
    }

    #[test]
    fn the_endpoint_is_the_configured_one_or_the_region_s_or_the_default() {
        let table = [
            ("", "", false, "https://sts.example.test"),
            ("", "cn-hangzhou", false, "https://sts.cn-hangzhou.aliyuncs.com"),
            ("", "cn-hangzhou", true, "https://sts-vpc.cn-hangzhou.aliyuncs.com"),
            (
                "sts-vpc.cn-beijing.aliyuncs.com",
                "cn-hangzhou",
                true,
                "https://sts-vpc.cn-beijing.aliyuncs.com",
            ),
            ("http://127.0.0.1:9000", "", false, "http://127.0.0.1:9000"),
            ("https://sts.aliyuncs.com/", "", false, "https://sts.aliyuncs.com"),
        ];
        for (named, region, vpc, expected) in table {
            assert_eq!(endpoint(named, region, vpc).as_deref(), Ok(expected), "{named} {region}");
        }
    }

    #[test]
    fn the_endpoint_inside_a_vpc_is_never_replaced_by_the_public_one() {
        let refused = endpoint("", "", true).unwrap_err();
        insta::assert_snapshot!(refused, @"STS inside a VPC has an address of its own in each region, so set the region too");
    }

    #[test]
    fn a_malformed_endpoint_or_region_is_refused() {
        for named in
            ["ftp://sts.aliyuncs.com", "sts.aliyuncs.com/x", "https://a@b", "a b", "https://"]
        {
            assert!(endpoint(named, "", false).is_err(), "{named}");
        }
        assert!(endpoint("", "evil.example/", false).is_err());
    }

    #[test]
    fn a_policy_is_sent_without_white_space() {
        let role = ProfileRole {
            arn: Some("acs:ram::1:role/r".into()),
            policy: Some(
                "{ \"Version\": \"1\",\n  \"Statement\": [ { \"Resource\": \"a b # c\" } ] }"
                    .into(),
            ),
            ..ProfileRole::default()
        };
        let request = role.request(&test_http::profile_context()).unwrap();
        insta::assert_snapshot!(request.policy.unwrap(), @r#"{"Statement":[{"Resource":"a b # c"}],"Version":"1"}"#);
    }

    #[test]
    fn a_duration_that_sts_never_allows_is_refused() {
        let with = |seconds| {
            let role = ProfileRole {
                arn: Some("acs:ram::1:role/r".into()),
                seconds,
                ..ProfileRole::default()
            };
            role.request(&test_http::profile_context())
                .ok()
                .map(|request| request.duration.as_secs())
        };
        assert_eq!(with(None), Some(3600));
        assert_eq!(with(Some(900)), Some(900));
        assert_eq!(with(Some(899)), None);
        assert_eq!(with(Some(43_201)), None);
    }
}
