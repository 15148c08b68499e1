//! A local OSS: a bucket that validates uploads as the real service does.
//!
//! It accepts `PostObject` forms signed with V4 or V1, and requests on objects that are signed in the
//! URL or in a header, and stores the files in a directory. Buckets are private. `post_object` and
//! `request_auth` list their checks in the order of execution, and `error` the errors.
//! [`UploadValidator`] judges a captured request without storing it, [`Validator`] and
//! [`policy::PostPolicy`] work on parts of one, [`ParsedForm`] parses a form, and [`Oss::call`] handles
//! a whole request. The keys are in a key ring, which a local STS can share;
//! each key may have permissions of its own.
//!
//! `multipart_upload` describes the six operations of multipart uploads, which are kept on disk and
//! survive a restart; [`read_part_list`] reads the list of parts alone.
//!
//! Nothing here comes from the signer, not even the code for dates. `callback` describes upload
//! callbacks. Not emulated are tags, versioning, KMS keys, signature V2, the S3 dialect (such forms
//! are rejected, never ignored), listing of objects, copies and appending.
//!
//! Where the documentation is unclear, the stricter reading is used. [`choices::CHOICES`] lists these choices and the
//! settings for other readings; `docs/emulator.md` shows them as a table.

use std::error::Error;
use std::future::Future;
use std::sync::atomic::AtomicBool;
use std::{fmt, io};

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Body;
use tokio::net::TcpListener;

use crate::oss::state::OssState;

mod bucket_config;
mod callback;
pub mod choices;
mod content_type;
mod cors;
pub mod crc64;
mod error;
mod form;
mod form_data;
mod form_reader;
mod handler;
mod host;
mod key_lookup;
mod multipart_upload;
mod object;
mod operation;
mod options;
pub mod policy;
mod post_object;
mod query;
mod received_content;
mod referer;
mod request;
mod request_auth;
mod request_options;
mod request_validator;
mod response;
mod server;
mod signature;
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
pub use self::multipart_upload::part_list::{ListedPart, read_part_list};
pub use self::options::{BucketAcl, Clock, LocalBucket, Observer, OpenError, Options, OssEvent};
pub use self::query::RequestQuery;
pub use self::referer::RefererRules;
pub use self::request_validator::ValidRequest;
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
