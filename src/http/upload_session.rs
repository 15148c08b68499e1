//! Uploads in parts: the steps that every call shares, whatever its response format.
//!
//! [`begin`] starts an upload at OSS and writes its token. [`UploadSession`] continues one: it verifies the token,
//! authenticates the caller again, and compares both. Nothing is stored between two calls.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::App;
use crate::bucket::multipart_upload::{
    CallbackOutcome, CompletedObject, Completion, HeadResult, UploadedPart, X_OSS_META_UPLOAD_ID,
};
use crate::bucket::{BucketAddress, BucketClient, BucketError};
use crate::callback::receipt::ReceiptScope;
use crate::callback::upload_token::{
    MAX_SUBJECT_BYTES, UploadToken, UploadTokenError, UploadTokenScope,
};
use crate::grant::callback_fields::{self, CallbackHeaders, ReceiptClaims, ReceiptSigner};
use crate::grant::form::X_OSS_FORBID_OVERWRITE;
use crate::grant::object::grant_object;
use crate::grant::part::{SignedParts, part_count, plan, sign_list, sign_parts};
use crate::grant::{GrantError, GrantRequest};
use crate::http::error::{ApiError, MultipartError};
use crate::http::finished_upload::FinishedUpload;
use crate::http::request::{ApiRequest, find_route};
use crate::http::signing::{SigningSession, attributes};
use crate::policy::PolicyError;
use crate::policy::content_type::ContentType;
use crate::policy::header::X_OSS_OBJECT_ACL;
use crate::policy::part_size::{MAX_PARTS, MultipartRules, PartPlan};
use crate::policy::route::{Route, SizeRange};
use crate::policy::template::RenderContext;
use crate::time::Timestamp;

/// The time for the requests to OSS of one call, unless the platform gives less.
const TIME_LIMIT: Duration = Duration::from_secs(25);

/// What is left of the platform's time to write the answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// How long after its token an upload that is being completed may still be stored. OSS checks nothing of a token.
const COMPLETION_TIME: Duration = Duration::from_hours(1);

/// An upload that has begun. The signed token continues it, so it has no `Debug`.
pub(super) struct NewUpload {
    pub(super) token: UploadToken,
    /// The signed token.
    pub(super) text: String,
    /// Whether no other grant has this key.
    pub(super) unique: bool,
}

/// Returns the rules of the route for uploads in parts.
pub(super) fn rules(route: &Route) -> Result<MultipartRules, ApiError> {
    route.multipart.ok_or_else(|| MultipartError::NotEnabled.into())
}

/// Checks that the rules of the route allow this file, and returns the size of its parts.
pub(super) fn check_size(
    route: &Route,
    size: Option<u64>,
    part_size: Option<u64>,
) -> Result<u64, ApiError> {
    let rules = rules(route)?;
    let part_size = part_size.unwrap_or(rules.part_size);
    let Some(size) = size else {
        if rules.unsized_files {
            return Ok(part_size);
        }
        return Err(ApiError::invalid(
            "the size of the file is missing, and every part is signed with its exact length; a client that \
             cannot name it needs 'unsized = true' in [routes.<name>.multipart]",
            "缺少文件大小，每个分片都按确切长度签名；无法提供大小的客户端需要在 [routes.<name>.multipart] 中设置 unsized = true",
        ));
    };
    let plan = PartPlan::new(size, part_size).map_err(PolicyError::Parts);
    let checked = route.check_size(size).and(plan.map(|_| part_size));
    checked.map_err(|error| ApiError::from_grant(GrantError::Policy(error), route))
}

/// Begins an upload at OSS.
pub(super) async fn begin(
    session: &SigningSession<'_>,
    file: &GrantRequest,
    part_size: Option<u64>,
    deadline: Instant,
) -> Result<NewUpload, ApiError> {
    let route = session.route;
    let part_size = check_size(route, file.size, part_size)?;
    let rules = rules(route)?;
    let refuse = |error| ApiError::from_grant(GrantError::Policy(error), route);
    let subject = session.caller.subject.clone();
    if subject.as_ref().is_some_and(|subject| subject.len() > MAX_SUBJECT_BYTES) {
        return Err(refuse(PolicyError::CallerUnusable { placeholder: "sub".to_owned() }));
    }
    let random = session.random()?;
    let claim = |name: &str| session.caller.claim(name);
    let attributes = attributes(&session.caller, &claim);
    let context = RenderContext { now: session.now, random: &random, attributes };
    let object = grant_object(file, route, &context).map_err(refuse)?;
    let mut token = UploadToken {
        id: random,
        route: route.name.clone(),
        bucket: route.bucket.as_str().to_owned(),
        key: object.key,
        upload_id: String::new(),
        size: file.size,
        part_size,
        content_type: object.content_type,
        subject,
        issued_at: session.now.unix(),
        expires_at: session.now.plus(rules.resume).unix(),
    };
    // An upload whose callback cannot be ordered at its end does not begin.
    callback(session, &token)?;
    session.count(file.size.unwrap_or(route.size.max)).await?;
    let mut headers = object.headers;
    headers.push((X_OSS_META_UPLOAD_ID.to_owned(), token.id_text()));
    let begun = client(session, deadline).initiate(&token.key, &headers).await;
    token.upload_id = begun.map_err(bucket_error)?;
    let key = session.app.upload_token_keys.first();
    let key = key.ok_or(ApiError::Internal("a route with uploads in parts has no token key"))?;
    let text = token.sign(key);
    Ok(NewUpload { token, text, unique: object.unique })
}

/// Returns the moment until which the requests to OSS of one call have to be answered.
pub(super) fn deadline(request: &ApiRequest) -> Instant {
    let own = Instant::now() + TIME_LIMIT;
    request.deadline.and_then(|end| end.checked_sub(ANSWER_TIME)).map_or(own, |end| own.min(end))
}

/// An upload that is continued, by the caller who began it.
#[derive(Debug)]
pub(super) struct UploadSession<'a> {
    pub(super) session: SigningSession<'a>,
    pub(super) token: UploadToken,
    deadline: Instant,
}

impl<'a> UploadSession<'a> {
    /// Verifies the token, authenticates the caller, and compares both. `route` is the one in the path, if there is
    /// one.
    pub(super) async fn open(
        app: &'a App,
        request: &ApiRequest,
        token: &str,
        route: Option<&str>,
    ) -> Result<Self, ApiError> {
        let deadline = deadline(request);
        let route = route.map(|name| find_route(app, Some(name))).transpose()?;
        route.map(rules).transpose()?;
        let token = UploadToken::verify(token, &app.upload_token_keys).map_err(token_error)?;
        let route = route.map_or_else(|| find_route(app, Some(&token.route)), Ok)?;
        rules(route)?;
        let check = |subject: Option<&str>, now: Timestamp| {
            let bucket = route.bucket.as_str();
            token.check(&UploadTokenScope { route: &route.name, bucket, subject }, now)
        };
        let session = SigningSession::open_if(app, request, route, |caller, now| {
            check(caller.subject.as_deref(), now).map_err(token_error)
        });
        let session = session.await?;
        Ok(Self { session, token, deadline })
    }

    /// Continues an upload that has just begun.
    pub(super) fn begun(
        session: SigningSession<'a>,
        upload: &NewUpload,
        deadline: Instant,
    ) -> Self {
        Self { session, token: upload.token.clone(), deadline }
    }

    /// Returns the number of parts; the largest that OSS allows where the size of the file is not known.
    pub(super) fn part_count(&self) -> Result<u32, ApiError> {
        part_count(&self.token).map_err(|error| ApiError::from_grant(error, self.session.route))
    }

    /// Signs `count` parts from `first` on.
    pub(super) fn sign(&self, first: u32, count: u32) -> Result<SignedParts, ApiError> {
        let last = first.saturating_add(count.saturating_sub(1));
        let session = &self.session;
        sign_parts(&self.token, first..=last, session.route, &session.credentials, session.now)
            .map_err(|error| ApiError::from_grant(error, session.route))
    }

    /// Signs the URL that lists the parts, for a client that reads OSS's XML.
    pub(super) fn sign_list(&self) -> Result<String, ApiError> {
        let session = &self.session;
        let signed = sign_list(&self.token, session.route, &session.credentials, session.now);
        signed.map(|(url, _)| url).map_err(|error| ApiError::from_grant(error, session.route))
    }

    /// Returns the receipt that the callback of the route brings back; `None` if the route has no callback. It is the
    /// same during the whole upload.
    pub(super) fn receipt(&self) -> Result<Option<String>, ApiError> {
        Ok(callback(&self.session, &self.token)?.receipt)
    }

    /// Returns the parts that OSS has and that have the granted size, in ascending order.
    pub(super) async fn parts(&self) -> Result<Vec<UploadedPart>, ApiError> {
        let listed = self.client().list_parts(&self.token.key, &self.token.upload_id).await;
        self.granted(listed.map_err(bucket_error)?)
    }

    /// Deletes the upload and its parts.
    pub(super) async fn abort(&self) -> Result<(), ApiError> {
        self.client().abort(&self.token.key, &self.token.upload_id).await.map_err(bucket_error)
    }

    /// Makes an object of the parts. `last` is the number of the last part by the client's own count, which is needed
    /// where the size of the file is not known.
    pub(super) async fn complete(&self, last: Option<u32>) -> Result<FinishedUpload, ApiError> {
        let (client, token) = (self.client(), &self.token);
        let listed = match client.list_parts(&token.key, &token.upload_id).await {
            Ok(listed) => self.granted(listed)?,
            Err(error) if error.is_no_such_upload() => {
                return match FinishedUpload::recall(&self.session, token).await {
                    Some(finished) => Ok(finished),
                    None => self.find_finished(&client, error).await,
                };
            }
            Err(error) => return Err(bucket_error(error)),
        };
        let parts = self.whole_file(listed, last)?;
        let size = parts.iter().map(|part| part.size).sum();
        if let Err(error) = self.session.route.check_size(size) {
            // Its parts would stay in the bucket and be paid for until the upload is aborted.
            let _ = client.abort(&token.key, &token.upload_id).await;
            return Err(ApiError::from_grant(GrantError::Policy(error), self.session.route));
        }
        let headers = self.completion_headers()?;
        let completion = Completion {
            key: &token.key,
            upload_id: &token.upload_id,
            parts: &parts,
            headers: &headers,
            has_callback: self.session.route.callback.is_some(),
        };
        match client.complete(&completion).await {
            Ok(object) => {
                let finished = FinishedUpload { size: Some(size), object };
                finished.remember(&self.session, token).await;
                Ok(finished)
            }
            Err(error) => self.find_finished(&client, error).await,
        }
    }

    /// Returns the object if the upload was completed although OSS did not say so: an earlier answer may have been
    /// lost. Otherwise returns the error.
    async fn find_finished(
        &self,
        client: &BucketClient<'_>,
        error: BucketError,
    ) -> Result<FinishedUpload, ApiError> {
        let may_be_there =
            error.is_no_such_upload() || error.is_existing_object() || error.may_have_succeeded();
        let found = if may_be_there { self.find_object(client).await } else { Ok(None) };
        match found {
            Ok(Some(finished)) => Ok(finished),
            // The first error says more than the failure to look.
            Ok(None) | Err(_) => Err(bucket_error(error)),
        }
    }

    async fn find_object(
        &self,
        client: &BucketClient<'_>,
    ) -> Result<Option<FinishedUpload>, BucketError> {
        let key = &self.token.key;
        match client.head(key).await? {
            HeadResult::Found(head) if head.upload_id == Some(self.token.id_text()) => {
                let object = CompletedObject {
                    etag: head.etag,
                    crc64: head.crc64,
                    callback: CallbackOutcome::Unknown,
                };
                Ok(Some(FinishedUpload { size: Some(head.size), object }))
            }
            HeadResult::Forbidden if is_once(self.session.route) => {
                // Without the permission to read, OSS only says whether there is an object. Nobody else has this key.
                let object = CompletedObject::default();
                let exists = exists(client, key).await?;
                Ok(exists.then_some(FinishedUpload { size: self.token.size, object }))
            }
            HeadResult::Found(_) | HeadResult::Absent | HeadResult::Forbidden => Ok(None),
        }
    }

    fn client(&self) -> BucketClient<'_> {
        client(&self.session, self.deadline)
    }

    /// Leaves out parts of another size than was granted, and those that the file does not have.
    fn granted(&self, mut listed: Vec<UploadedPart>) -> Result<Vec<UploadedPart>, ApiError> {
        let plan = plan(&self.token);
        let plan = plan.map_err(|error| ApiError::from_grant(error, self.session.route))?;
        if let Some(plan) = plan {
            listed.retain(|part| plan.length(part.number) == Some(part.size));
        }
        listed.retain(|part| (1..=MAX_PARTS).contains(&part.number));
        Ok(listed)
    }

    /// Returns the parts if they are the whole file: every number from 1 to the last one.
    fn whole_file(
        &self,
        mut parts: Vec<UploadedPart>,
        last: Option<u32>,
    ) -> Result<Vec<UploadedPart>, ApiError> {
        let count = match (self.token.size, last) {
            (Some(_), _) => self.part_count()?,
            (None, Some(last)) => last,
            (None, None) => parts.last().map_or(1, |part| part.number),
        };
        parts.retain(|part| part.number <= count);
        let done = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        if done == count {
            return Ok(parts);
        }
        let mut numbers = parts.iter().map(|part| part.number).peekable();
        let missing = (1..=count).filter(|number| numbers.next_if_eq(number).is_none());
        Err(MultipartError::missing(done, count, missing).into())
    }

    fn completion_headers(&self) -> Result<Vec<(String, String)>, ApiError> {
        let route = self.session.route;
        let mut headers = callback(&self.session, &self.token)?.headers;
        if !route.overwrite {
            headers.push((X_OSS_FORBID_OVERWRITE.to_owned(), "true".to_owned()));
        }
        let acl = route.headers.iter().find(|header| header.name == X_OSS_OBJECT_ACL);
        headers.extend(acl.map(|acl| (acl.name.to_owned(), acl.value.clone())));
        Ok(headers)
    }
}

fn client<'a>(session: &'a SigningSession<'_>, deadline: Instant) -> BucketClient<'a> {
    let route = session.route;
    let address = BucketAddress {
        url: route.host.as_str(),
        name: route.bucket.as_str(),
        region: route.region.as_str(),
    };
    BucketClient::new(&*session.app.http, address, &session.credentials, session.now, deadline)
}

/// Returns whether no other grant has the key of an upload, and no upload replaces its object.
fn is_once(route: &Route) -> bool {
    route.template.is_unique() && !route.overwrite
}

/// Returns whether there is an object, by an upload that must not replace one and is aborted at once.
async fn exists(client: &BucketClient<'_>, key: &str) -> Result<bool, BucketError> {
    let forbid = [(X_OSS_FORBID_OVERWRITE.to_owned(), "true".to_owned())];
    match client.initiate(key, &forbid).await {
        Ok(upload_id) => {
            client.abort(key, &upload_id).await?;
            Ok(false)
        }
        Err(error) if error.is_existing_object() => Ok(true),
        Err(error) => Err(error),
    }
}

/// Returns the headers that order the callback of the route, with the receipt of the upload. They are the same at each
/// attempt to complete it.
fn callback(
    session: &SigningSession<'_>,
    token: &UploadToken,
) -> Result<CallbackHeaders, ApiError> {
    let (route, claim) = (session.route, |name: &str| session.caller.claim(name));
    let issued_at = Timestamp::from_unix(token.issued_at).unwrap_or(session.now);
    let end = Timestamp::from_unix(token.expires_at).unwrap_or(session.now);
    let attributes = attributes(&session.caller, &claim);
    let context = RenderContext { now: issued_at, random: &token.id, attributes };
    let id = callback_fields::derived_receipt_id(&token.id);
    let key = session.app.callback.receipt_key();
    let signer =
        key.map(|key| ReceiptSigner { key, id: &id, public_url: session.own_url.as_deref() });
    let size = token.size.map_or(route.size, |size| SizeRange { min: size, max: size });
    let types = ContentType::parse(&token.content_type).map(|one| one.essence().to_owned());
    let claims = ReceiptClaims {
        scope: ReceiptScope::Key(token.key.clone()),
        size,
        types: types.into_iter().collect(),
        expires_at: end.plus(COMPLETION_TIME),
        once: is_once(route),
    };
    callback_fields::headers(route, &context, signer.as_ref(), claims)
        .map_err(|error| ApiError::from_grant(error, route))
}

fn token_error(error: UploadTokenError) -> ApiError {
    MultipartError::Token(error).into()
}

fn bucket_error(error: BucketError) -> ApiError {
    if error.is_no_such_upload() {
        return MultipartError::UploadNotFound.into();
    }
    if error.is_existing_object() {
        return MultipartError::ObjectExists.into();
    }
    MultipartError::Bucket(error).into()
}
