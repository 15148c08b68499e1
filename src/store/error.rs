//! Why the store cannot be used. No text contains an answer of the store, a name or a password.

use std::fmt;

use redis::{ErrorKind, RedisError};

/// The reason why a command has no result. Each sentence says what the operator can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedStoreError {
    /// An earlier command has failed less than two seconds ago, so nothing was sent.
    Paused,
    /// There is no connection: check the address and the network.
    Unreachable(String),
    /// TLS failed: check the scheme and the certificate.
    Tls(String),
    /// The store has accepted the connection or the command, and has not answered in time.
    TimedOut,
    /// The connection broke.
    Broken,
    /// The store requires a password.
    PasswordRequired,
    /// The store refuses the user or the password.
    PasswordRefused,
    /// The user may not call a command.
    NotPermitted,
    /// The store accepts no writes, as a replica does.
    ReadOnly,
    /// Too few replicas are connected.
    TooFewReplicas,
    /// The memory is full, and nothing may be removed.
    Full,
    /// The store has just been started.
    Loading,
    /// The store cannot write to its disk, and refuses changes.
    NotSaving,
    /// Another part of a cluster has the keys.
    Cluster,
    /// The store does not have the script yet. This is no failure.
    ScriptUnknown,
    /// Another error; its code.
    Refused(String),
    /// The answer is not one of this protocol or of this command.
    Malformed,
    /// The system gave no random bytes, so nothing was sent.
    NoRandomness,
}

/// The codes of the protocol. A script of Redis 6 fails with `ERR` and has the code of its command in the text.
const CODES: [(&str, SharedStoreError); 13] = [
    ("NOAUTH", SharedStoreError::PasswordRequired),
    ("WRONGPASS", SharedStoreError::PasswordRefused),
    ("NOPERM", SharedStoreError::NotPermitted),
    ("READONLY", SharedStoreError::ReadOnly),
    ("NOREPLICAS", SharedStoreError::TooFewReplicas),
    ("OOM", SharedStoreError::Full),
    ("LOADING", SharedStoreError::Loading),
    ("MISCONF", SharedStoreError::NotSaving),
    ("MOVED", SharedStoreError::Cluster),
    ("ASK", SharedStoreError::Cluster),
    ("CROSSSLOT", SharedStoreError::Cluster),
    ("CLUSTERDOWN", SharedStoreError::Cluster),
    ("NOSCRIPT", SharedStoreError::ScriptUnknown),
];

/// The longest code that a text shows.
const MAX_CODE_BYTES: usize = 32;

impl SharedStoreError {
    /// Returns whether the store has failed, so that it is left alone for a moment.
    pub(super) fn is_failure(&self) -> bool {
        !matches!(self, Self::Paused | Self::ScriptUnknown)
    }
}

impl From<RedisError> for SharedStoreError {
    fn from(error: RedisError) -> Self {
        let (code, detail) = (error.code().unwrap_or_default(), error.detail().unwrap_or_default());
        let is_meant =
            |name: &str| code == name || (code == "ERR" && detail.contains(&format!("-{name} ")));
        if let Some((_, known)) = CODES.iter().find(|(name, _)| is_meant(name)) {
            return known.clone();
        }
        // A command with more than nine arguments is refused as a whole before the password was sent.
        if detail.contains("unauthenticated") {
            return Self::PasswordRequired;
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::PasswordRefused,
            ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Self::Malformed,
            _ if is_code(code) => Self::Refused(code.to_owned()),
            _ => Self::Broken,
        }
    }
}

fn is_code(text: &str) -> bool {
    let is_upper = |byte: u8| byte.is_ascii_uppercase();
    (1..=MAX_CODE_BYTES).contains(&text.len()) && text.bytes().all(is_upper)
}

impl fmt::Display for SharedStoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unreachable(cause) => return write!(formatter, "no connection ({cause})"),
            Self::Tls(cause) => {
                return write!(
                    formatter,
                    "TLS failed ({cause}); write redis:// if the store has none, and set UPLOAD_STORE_CA if a private \
                     authority has signed its certificate"
                );
            }
            Self::Refused(code) => {
                return write!(formatter, "it refused a command with the error {code}");
            }
            Self::Paused => "it has failed a moment ago",
            Self::TimedOut => "it did not answer in time",
            Self::Broken => "the connection broke; write rediss:// if the store requires TLS",
            Self::PasswordRequired => "it requires a password: write it into UPLOAD_STORE_URL",
            Self::PasswordRefused => "it refuses the user or the password of UPLOAD_STORE_URL",
            Self::NotPermitted => {
                "its access list does not let the user call EVAL, EVALSHA, GET, SET, DEL, HMGET, HINCRBY, PTTL and PEXPIRE \
                 on keys that begin with {oss-upload}"
            }
            Self::ReadOnly => "it is read-only, as a replica is: write the address of the primary",
            Self::TooFewReplicas => "it accepts no changes, because too few replicas are connected",
            Self::Full => "its memory is full: give it more, or shorten the windows of the budgets",
            Self::Loading => "it is still loading its data",
            Self::NotSaving => "it accepts no changes, because it cannot save them to its disk",
            Self::Cluster => "it is a part of a cluster: write the address of the cluster's proxy",
            Self::ScriptUnknown => "it does not have the script",
            Self::Malformed => "its answer is not one of a Redis server",
            Self::NoRandomness => "the system gave no random bytes",
        };
        formatter.write_str(text)
    }
}

impl std::error::Error for SharedStoreError {}

#[cfg(test)]
mod tests {
    use redis::Value;
    use redis::parse_redis_value;

    use super::*;

    fn refused(line: &str) -> SharedStoreError {
        let value = parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap();
        let Value::ServerError(error) = value else { panic!("{line}") };
        RedisError::from(error).into()
    }

    #[test]
    fn the_code_of_an_error_is_found_also_in_scripts_of_redis_6() {
        for (line, error) in [
            ("NOAUTH Authentication required.", SharedStoreError::PasswordRequired),
            (
                "ERR Protocol error: unauthenticated multibulk length",
                SharedStoreError::PasswordRequired,
            ),
            ("OOM command not allowed when used memory > 'maxmemory'.", SharedStoreError::Full),
            (
                "ERR Error running script (call to f_1): @user_script:3: @user_script: 3: -READONLY You can't write",
                SharedStoreError::ReadOnly,
            ),
            ("NOSCRIPT No matching script.", SharedStoreError::ScriptUnknown),
            ("MOVED 1 10.0.0.1:6379", SharedStoreError::Cluster),
            ("BUSY Redis is busy", SharedStoreError::Refused("BUSY".to_owned())),
            ("ERR unknown command 'marker'", SharedStoreError::Refused("ERR".to_owned())),
            ("mar\u{1b}ker text", SharedStoreError::Broken),
        ] {
            assert_eq!(refused(line), error, "{line}");
        }
    }
}
