//! Which role to take. Checked once, here, by the limits of the `AssumeRole` page: what STS would
//! refuse on the first upload is better refused at the start.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The shortest and the longest life of a session that any role can allow, in seconds.
const DURATION: [u64; 2] = [900, 43_200];

/// STS counts to 2048 and takes less; whether letters or bytes is not said, so bytes it is.
const MAX_POLICY: usize = 2047;

/// Which role to take, and how narrowly. Only [`RoleRequest::new`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::manual_non_exhaustive, reason = "the attribute would bind other crates only")]
pub struct RoleRequest {
    /// `acs:ram::<account>:role/<name>`.
    pub role_arn: String,
    /// The name under which the session shows in audit logs.
    pub session_name: String,
    /// How long the key shall live.
    pub duration: Duration,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
    /// A session policy, minified: what the role may do is narrowed to this.
    pub policy: Option<String>,
    /// Keeps others from writing a request down unchecked.
    checked: (),
}

impl RoleRequest {
    /// Asks for a role, as a whole and without an external id.
    ///
    /// # Errors
    /// STS would refuse the ARN, the name or the duration.
    pub fn new(
        role_arn: impl Into<String>,
        session_name: impl Into<String>,
        duration: Duration,
    ) -> Result<Self, BadRole> {
        let (role_arn, session_name) = (role_arn.into(), session_name.into());
        if !is_role_arn(&role_arn) {
            return Err(BadRole::Arn);
        }
        if !is_text(&session_name, 64, ".@-_") {
            return Err(BadRole::SessionName);
        }
        let [shortest, longest] = DURATION;
        if !(shortest..=longest).contains(&duration.as_secs()) {
            return Err(BadRole::Duration);
        }
        Ok(Self { role_arn, session_name, duration, external_id: None, policy: None, checked: () })
    }

    /// Adds what the role's trust policy asks for.
    ///
    /// # Errors
    /// STS would refuse it.
    pub fn with_external_id(mut self, id: impl Into<String>) -> Result<Self, BadRole> {
        let id = id.into();
        if !is_text(&id, 1224, "_+=,.@:/-") {
            return Err(BadRole::ExternalId);
        }
        self.external_id = Some(id);
        Ok(self)
    }

    /// Narrows what the role may do.
    ///
    /// # Errors
    /// STS would refuse the policy for its size.
    pub fn with_policy(mut self, policy: impl Into<String>) -> Result<Self, BadRole> {
        let policy = policy.into();
        if policy.is_empty() || policy.len() > MAX_POLICY {
            return Err(BadRole::Policy(policy.len()));
        }
        self.policy = Some(policy);
        Ok(self)
    }
}

/// Says which part of a request STS would refuse, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRole {
    /// The role's ARN: copy it from the role's page.
    Arn,
    /// The session's name.
    SessionName,
    /// The session's life.
    Duration,
    /// The external id.
    ExternalId,
    /// The session policy, and how many bytes it has: name fewer resources.
    Policy(usize),
}

impl fmt::Display for BadRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [shortest, longest] = DURATION;
        match self {
            Self::Arn => formatter.write_str("a role's ARN reads acs:ram::<account>:role/<name>"),
            Self::SessionName => formatter.write_str(
                "a session's name has 2 to 64 characters, each a letter, a digit or one of . @ - _",
            ),
            Self::Duration => {
                write!(formatter, "a role is taken for {shortest} to {longest} seconds")
            }
            Self::ExternalId => formatter.write_str(
                "an external id has 2 to 1224 characters, each a letter, a digit or one of \
                 _ + = , . @ : / -",
            ),
            Self::Policy(size) => {
                write!(formatter, "a session policy has 1 to {MAX_POLICY} bytes, not {size}")
            }
        }
    }
}

impl Error for BadRole {}

/// A user's ARN looks alike, and STS would only say that there is no such role.
fn is_role_arn(text: &str) -> bool {
    let Some((account, name)) =
        text.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"))
    else {
        return false;
    };
    let is_account = !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit());
    is_account && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_text(text: &str, longest: usize, others: &str) -> bool {
    let is_known = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
    (2..=longest).contains(&text.len()) && text.chars().all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "acs:ram::1234567890123456:role/oss-uploader";
    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_role_has_an_arn_of_its_kind() {
        assert_eq!(RoleRequest::new(ARN, "signer", HOUR).unwrap().role_arn, ARN);
        for bad in [
            "",
            "oss-uploader",
            "OSS_STS_ROLE_ARN",
            "acs:ram::1234567890123456:user/somebody",
            "acs:ram::account:role/oss-uploader",
            "acs:ram::1234567890123456:role/",
            "acs:ram::1234567890123456:role/a b",
        ] {
            assert_eq!(RoleRequest::new(bad, "signer", HOUR), Err(BadRole::Arn), "{bad}");
        }
    }

    #[test]
    fn every_limit_holds_to_the_letter() {
        let name = |name: &str| RoleRequest::new(ARN, name, HOUR).map(drop);
        assert_eq!(name("ab"), Ok(()));
        assert_eq!(name(&"a".repeat(64)), Ok(()));
        for bad in ["", "a", "a b", "a/b", "用户", &"a".repeat(65)] {
            assert_eq!(name(bad), Err(BadRole::SessionName), "{bad}");
        }
        let life = |seconds| RoleRequest::new(ARN, "ab", Duration::from_secs(seconds)).map(drop);
        assert_eq!((life(900), life(43_200)), (Ok(()), Ok(())));
        assert_eq!((life(899), life(43_201)), (Err(BadRole::Duration), Err(BadRole::Duration)));
        let request = || RoleRequest::new(ARN, "ab", HOUR).unwrap();
        let external = |id: &str| request().with_external_id(id).map(drop);
        assert_eq!((external("a_+=,.@:/-"), external(&"a".repeat(1224))), (Ok(()), Ok(())));
        for bad in ["a", "a b", &"a".repeat(1225)] {
            assert_eq!(external(bad), Err(BadRole::ExternalId), "{bad}");
        }
        let policy = |policy: String| request().with_policy(policy).map(drop);
        assert_eq!(policy("a".repeat(2047)), Ok(()));
        assert_eq!(policy("用".repeat(683)), Err(BadRole::Policy(2049)));
        assert_eq!(policy(String::new()), Err(BadRole::Policy(0)));
    }

    #[test]
    fn a_refusal_names_the_limits() {
        assert_eq!(BadRole::Duration.to_string(), "a role is taken for 900 to 43200 seconds");
        assert_eq!(
            BadRole::Policy(2049).to_string(),
            "a session policy has 1 to 2047 bytes, not 2049"
        );
    }
}
