//! The deed: rules + caller + credentials + now → address, ordered fields, expiry.
//!
//! The one place where policy and signature meet. Pure: no clock, no random, no environment of its
//! own. OSS accepts any field that the policy does not name, so everything that matters is named:
//! bucket, key, size, status, the callback, and whatever else the client is known to send.
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
pub mod form;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::grant::callback_fields::{ReceiptClaims, ReceiptSigner};

use crate::callback::receipt::ReceiptScope;
use crate::grant::form::{Field, FormRules, sign_form};
use crate::policy::PolicyError;
use crate::policy::content_type::ContentType;
use crate::policy::document::Condition;
use crate::policy::key::safe_name;
use crate::policy::route::{Route, SizeRange, SuccessStatus};
use crate::policy::template::RenderContext;
use crate::policy::{content_type, metadata};
use crate::time::Timestamp;

/// How long before its credential ends a grant ends, for clocks that differ a little.
const CREDENTIAL_MARGIN: Duration = Duration::from_mins(1);

/// What somebody wishes to upload, as far as they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRequest {
    /// The file's own name; without it a fixed form may use any key in the directory.
    pub filename: Option<String>,
    /// The file's type.
    pub content_type: Option<ContentType>,
    /// The file's size in bytes.
    pub size: Option<u64>,
    /// The metadata that the object gets, by name without `x-oss-meta-`.
    pub metadata: BTreeMap<String, String>,
    /// Which fields the form will carry.
    pub form: Form,
    /// The status that the client has to read, where it cannot do with the route's.
    pub success: Option<SuccessStatus>,
}

/// Which fields a client's form carries. A condition on a field that the form lacks is never
/// satisfied, so this decides what can be fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Every field of the grant, whatever they are.
    Complete,
    /// The fields that the documentation's page posts, and no other.
    Documented,
}

impl GrantRequest {
    /// Wishes for nothing in particular.
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

/// A permission to upload one file, ready to be put into a form.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The address to post the form to.
    pub url: String,
    /// The form's fields in order; the file comes after them, in a part named `file`.
    pub fields: Vec<Field>,
    /// The directory that the key lies in, with its trailing slash.
    pub directory: String,
    /// The object's key, when the server made it; else any key in the directory.
    pub key: Option<String>,
    /// Whether no other grant has this key: then whatever lies there was uploaded under this one.
    pub unique: bool,
    /// The last moment at which OSS takes the form.
    pub expires_at: Timestamp,
}

impl Grant {
    /// Gives a field's value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }
}

/// A grant is a bearer's permission and carries the token, so it shows only where and until when.
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

/// Says why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// The route's rules forbid the wish.
    Policy(PolicyError),
    /// The credential ends before anything could be uploaded with it.
    CredentialsExpired,
    /// Somebody is to be told, and there is nothing to signer the receipt with, or no address to call.
    ReceiptSignerMissing,
}

impl From<PolicyError> for GrantError {
    fn from(refusal: PolicyError) -> Self {
        Self::Policy(refusal)
    }
}

/// Signs one wish, exactly as wide as the route allows and the wish needs. A route that has somebody told
/// needs a signer.
pub fn issue(
    request: &GrantRequest,
    route: &Route,
    credentials: &Credentials,
    context: &RenderContext<'_>,
    signer: Option<&ReceiptSigner<'_>>,
) -> Result<Grant, GrantError> {
    let expires_at = expiry(route, credentials, context.now)?;
    check_form(request, route)?;
    metadata::check(&route.metadata, &request.metadata).map_err(PolicyError::Metadata)?;
    let ObjectLocation { directory, key } = location(request, route, context)?;
    let (size, type_conditions) = (size(request, route)?, type_conditions(request, route)?);
    let mut fixed = form::fixed_fields(request, route, context)?;
    let unique = key.is_some() && route.template.is_unique();
    if route.callback.is_some() {
        let scope = match &key {
            Some(key) => ReceiptScope::Key(key.clone()),
            None => ReceiptScope::Prefix(directory.clone()),
        };
        let types = form::stored_types(request, route);
        let once = unique && form::forbids_overwrite(request, route);
        let granted = ReceiptClaims { scope, size, types, expires_at, once };
        fixed.extend(callback_fields::fields(request.form, route, context, signer, granted)?);
    }
    let rules = FormRules {
        key: key.as_deref(),
        key_condition: match &key {
            Some(key) => Condition::Equal("key", key),
            None => Condition::StartsWith("key", &directory),
        },
        size,
        types: type_conditions,
        fixed_fields: fixed,
        expires_at,
    };
    let fields = sign_form(rules, route, credentials, context.now);
    Ok(Grant { url: route.host.as_str().to_owned(), fields, directory, key, unique, expires_at })
}

/// A grant never outlives its credential.
fn expiry(
    route: &Route,
    credentials: &Credentials,
    now: Timestamp,
) -> Result<Timestamp, GrantError> {
    let wanted = now.plus(route.lifetime);
    let allowed =
        credentials.usable_until.map_or(wanted, |end| wanted.min(end.minus(CREDENTIAL_MARGIN)));
    if allowed <= now {
        return Err(GrantError::CredentialsExpired);
    }
    Ok(allowed)
}

/// Where an object goes.
struct ObjectLocation {
    directory: String,
    key: Option<String>,
}

/// The documentation's page makes the key of directory and file name by itself, unless it named
/// the file or the route fixes the whole key; every other form is given its key.
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

/// Refuses a form that does not carry what the route fixes. Without these conditions it would be
/// wider than the route, and with them OSS would refuse it.
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

/// A size that was named is fixed exactly, so that what was asked for is what arrives.
fn size(request: &GrantRequest, route: &Route) -> Result<SizeRange, PolicyError> {
    let Some(size) = request.size else {
        return Ok(route.size);
    };
    route.check_size(size)?;
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
        // Pinned as a field already; where no type is known, it has to be one that is allowed.
        (Some(_), Form::Complete) => Ok(Vec::new()),
        (None, Form::Complete) if route.types.is_empty() => Ok(Vec::new()),
        (None, Form::Complete) => Err(PolicyError::TypeRequired),
        // The documentation's page posts no type, so OSS holds the file part's own against this.
        (Some(content_type), Form::Documented) => Ok(vec![content_type.as_condition()]),
        (None, Form::Documented) => {
            content_type::as_conditions(&route.types).ok_or(PolicyError::TypeRequired)
        }
    }
}
