//! OSS: a bucket that judges form uploads as the real one does.
//!
//! It takes `PostObject` forms signed with V4 or V1, keeps the files in a folder, and gives them
//! back with GET and HEAD; those are open to everybody, where the real service wants a signature
//! for a private object. The list of checks stands in `post_object`, the words of each refusal in
//! `refusal`. [`Court`] and [`policy::Policy`] judge without a server, [`Reading`] takes a form apart
//! without one, and [`Oss::call`] does both. The keys that may sign hang on a ring which a local STS
//! can share, and each may have permissions of its own.
//!
//! It is an independent judge: nothing here comes from the signer, not even the calendar. A stored
//! object is told of where the form asks for it: `callback` says how. What it does not play: tags,
//! versioning, KMS keys, signature V2 and the S3 dialect (their
//! forms are refused, never ignored), listing, and any other way of uploading.
//!
//! # Where the documentation leaves a choice
//!
//! A form that passes here should pass there, so the stricter reading is taken wherever sources
//! are silent or contradict each other. Where a client may rely on the other reading, it can be
//! chosen by name: a [`Leniency`], or a field of [`Judgement`]. A dash means that there is no
//! setting.
//!
//! | Question | What is known of it | Taken here | Setting for the other reading |
//! |---|---|---|---|
//! | How old may `x-oss-date` be | the signature V4 page says 15 minutes and 7 days | 7 days behind, 15 minutes ahead | `date_behind`, `date_ahead` |
//! | A token that no condition names, in V4 | every sample names it | refused, EC 0006-00000228 | `uncovered-token` |
//! | Field and part header both give a content type | silent | the condition must hold for both | `content-type-field` |
//! | `expiration` with microseconds or an offset | silent | refused, EC 0006-00000212 | `any-expiration` |
//! | The policy expires while the body arrives | error code page 0006-00000213, two languages, two readings | refused, nothing is stored | `expiry-during-upload` |
//! | A comparison with the empty string | one refusal in a public issue | never holds | - |
//! | `\\$` in a condition's value | seen in SDK tests | a dollar sign, like `\$` | - |
//! | A quoted boundary | an SDK sample takes the quotes off | the quotes count, so the body is malformed | `quoted-boundary` |
//! | Names of parts without quotes | an SDK sample puts the quotes on | malformed, EC 0006-00000103 | `unquoted-names` |
//! | No space after a semicolon | a public issue | the file is not found | `tight-semicolons` |
//! | Text before the first boundary | silent | malformed, EC 0006-00000104 | `preamble` |
//! | A field sent twice | silent | malformed, EC 0006-00000103 | `repeated-fields` |
//! | A field value that is not UTF-8 | silent | malformed, EC 0006-00000103 | - |
//! | The longest field value | pages say 2 MB, 8 KB and 4 KB | 2 MB | `value_limit` |
//! | What counts to the 8 MB before the file | error code page 0006-00000112 names values | part headers and values | - |
//! | Needed fields after the file | pages say ignored, and error | count as missing; others are ignored | - |
//! | Case of field names | pages contradict each other | does not count, as in real traffic | `case_sensitive_names` |
//! | `${filename}` without a file name | silent | refused, `InvalidArgument` | `missing-filename` |
//! | A path in the file name | silent | its last component is used | `filename-folders` |
//! | `x-oss-tagging` | an old page says that forms take none | refused, `InvalidArgument` | `ignored-tagging` |
//! | Metadata or headers with line ends, metadata over 8 KB | the limit without its error | refused, `InvalidArgument` | - |
//! | Control characters in a key | silent | refused, `InvalidObjectName` | - |
//! | Keys below `-/` | allowed | refused, `InvalidObjectName`: the local key for callbacks lies there | - |
//! | `success_action_redirect` beside `callback` | silent; the callback wins over a status | the redirect, after a callback that went well | `callback-before-redirect` |
//! | The time for several addresses of a callback | 5 seconds, for one | 5 seconds for all together | `patience.callback` |
//! | A callback's answer that is JSON and no object | pages show objects only | refused, EC 0007-00000205 | - |
//! | The length of a callback's answer | Callback page, 1 MB and 3 MB | 1 MB | - |
//! | A member of `callback` that no page names | silent | refused, `InvalidArgument` | - |
//! | A port in `callbackHost` | Callback page: a name or an IP address | refused, `InvalidArgument` | - |
//! | What the 5 KB of `callback` count | silent | the field as it is sent | - |
//! | An `x:` variable with upper case, in the field or the template | Callback page: lower case | empty | - |
//! | A variable in JSON that has no value | silent | the empty string, with its quotes | - |
//! | `success_action_redirect` | no page says the status or what is appended | 303, nothing appended, http and https only | `redirect-parameters` |
//! | `ETag` of a posted object | PostObject page: no MD5 | looks like an MD5 and is none | `md5-etag` |
//! | V1 forms | refused for accounts and buckets of 2025 and later | taken, as by old buckets | `refuse_v1` |
//! | The bucket's default host | refused for accounts of 2025 and later | taken, as for old accounts | `refuse_public_endpoint` |
//! | A request that is no multipart form | the page's code and the answer in public issues differ | `MethodNotAllowed`, as it was seen | - |
//! | A V4 form whose version field is missing | error code page 0002-00000706 | taken for V1: `OSSAccessKeyId` is missing | - |
//! | A missing `x-oss-credential` | silent | EC 0002-00000706, naming the field | - |
//! | A missing or malformed `x-oss-date` | silent | `InvalidArgument` without an EC | - |
//! | `x-oss-date` on another day than the credential | signature V4 page, without the error | EC 0002-00000709 | - |
//! | Signatures in upper-case hex | signature V4 page: lower-case | refused, EC 0002-00000705 | - |
//! | A key id that expired | the page of 403 errors | `SecurityTokenExpired` | - |
//! | A key whose policies do not allow the object | error code page 0003-00000001 | refused with that EC | - |
//! | A region or an account in the resource of such a policy | buckets have no account here | matches nothing, only `*` does | - |
//! | `x-oss-object-acl` from a key without `oss:PutObjectAcl` | silent | taken, `oss:PutObject` is enough | - |

mod answer;
mod auth;
mod call;
mod callback;
mod cors;
mod dispatch;
mod fields;
mod form;
mod get_object;
mod host;
mod inflow;
mod judge;
mod judgement;
mod key;
mod media_type;
mod multipart;
mod options;
mod outflow;
pub mod policy;
mod post_object;
mod reading;
mod reception;
mod refusal;
mod server;
mod site;
mod store;
mod unchecked;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::sync::atomic::AtomicBool;

use bytes::Bytes;
use http::Request;
use http::Response;
use hyper::body::Body;
use tokio::net::TcpListener;

use self::site::Site;

pub use crate::keys::AccessKey;

pub use self::callback::Address;
pub use self::callback::BodyType;
pub use self::callback::Callback;
pub use self::callback::CallbackTo;
pub use self::callback::InvalidAddress;
pub use self::callback::Target;
pub use self::callback::key::prefix as callback_key_prefix;
pub use self::callback::key::url as callback_key_url;
pub use self::fields::Success;
pub use self::fields::Wishes;
pub use self::form::Form;
pub use self::judge::Court;
pub use self::judge::Verdict;
pub use self::judgement::Judgement;
pub use self::judgement::Leniency;
pub use self::judgement::Patience;
pub use self::options::Bucket;
pub use self::options::Clock;
pub use self::options::Event;
pub use self::options::Observer;
pub use self::options::OpenError;
pub use self::options::Options;
pub use self::reading::Reading;
pub use self::refusal::Kind;
pub use self::refusal::Refusal;
pub use self::unchecked::Unchecked;

/// A local OSS, opened and not yet serving.
pub struct Oss {
    site: Site,
}

impl Oss {
    /// Opens the data folder and clears what an earlier run left unfinished.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        Site::open(options).map(|site| Self { site })
    }

    /// Answers one request in process, without a socket; needs a tokio runtime with a timer.
    ///
    /// An upload's length is what the body's size hint says; without an exact one it is refused.
    pub async fn call<B>(
        &self,
        request: Request<B>,
    ) -> Response<impl Body<Data = Bytes, Error = io::Error> + use<B>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        dispatch::answer(&self.site, request, &AtomicBool::new(false)).await
    }

    /// Serves until `shutdown` ends; uploads that are under way then have ten seconds to finish.
    pub async fn serve<F: Future<Output = ()>>(
        self,
        listener: TcpListener,
        shutdown: F,
    ) -> io::Result<()> {
        server::serve(self.site, listener, shutdown).await
    }
}

impl fmt::Debug for Oss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Oss").finish_non_exhaustive()
    }
}
