//! Check 11 of PostObject: the file streams to disk, and all that follows it is read.
//!
//! Stops as soon as the file is larger than the policy allows. What was written is gone with the
//! [`Upload`] unless it is put in its place.

use std::io;
use std::ops::RangeInclusive;

use crc::CRC_64_XZ;
use crc::Crc;
use crc::Table;
use md5::Digest;
use md5::Md5;

use crate::oss::call::Call;
use crate::oss::callback::Callback;
use crate::oss::judge::Verdict;
use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::multipart::Parts;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;
use crate::oss::site::Site;
use crate::oss::store::Arrival;

static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// A file that arrived whole, and what was computed on the way.
pub(super) struct Upload {
    pub(super) arrival: Arrival,
    pub(super) size: u64,
    pub(super) crc64: u64,
    /// Computed only where it is wanted: it costs more than all the rest.
    pub(super) md5: Option<[u8; 16]>,
}

/// Streams the file to disk and reads what follows it.
pub(super) async fn receive(
    site: &Site,
    call: &Call<'_>,
    verdict: &Verdict,
    mut parts: Parts<'_>,
) -> Result<Upload, Refusal> {
    let arrival = site.store.receive(&call.id).await.map_err(|error| trouble(&error))?;
    let told = verdict.wishes.callback.as_ref().is_some_and(Callback::wants_md5);
    let wants_md5 = told || site.judgement.allows(Leniency::Md5Etag);
    let upload = read_file(arrival, &verdict.sizes, wants_md5, &mut parts).await?;
    read_rest(parts, &site.judgement).await?;
    if upload.size < *verdict.sizes.start() {
        return Err(too_small(upload.size, &verdict.sizes));
    }
    if !site.judgement.allows(Leniency::ExpiryDuringUpload) {
        verdict.policy.check_expiry(site.now())?;
    }
    Ok(upload)
}

/// Reads what follows the file; it is ignored, such as a form's own submit button.
pub(super) async fn read_rest(mut parts: Parts<'_>, judgement: &Judgement) -> Result<(), Refusal> {
    while let Some(part) = parts.next_part().await? {
        if part.is_file(judgement) {
            return Err(Kind::FileCount.because("the form has more than one part named file"));
        }
    }
    parts.finish().await
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
        arrival.write(&bytes).await.map_err(|error| trouble(&error))?;
    }
    arrival.flush().await.map_err(|error| trouble(&error))?;
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

impl Upload {
    /// Makes the `ETag`: by default one that only looks like an MD5, because the documentation says
    /// that the one of a posted object is not.
    pub(super) fn etag(&self, judgement: &Judgement) -> String {
        let md5 = self.md5.filter(|_| judgement.allows(Leniency::Md5Etag));
        let digest = md5.unwrap_or_else(|| {
            let (crc64, size) = (self.crc64.to_be_bytes(), self.size.to_be_bytes());
            Md5::digest([crc64, size].concat()).into()
        });
        hex::encode_upper(digest)
    }
}

/// Refuses an upload because of the emulator's own trouble: a full disk, a folder that vanished.
pub(super) fn trouble(error: &io::Error) -> Refusal {
    Kind::InternalError.because(format!("the local OSS could not write its data folder: {error}"))
}
