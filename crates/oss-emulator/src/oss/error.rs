//! Errors of the local OSS: the response to the client, and the explanation for the developer.
//!
//! [`OssErrorKind`] is the closed list of errors, with status, `Code`, EC and message. An
//! [`OssError`] is one of these kinds with the details of the case: a more specific message, extra
//! XML elements, and a reason in plain words. `response` writes it as XML.
//!
//! Sources: the error code pages, the PostObject page on common errors, and the pages on 400, 403
//! and 409 errors. An EC or a message that no source shows is left out or written in our own words.
//! `Code` and status are the contract; the rest is for diagnosis.

use std::error::Error;
use std::fmt;

/// The longest reason in characters. Field values can be long, and a console line should be short.
const MAX_REASON: usize = 400;

/// An error response, with everything that is known about its cause.
#[derive(Clone, Debug)]
pub struct OssError {
    kind: OssErrorKind,
    /// The message in the response, where it differs from the kind's message.
    message: Option<String>,
    /// Extra XML elements, in the order in which they are written.
    children: Vec<(&'static str, String)>,
    reason: String,
}

impl OssErrorKind {
    /// Creates an error of this kind. The reason is one sentence for developers.
    #[must_use]
    pub fn because(self, reason: impl Into<String>) -> OssError {
        OssError {
            kind: self,
            message: None,
            children: Vec::new(),
            reason: printable(&reason.into()),
        }
    }

    /// Creates an error about one form field, with the elements that `InvalidArgument` carries.
    #[must_use]
    pub fn argument(self, name: &str, value: &str, reason: impl Into<String>) -> OssError {
        self.because(reason).with_child("ArgumentName", name).with_child("ArgumentValue", value)
    }

    /// Creates an error about something that exceeds a size limit.
    #[must_use]
    pub fn too_long(self, limit: u64, proposed: u64, reason: impl Into<String>) -> OssError {
        self.because(reason)
            .with_child("MaxSizeAllowed", limit.to_string())
            .with_child("ProposedSize", proposed.to_string())
    }
}

impl OssError {
    /// Replaces the message of the kind.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds an XML element.
    #[must_use]
    pub fn with_child(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.children.push((name, value.into()));
        self
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> OssErrorKind {
        self.kind
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.kind.row().status
    }

    /// Returns the `Code`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.row().code
    }

    /// Returns the EC, if one is known.
    #[must_use]
    pub fn ec(&self) -> Option<&'static str> {
        self.kind.row().ec
    }

    /// Returns the message in the response.
    #[must_use]
    pub fn message(&self) -> &str {
        self.message.as_deref().unwrap_or_else(|| self.kind.row().message)
    }

    /// Returns the extra XML elements.
    #[must_use]
    pub fn children(&self) -> &[(&'static str, String)] {
        &self.children
    }

    /// Returns one sentence for developers. It never contains a secret, a token or a policy.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Shortens a reason for a console and replaces control characters, which could control a terminal.
fn printable(reason: &str) -> String {
    let visible = |character: char| {
        if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }
    };
    let mut text: String = reason.chars().take(MAX_REASON).map(visible).collect();
    if reason.chars().nth(MAX_REASON).is_some() {
        text.push('…');
    }
    text
}

impl fmt::Display for OssError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.reason)
    }
}

impl Error for OssError {}

/// One row of the table of errors.
#[derive(Clone, Copy, Debug)]
pub(super) struct OssErrorRow {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) ec: Option<&'static str>,
    pub(super) message: &'static str,
}

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal [$($ec:literal)?] $message:literal;)*) => {
        /// The kind of an error response of the local OSS.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum OssErrorKind {
            $($(#[$doc])* $name,)*
        }

        impl OssErrorKind {
            /// All kinds, in the order of the table.
            pub const ALL: &'static [OssErrorKind] = &[$(OssErrorKind::$name),*];

            pub(super) const fn row(self) -> OssErrorRow {
                match self {
                    $(OssErrorKind::$name => OssErrorRow {
                        status: $status,
                        code: $code,
                        ec: error_kinds!(@ec $($ec)?),
                        message: $message,
                    },)*
                }
            }
        }
    };
    (@ec) => { None };
    (@ec $ec:literal) => { Some($ec) };
}

error_kinds! {
    // Errors about the request as a whole.

    /// The host names a bucket that does not exist.
    NoSuchBucket = 404 "NoSuchBucket" [] "The specified bucket does not exist.";
    /// The request names the bucket in the path instead of in the host.
    PathStyle = 403 "SecondLevelDomainForbidden" [] "Please use virtual hosted style to access.";
    /// The host names another region than the bucket's.
    WrongEndpoint = 403 "AccessDenied" [] "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
    /// The host is the bucket's default host, which new accounts in mainland China cannot use.
    PublicEndpoint = 400 "PublicEndpointForbidden" ["0048-00000401"] "The bucket cannot be reached through its default public endpoint.";
    /// The host asks for transfer acceleration, which is not enabled.
    AccelerationDisabled = 403 "TransferAccelerationDisabled" [] "Transfer acceleration is not enabled for this bucket.";
    /// The request is not a form upload, or its method is not emulated.
    MethodNotAllowed = 405 "MethodNotAllowed" [] "The specified method is not allowed against this resource.";
    /// The request has no `Content-Length`.
    MissingContentLength = 411 "MissingContentLength" [] "You must provide the Content-Length HTTP header.";
    /// The whole body is 5 GB or more.
    BodyTooLarge = 400 "EntityTooLarge" ["0006-00000003"] "Post body size must be less than 5G";
    /// `Content-MD5` is malformed or does not match the body.
    InvalidDigest = 400 "InvalidDigest" [] "The Content-MD5 you specified was invalid.";
    /// The query cannot be read in exactly one way.
    QueryInvalid = 400 "InvalidArgument" [] "The query of the request is invalid.";
    /// The connection ended before `Content-Length` bytes arrived.
    IncompleteBody = 400 "IncompleteBody" [] "The request body ended before the announced number of bytes.";
    /// No byte arrived for a long time.
    RequestTimeout = 400 "RequestTimeout" [] "The request was not received within the time allowed.";
    /// The requested object does not exist.
    NoSuchKey = 404 "NoSuchKey" [] "The specified key does not exist.";
    /// The operation is not emulated.
    NotImplemented = 501 "NotImplemented" [] "The local OSS does not implement this.";
    /// The emulator itself failed, for example because the disk is full.
    InternalError = 500 "InternalError" [] "The local OSS could not read or write its data folder.";

    // Requests that are rejected to protect the developer's machine.

    /// The host is not a name of this machine.
    ForeignHost = 421 "MisdirectedRequest" [] "The local OSS does not answer to this host.";
    /// The request comes from a page of another site, and only local and listed pages are allowed.
    ForeignPage = 403 "AccessForbidden" [] "Pages of this site may not use the local OSS.";

    // Errors of CORS.

    /// No CORS rule allows the preflight's origin, method or headers.
    CorsForbidden = 403 "AccessForbidden" [] "CORSResponse: This CORS request is not allowed.";
    /// The preflight lacks required headers.
    CorsIncomplete = 400 "BadRequest" [] "Insufficient information. Origin and Access-Control-Request-Method are needed.";

    // Errors of the configuration of a bucket.

    /// The bucket has no CORS rules.
    NoSuchCors = 404 "NoSuchCORSConfiguration" ["0034-00000001"] "The CORS Configuration does not exist.";
    /// The bucket has no lifecycle rules.
    NoSuchLifecycle = 404 "NoSuchLifecycle" [] "No Row found in Lifecycle Table.";
    /// The document of a configuration is not XML, or has another root.
    ConfigMalformed = 400 "MalformedXML" [] "The XML you provided was not well-formed or did not validate against our published schema.";
    /// A rule has a value that OSS does not accept.
    ConfigInvalid = 400 "InvalidArgument" [] "A rule of the configuration is invalid.";
    /// The document has no CORS rule.
    CorsEmpty = 400 "MalformedXML" ["0034-00000002"] "The XML has no CORSRule.";
    /// There are more than 1000 lifecycle rules.
    LifecycleRules = 400 "InvalidArgument" ["0014-00000014"] "There are too many lifecycle rules.";
    /// `AbortMultipartUpload` has an unknown child.
    AbortUnknown = 400 "MalformedXML" ["0014-00000071"] "AbortMultipartUpload has an unsupported child.";
    /// `AbortMultipartUpload` has no time.
    AbortEmpty = 400 "MalformedXML" ["0014-00000073"] "AbortMultipartUpload has neither Days nor CreatedBeforeDate.";
    /// `AbortMultipartUpload` has two times.
    AbortTwice = 400 "MalformedXML" ["0014-00000074"] "AbortMultipartUpload has both Days and CreatedBeforeDate.";
    /// The prefixes of two rules with one action overlap.
    LifecycleOverlap = 400 "InvalidArgument" ["0014-00000084"] "The prefixes of lifecycle rules overlap.";
    /// Two rules have one prefix.
    LifecyclePrefix = 400 "InvalidArgument" ["0014-00000085"] "Two lifecycle rules have the same prefix.";

    // Errors of the form's body.

    /// The disposition of a part cannot be parsed, or a field was sent twice.
    FieldMalformed = 400 "MalformedPOSTRequest" ["0006-00000103"] "The body of your POST request is not well-formed multipart/form-data.";
    /// A boundary is damaged, or the body ends too early.
    BodyMalformed = 400 "MalformedPOSTRequest" ["0006-00000104"] "The body of your POST request is not well-formed multipart/form-data.";
    /// The form has no file, or more than one.
    FileCount = 400 "IncorrectNumberOfFilesInPOSTRequest" ["0006-00000107"] "POST requires exactly one file upload per request.";
    /// A part does not begin with Content-Disposition.
    NoDisposition = 400 "MalformedPOSTRequest" ["0006-00000109"] "The body of your POST request is not well-formed multipart/form-data.";
    /// A field name is over 8 KB. `filename*` also leads to this error.
    NameTooLong = 400 "FieldItemTooLong" ["0006-00000110"] "Your name of form field is too long.";
    /// A field value is over 2 MB.
    ValueTooLong = 400 "FieldItemTooLong" [] "Your value of form field is too long.";
    /// More than 8 MB precede the file.
    FieldsTooLarge = 400 "MaxPOSTPreDataLengthExceededError" ["0006-00000112"] "Your POST request fields preceding the upload file were too large.";

    // Errors of authentication.

    /// The form has no `key` field before the file.
    KeyMissing = 400 "InvalidArgument" [] "The bucket POST must contain the specified 'key'. If it is specified, please check the order of the fields";
    /// The form has no policy, key id or signature, and no bucket here is public.
    Anonymous = 403 "AccessDenied" ["0003-00000001"] "You have no right to access this object because of bucket acl.";
    /// The value of `x-oss-signature-version` is unknown.
    VersionUnknown = 400 "InvalidArgument" ["0002-00000701"] "The x-oss-signature-version is invalid.";
    /// The form is signed with V1, and the bucket does not accept V1.
    V1Refused = 403 "AccessDenied" ["0002-00000080"] "Signature version 1 is not allowed for this bucket.";
    /// The form has a key id or a signature but no policy.
    PolicyMissing = 400 "InvalidArgument" ["0002-00000702"] "The bucket POST must contain the specified 'policy'. If it is specified, please check the order of the fields";
    /// The form has no signature.
    SignatureMissing = 400 "InvalidArgument" ["0002-00000703"] "The bucket POST must contain the specified 'Signature'. If it is specified, please check the order of the fields";
    /// The signature is empty.
    SignatureEmpty = 400 "InvalidArgument" ["0002-00000704"] "Post request signature is empty.";
    /// The signature differs from the one computed here.
    SignatureMismatch = 403 "SignatureDoesNotMatch" ["0002-00000705"] "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    /// The form has no key id.
    KeyIdMissing = 400 "InvalidArgument" ["0002-00000706"] "The bucket POST must contain the specified 'OSSAccessKeyId'. If it is specified, please check the order of the fields";
    /// The key id is empty.
    KeyIdEmpty = 400 "InvalidArgument" ["0002-00000707"] "Post request accessKeyId is empty.";
    /// The key id contains characters that key ids do not have.
    KeyIdIllegal = 400 "InvalidArgument" ["0002-00000708"] "The access key id in credential is invalid.";
    /// A date is malformed, too old, too far in the future, or differs from the credential's day.
    DateInvalid = 400 "InvalidArgument" ["0002-00000709"] "The signing date in credential is invalid.";
    /// The credential does not end with `aliyun_v4_request`.
    TerminatorInvalid = 400 "InvalidArgument" ["0002-00000710"] "The credential does not end with aliyun_v4_request.";
    /// The credential has the wrong number of items or a product other than `oss`.
    CredentialInvalid = 400 "InvalidArgument" [] "The credential is invalid.";
    /// The `x-oss-date` field is missing or malformed.
    DateFieldInvalid = 400 "InvalidArgument" [] "The x-oss-date is missing or invalid.";
    /// The region is not the bucket's.
    RegionInvalid = 400 "InvalidArgument" ["0002-00000715"] "The signing region in credential is invalid.";
    /// The key id is unknown, or it is a temporary one without its token.
    KeyIdUnknown = 403 "InvalidAccessKeyId" ["0002-00000902"] "The OSS Access Key Id you provided does not exist in our records.";
    /// The token belongs to no known key.
    TokenInvalid = 403 "InvalidSecurityToken" [] "The security token you provided is invalid.";
    /// The token belongs to another key.
    TokenOfAnother = 403 "AccessKeyIdAndSecurityTokenNotMatch" [] "The access key id and the security token do not match.";
    /// The token has expired.
    TokenExpired = 403 "SecurityTokenExpired" [] "The security token you provided has expired.";

    // Errors of the authentication of requests that are signed in the URL or in a header.

    /// The signature of the request differs from the one computed here.
    RequestSignatureMismatch = 403 "SignatureDoesNotMatch" ["0002-00000040"] "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    /// The request has a signature in the URL and one in the header.
    SignedTwice = 400 "InvalidArgument" [] "The request is signed both in the URL and in the Authorization header.";
    /// The `Authorization` header cannot be read.
    AuthorizationInvalid = 400 "InvalidArgument" [] "Authorization header is invalid.";
    /// The request signed in a header has no date, or a malformed one.
    DateHeaderInvalid = 403 "AccessDenied" [] "OSS authentication requires a valid Date.";
    /// The date of a request signed in a header differs from the clock by more than 15 minutes.
    TimeTooSkewed = 403 "RequestTimeTooSkewed" ["0002-00000504"] "The difference between the request time and the current time is too large.";
    /// `AdditionalHeaders` of the header form is empty.
    HeaderNamesEmpty = 400 "InvalidArgument" ["0002-00000209"] "AdditionalHeaders in the Authorization header is empty.";
    /// `AdditionalHeaders` of the header form names a header that the request does not have.
    HeaderNameAbsent = 400 "InvalidArgument" ["0002-00000211"] "AdditionalHeaders in the Authorization header is invalid.";
    /// The day of the credential in the header is malformed.
    HeaderDayInvalid = 400 "InvalidArgument" ["0002-00000212"] "Invalid signing date in Authorization header.";
    /// The credential in the header does not have its five items.
    HeaderCredentialInvalid = 400 "InvalidArgument" ["0002-00000213"] "Invalid credential in Authorization header.";
    /// `x-oss-content-sha256` is not `UNSIGNED-PAYLOAD`.
    PayloadHashInvalid = 400 "InvalidArgument" ["0002-00000214"] "x-oss-content-sha256 must be UNSIGNED-PAYLOAD.";
    /// The region in the header is not the bucket's.
    HeaderRegionInvalid = 400 "InvalidArgument" ["0002-00000226"] "Invalid signing region in Authorization header.";
    /// The product in the header is not `oss`.
    HeaderProductInvalid = 400 "InvalidArgument" ["0002-00000227"] "Invalid signing product in Authorization header.";
    /// A URL with a V4 signature lacks one of its parameters.
    UrlParameterMissing = 400 "InvalidArgument" [] "The URL lacks a parameter of its signature.";
    /// `x-oss-signature-version` of the URL is unknown.
    UrlVersionUnknown = 400 "InvalidArgument" ["0002-00000066"] "The x-oss-signature-version in the URL is invalid.";
    /// `x-oss-additional-headers` of the URL is empty.
    UrlNamesEmpty = 400 "InvalidArgument" ["0002-00000076"] "The x-oss-additional-headers in the URL is empty.";
    /// `x-oss-additional-headers` of the URL names a header that the request does not have.
    UrlNameAbsent = 400 "InvalidArgument" ["0002-00000077"] "The x-oss-additional-headers in the URL is invalid.";
    /// The URL has no `x-oss-expires`.
    UrlExpiresMissing = 400 "InvalidArgument" ["0002-00000215"] "The URL has no x-oss-expires.";
    /// `x-oss-expires` is empty.
    UrlExpiresEmpty = 400 "InvalidArgument" ["0002-00000216"] "The x-oss-expires is empty.";
    /// `x-oss-expires` is not a number of seconds from 1 to 604800.
    UrlExpiresRange = 400 "InvalidArgument" ["0002-00000232"] "The x-oss-expires must be a number from 1 to 604800.";
    /// The day of the credential in the URL is malformed.
    UrlDayInvalid = 400 "InvalidArgument" ["0002-00000223"] "The signing date in credential is invalid.";
    /// The credential in the URL does not have its five items.
    UrlCredentialInvalid = 400 "InvalidArgument" ["0002-00000224"] "The credential in the URL is invalid.";
    /// The region in the URL is not the bucket's.
    UrlRegionInvalid = 400 "InvalidArgument" ["0002-00000228"] "The signing region in credential is invalid.";
    /// The `x-oss-date` of the URL is malformed.
    UrlDateInvalid = 400 "InvalidArgument" [] "The x-oss-date in the URL is invalid.";
    /// The URL is used more than 15 minutes before its `x-oss-date`.
    UrlTooEarly = 403 "AccessDenied" ["0002-00000235"] "Request is not yet valid.";
    /// The URL has expired.
    UrlExpired = 403 "AccessDenied" ["0002-00000236"] "Request has expired.";
    /// A URL with a V1 signature lacks one of its parameters, or `Expires` is no number.
    V1UrlIncomplete = 403 "AccessDenied" [] "Query-string authentication requires the Signature, Expires and OSSAccessKeyId parameters";
    /// A URL with a V1 signature has expired.
    V1UrlExpired = 403 "AccessDenied" ["0002-00000069"] "Request has expired.";
    /// A request without a signature wants to choose headers of the response.
    OverrideUnsigned = 400 "InvalidRequest" [] "Request specific response headers cannot be used for anonymous GET requests.";
    /// The range begins behind the end of the object, and the standard behaviour is requested.
    RangeInvalid = 416 "InvalidRange" [] "The requested range cannot be satisfied.";
    /// A precondition of the request does not hold.
    PreconditionFailed = 412 "PreconditionFailed" [] "At least one of the pre-conditions you specified did not hold.";

    // Errors of the policy document.

    /// The document is not a policy.
    PolicyInvalid = 400 "InvalidPolicyDocument" ["0006-00000201"] "Invalid Policy.";
    /// The policy is not base64.
    PolicyNotBase64 = 400 "InvalidPolicyDocument" ["0006-00000202"] "Invalid Policy: The policy is not base64.";
    /// The policy is not UTF-8.
    PolicyNotUtf8 = 400 "InvalidPolicyDocument" ["0006-00000203"] "Invalid Policy: The policy is not UTF-8.";
    /// The policy is not JSON.
    PolicyNotJson = 400 "InvalidPolicyDocument" ["0006-00000204"] "Invalid Policy: Invalid JSON.";
    /// The policy has an unknown top-level item.
    PolicyExtraKey = 400 "InvalidPolicyDocument" ["0006-00000206"] "Invalid Policy: Unexpected top-level item.";
    /// The policy has no conditions.
    NoConditions = 400 "InvalidPolicyDocument" ["0006-00000207"] "Invalid Policy: conditions is missing.";
    /// The policy has no expiration.
    NoExpiration = 400 "InvalidPolicyDocument" ["0006-00000208"] "Invalid Policy: expiration is missing.";
    /// The policy has neither expiration nor conditions.
    PolicyEmpty = 400 "InvalidPolicyDocument" ["0006-00000209"] "Invalid Policy: expiration and conditions are missing.";
    /// The expiration is not a string.
    ExpirationNotText = 400 "InvalidPolicyDocument" ["0006-00000210"] "Invalid Policy: expiration is not a string.";
    /// The expiration is empty.
    ExpirationEmpty = 400 "InvalidPolicyDocument" ["0006-00000211"] "Invalid Policy: expiration is empty.";
    /// The expiration has another format.
    ExpirationMalformed = 400 "InvalidPolicyDocument" ["0006-00000212"] "Invalid Policy: expiration is not an ISO 8601 time in UTC.";
    /// The list of conditions is empty.
    ConditionsEmpty = 400 "InvalidPolicyDocument" ["0006-00000215"] "Invalid Policy: conditions is empty.";
    /// A condition has no operator.
    OperatorMissing = 400 "InvalidPolicyDocument" ["0006-00000216"] "Invalid Policy: a condition lacks its operator.";
    /// A condition has an unknown operator.
    OperatorUnknown = 400 "InvalidPolicyDocument" ["0006-00000217"] "Invalid Policy: a condition has an unsupported operator.";
    /// A condition has too few or too many items.
    ConditionArity = 400 "InvalidPolicyDocument" ["0006-00000218"] "Invalid Policy: a condition has the wrong number of items.";
    /// The end of a size range is below its start.
    RangeReversed = 400 "InvalidPolicyDocument" ["0006-00000219"] "Invalid Policy: the maximum of content-length-range is smaller than its minimum.";
    /// The start of a size range is not a whole number.
    RangeMinInvalid = 400 "InvalidPolicyDocument" ["0006-00000220"] "Invalid Policy: Invalid JSON. ";
    /// The end of a size range is not a whole number.
    RangeMaxInvalid = 400 "InvalidPolicyDocument" ["0006-00000221"] "Invalid Policy: Invalid JSON. ";
    /// A condition is neither an object nor an array.
    ConditionShape = 400 "InvalidPolicyDocument" ["0006-00000222"] "Invalid Policy: a condition is neither an object nor an array.";
    /// A condition has an item of the wrong JSON type.
    ConditionType = 400 "InvalidPolicyDocument" ["0006-00000223"] "Invalid Policy: a condition holds a value of the wrong type.";
    /// `in` or `not-in` is used without a list.
    ListMissing = 400 "InvalidPolicyDocument" ["0006-00000224"] "Invalid Policy: the value of in and not-in must be a list.";

    // Errors of evaluating the policy.

    /// The policy has expired.
    PolicyExpired = 403 "AccessDenied" ["0006-00000213"] "Invalid according to Policy: Policy expired.";
    /// A condition names a field that the form does not have.
    FieldAbsent = 403 "AccessDenied" ["0006-00000226"] "Invalid according to Policy: Policy Condition failed.";
    /// The form does not meet a condition.
    ConditionFailed = 403 "AccessDenied" ["0006-00000227"] "Invalid according to Policy: Policy Condition failed.";
    /// The form has V4 fields that the policy does not name.
    ExtraFields = 403 "AccessDenied" ["0006-00000228"] "Invalid according to Policy: Extra input fields.";

    // Errors of field values.

    /// The key is not a valid object name.
    KeyInvalid = 400 "InvalidObjectName" [] "The specified object is not valid.";
    /// A field has a value that OSS does not know or cannot store.
    ArgumentInvalid = 400 "InvalidArgument" [] "The value of a form field is invalid.";
    /// `x-oss-forbid-overwrite` is neither true nor false.
    ForbidOverwriteInvalid = 400 "InvalidArgument" ["0006-00000117"] "The value of x-oss-forbid-overwrite must be true or false.";
    /// The encryption method is unknown.
    EncryptionInvalid = 400 "InvalidEncryptionAlgorithmError" [] "The encryption algorithm you specified is not valid.";

    // Errors of the callback parameter, before anything is stored.

    /// `callback` is not base64.
    CallbackNotBase64 = 400 "InvalidArgument" ["0007-00000002"] "The callback configuration is not base64 encoded.";
    /// `callback` does not hold a JSON object.
    CallbackNotJson = 400 "InvalidArgument" [] "The callback configuration is not json format.";
    /// `callbackUrl` holds an invalid address.
    CallbackUrlInvalid = 400 "InvalidArgument" ["0007-00000004"] "The callbackUrl is invalid.";
    /// `callbackUrl` holds more than five addresses.
    CallbackUrlCount = 400 "InvalidArgument" ["0007-00000005"] "The callbackUrl has too many addresses.";
    /// `callbackUrl` holds a private address.
    CallbackUrlPrivate = 400 "InvalidArgument" ["0007-00000008"] "The callbackUrl is a private address.";
    /// `callbackBody` is missing or empty.
    CallbackBodyEmpty = 400 "InvalidArgument" ["0007-00000011"] "The callbackBody is empty.";
    /// `callbackBodyType` has an unknown value.
    CallbackBodyTypeInvalid = 400 "InvalidArgument" ["0007-00000012"] "The callbackBodyType is invalid.";
    /// `callback` is too long, or has another invalid member.
    CallbackInvalid = 400 "InvalidArgument" [] "The callback configuration is invalid.";

    // Errors of the callback itself, after the object is stored.

    /// The callback address could not be reached, or its response was not accepted.
    CallbackFailed = 203 "CallbackFailed" [] "Error status : -1.OSS can not connect to your callbackUrl, please check it.";
    /// The callback response did not arrive in time.
    CallbackLate = 203 "CallbackFailed" ["0007-00000202"] "Cost too long time.";
    /// The callback response is not JSON.
    CallbackAnswerNotJson = 203 "CallbackFailed" ["0007-00000205"] "Response body is not valid json format.";

    // Errors of permission.

    /// The key that signed may not write this object.
    NoPermission = 403 "AccessDenied" ["0003-00000001"] "You have no right to access this object because of bucket acl.";

    // Errors of the file.

    /// The file is larger than the range's maximum or 5 GB.
    FileTooLarge = 400 "EntityTooLarge" ["0006-00000003"] "Your proposed upload exceeds the maximum allowed size.";
    /// The file is smaller than the range's minimum.
    FileTooSmall = 400 "EntityTooSmall" ["0006-00000004"] "Your proposed upload smaller than the minimum allowed size.";
    /// The request has no `Referer`, and the bucket's referer rules need one.
    RefererEmpty = 403 "AccessDenied" ["0003-00000501"] "You are denied by bucket referer policy.";
    /// The `Referer` is on the block list of the bucket.
    RefererBlocked = 403 "AccessDenied" ["0003-00000502"] "You are denied by bucket referer policy.";
    /// The `Referer` is not on the list of allowed referers of the bucket.
    RefererNotListed = 403 "AccessDenied" ["0003-00000503"] "You are denied by bucket referer policy.";

    // Errors of multipart uploads.

    /// The upload id is missing or could not be one.
    UploadIdInvalid = 404 "NoSuchUpload" ["0017-00000244"] "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    /// A part belongs to an upload that does not exist.
    PartOfNoUpload = 404 "NoSuchUpload" ["0042-00000104"] "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    /// The upload to list or to abort does not exist.
    NoSuchUpload = 404 "NoSuchUpload" ["0042-00000002"] "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    /// The upload to complete does not exist.
    CompleteNoUpload = 404 "NoSuchUpload" [] "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.";
    /// The query has no part number.
    PartNumberMissing = 400 "InvalidArgument" ["0017-00000219"] "Unexpected query string parameter";
    /// The part number is not a whole number from 1 to 10,000.
    PartNumberInvalid = 400 "InvalidArgument" ["0017-00000220"] "Part number must be an integer between 1 and 10000, inclusive.";
    /// A part list has a number that is not from 1 to 10,000.
    ListedNumberInvalid = 400 "InvalidPartOrder" [] "Part number must be an integer between 1 and 10000, inclusive.";
    /// The numbers of a part list do not ascend.
    PartOrderInvalid = 400 "InvalidPartOrder" ["0042-00000209"] "The list of parts was not in ascending order. Parts list must specified in order by part number.";
    /// A listed part was not uploaded, or has another ETag.
    PartInvalid = 400 "InvalidPart" [] "One or more of the specified parts could not be found or the specified entity tag might not have matched the part's entity tag.";
    /// A part other than the last one is smaller than the minimum.
    PartTooSmall = 400 "EntityTooSmall" ["0042-00000213"] "Your proposed upload smaller than the minimum allowed size.";
    /// The file of a part has disappeared.
    PartGone = 400 "FilePartNotExist" [] "The Part you read had been deleted.";
    /// The part list is missing or malformed.
    XmlMalformed = 400 "MalformedXML" ["0042-00000205"] "The XML you provided was not well-formed or did not validate against our published schema.";
    /// All parts are requested together with a part list.
    CompleteAllWithBody = 400 "InvalidArgument" ["0042-00000216"] "Should not speficy both complete all header and http body.";
    /// The object of a completed upload exists already and must not be overwritten.
    CompleteExists = 409 "FileAlreadyExists" ["0042-00000214"] "The object you specified already exists and can not be overwritten.";

    /// The object exists already and must not be overwritten.
    FileExists = 409 "FileAlreadyExists" [] "The object you specified already exists and can not be overwritten.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ec_has_one_code_and_one_status() {
        for left in OssErrorKind::ALL {
            for right in OssErrorKind::ALL {
                let (left, right) = (left.row(), right.row());
                if left.ec.is_some() && left.ec == right.ec {
                    assert_eq!((left.code, left.status), (right.code, right.status));
                }
            }
        }
    }

    #[test]
    fn every_status_is_an_error_status_except_that_of_callbacks() {
        for kind in OssErrorKind::ALL {
            let row = kind.row();
            let error = (400..=599).contains(&row.status);
            assert!(error || (203, "CallbackFailed") == (row.status, row.code), "{kind:?}");
        }
    }

    #[test]
    fn a_reason_is_short_and_has_no_control_characters() {
        let error = OssErrorKind::NoSuchKey.because(format!("\u{1b}[2J{}", "x".repeat(1000)));
        assert!(error.reason().starts_with("\u{fffd}[2J"));
        assert_eq!(error.reason().chars().count(), MAX_REASON + 1);
    }

    #[test]
    fn an_argument_carries_its_name_and_value() {
        let error = OssErrorKind::RegionInvalid.argument("x-oss-credential", "a/b", "wrong region");
        assert_eq!(
            error.children(),
            [("ArgumentName", "x-oss-credential".to_owned()), ("ArgumentValue", "a/b".to_owned())]
        );
        assert_eq!(error.ec(), Some("0002-00000715"));
    }
}
