//! A local OSS: a bucket that validates form uploads as the real service does.
//!
//! It accepts `PostObject` forms signed with V4 or V1, stores the files in a directory, and returns
//! them with GET and HEAD. Reading needs no signature, while the real service requires one for a
//! private object. `post_object` lists the checks in their order, and `error` the errors.
//! [`UploadValidator`] judges a captured request without storing it, [`Validator`] and
//! [`policy::PostPolicy`] work on parts of one, [`ParsedForm`] parses a form, and [`Oss::call`] handles
//! a whole request. The keys are in a key ring, which a local STS can share;
//! each key may have permissions of its own.
//!
//! Nothing here comes from the signer, not even the code for dates. `callback` describes upload
//! callbacks. Not emulated are tags, versioning, KMS keys, signature V2, the S3 dialect (such forms
//! are rejected, never ignored), listing, and other ways of uploading.
//!
//! # Choices where the documentation is unclear
//!
//! A form that passes here should pass in the cloud, so the stricter reading is used wherever
//! sources are silent or contradict each other. Where a client may rely on another reading, it can
//! be selected by name: with a [`Relaxation`], or with a field of [`Strictness`]. A dash means that
//! there is no setting.
//!
//! | Question | What is documented | Behaviour here | Setting for the other reading |
//! |---|---|---|---|
//! | The age of `x-oss-date` | the signature V4 page says 15 minutes and 7 days | 7 days behind, 15 minutes ahead | `date_behind`, `date_ahead` |
//! | A token that no condition names, in V4 | every sample names it | refused, EC 0006-00000228 | `uncovered-token` |
//! | Field and part header both give a content type | nothing | the condition must hold for both | `content-type-field` |
//! | `expiration` with microseconds or an offset | nothing | refused, EC 0006-00000212 | `any-expiration` |
//! | The policy expires while the body arrives | error code page 0006-00000213, two languages, two readings | refused, nothing is stored | `expiry-during-upload` |
//! | A comparison with the empty string | one refusal in a public issue | never holds | - |
//! | `\\$` in a condition's value | seen in SDK tests | a dollar sign, like `\$` | - |
//! | Another parameter than `boundary` in the request's `Content-Type`, such as `charset` | three public issues of one library, whose other platform works without it | not a form upload, `MethodNotAllowed` | `content-type-parameters` |
//! | A quoted boundary | an SDK sample removes the quotes; Qt and .NET send them | the quotes count, so the body is malformed | `quoted-boundary` |
//! | Names of parts without quotes | an SDK sample adds the quotes | malformed, EC 0006-00000103 | `unquoted-names` |
//! | No space after a semicolon | a public issue | the file is not found | `tight-semicolons` |
//! | Text before the first boundary | nothing | malformed, EC 0006-00000104 | `preamble` |
//! | A field sent twice | nothing | malformed, EC 0006-00000103 | `repeated-fields` |
//! | A `Content-Length` of a part | nothing; OkHttp sends one with each part | ignored | - |
//! | A file name or another part header that is not UTF-8, such as GBK | nothing | malformed, EC 0006-00000103 | - |
//! | A field value that is not UTF-8 | nothing | malformed, EC 0006-00000103 | - |
//! | The longest field value | pages say 2 MB, 8 KB and 4 KB | 2 MB | `value_limit` |
//! | What counts towards the 8 MB before the file | error code page 0006-00000112 names values | part headers and values | - |
//! | Needed fields after the file | pages say both ignored and error | count as missing; others are ignored | - |
//! | Case of field names | pages contradict each other | ignored, as in real traffic | `case_sensitive_names` |
//! | `${filename}` without a file name | nothing | refused, `InvalidArgument` | `missing-filename` |
//! | A path in the file name | nothing | its last component is used | `filename-folders` |
//! | `x-oss-tagging` | an old page says that forms take none | refused, `InvalidArgument` | `ignored-tagging` |
//! | Metadata or headers with line ends, metadata over 8 KB | the limit without its error | refused, `InvalidArgument` | - |
//! | Control characters in a key | nothing | refused, `InvalidObjectName` | - |
//! | Keys that begin with `-/` | allowed | refused, `InvalidObjectName`: reserved for the local callback key | - |
//! | `success_action_redirect` beside `callback` | nothing; the callback wins over a status | the redirect, after a successful callback | `callback-before-redirect` |
//! | The time for several addresses of a callback | 5 seconds, for one | 5 seconds for all together | `limits.callback` |
//! | A callback response that is JSON but not an object | pages show objects only | refused, EC 0007-00000205 | - |
//! | The size of a callback response | Callback page, 1 MB and 3 MB | 1 MB | - |
//! | A member of `callback` that no page names | nothing | refused, `InvalidArgument` | - |
//! | A port in `callbackHost` | Callback page: a name or an IP address | refused, `InvalidArgument` | - |
//! | What the 5 KB limit of `callback` counts | nothing | the field as it is sent | - |
//! | An `x:` variable with upper case, in the field or the template | Callback page: lower case | empty | - |
//! | A variable in JSON that has no value | nothing | the empty string, with its quotes | - |
//! | `success_action_redirect` | no page says the status or what is appended | 303, nothing appended, http and https only | `redirect-parameters` |
//! | `ETag` of a posted object | PostObject page: no MD5 | looks like an MD5 but is not one | `md5-etag` |
//! | V1 forms | refused for accounts and buckets of 2025 and later | accepted, as in old buckets | `refuse_v1` |
//! | The bucket's default host | refused for accounts of 2025 and later | accepted, as for old accounts | `refuse_public_endpoint` |
//! | A request that is not a multipart form | the page's code differs from the response in public issues | `MethodNotAllowed`, as observed | - |
//! | A V4 form whose version field is missing | error code page 0002-00000706 | treated as V1: `OSSAccessKeyId` is missing | - |
//! | A missing `x-oss-credential` | nothing | EC 0002-00000706, naming the field | - |
//! | A missing or malformed `x-oss-date` | nothing | `InvalidArgument` without an EC | - |
//! | `x-oss-date` on another day than the credential | signature V4 page, without the error | EC 0002-00000709 | - |
//! | Signatures in upper-case hex | signature V4 page: lower-case | refused, EC 0002-00000705 | - |
//! | A key id that expired | the page of 403 errors | `SecurityTokenExpired` | - |
//! | A key whose policies do not allow the object | error code page 0003-00000001 | refused with that EC | - |
//! | A region or an account in the resource of such a policy | buckets have no account here | matches nothing, only `*` does | - |
//! | `x-oss-object-acl` from a key without `oss:PutObjectAcl` | nothing | accepted, `oss:PutObject` is enough | - |
//! | The path of a `Referer` in referer rules | PutBucketReferer page: a setting, `TruncatePath` | ignored, as with the setting | - |
//! | Referer rules and preflight requests | nothing | not checked, they concern no object | - |

use std::error::Error;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::{fmt, io};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use tokio::net::TcpListener;

use crate::oss::state::OssState;

mod callback;
mod content_type;
mod cors;
mod error;
mod form;
mod form_data;
mod form_reader;
mod handler;
mod host;
mod options;
pub mod policy;
mod post_object;
mod referer;
mod request;
mod response;
mod server;
mod state;
mod store;
mod strictness;
mod upload_validator;
mod validator;

pub use self::callback::allowed::{AllowedCallbacks, CallbackAddress, InvalidCallbackAddress};
pub use self::callback::parameter::{
    CallbackBodyType, CallbackParameter, CallbackTarget, callback_warning,
};
pub use self::callback::signing_key::{prefix as callback_key_prefix, url as callback_key_url};
pub use self::error::{OssError, OssErrorKind};
pub use self::form::UploadForm;
pub use self::form_reader::ParsedForm;
pub use self::options::{Clock, LocalBucket, Observer, OpenError, Options, OssEvent};
pub use self::referer::RefererRules;
pub use self::strictness::{Relaxation, SignatureCheck, SkippedChecks, Strictness, TransferLimits};
pub use self::upload_validator::{UploadValidator, ValidUpload};
pub use self::validator::fields::{ObjectOptions, SuccessAction};
pub use self::validator::{AcceptedForm, Validator};
pub use crate::keys::AccessKey;

/// A local OSS.
pub struct Oss {
    state: OssState,
}

impl Oss {
    /// Opens the data directory and removes the unfinished uploads of an earlier run.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        OssState::open(options).map(|state| Self { state })
    }

    /// Handles one request in process, without a socket. Needs a tokio runtime with a timer.
    ///
    /// The length of an upload is the body's size hint; an upload without an exact one is rejected.
    pub async fn call<B>(
        &self,
        request: Request<B>,
    ) -> Response<impl Body<Data = Bytes, Error = io::Error> + use<B>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        handler::handle(&self.state, request, &AtomicBool::new(false)).await
    }

    /// Serves until `shutdown` completes. Uploads in progress then have ten seconds to finish.
    pub async fn serve<F: Future<Output = ()>>(
        self,
        listener: TcpListener,
        shutdown: F,
    ) -> io::Result<()> {
        server::serve(self.state, listener, shutdown).await
    }
}

impl fmt::Debug for Oss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Oss").finish_non_exhaustive()
    }
}
