//! Errors of the local STS: status, `Code` and message.
//!
//! Sources: the STS pages `AssumeRole`, `AssumeRoleWithOIDC` and "Error codes" for the errors of
//! the service; the tables of common errors of several products for those of the gateway. The
//! gateway's statuses differ between sources, so a client should use `Code`. Messages are in our
//! own words unless clients parse them.

use std::fmt;

/// One row of the table of errors.
#[derive(Clone, Copy, Debug)]
struct StsErrorRow {
    status: u16,
    code: &'static str,
    message: &'static str,
}

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal $message:literal;)*) => {
        /// The kind of an error response of the local STS.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::sts) enum StsErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl StsErrorKind {
            const fn row(self) -> StsErrorRow {
                match self {
                    $(StsErrorKind::$name => StsErrorRow { status: $status, code: $code, message: $message },)*
                }
            }
        }
    };
}

error_kinds! {
    // Errors of the request.

    /// The method is neither GET nor POST.
    MethodNotAllowed = 405 "UnsupportedHTTPMethod" "STS takes GET and POST.";
    /// A common parameter is missing.
    Missing = 400 "MissingParameter" "A mandatory parameter is missing:";
    /// An action, a version or another parameter is unknown, or is given twice.
    Invalid = 400 "InvalidParameter" "A parameter is not valid:";
    /// The body is not a form.
    ContentType = 400 "InvalidParameter.ContentType" "The body must be application/x-www-form-urlencoded.";
    /// A part of the real service that is not emulated.
    NotImplemented = 501 "NotImplemented" "The local STS does not implement this:";

    // Errors of authentication.

    /// The request has no signature, or an incomplete one.
    Incomplete = 400 "IncompleteSignature" "The request signature is not complete.";
    /// The signature differs from the one computed here.
    Mismatch = 400 "SignatureDoesNotMatch" "Specified signature is not matched with our calculation.";
    /// The nonce was used before.
    NonceUsed = 400 "SignatureNonceUsed" "The signature nonce was used already.";
    /// The timestamp is too far from the clock.
    TimestampExpired = 400 "InvalidTimeStamp.Expired" "The timestamp is more than 15 minutes from the server's clock; see the Date header.";
    /// The timestamp is malformed.
    TimestampFormat = 400 "InvalidTimeStamp.Format" "The timestamp is not of the form 2030-01-02T03:04:05Z.";
    /// The key id is unknown.
    KeyNotFound = 404 "InvalidAccessKeyId.NotFound" "The access key id is not known.";
    /// The long-term key is no longer valid.
    KeyInactive = 400 "InvalidAccessKeyId.Inactive" "The access key is disabled.";
    /// The request uses a temporary key without its token.
    TokenMissing = 400 "MissingSecurityToken" "A temporary key needs its SecurityToken.";
    /// The temporary key has expired.
    TokenExpired = 400 "InvalidSecurityToken.Expired" "The SecurityToken has expired.";
    /// The token is unknown.
    TokenMalformed = 400 "InvalidSecurityToken.Malformed" "The SecurityToken is malformed.";
    /// The token belongs to another key.
    TokenMismatch = 400 "InvalidSecurityToken.MismatchWithAccessKey" "The SecurityToken belongs to another access key.";

    // Errors of the session's parameters.

    /// The duration is outside of what the role allows.
    DurationSeconds = 400 "InvalidParameter.DurationSeconds" "DurationSeconds must be 900 to the role's MaxSessionDuration.";
    /// The session policy is too long.
    PolicySize = 400 "InvalidParameter.PolicySize" "The policy must be smaller than 2048 bytes.";
    /// The session policy is malformed.
    PolicyGrammar = 400 "InvalidParameter.PolicyGrammar" "The policy is refused:";
    /// The role's ARN is missing or malformed.
    RoleArn = 400 "InvalidParameter.RoleArn" "RoleArn is not of the form acs:ram::<account>:role/<name>.";
    /// The session name is missing or malformed.
    RoleSessionName = 400 "InvalidParameter.RoleSessionName" "RoleSessionName must be 2 to 64 of letters, digits and .@-_.";
    /// The external id is malformed.
    ExternalId = 400 "InvalidParameter.ExternalId" "ExternalId must be 2 to 1224 of letters, digits and _=,.@:/+-.";
    /// The role does not exist.
    NoRole = 404 "EntityNotExist.Role" "The role does not exist:";
    /// The caller may not assume the role.
    NoPermission = 403 "NoPermission" "You are not authorized to do this action. You should be authorized by RAM.";

    // Errors of RAM.

    /// The policy does not exist.
    NoPolicy = 404 "EntityNotExist.Policy" "The policy does not exist.";
    /// The version of the policy does not exist.
    NoPolicyVersion = 404 "EntityNotExist.Policy.Version" "The policy version does not exist.";
    /// The policy is not attached to the role.
    NotAttached = 404 "EntityNotExist.Role.Policy" "The policy is not attached to the role.";
    /// The role exists already.
    RoleExists = 409 "EntityAlreadyExists.Role" "The role does already exist.";
    /// The policy exists already.
    PolicyExists = 409 "EntityAlreadyExists.Policy" "The policy does already exist.";
    /// The policy is attached to the role already.
    AttachedAlready = 409 "EntityAlreadyExists.Role.Policy" "The role has already been attached this policy.";
    /// A role with policies, or a policy with roles, cannot be deleted.
    RoleHasPolicies = 409 "DeleteConflict.Role.Policy" "The policy is attached to a role.";
    /// A policy with old versions cannot be deleted.
    PolicyHasVersions = 409 "DeleteConflict.Policy.Version" "The policy has versions beside the default one.";
    /// The version in force cannot be deleted.
    DefaultVersion = 409 "DeleteConflict.Policy.Version.Default" "The default version cannot be deleted.";
    /// The policy has five versions.
    TooManyVersions = 409 "LimitExceeded.Policy.Version" "The policy has five versions.";
    /// The name of a role has other characters than names have.
    RoleNameChars = 400 "InvalidParameter.RoleName.InvalidChars" "RoleName has invalid characters.";
    /// The name of a role is too long.
    RoleNameLength = 400 "InvalidParameter.RoleName.Length" "RoleName has more than 64 characters.";
    /// The name of a policy has other characters than names have.
    PolicyNameChars = 400 "InvalidParameter.PolicyName.InvalidChars" "PolicyName has invalid characters.";
    /// The name of a policy is too long.
    PolicyNameLength = 400 "InvalidParameter.PolicyName.Length" "PolicyName has more than 128 characters.";
    /// The type of a policy is neither `Custom` nor `System`.
    PolicyType = 400 "InvalidParameter.PolicyType" "PolicyType is neither Custom nor System.";
    /// The document of a policy is too long.
    DocumentLength = 400 "InvalidParameter.PolicyDocument.Length" "PolicyDocument has more than 6144 bytes.";
    /// A description is too long.
    DescriptionLength = 400 "InvalidParameter.Description.Length" "Description has more than 1024 characters.";
    /// The id of a version is malformed.
    VersionIdFormat = 400 "InvalidParameter.VersionId.Format" "VersionId is not of the form v1.";
    /// The document is not a policy.
    MalformedDocument = 400 "MalformedPolicyDocument" "The policy is refused:";

    // Errors of OIDC.

    /// The provider is not registered, or the role does not trust it.
    OidcNoPermission = 401 "AuthenticationFail.NoPermission" "The role does not trust this OIDC provider.";
    /// The token is not a JWT, or lacks a claim.
    OidcInvalid = 401 "AuthenticationFail.OIDCToken.Invalid" "The OIDC token is not valid.";
    /// The token's signature is wrong.
    OidcSignature = 401 "AuthenticationFail.OIDCToken.InvalidSignature" "The signature of the OIDC token is not valid.";
    /// The token has another issuer.
    OidcIssuer = 401 "AuthenticationFail.OIDCToken.IssuerNotMatch" "The issuer of the OIDC token is not the provider's.";
    /// The token has another audience.
    OidcAudience = 401 "AuthenticationFail.OIDCToken.AudienceNotMatch" "The audience of the OIDC token is not one of the provider's.";
    /// The token has expired.
    OidcExpired = 401 "AuthenticationFail.OIDCToken.Expired" "The OIDC token has expired.";

    // Injected faults.

    /// Too many requests; the status can also be 429.
    Throttled = 400 "Throttling.User" "Request was denied due to user flow control.";
    /// The service failed.
    InternalError = 500 "InternalError" "The request processing has failed due to some unknown error.";
    /// The service is unavailable; the status can also be another 5xx.
    Unavailable = 503 "ServiceUnavailable" "The request has failed due to a temporary failure of the server.";
}

/// An error response.
#[derive(Clone)]
pub(super) struct StsError {
    kind: StsErrorKind,
    status: u16,
    message: String,
    /// The action that the caller may not do.
    denied_action: Option<String>,
}

impl StsErrorKind {
    /// Creates an error with the message of the kind.
    pub(super) fn error(self) -> StsError {
        let row = self.row();
        StsError {
            kind: self,
            status: row.status,
            message: row.message.to_owned(),
            denied_action: None,
        }
    }

    /// Creates an error with a detail after the message of the kind.
    pub(super) fn because(self, detail: impl fmt::Display) -> StsError {
        let row = self.row();
        StsError { message: format!("{} {detail}", row.message), ..self.error() }
    }
}

impl StsError {
    /// Replaces the status of the kind.
    pub(super) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Names the action that the caller may not do.
    pub(super) fn with_denied_action(self, action: String) -> Self {
        Self { denied_action: Some(action), ..self }
    }

    pub(super) fn denied_action(&self) -> Option<&str> {
        self.denied_action.as_deref()
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn code(&self) -> &'static str {
        self.kind.row().code
    }

    /// Returns the message in the response, which may quote the string to sign.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

/// The message may hold a token, as part of the string to sign, so it is not printed.
impl fmt::Debug for StsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StsError({:?}, {})", self.kind, self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_contain_the_string_to_sign() {
        let error = StsErrorKind::Mismatch.because("server string to sign is:marker");
        assert!(error.message().ends_with("marker"));
        assert_eq!(format!("{error:?}"), "StsError(Mismatch, 400)");
    }
}
