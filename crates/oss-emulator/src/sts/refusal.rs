//! The closed table of what STS refuses: status, `Code` and message.
//!
//! STS pages `AssumeRole`, `AssumeRoleWithOIDC` and "Error codes" for the service's own; the tables
//! of common errors of several products for the gateway's. Statuses of the gateway differ between
//! sources, so a client should go by `Code`. Messages are in words of our own unless clients read
//! them.

use std::fmt;

/// One line of the table.
#[derive(Clone, Copy, Debug)]
struct Row {
    status: u16,
    code: &'static str,
    message: &'static str,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $message:literal;)*) => {
        /// Names every way in which the local STS says no.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::sts) enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            const fn row(self) -> Row {
                match self {
                    $(Kind::$name => Row { status: $status, code: $code, message: $message },)*
                }
            }
        }
    };
}

refusals! {
    // The call.

    /// A method that STS does not take.
    MethodNotAllowed = 405 "UnsupportedHTTPMethod" "STS takes GET and POST.";
    /// A common parameter that is not there.
    Missing = 400 "MissingParameter" "A mandatory parameter is missing:";
    /// An action, a version or another parameter that is not known, or given twice.
    Invalid = 400 "InvalidParameter" "A parameter is not valid:";
    /// A body that is no form.
    ContentType = 400 "InvalidParameter.ContentType" "The body must be application/x-www-form-urlencoded.";
    /// A part of the real service that is not played here.
    NotImplemented = 501 "NotImplemented" "The local STS does not play this:";

    // Who asks.

    /// No signature, or one that lacks a part.
    Incomplete = 400 "IncompleteSignature" "The request signature is not complete.";
    /// A signature that is not the one computed here.
    Mismatch = 400 "SignatureDoesNotMatch" "Specified signature is not matched with our calculation.";
    /// A nonce that has come before.
    NonceUsed = 400 "SignatureNonceUsed" "The signature nonce was used already.";
    /// A timestamp too far from the clock.
    TimestampExpired = 400 "InvalidTimeStamp.Expired" "The timestamp is more than 15 minutes from the server's clock; see the Date header.";
    /// A timestamp that is none.
    TimestampFormat = 400 "InvalidTimeStamp.Format" "The timestamp is not of the form 2030-01-02T03:04:05Z.";
    /// A key id that nobody has.
    KeyNotFound = 404 "InvalidAccessKeyId.NotFound" "The access key id is not known.";
    /// A long-term key that no longer works.
    KeyInactive = 400 "InvalidAccessKeyId.Inactive" "The access key is disabled.";
    /// A temporary key without its token.
    TokenMissing = 400 "MissingSecurityToken" "A temporary key needs its SecurityToken.";
    /// A temporary key whose time is over.
    TokenExpired = 400 "InvalidSecurityToken.Expired" "The SecurityToken has expired.";
    /// A token that nobody has.
    TokenMalformed = 400 "InvalidSecurityToken.Malformed" "The SecurityToken is malformed.";
    /// A token of another key.
    TokenMismatch = 400 "InvalidSecurityToken.MismatchWithAccessKey" "The SecurityToken belongs to another access key.";

    // What is asked for.

    /// A duration outside what the role allows.
    DurationSeconds = 400 "InvalidParameter.DurationSeconds" "DurationSeconds must be 900 to the role's MaxSessionDuration.";
    /// A session policy that is too long.
    PolicySize = 400 "InvalidParameter.PolicySize" "The policy must be smaller than 2048 bytes.";
    /// A session policy that is none.
    PolicyGrammar = 400 "InvalidParameter.PolicyGrammar" "The policy is refused:";
    /// A missing or malformed ARN of a role.
    RoleArn = 400 "InvalidParameter.RoleArn" "RoleArn is not of the form acs:ram::<account>:role/<name>.";
    /// A missing or malformed session name.
    RoleSessionName = 400 "InvalidParameter.RoleSessionName" "RoleSessionName must be 2 to 64 of letters, digits and .@-_.";
    /// A malformed external id.
    ExternalId = 400 "InvalidParameter.ExternalId" "ExternalId must be 2 to 1224 of letters, digits and _=,.@:/+-.";
    /// A role that is not there.
    NoRole = 404 "EntityNotExist.Role" "The role does not exist:";
    /// A caller who may not assume the role.
    NoPermission = 403 "NoPermission" "You are not authorized to do this action. You should be authorized by RAM.";

    // OIDC.

    /// A provider that is not registered, or that the role does not trust.
    OidcNoPermission = 401 "AuthenticationFail.NoPermission" "The role does not trust this OIDC provider.";
    /// A token that is no JWT, or lacks a claim.
    OidcInvalid = 401 "AuthenticationFail.OIDCToken.Invalid" "The OIDC token is not valid.";
    /// A token with a foreign signature.
    OidcSignature = 401 "AuthenticationFail.OIDCToken.InvalidSignature" "The signature of the OIDC token is not valid.";
    /// A token of another issuer.
    OidcIssuer = 401 "AuthenticationFail.OIDCToken.IssuerNotMatch" "The issuer of the OIDC token is not the provider's.";
    /// A token for another audience.
    OidcAudience = 401 "AuthenticationFail.OIDCToken.AudienceNotMatch" "The audience of the OIDC token is not one of the provider's.";
    /// A token whose time is over.
    OidcExpired = 401 "AuthenticationFail.OIDCToken.Expired" "The OIDC token has expired.";

    // Faults on request.

    /// Too many calls; the status is 429 too.
    Throttled = 400 "Throttling.User" "Request was denied due to user flow control.";
    /// The service's own trouble.
    InternalError = 500 "InternalError" "The request processing has failed due to some unknown error.";
    /// The service's absence; the status is any other of 5xx too.
    Unavailable = 503 "ServiceUnavailable" "The request has failed due to a temporary failure of the server.";
}

/// Says no.
#[derive(Clone)]
pub(super) struct Refusal {
    kind: Kind,
    status: u16,
    message: String,
}

impl Kind {
    /// Makes a refusal with the table's words.
    pub(super) fn plain(self) -> Refusal {
        let row = self.row();
        Refusal { kind: self, status: row.status, message: row.message.to_owned() }
    }

    /// Makes a refusal that says a little more.
    pub(super) fn because(self, detail: impl fmt::Display) -> Refusal {
        let row = self.row();
        Refusal { message: format!("{} {detail}", row.message), ..self.plain() }
    }
}

impl Refusal {
    /// Replaces the table's status.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn code(&self) -> &'static str {
        self.kind.row().code
    }

    /// Returns the message on the wire, which may quote what was signed.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

/// The message may hold a token, inside what was signed, so it is not shown.
impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Refusal({:?}, {})", self.kind, self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_quote_what_was_signed() {
        let refusal = Kind::Mismatch.because("server string to sign is:marker");
        assert!(refusal.message().ends_with("marker"));
        assert_eq!(format!("{refusal:?}"), "Refusal(Mismatch, 400)");
    }
}
