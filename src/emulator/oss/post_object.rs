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
//! 10. The file and all that follows it arrive whole, in the allowed size.
//! 11. Nothing is overwritten that must not be; the object is put in its place.
//!
//! Facts §8. 4 to 9 are pure and live in `judge`. The file streams to disk; nothing of it is seen
//! unless all eleven pass.

use std::ops::RangeInclusive;

use crc::CRC_64_XZ;
use crc::Crc;
use crc::Table;
use http::request;
use md5::Digest;
use md5::Md5;

use crate::emulator::oss::answer;
use crate::emulator::oss::answer::Answer;
use crate::emulator::oss::call::Call;
use crate::emulator::oss::form::Form;
use crate::emulator::oss::inflow::Inflow;
use crate::emulator::oss::judge::Court;
use crate::emulator::oss::judge::Verdict;
use crate::emulator::oss::judgement::Leniency;
use crate::emulator::oss::multipart::Parts;
use crate::emulator::oss::multipart::boundary::boundary;
use crate::emulator::oss::multipart::head::Head;
use crate::emulator::oss::options::Bucket;
use crate::emulator::oss::options::Event;
use crate::emulator::oss::policy::MAX_OBJECT;
use crate::emulator::oss::refusal::Kind;
use crate::emulator::oss::refusal::Refusal;
use crate::emulator::oss::site::Site;
use crate::emulator::oss::store::Arrival;
use crate::emulator::oss::store::KeepError;
use crate::emulator::oss::store::Sidecar;

/// The most bytes before the file: 8 MB.
const MAX_BEFORE_FILE: u64 = 8 * 1024 * 1024;

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

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
    let mut form = read_form(&mut parts, site).await?;
    form.set_acl_header(text_header(head, "x-oss-object-acl"));
    let court = Court { bucket, keys: &site.keys, judgement, now: site.now() };
    let verdict = court.judge(&form)?;
    let upload = receive(site, call, &verdict, parts).await?;
    let object = keep(site, bucket, &verdict, upload).await?;
    let parameters = judgement.allows(Leniency::RedirectParameters);
    let success = &verdict.wishes.success;
    Ok(answer::stored(call, &bucket.name, &object, success, parameters))
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
async fn read_form(parts: &mut Parts<'_>, site: &Site) -> Result<Form, Refusal> {
    let judgement = &site.judgement;
    let mut form = Form::new(judgement);
    while let Some(part) = parts.next_part().await? {
        check_before_file(parts)?;
        if part.is_file() {
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

/// A file that arrived whole, and what was computed on the way.
struct Upload {
    arrival: Arrival,
    size: u64,
    crc64: u64,
    /// Computed only where it is wanted: it costs more than all the rest.
    md5: Option<[u8; 16]>,
}

/// Check 10: streams the file to disk and reads what follows it.
async fn receive(
    site: &Site,
    call: &Call<'_>,
    verdict: &Verdict,
    mut parts: Parts<'_>,
) -> Result<Upload, Refusal> {
    let arrival = site.store.receive(&call.id).await.map_err(trouble)?;
    let wants_md5 = site.judgement.allows(Leniency::Md5Etag);
    let upload = read_file(arrival, &verdict.sizes, wants_md5, &mut parts).await?;
    while let Some(part) = parts.next_part().await? {
        if part.is_file() {
            return Err(Kind::FileCount.because("the form has more than one part named file"));
        }
        // What else follows the file is ignored, such as a form's own submit button.
    }
    parts.finish().await?;
    if upload.size < *verdict.sizes.start() {
        return Err(too_small(upload.size, &verdict.sizes));
    }
    if !site.judgement.allows(Leniency::ExpiryDuringUpload) {
        verdict.policy.check_expiry(site.now())?;
    }
    Ok(upload)
}

async fn read_file(
    mut arrival: Arrival,
    sizes: &RangeInclusive<u64>,
    wants_md5: bool,
    parts: &mut Parts<'_>,
) -> Result<Upload, Refusal> {
    let mut size = 0;
    let mut crc64 = CRC64.digest();
    let mut md5 = wants_md5.then(Md5::new);
    while let Some(bytes) = parts.data().await? {
        size += bytes.len() as u64;
        if size > *sizes.end() {
            return Err(too_large(size, sizes));
        }
        crc64.update(&bytes);
        if let Some(md5) = &mut md5 {
            md5.update(&bytes);
        }
        arrival.write(&bytes).await.map_err(trouble)?;
    }
    arrival.flush().await.map_err(trouble)?;
    Ok(Upload { arrival, size, crc64: crc64.finalize(), md5: md5.map(|md5| md5.finalize().into()) })
}

fn too_large(size: u64, sizes: &RangeInclusive<u64>) -> Refusal {
    let max = *sizes.end();
    let reason = format!("the file is larger than the {max} bytes that the policy allows");
    Kind::FileTooLarge.too_long(max, size, reason)
}

fn too_small(size: u64, sizes: &RangeInclusive<u64>) -> Refusal {
    let min = sizes.start();
    Kind::FileTooSmall
        .because(format!("the file has {size} bytes; the policy wants at least {min}"))
}

/// Check 11.
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
        etag: etag(&upload),
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
        KeepError::Io(error) => trouble(error),
    })?;
    site.tell(&Event::Stored {
        bucket: bucket.name.clone(),
        key: object.key.clone(),
        size: object.size,
        path,
    });
    Ok(object)
}

/// Makes the ETag: by default one that only looks like an MD5, because facts §6 says that the one
/// of a posted object is not.
fn etag(upload: &Upload) -> String {
    let digest = upload.md5.unwrap_or_else(|| {
        let (crc64, size) = (upload.crc64.to_be_bytes(), upload.size.to_be_bytes());
        Md5::digest([crc64, size].concat()).into()
    });
    hex::encode_upper(digest)
}

#[expect(clippy::needless_pass_by_value, reason = "it is the end of an error")]
fn trouble(error: std::io::Error) -> Refusal {
    Kind::InternalError.because(format!("the local OSS could not write its data folder: {error}"))
}

fn text_header(head: &request::Parts, name: &str) -> Option<String> {
    let value = head.headers.get(name)?;
    value.to_str().ok().map(str::to_owned)
}
