//! The request that a capture shows, before the local OSS.
//!
//! The local OSS judges exactly the request that was sent. What the capture does not show is assumed to
//! be right, and recorded as an [`Assumption`].

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Uri};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::explain::capture::{self, Capture, CapturedBody, Head, Item, field, split_at_file};
use crate::explain::{View, multipart, permission};
use oss_emulator::hosts::AllowedHosts;
use oss_emulator::oss::policy::{PolicyCondition, PostPolicy};
use oss_emulator::oss::{
    AccessKey, LocalBucket, OssError, OssErrorKind, SignatureCheck, Strictness, UploadValidator,
    ValidUpload,
};

/// The bucket of a form that names none.
const ANY_BUCKET: &str = "examplebucket";

/// The region of a form that names none.
const ANY_REGION: &str = "cn-hangzhou";

/// The name of a file that the capture does not show.
const ANY_NAME: &str = "file";

/// What a verdict assumes, because the capture does not show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Assumption {
    /// The lines of the body end with a carriage return too.
    LineEnds,
    /// The head, of which only a part is shown, has the right `Content-Type`.
    ContentType,
    /// The form has a file, and it comes last.
    File,
    FileName,
    FileType,
    /// The file has an allowed size.
    Size,
}

/// One upload before the local OSS.
pub(super) struct UploadCase<'a> {
    pub(super) capture: &'a Capture,
    pub(super) view: &'a View,
    /// The parts of the form, for the explanation.
    pub(super) items: Vec<Item>,
    policy: Option<PostPolicy>,
    body: SentBody,
    boundary: String,
    pub(super) bucket: LocalBucket,
    keys: Vec<AccessKey>,
    strictness: Strictness,
    pub(super) assumed: BTreeSet<Assumption>,
}

impl<'a> UploadCase<'a> {
    pub(super) fn of(capture: &'a Capture, view: &'a View) -> Result<Self, String> {
        let mut assumed = BTreeSet::new();
        let bytes = match &capture.body {
            CapturedBody::Bytes(bytes) => Some(bytes.as_slice()),
            CapturedBody::Form(_) | CapturedBody::NoForm(_) => None,
        };
        let boundary = boundary(capture, bytes);
        let items = match &capture.body {
            CapturedBody::Bytes(bytes) => multipart::items(bytes, &boundary),
            CapturedBody::Form(items) | CapturedBody::NoForm(items) => items.clone(),
        };
        let policy = field(&items, "policy");
        let policy = policy.and_then(|text| PostPolicy::decode(text, &view.strictness).ok());
        let before = split_at_file(&items).0;
        let bucket = bucket(capture, before, policy.as_ref(), view);
        let (keys, is_known) = keys(before, policy.as_ref(), view);
        let body = if let Some(bytes) = bytes {
            sent_body(capture, bytes, &boundary)?
        } else {
            let items = completed(&items, capture, policy.as_ref(), &mut assumed);
            SentBody::of(multipart::write(&items, &boundary))
        };
        if capture.is_mended {
            assumed.insert(Assumption::LineEnds);
        }
        if capture.head.as_ref().is_some_and(is_abridged) {
            assumed.insert(Assumption::ContentType);
        }
        let is_left_out = || capture::file(&items).is_some_and(is_left_out);
        if !capture.is_raw && !capture.is_mended && body.missing == 0 && is_left_out() {
            assumed.insert(Assumption::Size);
        }
        let mut strictness = view.strictness.clone();
        strictness.skipped.sizes |= assumed.contains(&Assumption::Size);
        if !is_known {
            strictness.signature_check = SignatureCheck::Shape;
        }
        Ok(Self { capture, view, items, policy, body, boundary, bucket, keys, strictness, assumed })
    }

    /// Returns the policy, if it can be parsed.
    pub(super) fn policy(&self) -> Option<&PostPolicy> {
        self.policy.as_ref()
    }

    /// Returns whether the value of the signature is checked.
    pub(super) fn checks_signature(&self) -> bool {
        self.strictness.signature_check == SignatureCheck::Value
    }

    /// Has the local OSS judge a request.
    pub(super) async fn validate(
        &self,
        request: Request<SentBody>,
    ) -> Result<ValidUpload, OssError> {
        let custom = self.capture.host().into_iter().filter(|host| !is_virtual(host));
        let validator = UploadValidator {
            buckets: std::slice::from_ref(&self.bucket),
            hosts: &AllowedHosts::named(custom),
            keys: &self.keys,
            strictness: &self.strictness,
            now: self.view.now.unix(),
        };
        validator.validate(request).await
    }

    /// Builds the request that was sent.
    pub(super) fn request(&self) -> Result<Request<SentBody>, String> {
        let Some(head) = &self.capture.head else {
            let content_type = match &self.capture.body {
                CapturedBody::NoForm(_) => "application/x-www-form-urlencoded".to_owned(),
                CapturedBody::Bytes(_) | CapturedBody::Form(_) => self.content_type(),
            };
            return self.request_of_type(&content_type);
        };
        let uri = Uri::try_from(encoded(&head.target))
            .map_err(|_| "the address in the request line cannot be read".to_owned())?;
        let method = http::Method::from_bytes(head.method.as_bytes())
            .map_err(|_| "the method in the request line cannot be read".to_owned())?;
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        for (name, value) in &head.headers {
            // OSS does not see a header that HTTP does not allow.
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name.as_str()), HeaderValue::from_bytes(value.as_bytes()))
            {
                request.headers_mut().append(name, value);
            }
        }
        if self.assumed.contains(&Assumption::ContentType)
            && let Ok(value) = HeaderValue::try_from(self.content_type())
        {
            request.headers_mut().insert("content-type", value);
        }
        if self.body.missing > 0 {
            // The digest counts bytes that the capture does not hold.
            request.headers_mut().remove("content-md5");
        }
        if !request.headers().contains_key("host")
            && let Ok(host) = HeaderValue::try_from(self.own_host())
        {
            request.headers_mut().insert("host", host);
        }
        Ok(request)
    }

    /// Builds the request with the same form and a head that is right.
    pub(super) fn mended_request(&self) -> Result<Request<SentBody>, String> {
        self.request_of_type(&self.content_type())
    }

    fn request_of_type(&self, content_type: &str) -> Result<Request<SentBody>, String> {
        let body = SentBody { has_length: true, ..self.body.clone() };
        let builder = Request::post("/").header("host", self.own_host());
        let request = builder.header("content-type", content_type).body(body);
        request.map_err(|error| format!("the request cannot be built: {error}"))
    }

    fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    fn own_host(&self) -> String {
        let LocalBucket { name, region } = &self.bucket;
        format!("{name}.oss-{region}.aliyuncs.com")
    }

    /// Fails where the reason of a refusal is the capture and not the request.
    pub(super) fn check_capture(&self, error: Option<&OssError>) -> Result<(), String> {
        let is_refused = error.is_some_and(|error| error.kind() == OssErrorKind::BodyMalformed);
        let head = self.capture.head.as_ref();
        let is_empty = head.is_some_and(|head| head.header("content-length") == Some("0"));
        if is_refused && head.is_some() && self.body.before.is_empty() && !is_empty {
            return Err(
                "the request has no body; paste the fields of the form too (in the network tab of \
                        the browser: Payload)"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The body of a request. Bytes that the capture left out of the file are zeros.
#[derive(Clone)]
pub(super) struct SentBody {
    before: Bytes,
    /// The number of bytes that the capture left out.
    missing: u64,
    after: Bytes,
    /// Whether the request announced its length.
    has_length: bool,
}

/// The bytes of a file that are made up at once.
static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl SentBody {
    fn of(bytes: Vec<u8>) -> Self {
        Self { before: bytes.into(), missing: 0, after: Bytes::new(), has_length: true }
    }

    /// Returns the number of bytes that are still to be sent.
    fn size(&self) -> u64 {
        (self.before.len() + self.after.len()) as u64 + self.missing
    }

    fn next(&mut self) -> Bytes {
        if !self.before.is_empty() {
            return std::mem::take(&mut self.before);
        }
        if self.missing > 0 {
            let all = ZEROS.len();
            let count = usize::try_from(self.missing).map_or(all, |left| left.min(all));
            self.missing -= count as u64;
            return Bytes::from_static(&ZEROS).slice(..count);
        }
        std::mem::take(&mut self.after)
    }
}

impl HttpBody for SentBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.next();
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.size() == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.has_length { SizeHint::with_exact(self.size()) } else { SizeHint::default() }
    }
}

/// Returns whether a head is abridged: a request with a body has at least one header about it.
fn is_abridged(head: &Head) -> bool {
    let is_about_body = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("content") || name == "transfer-encoding"
    };
    head.method == "POST" && !head.headers.iter().any(|(name, _)| is_about_body(name))
}

/// Returns whether browsers left the content of the file out.
fn is_left_out(file: &capture::CapturedFile) -> bool {
    file.size.is_none_or(|size| size == 0)
}

/// Completes a list of parts: with a file, if the form is still to be sent, and with the properties of
/// the file that the list does not show.
fn completed(
    items: &[Item],
    capture: &Capture,
    policy: Option<&PostPolicy>,
    assumed: &mut BTreeSet<Assumption>,
) -> Vec<Item> {
    let mut items = items.to_vec();
    // What OSS would say of the same fields in a form.
    let is_no_form = matches!(capture.body, CapturedBody::NoForm(_));
    if capture::file(&items).is_none() && (capture.is_draft || is_no_form) {
        assumed.insert(Assumption::File);
        items.push(Item::File(capture::CapturedFile::default()));
    }
    for item in &mut items {
        let Item::File(file) = item else { continue };
        assumed.insert(Assumption::Size);
        if file.name.is_none() {
            assumed.insert(Assumption::FileName);
            file.name = Some(ANY_NAME.to_owned());
        }
        if file.content_type.is_none() {
            file.content_type = policy.and_then(allowed_type);
            if file.content_type.is_some() {
                assumed.insert(Assumption::FileType);
            }
        }
    }
    items
}

/// Returns a type that all conditions of a policy on `$content-type` allow.
fn allowed_type(policy: &PostPolicy) -> Option<String> {
    let is_about_type = |condition: &&PolicyCondition| {
        condition.field().is_some_and(|field| field.eq_ignore_ascii_case("content-type"))
    };
    let conditions: Vec<_> = policy.conditions().iter().filter(is_about_type).collect();
    let candidates = conditions.iter().flat_map(|condition| match condition {
        PolicyCondition::Equal(_, value) => vec![value.clone()],
        PolicyCondition::In(_, values) => values.clone(),
        PolicyCondition::StartsWith(_, prefix) if prefix.contains('/') => {
            vec![format!("{prefix}png"), prefix.clone()]
        }
        PolicyCondition::StartsWith(..) | PolicyCondition::NotIn(..) => {
            vec!["application/octet-stream".to_owned(), "image/png".to_owned()]
        }
        PolicyCondition::SizeRange(..) => Vec::new(),
    });
    let holds = |value: &String| conditions.iter().all(|condition| condition.holds(value));
    candidates.into_iter().find(holds)
}

/// Builds the body as its head announces it: cut at its `Content-Length`, or with the bytes of the file
/// that the capture left out.
fn sent_body(capture: &Capture, bytes: &[u8], boundary: &str) -> Result<SentBody, String> {
    let mut body = SentBody::of(bytes.to_vec());
    let Some(head) = &capture.head else {
        return Ok(body);
    };
    let length = head.header("content-length").and_then(|text| text.trim().parse::<u64>().ok());
    let encoding = head.header("transfer-encoding").unwrap_or_default().to_ascii_lowercase();
    body.has_length = length.is_some() || !encoding.contains("chunked");
    let has = bytes.len() as u64;
    let Some(length) = length.filter(|length| *length != has && !capture.is_mended) else {
        return Ok(body);
    };
    if length < has {
        // Only of a raw request the bytes can be counted; the text of a HAR may have another encoding.
        let cut = usize::try_from(length).unwrap_or(bytes.len());
        // A paste often ends with one more line end than the request had.
        let is_blank = bytes.get(cut..).is_some_and(|rest| rest.trim_ascii().is_empty());
        if capture.is_raw && !is_blank {
            body.before.truncate(cut);
        }
        return Ok(body);
    }
    let closing = format!("\r\n--{boundary}--\r\n");
    let missing = length - has;
    if bytes.is_empty() {
        body.missing = missing;
    } else if let Some(end) = multipart::end_of_file(bytes, boundary) {
        body.after = body.before.split_off(end);
        body.missing = missing;
    } else if capture::file(&multipart::items(bytes, boundary)).is_some() {
        body.missing = missing.saturating_sub(closing.len() as u64);
        body.after = closing.into();
    } else {
        return Err("the capture ends before the file: it has fewer bytes than its Content-Length; paste the \
                    whole body"
            .to_owned());
    }
    Ok(body)
}

/// Returns the boundary between the parts: the one that the head names, if the body has it, otherwise
/// the one that the body begins with.
fn boundary(capture: &Capture, bytes: Option<&[u8]>) -> String {
    let named = named_boundary(capture);
    let Some(bytes) = bytes else {
        return named.unwrap_or_else(|| multipart::BOUNDARY.to_owned());
    };
    let is_there = |boundary: &String| {
        memchr::memmem::find(bytes, format!("--{boundary}").as_bytes()).is_some()
    };
    let boundary = named.filter(is_there).or_else(|| multipart::boundary_of(bytes));
    boundary.unwrap_or_else(|| multipart::BOUNDARY.to_owned())
}

/// Returns the boundary that the head names.
fn named_boundary(capture: &Capture) -> Option<String> {
    let value = capture.head.as_ref()?.header("content-type")?;
    let (_, boundary) = value.split_once("boundary=")?;
    let boundary = boundary.split(';').next()?.trim().trim_matches('"');
    (1..=70).contains(&boundary.len()).then(|| boundary.to_owned())
}

/// Percent-encodes what a request line cannot carry.
pub(super) fn encoded(target: &str) -> String {
    let encode = |byte: u8| match byte {
        b'!'..=b'~' if !b"\"<>\\^`{|}#".contains(&byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let target: String = target.bytes().map(encode).collect();
    if target.starts_with('/') { target } else { format!("/{target}") }
}

/// Returns whether a host itself names its bucket, or means this machine.
pub(super) fn is_virtual(host: &str) -> bool {
    host.ends_with(".aliyuncs.com")
        || host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok()
}

/// Finds the bucket and its region: as they are given, otherwise as host, policy and fields name them.
fn bucket(
    capture: &Capture,
    fields: &[Item],
    policy: Option<&PostPolicy>,
    view: &View,
) -> LocalBucket {
    let host = capture.host().filter(|host| is_virtual(host));
    let labels: Vec<&str> =
        host.as_deref().map(|host| host.split('.').collect()).unwrap_or_default();
    let is_named = labels.len() > 3 || (labels.len() > 1 && labels.last() == Some(&"localhost"));
    let of_host = labels.first().filter(|_| {
        is_named && host.as_deref().is_some_and(|host| host.parse::<IpAddr>().is_err())
    });
    let name = view
        .bucket
        .as_deref()
        .or(of_host.copied())
        .or_else(|| pinned(policy?, "bucket"))
        .unwrap_or(ANY_BUCKET);
    let region_of = |credential: &str| credential.split('/').nth(2).map(str::to_owned);
    let signed = policy
        .and_then(|policy| pinned(policy, "x-oss-credential"))
        .or_else(|| field(fields, "x-oss-credential"))
        .and_then(region_of)
        .map(|region| plausible(&region));
    let of_endpoint = labels.iter().skip(1).find_map(|label| label.strip_prefix("oss-"));
    let of_endpoint = of_endpoint
        .map(|region| region.strip_suffix("-internal").unwrap_or(region))
        .filter(|region| !region.starts_with("accelerate"));
    let region = view
        .region
        .clone()
        .or(signed)
        .or_else(|| of_endpoint.map(str::to_owned))
        .unwrap_or_else(|| ANY_REGION.to_owned());
    LocalBucket { name: name.to_owned(), region }
}

/// Returns the region that a misspelt one probably means.
pub(super) fn plausible(region: &str) -> String {
    let region = region.strip_prefix("oss-").unwrap_or(region);
    let region = region.trim_end_matches(".aliyuncs.com");
    if region.is_empty() {
        ANY_REGION.to_owned()
    } else if region.contains('-') {
        region.to_owned()
    } else {
        format!("cn-{region}")
    }
}

/// Returns the value that a policy demands of a field.
fn pinned<'p>(policy: &'p PostPolicy, name: &str) -> Option<&'p str> {
    policy.conditions().iter().find_map(|condition| match condition {
        PolicyCondition::Equal(field, value) if field.eq_ignore_ascii_case(name) => {
            Some(value.as_str())
        }
        _ => None,
    })
}

/// Returns the keys that may have signed, and whether their secrets are known.
///
/// Without a secret the key is the one that the policy names, because the policy is what was signed; a
/// field that names another key is refused.
fn keys(fields: &[Item], policy: Option<&PostPolicy>, view: &View) -> (Vec<AccessKey>, bool) {
    let ids = signers(fields, policy);
    if view.keys.iter().any(|key| ids.contains(&key.id.as_str())) {
        return (view.keys.clone(), true);
    }
    let signer = ids.first().copied().unwrap_or_default();
    let token = field(fields, permission::TOKEN).filter(|token| !token.is_empty());
    // The id of a temporary key shows that there must be a token.
    let token = token.or_else(|| signer.starts_with("STS.").then_some("unknown"));
    let key = AccessKey { security_token: token.map(str::to_owned), ..AccessKey::new(signer, "") };
    (vec![key], false)
}

/// Returns the ids of the keys that the policy and the fields name.
fn signers<'f>(fields: &'f [Item], policy: Option<&'f PostPolicy>) -> Vec<&'f str> {
    let id = |credential: &'f str| credential.split('/').next().unwrap_or_default();
    let signed = policy.and_then(|policy| pinned(policy, "x-oss-credential")).map(id);
    let sent = field(fields, "x-oss-credential").map(id);
    let ids = [signed, sent, field(fields, "OSSAccessKeyId")];
    ids.into_iter().flatten().filter(|id| !id.is_empty()).collect()
}
