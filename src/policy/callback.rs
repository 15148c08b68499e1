//! What OSS tells of a stored object, and to whom.

use crate::policy::template::Template;

/// The most addresses that OSS tries.
pub const MAX_ADDRESSES: usize = 5;

/// The callback that a route's forms order from OSS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Who is called.
    pub to: Target,
    /// How what is told is written.
    pub body_type: BodyType,
    /// What is told, with OSS's own `${…}`.
    pub body: String,
    /// The `Host` of the call, where it is not that of the address.
    pub host: Option<String>,
    /// Whether OSS names the host in the TLS handshake.
    pub sni: bool,
    /// The variables that the server sets, by name without `x:`, in order.
    pub variables: Vec<(String, Template)>,
}

/// Who is called when an object is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The function itself, which verifies the call and its receipt.
    Own,
    /// Somebody else, at the first of these addresses that answers well.
    Addresses(Vec<String>),
}

/// How a callback's body is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyType {
    /// `application/x-www-form-urlencoded`; OSS encodes every value.
    #[default]
    Form,
    /// `application/json`; OSS writes every value as JSON.
    Json,
}

impl BodyType {
    /// Gives the type as OSS is told of it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "application/x-www-form-urlencoded",
            Self::Json => "application/json",
        }
    }
}
