//! Grants: rules, caller, credentials and time give the URL, the fields and the expiry of a form.
//!
//! This module combines policy and signature. It is pure: time and randomness are arguments. OSS accepts every
//! field that the policy does not name, so the policy names everything that matters: bucket, key, size, status, the
//! callback, and whatever else the client is known to send.
//!
//! | file | owns |
//! |---|---|
//! | `form` | the fields that a route fixes, and the signature of a form |
//! | `object` | the object of an upload that is not a form |
//! | `part` | the signatures of the parts of a large file |
//! | `callback_fields` | the fields of the upload callback, and the receipt in them |
//! | `put` | a presigned PUT |
//! | `download` | a presigned GET and HEAD |
//!
//! ```
//! use oss_upload_signer::grant::{self, GrantRequest, Form};
//! # use oss_upload_signer::{credentials::Credentials, policy, secret::Secret, time::Timestamp};
//! # use std::time::Duration;
//! # use policy::template::RenderContext;
//! # let bucket = policy::bucket::Bucket::parse("examplebucket").unwrap();
//! # let region = policy::bucket::Region::parse("cn-hangzhou").unwrap();
//! # let template = policy::template::Template::directory("up/{uuid}/").unwrap();
//! # let route = policy::route::Route::new("default", bucket, region, template);
//! # let credentials = Credentials {
//! #     key_id: "LTAI5tExample".into(), secret: Secret::new("s"), token: None, usable_until: None };
//! # let now = Timestamp::from_unix(1_732_687_781).unwrap();
//! let request = GrantRequest { filename: Some("a.png".into()), size: Some(10), ..GrantRequest::new(Form::Complete) };
//! let context = RenderContext::anonymous(now, &[7; 16]);
//! let grant = grant::issue(&request, &route, &credentials, &context, None).unwrap();
//! assert_eq!(grant.url, "https://examplebucket.oss-cn-hangzhou.aliyuncs.com");
//! assert_eq!(grant.expires_at, now.plus(Duration::from_secs(600)));
//! ```

pub mod callback_fields;
pub mod download;
pub mod form;
pub mod object;
pub mod part;
pub mod put;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::grant::callback_fields::{ReceiptClaims, ReceiptSigner};

use crate::callback::receipt::ReceiptScope;
use crate::grant::form::{Field, FormRules, sign_form};
use crate::policy::PolicyError;
use crate::policy::content_type::{ContentType, UNKNOWN, is_allowed};
use crate::policy::document::Condition;
use crate::policy::key::safe_name;
use crate::policy::route::{MAX_OBJECT_BYTES, Route, SizeRange, SuccessStatus};
use crate::policy::template::RenderContext;
use crate::policy::{content_type, metadata};
use crate::signing::request::RequestSigner;
use crate::signing::v4::V4Signer;
use crate::time::Timestamp;

/// A grant ends at least this long before its credentials, because clocks differ and an upload takes time.
const CREDENTIAL_MARGIN: Duration = Duration::from_mins(1);

/// A request to upload one file, as far as the client has described it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRequest {
    /// The file name; without it, a documented form may use any key in the directory.
    pub filename: Option<String>,
    /// The content type.
    pub content_type: Option<ContentType>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// The metadata of the object, by name without `x-oss-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// The fields that the form contains.
    pub form: Form,
    /// The status that the client needs, if it cannot use that of the route.
    pub success: Option<SuccessStatus>,
}

/// The fields that a client's form contains. A condition on an absent field always fails, so this decides which
/// fields the policy can fix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Every field of the grant.
    Complete,
    /// Only the fields that the documentation's page posts.
    Documented,
}

impl GrantRequest {
    /// Returns a request without any description of the file.
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self {
            filename: None,
            content_type: None,
            size: None,
            metadata: BTreeMap::new(),
            success: None,
            form,
        }
    }
}

/// A permission to upload one file: the URL and the fields of a signed form.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The URL to which the form is posted.
    pub url: String,
    /// The fields of the form in order. The file follows them, in a part named `file`.
    pub fields: Vec<Field>,
    /// The directory of the key, with its trailing slash.
    pub directory: String,
    /// The object key; `None` if the client may use any key in the directory.
    pub key: Option<String>,
    /// Whether no other grant has this key, so that an object there was uploaded with this grant.
    pub unique: bool,
    /// The last moment at which OSS accepts the form.
    pub expires_at: Timestamp,
}

impl Grant {
    /// Returns the value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// The fields permit an upload and contain the security token, so they are not shown.
impl fmt::Debug for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grant")
            .field("url", &self.url)
            .field("directory", &self.directory)
            .field("key", &self.key)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The reason why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// The rules of the route refuse the request.
    Policy(PolicyError),
    /// The credentials end too soon for an upload.
    CredentialsExpired,
    /// The route has a callback, and there is no key for the receipt or no URL to call.
    ReceiptSignerMissing,
    /// The upload has no part of this number.
    PartOutOfRange {
        /// The requested number.
        number: u32,
        /// The number of parts.
        count: u32,
    },
    /// The route gives out no download links.
    DownloadNotEnabled,
    /// The template of the route does not render this key for this caller.
    KeyNotAllowed(String),
    /// The route does not allow this operation on an object.
    ProcessNotAllowed(String),
}

impl From<PolicyError> for GrantError {
    fn from(refusal: PolicyError) -> Self {
        Self::Policy(refusal)
    }
}

/// Signs a form that allows exactly the requested upload, as far as the route allows it. A route with a callback
/// needs a `signer`.
pub fn issue(
    request: &GrantRequest,
    route: &Route,
    credentials: &Credentials,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
) -> Result<Grant, GrantError> {
    let terms = GrantTerms::of(request, route, credentials, context, signer)?;
    let GrantTerms { request, directory, key, unique, size, fixed_fields, expires_at } = terms;
    let rules = FormRules {
        key: key.as_deref(),
        key_condition: match &key {
            Some(key) => Condition::Equal("key", key),
            None => Condition::StartsWith("key", &directory),
        },
        size,
        types: type_conditions(&request, route)?,
        fixed_fields,
        expires_at,
    };
    let fields = sign_form(rules, route, credentials, context.now);
    Ok(Grant { url: route.host.as_str().to_owned(), fields, directory, key, unique, expires_at })
}

/// What a request is granted, whatever carries it to OSS.
struct GrantTerms {
    /// The request with the type and the name that were decided.
    request: GrantRequest,
    directory: String,
    /// `None` if the client may use any key in the directory.
    key: Option<String>,
    /// Whether no other grant has this key.
    unique: bool,
    size: SizeRange,
    /// The fields of a form that the function fixes.
    fixed_fields: Vec<Field>,
    expires_at: Timestamp,
}

impl GrantTerms {
    /// Checks the request against the rules of the route.
    fn of(
        request: &GrantRequest,
        route: &Route,
        credentials: &Credentials,
        context: &RenderContext<'_>,
        signer: Option<&ReceiptSigner<'_>>,
    ) -> Result<Self, GrantError> {
        let expires_at = expiry(route, credentials, context.now)?;
        let request = resolve_file(request, route);
        check_form(&request, route)?;
        metadata::check(&route.metadata, &request.metadata).map_err(PolicyError::Metadata)?;
        let ObjectLocation { directory, key } = location(&request, route, context)?;
        let size = size(&request, route)?;
        // The conditions of a form; any other request fixes its type, and has to pass the same rules.
        type_conditions(&request, route)?;
        let mut fixed_fields = form::fixed_fields(&request, route, context)?;
        let unique = key.is_some() && route.template.is_unique();
        if route.callback.is_some() {
            let scope = match &key {
                Some(key) => ReceiptScope::Key(key.clone()),
                None => ReceiptScope::Prefix(directory.clone()),
            };
            let types = form::stored_types(&request, route);
            let once = unique && form::forbids_overwrite(&request, route);
            let granted = ReceiptClaims { scope, size, types, expires_at, once };
            let fields = callback_fields::fields(request.form, route, context, signer, granted)?;
            fixed_fields.extend(fields);
        }
        Ok(Self { request, directory, key, unique, size, fixed_fields, expires_at })
    }
}

/// Decides the key of a file by the rules of the route, for credentials with which the caller uploads it.
///
/// # Errors
/// The rules of the route refuse the file, as far as the request describes it.
pub fn object_key(
    request: &GrantRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<String, PolicyError> {
    let request = resolve_file(request, route);
    let ObjectLocation { key, .. } = location(&request, route, context)?;
    request.size.map_or(Ok(()), |size| route.check_size(size))?;
    type_conditions(&request, route)?;
    // Only the form of the documentation leaves the key to the client.
    key.ok_or(PolicyError::NameRequired)
}

/// Returns the signer of requests for the bucket of a route.
fn request_signer<'a>(
    route: &'a Route,
    credentials: &'a Credentials,
    now: Timestamp,
) -> RequestSigner<'a> {
    RequestSigner::new(V4Signer {
        key_id: &credentials.key_id,
        secret: &credentials.secret,
        token: credentials.token.as_ref(),
        region: route.region.as_str(),
        now,
    })
}

/// The name of a file without one. `FormData` calls a file `blob` if a page has made it, such as a cropped picture.
const NAMELESS: &str = "file";
const BLOB: &str = "blob";

/// Decides the type of the file, and gives a file without a real name the extension of its type.
///
/// The documentation's page posts no field for the type: if the request names none, the conditions on the part `file`
/// apply to whatever the browser writes there, as far as a policy can express them.
fn resolve_file(request: &GrantRequest, route: &Route) -> GrantRequest {
    let named = request.content_type.as_ref();
    let is_left_to_browser = request.form == Form::Documented
        && named.is_none()
        && content_type::as_conditions(&route.types).is_some();
    let decided = content_type::of_file(named, request.filename.as_deref());
    let content_type = decided.filter(|_| !is_left_to_browser);
    let extension =
        content_type.as_ref().and_then(|one| content_type::extension(one, &route.extensions));
    let filename = match (request.filename.as_deref(), extension) {
        (Some(BLOB), Some(extension)) => Some(format!("{BLOB}.{extension}")),
        (None, Some(extension)) if request.form == Form::Complete => {
            Some(format!("{NAMELESS}.{extension}"))
        }
        (name, _) => name.map(str::to_owned),
    };
    GrantRequest { filename, content_type, ..request.clone() }
}

/// Returns the end of the grant, which is before that of its credentials.
fn expiry(
    route: &Route,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Timestamp, GrantError> {
    expiry_after(route.lifetime, credentials, now)
}

/// Returns the end of a permission that lasts for `lifetime`, which is before that of its credentials.
fn expiry_after(
    lifetime: Duration,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Timestamp, GrantError> {
    let wanted = now.plus(lifetime);
    let allowed =
        credentials.usable_until.map_or(wanted, |end| wanted.min(end.minus(CREDENTIAL_MARGIN)));
    if allowed <= now {
        return Err(GrantError::CredentialsExpired);
    }
    Ok(allowed)
}

/// The destination of an object.
struct ObjectLocation {
    directory: String,
    key: Option<String>,
}

/// Returns the destination. The documentation's page composes the key from directory and file name itself, unless it
/// has named the file or the route fixes the whole key. Every other form contains its key.
fn location(
    request: &GrantRequest,
    route: &Route,
    context: &RenderContext<'_>,
) -> Result<ObjectLocation, PolicyError> {
    let name = request.filename.as_deref().map(safe_name);
    route.check_name(name.as_deref())?;
    if name.is_none() && request.form == Form::Documented && route.template.uses_file_name() {
        return Ok(ObjectLocation {
            directory: route.template.render_directory(context)?,
            key: None,
        });
    }
    let name = name.unwrap_or_else(|| safe_name(""));
    let key = route.template.render(context, &name)?;
    let directory = key[..key.rfind('/').map_or(0, |slash| slash + 1)].to_owned();
    Ok(ObjectLocation { directory, key: Some(key) })
}

/// Checks that the form contains the fields that the route fixes. Without their conditions it would allow more than
/// the route, and with them OSS would refuse it.
fn check_form(request: &GrantRequest, route: &Route) -> Result<(), PolicyError> {
    let is_plain = route.status == SuccessStatus::Ok
        && route.headers.is_empty()
        && route.metadata.is_empty()
        && request.metadata.is_empty();
    if request.form == Form::Complete || is_plain {
        return Ok(());
    }
    let status = (route.status != SuccessStatus::Ok).then_some(form::SUCCESS_ACTION_STATUS);
    let headers = route.headers.iter().map(|header| header.name);
    let required = route.metadata.iter().filter(|rule| rule.required).map(|rule| &rule.name);
    let metadata = required.chain(request.metadata.keys()).map(|name| form::metadata_field(name));
    let fields: Vec<_> =
        status.into_iter().chain(headers).map(str::to_owned).chain(metadata).collect();
    if fields.is_empty() { Ok(()) } else { Err(PolicyError::NativeCallRequired { fields }) }
}

/// Returns the allowed sizes: exactly the requested size, if there is one.
fn size(request: &GrantRequest, route: &Route) -> Result<SizeRange, PolicyError> {
    let Some(size) = request.size else {
        return Ok(route.single_request_size());
    };
    route.check_size(size)?;
    if size > MAX_OBJECT_BYTES {
        return Err(PolicyError::MultipartRequired { size });
    }
    Ok(SizeRange { min: size, max: size })
}

fn type_conditions<'a>(
    request: &'a GrantRequest,
    route: &'a Route,
) -> Result<Vec<Condition<'a>>, PolicyError> {
    if let Some(content_type) = &request.content_type {
        route.check_type(content_type)?;
    }
    match (&request.content_type, request.form) {
        // The type is fixed as a field. Without a type, every type has to be allowed.
        (Some(_), Form::Complete) => Ok(Vec::new()),
        (None, Form::Complete) if allows_unknown(route) => Ok(Vec::new()),
        (None, Form::Complete) => Err(PolicyError::TypeRequired),
        // The documentation's page posts no field for the type, so this condition is on that of the part `file`.
        (Some(content_type), Form::Documented) => Ok(vec![content_type.as_condition()]),
        (None, Form::Documented) => {
            content_type::as_conditions(&route.types).ok_or(PolicyError::TypeRequired)
        }
    }
}

/// Returns whether the route allows the type of a file about which nothing is known.
fn allows_unknown(route: &Route) -> bool {
    ContentType::parse(UNKNOWN).is_some_and(|unknown| is_allowed(&route.types, &unknown))
}
