//! What a caller asks for: the role, the session's name, its length, its policy.
//!
//! STS pages `AssumeRole` and `AssumeRoleWithOIDC`. A parameter that is missing is refused as a
//! malformed one.

use crate::ram::Document;
use crate::ram::DocumentError;
use crate::ram::Permissions;
use crate::sts::call::Call;
use crate::sts::options::Role;
use crate::sts::refusal::Kind;
use crate::sts::refusal::Refusal;
use crate::sts::site::Site;

/// The length of a session when none is asked for, in seconds.
const DEFAULT_DURATION: i64 = 3600;

/// The shortest session, in seconds.
const MIN_DURATION: i64 = 900;

/// The bytes from which on a session policy is too long.
const POLICY_LIMIT: usize = 2048;

/// A wish that is good as far as its words go.
pub(super) struct Wish<'a> {
    pub(super) role: &'a Role,
    pub(super) role_arn: &'a str,
    pub(super) session: &'a str,
    pub(super) duration: i64,
    policy: Option<Document>,
}

impl<'a> Wish<'a> {
    /// Reads what `AssumeRole` and `AssumeRoleWithOIDC` have in common.
    pub(super) fn read(site: &'a Site, call: &'a Call) -> Result<Self, Refusal> {
        let role_arn = call.parameter("RoleArn").filter(|arn| is_role_arn(arn));
        let role_arn = role_arn.ok_or_else(|| Kind::RoleArn.plain())?;
        let session = call.parameter("RoleSessionName");
        let session = session.filter(|name| is_made_of(name, b".@-_", 2, 64));
        let session = session.ok_or_else(|| Kind::RoleSessionName.plain())?;
        let policy = call.parameter("Policy").map(session_policy).transpose()?;
        let role = site.role(role_arn).ok_or_else(|| Kind::NoRole.because(role_arn))?;
        let duration = match call.parameter("DurationSeconds") {
            None => DEFAULT_DURATION,
            Some(text) => text.parse().map_err(|_| Kind::DurationSeconds.plain())?,
        };
        if !(MIN_DURATION..=role.max_session).contains(&duration) {
            return Err(Kind::DurationSeconds.plain());
        }
        Ok(Self { role, role_arn, session, duration, policy })
    }

    /// Returns what the session may do: what the role and the session's policy both allow.
    pub(super) fn permissions(&self) -> Permissions {
        let policies = self.role.policy.iter().chain(&self.policy);
        policies.fold(Permissions::default(), |all, policy| all.within(policy.clone()))
    }
}

fn session_policy(text: &str) -> Result<Document, Refusal> {
    if text.is_empty() || text.len() >= POLICY_LIMIT {
        return Err(Kind::PolicySize.plain());
    }
    Document::parse(text).map_err(|error| match error {
        DocumentError::Grammar(_) => Kind::PolicyGrammar.because(error),
        DocumentError::Unsupported(_) => Kind::NotImplemented.because(error),
    })
}

fn is_role_arn(arn: &str) -> bool {
    let items: Vec<&str> = arn.splitn(5, ':').collect();
    let ["acs", "ram", "", account, role] = items[..] else {
        return false;
    };
    let name = role.strip_prefix("role/").unwrap_or_default();
    !account.is_empty()
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && is_made_of(name, b"._-", 1, 64)
}

/// Says whether a text has so many letters, digits and these characters, and no others.
pub(super) fn is_made_of(text: &str, others: &[u8], min: usize, max: usize) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
    (min..=max).contains(&text.len()) && text.bytes().all(known)
}
