//! The closed table of refusals: status, `Code`, EC and message of every answer that says no.
//!
//! Error code pages, the PostObject page of common errors, and the pages of 400, 403 and 409 errors.
//! An EC or a message that no source shows is left out or written in plain words of our
//! own; `Code` and status are the contract, the rest is diagnostics. What a refusal means for the
//! developer in front of the screen is said where it is raised, see [`Refusal::reason`].
//!
//! [`Refusal::reason`]: crate::oss::refusal::Refusal::reason

/// One line of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) ec: Option<&'static str>,
    pub(super) message: &'static str,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $status:literal $code:literal [$($ec:literal)?] $message:literal;)*) => {
        /// Names every way in which the local OSS says no.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Lists every kind, in the order of the table.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            pub(super) const fn row(self) -> Row {
                match self {
                    $(Kind::$name => Row {
                        status: $status,
                        code: $code,
                        ec: refusals!(@ec $($ec)?),
                        message: $message,
                    },)*
                }
            }
        }
    };
    (@ec) => { None };
    (@ec $ec:literal) => { Some($ec) };
}

refusals! {
    // The request as a whole.

    /// The host names no bucket that is here.
    NoSuchBucket = 404 "NoSuchBucket" [] "The specified bucket does not exist.";
    /// The bucket stands in the path instead of in the host.
    PathStyle = 403 "SecondLevelDomainForbidden" [] "Please use virtual hosted style to access.";
    /// The host names another region than the bucket's.
    WrongEndpoint = 403 "AccessDenied" [] "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.";
    /// The bucket's default host, which new accounts in mainland China cannot use.
    PublicEndpoint = 400 "PublicEndpointForbidden" ["0048-00000401"] "The bucket cannot be reached through its default public endpoint.";
    /// The acceleration host of a bucket for which acceleration is not enabled.
    AccelerationDisabled = 403 "TransferAccelerationDisabled" [] "Transfer acceleration is not enabled for this bucket.";
    /// The request is no form upload, or a method that is not emulated.
    MethodNotAllowed = 405 "MethodNotAllowed" [] "The specified method is not allowed against this resource.";
    /// The request does not say how long it is.
    MissingContentLength = 411 "MissingContentLength" [] "You must provide the Content-Length HTTP header.";
    /// The whole body is 5 GB or more.
    BodyTooLarge = 400 "EntityTooLarge" ["0006-00000003"] "Post body size must be less than 5G";
    /// `Content-MD5` is malformed or not that of the body.
    InvalidDigest = 400 "InvalidDigest" [] "The Content-MD5 you specified was invalid.";
    /// The connection ended before `Content-Length` bytes.
    IncompleteBody = 400 "IncompleteBody" [] "The request body ended before the announced number of bytes.";
    /// No byte arrived for a long time.
    RequestTimeout = 400 "RequestTimeout" [] "The request was not received within the time allowed.";
    /// An object that is not there was asked for.
    NoSuchKey = 404 "NoSuchKey" [] "The specified key does not exist.";
    /// An operation that the emulator does not play.
    NotImplemented = 501 "NotImplemented" [] "The local OSS does not implement this.";
    /// The emulator's own trouble: a full disk, a folder that vanished.
    InternalError = 500 "InternalError" [] "The local OSS could not read or write its data folder.";

    // Pages of others, which the real OSS cannot meet.

    /// The host is not a name of this machine.
    ForeignHost = 421 "MisdirectedRequest" [] "The local OSS does not answer to this host.";
    /// A page of another site, where only those of this machine and those that were named are wanted.
    ForeignPage = 403 "AccessForbidden" [] "Pages of this site may not use the local OSS.";

    // CORS.

    /// A preflight for an origin, method or header that no rule allows.
    CorsForbidden = 403 "AccessForbidden" [] "CORSResponse: This CORS request is not allowed.";
    /// A preflight that lacks its headers.
    CorsIncomplete = 400 "BadRequest" [] "Insufficient information. Origin and Access-Control-Request-Method are needed.";

    // The multipart body.

    /// A part whose disposition cannot be read, or a field sent twice.
    FieldMalformed = 400 "MalformedPOSTRequest" ["0006-00000103"] "The body of your POST request is not well-formed multipart/form-data.";
    /// A damaged boundary or a body that stops before its end.
    BodyMalformed = 400 "MalformedPOSTRequest" ["0006-00000104"] "The body of your POST request is not well-formed multipart/form-data.";
    /// No file, or more than one.
    FileCount = 400 "IncorrectNumberOfFilesInPOSTRequest" ["0006-00000107"] "POST requires exactly one file upload per request.";
    /// A part that does not begin with Content-Disposition.
    NoDisposition = 400 "MalformedPOSTRequest" ["0006-00000109"] "The body of your POST request is not well-formed multipart/form-data.";
    /// A field name over 8 KB, and what `filename*` is taken for.
    NameTooLong = 400 "FieldItemTooLong" ["0006-00000110"] "Your name of form field is too long.";
    /// A field value over 2 MB.
    ValueTooLong = 400 "FieldItemTooLong" [] "Your value of form field is too long.";
    /// Over 8 MB before the file.
    FieldsTooLarge = 400 "MaxPOSTPreDataLengthExceededError" ["0006-00000112"] "Your POST request fields preceding the upload file were too large.";

    // Who asks.

    /// No `key` field before the file.
    KeyMissing = 400 "InvalidArgument" [] "The bucket POST must contain the specified 'key'. If it is specified, please check the order of the fields";
    /// No policy, key id or signature: anonymous, and no bucket here is public.
    Anonymous = 403 "AccessDenied" ["0003-00000001"] "You have no right to access this object because of bucket acl.";
    /// An unknown `x-oss-signature-version`.
    VersionUnknown = 400 "InvalidArgument" ["0002-00000701"] "The x-oss-signature-version is invalid.";
    /// A V1 form on a bucket that takes none.
    V1Refused = 403 "AccessDenied" ["0002-00000080"] "Signature version 1 is not allowed for this bucket.";
    /// No policy beside a key id or a signature.
    PolicyMissing = 400 "InvalidArgument" ["0002-00000702"] "The bucket POST must contain the specified 'policy'. If it is specified, please check the order of the fields";
    /// No signature.
    SignatureMissing = 400 "InvalidArgument" ["0002-00000703"] "The bucket POST must contain the specified 'Signature'. If it is specified, please check the order of the fields";
    /// An empty signature.
    SignatureEmpty = 400 "InvalidArgument" ["0002-00000704"] "Post request signature is empty.";
    /// A signature that is not the one computed here.
    SignatureMismatch = 403 "SignatureDoesNotMatch" ["0002-00000705"] "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    /// No key id.
    KeyIdMissing = 400 "InvalidArgument" ["0002-00000706"] "The bucket POST must contain the specified 'OSSAccessKeyId'. If it is specified, please check the order of the fields";
    /// An empty key id.
    KeyIdEmpty = 400 "InvalidArgument" ["0002-00000707"] "Post request accessKeyId is empty.";
    /// A key id with characters that no key id has.
    KeyIdIllegal = 400 "InvalidArgument" ["0002-00000708"] "The access key id in credential is invalid.";
    /// A date that is malformed, too old, too early, or not the same day twice.
    DateInvalid = 400 "InvalidArgument" ["0002-00000709"] "The signing date in credential is invalid.";
    /// A credential that does not end as V4 wants it.
    TerminatorInvalid = 400 "InvalidArgument" ["0002-00000710"] "The credential does not end with aliyun_v4_request.";
    /// A credential with the wrong number of items or another product than oss.
    CredentialInvalid = 400 "InvalidArgument" [] "The credential is invalid.";
    /// A missing or malformed `x-oss-date` field.
    DateFieldInvalid = 400 "InvalidArgument" [] "The x-oss-date is missing or invalid.";
    /// A region that is not the bucket's.
    RegionInvalid = 400 "InvalidArgument" ["0002-00000715"] "The signing region in credential is invalid.";
    /// A key id that nobody here has, or a temporary one without its token.
    KeyIdUnknown = 403 "InvalidAccessKeyId" ["0002-00000902"] "The OSS Access Key Id you provided does not exist in our records.";
    /// A token that belongs to no key here.
    TokenInvalid = 403 "InvalidSecurityToken" [] "The security token you provided is invalid.";
    /// A token of another key.
    TokenOfAnother = 403 "AccessKeyIdAndSecurityTokenNotMatch" [] "The access key id and the security token do not match.";
    /// A token whose time is over.
    TokenExpired = 403 "SecurityTokenExpired" [] "The security token you provided has expired.";

    // The policy as a document.

    /// Not a policy at all.
    PolicyInvalid = 400 "InvalidPolicyDocument" ["0006-00000201"] "Invalid Policy.";
    /// Not base64.
    PolicyNotBase64 = 400 "InvalidPolicyDocument" ["0006-00000202"] "Invalid Policy: The policy is not base64.";
    /// Not UTF-8.
    PolicyNotUtf8 = 400 "InvalidPolicyDocument" ["0006-00000203"] "Invalid Policy: The policy is not UTF-8.";
    /// Not JSON.
    PolicyNotJson = 400 "InvalidPolicyDocument" ["0006-00000204"] "Invalid Policy: Invalid JSON.";
    /// A third top-level key.
    PolicyExtraKey = 400 "InvalidPolicyDocument" ["0006-00000206"] "Invalid Policy: Unexpected top-level item.";
    /// No conditions.
    NoConditions = 400 "InvalidPolicyDocument" ["0006-00000207"] "Invalid Policy: conditions is missing.";
    /// No expiration.
    NoExpiration = 400 "InvalidPolicyDocument" ["0006-00000208"] "Invalid Policy: expiration is missing.";
    /// Neither of the two.
    PolicyEmpty = 400 "InvalidPolicyDocument" ["0006-00000209"] "Invalid Policy: expiration and conditions are missing.";
    /// An expiration that is no string.
    ExpirationNotText = 400 "InvalidPolicyDocument" ["0006-00000210"] "Invalid Policy: expiration is not a string.";
    /// An empty expiration.
    ExpirationEmpty = 400 "InvalidPolicyDocument" ["0006-00000211"] "Invalid Policy: expiration is empty.";
    /// An expiration in another form.
    ExpirationMalformed = 400 "InvalidPolicyDocument" ["0006-00000212"] "Invalid Policy: expiration is not an ISO 8601 time in UTC.";
    /// An empty list of conditions.
    ConditionsEmpty = 400 "InvalidPolicyDocument" ["0006-00000215"] "Invalid Policy: conditions is empty.";
    /// A condition without its operator.
    OperatorMissing = 400 "InvalidPolicyDocument" ["0006-00000216"] "Invalid Policy: a condition lacks its operator.";
    /// An operator that does not exist.
    OperatorUnknown = 400 "InvalidPolicyDocument" ["0006-00000217"] "Invalid Policy: a condition has an unsupported operator.";
    /// A condition with too few or too many items.
    ConditionArity = 400 "InvalidPolicyDocument" ["0006-00000218"] "Invalid Policy: a condition has the wrong number of items.";
    /// A range whose end lies before its start.
    RangeReversed = 400 "InvalidPolicyDocument" ["0006-00000219"] "Invalid Policy: the maximum of content-length-range is smaller than its minimum.";
    /// A range whose start is no whole number.
    RangeMinInvalid = 400 "InvalidPolicyDocument" ["0006-00000220"] "Invalid Policy: Invalid JSON. ";
    /// A range whose end is no whole number.
    RangeMaxInvalid = 400 "InvalidPolicyDocument" ["0006-00000221"] "Invalid Policy: Invalid JSON. ";
    /// A condition that is neither an object nor an array.
    ConditionShape = 400 "InvalidPolicyDocument" ["0006-00000222"] "Invalid Policy: a condition is neither an object nor an array.";
    /// A condition with an item of the wrong JSON type.
    ConditionType = 400 "InvalidPolicyDocument" ["0006-00000223"] "Invalid Policy: a condition holds a value of the wrong type.";
    /// `in` or `not-in` without a list.
    ListMissing = 400 "InvalidPolicyDocument" ["0006-00000224"] "Invalid Policy: the value of in and not-in must be a list.";

    // The policy as a permission.

    /// The policy's time is over.
    PolicyExpired = 403 "AccessDenied" ["0006-00000213"] "Invalid according to Policy: Policy expired.";
    /// A condition on a field that the form lacks.
    FieldAbsent = 403 "AccessDenied" ["0006-00000226"] "Invalid according to Policy: Policy Condition failed.";
    /// A condition that the form does not meet.
    ConditionFailed = 403 "AccessDenied" ["0006-00000227"] "Invalid according to Policy: Policy Condition failed.";
    /// V4 fields that the policy does not name.
    ExtraFields = 403 "AccessDenied" ["0006-00000228"] "Invalid according to Policy: Extra input fields.";

    // The values.

    /// A key that cannot name an object.
    KeyInvalid = 400 "InvalidObjectName" [] "The specified object is not valid.";
    /// A field with a value that OSS does not know or cannot keep.
    ArgumentInvalid = 400 "InvalidArgument" [] "The value of a form field is invalid.";
    /// `x-oss-forbid-overwrite` that is neither true nor false.
    ForbidOverwriteInvalid = 400 "InvalidArgument" ["0006-00000117"] "The value of x-oss-forbid-overwrite must be true or false.";
    /// An encryption that OSS does not know.
    EncryptionInvalid = 400 "InvalidEncryptionAlgorithmError" [] "The encryption algorithm you specified is not valid.";

    // The callback, before anything is stored.

    /// A `callback` that is not base64.
    CallbackNotBase64 = 400 "InvalidArgument" ["0007-00000002"] "The callback configuration is not base64 encoded.";
    /// A `callback` that holds no JSON object.
    CallbackNotJson = 400 "InvalidArgument" [] "The callback configuration is not json format.";
    /// An address in `callbackUrl` that is none.
    CallbackUrlInvalid = 400 "InvalidArgument" ["0007-00000004"] "The callbackUrl is invalid.";
    /// More than five addresses in `callbackUrl`.
    CallbackUrlCount = 400 "InvalidArgument" ["0007-00000005"] "The callbackUrl has too many addresses.";
    /// A private address in `callbackUrl`.
    CallbackUrlPrivate = 400 "InvalidArgument" ["0007-00000008"] "The callbackUrl is a private address.";
    /// No `callbackBody`.
    CallbackBodyEmpty = 400 "InvalidArgument" ["0007-00000011"] "The callbackBody is empty.";
    /// A `callbackBodyType` that is none of the two.
    CallbackBodyTypeInvalid = 400 "InvalidArgument" ["0007-00000012"] "The callbackBodyType is invalid.";
    /// A `callback` that is too long, or with another member that is wrong.
    CallbackInvalid = 400 "InvalidArgument" [] "The callback configuration is invalid.";

    // The callback, when the object is stored.

    /// An address that could not be reached, or whose answer was not taken.
    CallbackFailed = 203 "CallbackFailed" [] "Error status : -1.OSS can not connect to your callbackUrl, please check it.";
    /// An answer that did not come in time.
    CallbackLate = 203 "CallbackFailed" ["0007-00000202"] "Cost too long time.";
    /// An answer that is no JSON.
    CallbackAnswerNotJson = 203 "CallbackFailed" ["0007-00000205"] "Response body is not valid json format.";

    // The key.

    /// The key that signed may not write this object.
    NoPermission = 403 "AccessDenied" ["0003-00000001"] "You have no right to access this object because of bucket acl.";

    // The file.

    /// A file over the range's maximum, or over 5 GB.
    FileTooLarge = 400 "EntityTooLarge" ["0006-00000003"] "Your proposed upload exceeds the maximum allowed size.";
    /// A file under the range's minimum.
    FileTooSmall = 400 "EntityTooSmall" ["0006-00000004"] "Your proposed upload smaller than the minimum allowed size.";
    /// An object that must not be overwritten is there.
    FileExists = 409 "FileAlreadyExists" [] "The object you specified already exists and can not be overwritten.";
}
