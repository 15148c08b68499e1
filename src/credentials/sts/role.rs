//! The role to take. The limits of the `AssumeRole` documentation are checked once, here: what STS would refuse
//! on the first upload is refused at the start.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The shortest and the longest session that a role can allow, in seconds.
const DURATION: [u64; 2] = [900, 43_200];

/// The documentation says "less than 2048", and not whether characters or bytes, so bytes count.
const MAX_POLICY: usize = 2047;

/// A role to take, possibly narrowed. Only [`RoleRequest::new`] creates one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::manual_non_exhaustive, reason = "the attribute would bind other crates only")]
pub struct RoleRequest {
    /// `acs:ram::<account>:role/<name>`.
    pub role_arn: String,
    /// The name of the session in audit logs.
    pub session_name: String,
    /// The lifetime of the key.
    pub duration: Duration,
    /// The external id that the role's trust policy may demand.
    pub external_id: Option<String>,
    /// The session policy, minified, which narrows the role's permissions.
    pub policy: Option<String>,
    /// Prevents the construction of an unchecked value.
    checked: (),
}

impl RoleRequest {
    /// Describes a role with all its permissions, without an external id.
    ///
    /// # Errors
    /// STS would refuse the ARN, the name or the duration.
    pub fn new(
        role_arn: impl Into<String>,
        session_name: impl Into<String>,
        duration: Duration,
    ) -> Result<Self, RoleError> {
        let (role_arn, session_name) = (role_arn.into(), session_name.into());
        if !is_role_arn(&role_arn) {
            return Err(RoleError::Arn);
        }
        if !is_text(&session_name, 64, ".@-_") {
            return Err(RoleError::SessionName);
        }
        let [shortest, longest] = DURATION;
        if !(shortest..=longest).contains(&duration.as_secs()) {
            return Err(RoleError::Duration);
        }
        Ok(Self { role_arn, session_name, duration, external_id: None, policy: None, checked: () })
    }

    /// Adds the external id that the role's trust policy demands.
    ///
    /// # Errors
    /// STS would refuse it.
    pub fn with_external_id(mut self, id: impl Into<String>) -> Result<Self, RoleError> {
        let id = id.into();
        if !is_text(&id, 1224, "_+=,.@:/-") {
            return Err(RoleError::ExternalId);
        }
        self.external_id = Some(id);
        Ok(self)
    }

    /// Returns the same role with another session name and a session policy.
    ///
    /// # Errors
    /// STS would refuse the name or the policy.
    pub fn narrowed(&self, session_name: &str, policy: &str) -> Result<Self, RoleError> {
        let narrowed = Self::new(&self.role_arn, session_name, self.duration)?;
        Ok(Self { external_id: self.external_id.clone(), ..narrowed.with_policy(policy)? })
    }

    /// Returns the same role for another lifetime of the key.
    ///
    /// # Errors
    /// STS would refuse it.
    pub fn with_duration(self, duration: Duration) -> Result<Self, RoleError> {
        let checked = Self::new(&self.role_arn, &self.session_name, duration)?;
        Ok(Self { duration: checked.duration, ..self })
    }

    /// Narrows the role's permissions.
    ///
    /// # Errors
    /// STS would refuse the policy for its size.
    pub fn with_policy(mut self, policy: impl Into<String>) -> Result<Self, RoleError> {
        let policy = policy.into();
        if policy.is_empty() || policy.len() > MAX_POLICY {
            return Err(RoleError::Policy(policy.len()));
        }
        self.policy = Some(policy);
        Ok(self)
    }
}

/// The part of a request that STS would refuse. The text says what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleError {
    /// The role's ARN: copy it from the role's page in the RAM console.
    Arn,
    /// The session name.
    SessionName,
    /// The duration of the session.
    Duration,
    /// The external id.
    ExternalId,
    /// The session policy and its length in bytes: name fewer resources.
    Policy(usize),
}

impl fmt::Display for RoleError {
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

impl Error for RoleError {}

/// A user's ARN looks similar, and STS would only report that there is no such role.
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
    fn the_arn_has_to_be_that_of_a_role() {
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
            assert_eq!(RoleRequest::new(bad, "signer", HOUR), Err(RoleError::Arn), "{bad}");
        }
    }

    #[test]
    fn every_limit_is_exact() {
        let name = |name: &str| RoleRequest::new(ARN, name, HOUR).map(drop);
        assert_eq!(name("ab"), Ok(()));
        assert_eq!(name(&"a".repeat(64)), Ok(()));
        for bad in ["", "a", "a b", "a/b", "用户", &"a".repeat(65)] {
            assert_eq!(name(bad), Err(RoleError::SessionName), "{bad}");
        }
        let life = |seconds| RoleRequest::new(ARN, "ab", Duration::from_secs(seconds)).map(drop);
        assert_eq!((life(900), life(43_200)), (Ok(()), Ok(())));
        assert_eq!((life(899), life(43_201)), (Err(RoleError::Duration), Err(RoleError::Duration)));
        let request = || RoleRequest::new(ARN, "ab", HOUR).unwrap();
        let external = |id: &str| request().with_external_id(id).map(drop);
        assert_eq!((external("a_+=,.@:/-"), external(&"a".repeat(1224))), (Ok(()), Ok(())));
        for bad in ["a", "a b", &"a".repeat(1225)] {
            assert_eq!(external(bad), Err(RoleError::ExternalId), "{bad}");
        }
        let policy = |policy: String| request().with_policy(policy).map(drop);
        assert_eq!(policy("a".repeat(2047)), Ok(()));
        assert_eq!(policy("用".repeat(683)), Err(RoleError::Policy(2049)));
        assert_eq!(policy(String::new()), Err(RoleError::Policy(0)));
    }

    #[test]
    fn an_error_names_the_limits() {
        assert_eq!(RoleError::Duration.to_string(), "a role is taken for 900 to 43200 seconds");
        assert_eq!(
            RoleError::Policy(2049).to_string(),
            "a session policy has 1 to 2047 bytes, not 2049"
        );
    }
}
