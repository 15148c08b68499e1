//! Fixtures for the tests of STS: a role, a base provider, and responses.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oss_upload_signer::credentials::assume_role::AssumeRole;
use oss_upload_signer::credentials::providers::oidc::OidcProvider;
use oss_upload_signer::credentials::sts::{RoleRequest, StsClient};
use oss_upload_signer::credentials::{
    Credentials, FetchFuture, FetchRequest, Provider, ProviderError,
};
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

use crate::support::script::{ScriptedClient, ScriptedResponse};

/// The local clock.
pub(crate) const NOW: &str = "2030-01-02T03:04:05Z";

/// The same time as a `Date` header.
pub(crate) const DATE: &str = "Wed, 02 Jan 2030 03:04:05 GMT";

/// Every secret contains this word.
pub(crate) const MARKER: &str = "marker";

pub(crate) const TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// A response with a key that ends at `expiration`.
pub(crate) fn key(expiration: &str, headers: &[(&str, &str)]) -> ScriptedResponse {
    let credentials = format!(
        r#"{{"AccessKeyId":"STS.given","AccessKeySecret":"marker-given-secret",
            "SecurityToken":"marker-given-token","Expiration":"{expiration}"}}"#
    );
    let body = format!(r#"{{"RequestId":"R-1","Credentials":{credentials}}}"#);
    ScriptedResponse::answer(200, headers, body)
}

/// A response with a key that lives for an hour.
pub(crate) fn good() -> ScriptedResponse {
    key("2030-01-02T04:04:05Z", &[("date", DATE)])
}

/// An error response.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> ScriptedResponse {
    refusal_with(status, code, message, &[("date", DATE)])
}

pub(crate) fn refusal_with(
    status: u16,
    code: &str,
    message: &str,
    headers: &[(&str, &str)],
) -> ScriptedResponse {
    let body = serde_json::json!({ "RequestId": "R-1", "Code": code, "Message": message });
    ScriptedResponse::answer(status, headers, body.to_string())
}

/// The base key with this number.
pub(crate) fn base_key(number: usize) -> Credentials {
    Credentials {
        key_id: format!("STS.base-{number}"),
        secret: Secret::new("marker-base-secret"),
        token: Some(Secret::new(format!("marker-base-token+{number}"))),
        usable_until: None,
    }
}

/// A base provider that returns the outcomes in order.
#[derive(Debug)]
pub(crate) struct BaseProvider(Mutex<VecDeque<Result<Credentials, ProviderError>>>);

impl BaseProvider {
    pub(crate) fn returning(
        outcomes: impl IntoIterator<Item = Result<Credentials, ProviderError>>,
    ) -> Arc<dyn Provider> {
        Arc::new(Self(Mutex::new(outcomes.into_iter().collect())))
    }
}

impl Provider for BaseProvider {
    fn name(&self) -> &'static str {
        "base"
    }

    fn fetch<'a>(&'a self, _: FetchRequest<'a>) -> FetchFuture<'a> {
        let outcome = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async { outcome })
    }
}

pub(crate) fn role() -> RoleRequest {
    let arn = "acs:ram::1234567890123456:role/oss-uploader";
    let role = RoleRequest::new(arn, "signer", Duration::from_hours(1)).unwrap();
    role.with_policy("{}").unwrap()
}

pub(crate) fn sts(script: &Arc<ScriptedClient>) -> StsClient {
    StsClient { endpoint: "https://sts.example".to_owned(), context: script.context() }
}

pub(crate) fn fetch_request() -> FetchRequest<'static> {
    FetchRequest { platform_keys: None, now: moment(NOW), timeout: TIMEOUT }
}

/// Takes the role with a base provider that has two keys.
pub(crate) async fn assume(script: &Arc<ScriptedClient>) -> Result<Credentials, ProviderError> {
    let base = BaseProvider::returning([Ok(base_key(1)), Ok(base_key(2))]);
    AssumeRole::new(base, role(), sts(script)).fetch(fetch_request()).await
}

/// Takes the role with the token in a file.
pub(crate) async fn identify(
    script: &Arc<ScriptedClient>,
    file: &Path,
) -> Result<Credentials, ProviderError> {
    let provider = "acs:ram::1234567890123456:oidc-provider/cluster".to_owned();
    OidcProvider::new(provider, file.to_owned(), role(), sts(script)).fetch(fetch_request()).await
}

/// Takes the role without success, and returns the kind and the reason of the error on one line.
pub(crate) async fn refused(lines: impl IntoIterator<Item = ScriptedResponse>) -> String {
    let failure = assume(&ScriptedClient::new(lines)).await.unwrap_err();
    assert!(!format!("{failure} {failure:?}").contains(MARKER), "{failure}");
    format!("{:?}: {failure}", failure.kind)
}
