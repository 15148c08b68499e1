//! PostObject, as a list of checks that can be read from top to bottom.
//!
//! 1. The host names a bucket (`dispatch`).
//! 2. The request is a form upload with a length under 5 GB.
//! 3. The fields before the file can be read and keep to their limits.
//! 4. The key is there.
//! 5. The fields of one signature version are there.
//! 6. Version, credential, region, date, key id and token are good.
//! 7. The signature is.
//! 8. The policy has the right shape, has not expired, is met, and leaves no V4 field open.
//! 9. The values of fields, and the key with the file name in it, are good.
//! 10. The key that signed may write this object.
//! 11. The file and all that follows it arrive whole, in the allowed size.
//! 12. Nothing is overwritten that must not be; the object is put in its place.
//! 13. Who asked for a callback is told, and what they answer is the answer (`callback`).
//!
//! No page gives the order; this one agrees with every message that is known. 4 to 10 are pure and
//! live in `judge`. The file streams to disk; nothing of it is seen unless the first twelve pass, and all of it
//! stays whatever becomes of the last.

use http::request;

use crate::oss::answer;
use crate::oss::answer::Answer;
use crate::oss::call::Call;
use crate::oss::callback;
use crate::oss::callback::Callback;
use crate::oss::callback::Picture;
use crate::oss::callback::Variables;
use crate::oss::fields::Success;
use crate::oss::form::Form;
use crate::oss::inflow::Inflow;
use crate::oss::judge::Court;
use crate::oss::judge::Verdict;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::media_type;
use crate::oss::multipart::Parts;
use crate::oss::multipart::boundary::boundary;
use crate::oss::multipart::head::Head;
use crate::oss::options::Bucket;
use crate::oss::options::Event;
use crate::oss::policy::MAX_OBJECT;
use crate::oss::reception;
use crate::oss::reception::Upload;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;
use crate::oss::site::Site;
use crate::oss::store::KeepError;
use crate::oss::store::Sidecar;

/// The most bytes before the file: 8 MB.
const MAX_BEFORE_FILE: u64 = 8 * 1024 * 1024;

/// Judges an upload and keeps it.
pub(super) async fn post_object(
    site: &Site,
    call: &Call<'_>,
    bucket: &Bucket,
    head: &request::Parts,
    inflow: &mut Inflow,
) -> Result<Answer, Refusal> {
    let judgement = &site.judgement;
    let boundary = check_request(site, head, inflow)?;
    let mut parts = Parts::new(inflow, &boundary, judgement);
    let mut form = read_form(&mut parts, judgement).await?;
    form.set_acl_header(text_header(head, "x-oss-object-acl"));
    let keys = site.ring.all();
    let court = Court { bucket, keys: &keys, judgement, now: site.now() };
    let verdict = court.judge(&form)?;
    let upload = reception::receive(site, call, &verdict, parts).await?;
    let callback = verdict.wishes.callback.as_ref();
    let (md5, picture) = (upload.md5, picture(callback, &upload).await);
    let object = keep(site, bucket, &verdict, upload).await?;
    let parameters = judgement.allows(Leniency::RedirectParameters);
    let success = &verdict.wishes.success;
    let answer = answer::stored(call, &bucket.name, &object, success, parameters);
    let Some(callback) = callback else {
        return Ok(answer);
    };
    let variables =
        Variables { call, bucket: &bucket.name, object: &object, form: &form, picture, md5 };
    Ok(match callback::tell(site, callback, &variables).await {
        Ok(json) if json_goes_first(success, judgement) => answer::told(answer, json),
        Ok(_) => answer,
        // No refusal of the upload: the object is stored, and a redirect is not followed.
        Err(refusal) => answer::refused(call, &refusal),
    })
}

/// Looks at the file while nobody can have put another in its place.
async fn picture(callback: Option<&Callback>, upload: &Upload) -> Option<Picture> {
    if !callback.is_some_and(Callback::wants_picture) {
        return None;
    }
    Picture::of(upload.arrival.path().to_owned()).await
}

/// Says whether the answer to a callback becomes that to the upload: over a status it does, and
/// whether over a redirect too is not documented.
fn json_goes_first(success: &Success, judgement: &Judgement) -> bool {
    let redirect = matches!(success, Success::Redirect(_));
    !redirect || judgement.allows(Leniency::CallbackBeforeRedirect)
}

/// Check 2.
fn check_request(
    site: &Site,
    head: &request::Parts,
    inflow: &mut Inflow,
) -> Result<String, Refusal> {
    let content_type = text_header(head, "content-type");
    let boundary = boundary(content_type.as_deref(), &site.judgement)?;
    let length = inflow.announced().ok_or_else(|| {
        Kind::MissingContentLength
            .because("the upload has no Content-Length; chunked uploads are not taken")
    })?;
    if length >= MAX_OBJECT {
        let reason = format!("the upload has {length} bytes; less than 5 GB are allowed");
        return Err(Kind::BodyTooLarge.too_long(MAX_OBJECT, length, reason));
    }
    if let Some(digest) = head.headers.get("content-md5") {
        inflow.expect_digest(digest.as_bytes())?;
    }
    Ok(boundary)
}

/// Check 3: reads the fields, up to the file's first byte.
pub(super) async fn read_form(
    parts: &mut Parts<'_>,
    judgement: &Judgement,
) -> Result<Form, Refusal> {
    let mut form = Form::new(judgement);
    while let Some(part) = parts.next_part().await? {
        check_before_file(parts)?;
        if part.is_file(judgement) {
            form.set_file(part.filename, part.content_type);
            return Ok(form);
        }
        let value = read_value(parts, &part, judgement.value_limit).await?;
        form.push(&part.name, value, judgement)?;
    }
    Err(Kind::FileCount.because("the form has no part named file"))
}

async fn read_value(parts: &mut Parts<'_>, part: &Head, limit: u64) -> Result<String, Refusal> {
    let mut value = Vec::new();
    while let Some(bytes) = parts.data().await? {
        value.extend_from_slice(&bytes);
        let length = value.len() as u64;
        if length > limit {
            let reason = format!("the field {:?} is longer than {limit} bytes", part.name);
            return Err(Kind::ValueTooLong.too_long(limit, length, reason));
        }
        check_before_file(parts)?;
    }
    String::from_utf8(value).map_err(|_| {
        Kind::FieldMalformed.because(format!("the field {:?} is not UTF-8", part.name))
    })
}

fn check_before_file(parts: &Parts<'_>) -> Result<(), Refusal> {
    let taken = parts.taken();
    if taken <= MAX_BEFORE_FILE {
        return Ok(());
    }
    let reason = "more than 8 MB stand before the file";
    Err(Kind::FieldsTooLarge.too_long(MAX_BEFORE_FILE, taken, reason))
}

/// Check 12.
async fn keep(
    site: &Site,
    bucket: &Bucket,
    verdict: &Verdict,
    upload: Upload,
) -> Result<Sidecar, Refusal> {
    let wishes = &verdict.wishes;
    let object = Sidecar {
        key: verdict.key.clone(),
        size: upload.size,
        etag: upload.etag(&site.judgement),
        crc64: upload.crc64,
        stored_at: site.now(),
        content_type: wishes.content_type.clone(),
        headers: wishes.headers.clone(),
    };
    let (arrival, forbid) = (upload.arrival, wishes.forbid_overwrite);
    let kept = site.store.keep(arrival, &bucket.name, object.clone(), forbid).await;
    let path = kept.map_err(|error| match error {
        KeepError::Exists => Kind::FileExists
            .because("an object of this key is there already, and x-oss-forbid-overwrite is true"),
        KeepError::Io(error) => reception::trouble(&error),
    })?;
    site.tell(&Event::Stored {
        bucket: bucket.name.clone(),
        key: object.key.clone(),
        size: object.size,
        path,
    });
    if let Some(reason) = media_type::warning(&object.content_type) {
        site.tell(&Event::Warned { key: object.key.clone(), reason });
    }
    Ok(object)
}

fn text_header(head: &request::Parts, name: &str) -> Option<String> {
    let value = head.headers.get(name)?;
    value.to_str().ok().map(str::to_owned)
}
