//! What the tests of the exchange play with: a role, a base key, and STS's lines.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use oss_upload_signer::credentials::Credentials;
use oss_upload_signer::credentials::Errand;
use oss_upload_signer::credentials::Failure;
use oss_upload_signer::credentials::Fetching;
use oss_upload_signer::credentials::Provider;
use oss_upload_signer::credentials::provider::assume_role::AssumeRole;
use oss_upload_signer::credentials::provider::oidc::Oidc;
use oss_upload_signer::credentials::sts::RoleRequest;
use oss_upload_signer::credentials::sts::Sts;
use oss_upload_signer::secret::Secret;
use oss_upload_signer::time::Timestamp;

use crate::support::script::Line;
use crate::support::script::Script;

/// The moment of the local clock.
pub(crate) const NOW: &str = "2030-01-02T03:04:05Z";

/// The same moment as a header.
pub(crate) const DATE: &str = "Wed, 02 Jan 2030 03:04:05 GMT";

/// Every secret carries this word.
pub(crate) const MARKER: &str = "marker";

pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn moment(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// An answer with a key that lives until `expiration`.
pub(crate) fn key(expiration: &str, headers: &[(&str, &str)]) -> Line {
    let credentials = format!(
        r#"{{"AccessKeyId":"STS.given","AccessKeySecret":"marker-given-secret",
            "SecurityToken":"marker-given-token","Expiration":"{expiration}"}}"#
    );
    let body = format!(r#"{{"RequestId":"R-1","Credentials":{credentials}}}"#);
    Line::answer(200, headers, body)
}

/// An answer with a key that lives for an hour.
pub(crate) fn good() -> Line {
    key("2030-01-02T04:04:05Z", &[("date", DATE)])
}

/// A refusal.
pub(crate) fn refusal(status: u16, code: &str, message: &str) -> Line {
    refusal_with(status, code, message, &[("date", DATE)])
}

pub(crate) fn refusal_with(
    status: u16,
    code: &str,
    message: &str,
    headers: &[(&str, &str)],
) -> Line {
    let body = serde_json::json!({ "RequestId": "R-1", "Code": code, "Message": message });
    Line::answer(status, headers, body.to_string())
}

/// A base key, the `number`th.
pub(crate) fn base_key(number: usize) -> Credentials {
    Credentials {
        key_id: format!("STS.base-{number}"),
        secret: Secret::new("marker-base-secret"),
        token: Some(Secret::new(format!("marker-base-token+{number}"))),
        usable_until: None,
    }
}

/// A base that gives what it was told to, one after the other.
#[derive(Debug)]
pub(crate) struct Base(Mutex<VecDeque<Result<Credentials, Failure>>>);

impl Base {
    pub(crate) fn giving(
        given: impl IntoIterator<Item = Result<Credentials, Failure>>,
    ) -> Arc<dyn Provider> {
        Arc::new(Self(Mutex::new(given.into_iter().collect())))
    }
}

impl Provider for Base {
    fn name(&self) -> &'static str {
        "base"
    }

    fn fetch<'a>(&'a self, _: Errand<'a>) -> Fetching<'a> {
        let given = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async { given })
    }
}

pub(crate) fn role() -> RoleRequest {
    let arn = "acs:ram::1234567890123456:role/oss-uploader";
    let role = RoleRequest::new(arn, "signer", Duration::from_hours(1)).unwrap();
    role.with_policy("{}").unwrap()
}

pub(crate) fn sts(script: &Arc<Script>) -> Sts {
    Sts { endpoint: "https://sts.example".to_owned(), means: script.means() }
}

pub(crate) fn errand() -> Errand<'static> {
    Errand { hint: None, now: moment(NOW), patience: PATIENCE }
}

/// Takes the role with a base that has two keys.
pub(crate) async fn assume(script: &Arc<Script>) -> Result<Credentials, Failure> {
    let base = Base::giving([Ok(base_key(1)), Ok(base_key(2))]);
    AssumeRole::new(base, role(), sts(script)).fetch(errand()).await
}

/// Takes the role with the token in a file.
pub(crate) async fn identify(script: &Arc<Script>, file: &Path) -> Result<Credentials, Failure> {
    let provider = "acs:ram::1234567890123456:oidc-provider/cluster".to_owned();
    Oidc::new(provider, file.to_owned(), role(), sts(script)).fetch(errand()).await
}

/// Takes the role and is refused: gives the kind of the failure and its reason, on one line.
pub(crate) async fn refused(lines: impl IntoIterator<Item = Line>) -> String {
    let failure = assume(&Script::new(lines)).await.unwrap_err();
    assert!(!format!("{failure} {failure:?}").contains(MARKER), "{failure}");
    format!("{:?}: {failure}", failure.kind)
}
