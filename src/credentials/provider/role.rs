//! The role that a file describes, as the request that takes it.
//!
//! The one place where files become [`RoleRequest`]s. Both kinds of file name the same things.

use std::time::Duration;

use serde_json::Value;

use crate::credentials::Failure;
use crate::credentials::provider::plan::Surroundings;
use crate::credentials::sts::BadRole;
use crate::credentials::sts::RoleRequest;
use crate::credentials::sts::Sts;
use crate::credentials::sts::endpoint;

/// How long a role's key lives where the file does not say: what STS itself would choose.
const DEFAULT_DURATION: Duration = Duration::from_hours(1);

/// A role as a file describes it. What is empty there is none here.
#[derive(Clone, Debug, Default)]
pub(super) struct Role {
    pub(super) arn: Option<String>,
    pub(super) session_name: Option<String>,
    pub(super) seconds: Option<u64>,
    pub(super) external_id: Option<String>,
    pub(super) policy: Option<String>,
    /// A host, with `https://` in front or without; wins over the region.
    pub(super) sts_endpoint: Option<String>,
    pub(super) sts_region: Option<String>,
    /// Whether STS is called from inside the region's network.
    pub(super) vpc: bool,
}

impl Role {
    /// Makes the request that takes the role.
    pub(super) fn request(&self, around: &Surroundings) -> Result<RoleRequest, Failure> {
        let role_arn =
            self.arn.clone().ok_or_else(|| Failure::permanent("it names no ARN of a role"))?;
        let session_name = self.session_name.as_ref().unwrap_or(&around.session_name);
        let duration = self.seconds.map_or(DEFAULT_DURATION, Duration::from_secs);
        let wrong = |error: BadRole| Failure::permanent(format!("its role: {error}"));
        let mut request = RoleRequest::new(role_arn, session_name, duration).map_err(wrong)?;
        if let Some(id) = &self.external_id {
            request = request.with_external_id(id).map_err(wrong)?;
        }
        if let Some(policy) = &self.policy {
            request = request.with_policy(minify(policy)?).map_err(wrong)?;
        }
        Ok(request)
    }

    /// Finds the STS that gives the role.
    pub(super) fn sts(&self, around: &Surroundings) -> Result<Sts, Failure> {
        let (named, region) = (self.sts_endpoint.as_deref(), self.sts_region.as_deref());
        let endpoint = match (named, region, self.vpc) {
            (None, None, false) => around.sts_endpoint.clone(),
            _ => endpoint::choose(named, region, self.vpc)
                .map_err(|error| Failure::permanent(error.to_string()))?,
        };
        Ok(Sts { endpoint, means: around.means.clone() })
    }
}

/// Writes a session policy without the spaces between its parts: its length is limited.
fn minify(policy: &str) -> Result<String, Failure> {
    serde_json::from_str::<Value>(policy)
        .map(|policy| policy.to_string())
        .map_err(|_| Failure::permanent("its policy is not JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::provider::scripted_http;

    fn endpoint(endpoint: &str, region: &str, vpc: bool) -> Result<String, String> {
        let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let role = Role {
            sts_endpoint: filled(endpoint),
            sts_region: filled(region),
            vpc,
            ..Role::default()
        };
        let sts = role.sts(&scripted_http::surroundings());
        sts.map(|sts| sts.endpoint).map_err(|failure| failure.reason)
    }

    #[test]
    fn the_endpoint_is_the_one_named_or_the_region_s_or_the_default() {
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
    fn a_wish_for_the_inner_network_is_never_dropped_in_silence() {
        let refused = endpoint("", "", true).unwrap_err();
        insta::assert_snapshot!(refused, @"STS inside a VPC has an address of its own in each region, so set the region too");
    }

    #[test]
    fn an_endpoint_or_region_that_is_none_is_refused() {
        for named in
            ["ftp://sts.aliyuncs.com", "sts.aliyuncs.com/x", "https://a@b", "a b", "https://"]
        {
            assert!(endpoint(named, "", false).is_err(), "{named}");
        }
        assert!(endpoint("", "evil.example/", false).is_err());
    }

    #[test]
    fn a_policy_with_spaces_goes_out_without_them() {
        let role = Role {
            arn: Some("acs:ram::1:role/r".into()),
            policy: Some(
                "{ \"Version\": \"1\",\n  \"Statement\": [ { \"Resource\": \"a b # c\" } ] }"
                    .into(),
            ),
            ..Role::default()
        };
        let request = role.request(&scripted_http::surroundings()).unwrap();
        insta::assert_snapshot!(request.policy.unwrap(), @r#"{"Statement":[{"Resource":"a b # c"}],"Version":"1"}"#);
    }

    #[test]
    fn a_duration_that_sts_never_grants_is_refused() {
        let with = |seconds| {
            let role = Role { arn: Some("acs:ram::1:role/r".into()), seconds, ..Role::default() };
            role.request(&scripted_http::surroundings())
                .ok()
                .map(|request| request.duration.as_secs())
        };
        assert_eq!(with(None), Some(3600));
        assert_eq!(with(Some(900)), Some(900));
        assert_eq!(with(Some(899)), None);
        assert_eq!(with(Some(43_201)), None);
    }
}
