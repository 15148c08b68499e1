//! Sends the parts of one upload: several at a time, each with its tries, and with a checksum of what was sent.
//!
//! A part is read from the file while it is sent, so memory does not depend on its size. OSS answers with the CRC-64 of
//! what it has stored; the whole object is compared at the end, also with parts that an earlier run has sent.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use crate::http_client::{WebClient, WebRequest, WebResponse};
use crate::requirements::cors_rule::CHECKSUM_HEADER;
use crate::upload::body::{FileRange, UploadFile, start_part};
use crate::upload::parts::error::PartsError;
use crate::upload::parts::saved::{FileIdentity, SavedUpload};
use crate::upload::parts::target::PartsTarget;
use crate::upload::progress::{Progress, stall_reason, stalled};
use crate::upload::response;
use crate::xml;
use oss_emulator::oss::crc64;
use oss_upload_signer::policy::part_size::PartPlan;

/// How often a part is tried.
const TRIES: u32 = 8;

/// How often a part is signed anew after OSS refused its signature.
const REFUSALS: u32 = 2;

/// The first pause between two tries; each following one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The size of a piece that is read for a checksum, in bytes.
const PIECE: usize = 64 * 1024;

/// The transfer of one file.
pub(super) struct Transfer {
    client: WebClient,
    target: PartsTarget,
    path: PathBuf,
    name: String,
    identity: FileIdentity,
    part_size: u64,
    plan: PartPlan,
    /// The CRC-64 of each part that was sent.
    checksums: Mutex<BTreeMap<u32, u64>>,
}

/// The result of sending a part once.
enum PartAttempt {
    Stored(u64),
    /// OSS refused the signature in this URL.
    Refused {
        url: String,
        reason: String,
    },
    /// Another try may help.
    Failed(String),
}

impl Transfer {
    pub(super) fn new(
        client: &WebClient,
        target: PartsTarget,
        file: &UploadFile,
        upload: &SavedUpload,
    ) -> Result<Self, PartsError> {
        Ok(Self {
            client: client.clone(),
            target,
            path: file.path.clone(),
            name: file.name.clone(),
            identity: upload.identity.clone(),
            part_size: upload.part_size,
            plan: upload.plan()?,
            checksums: Mutex::default(),
        })
    }

    /// Sends the parts that are not done, and makes the object.
    pub(super) async fn run(self, done: &[u32], parallel: u8) -> Result<(), PartsError> {
        let bytes_done = done.iter().filter_map(|number| self.plan.length(*number)).sum();
        let progress = Progress::start(&self.name, self.identity.size, bytes_done);
        let missing: Vec<u32> =
            (1..=self.plan.count()).filter(|number| done.binary_search(number).is_err()).collect();
        let transfer = Arc::new(self);
        let sent = transfer.send_all(&missing, parallel, &progress).await;
        progress.finish();
        sent?;
        transfer.check_unchanged()?;
        let crc64 = transfer.whole_checksum().await?;
        transfer.target.complete(Some(crc64)).await
    }

    /// Sends parts, several at a time. The first one that fails ends the others.
    async fn send_all(
        self: &Arc<Self>,
        missing: &[u32],
        parallel: u8,
        progress: &Progress,
    ) -> Result<(), PartsError> {
        let mut numbers = missing.iter().copied();
        let mut running = JoinSet::new();
        loop {
            while running.len() < usize::from(parallel)
                && let Some(number) = numbers.next()
            {
                let (transfer, progress) = (Arc::clone(self), progress.clone());
                running.spawn(async move { transfer.send_part(number, &progress).await });
            }
            match running.join_next().await {
                None => return Ok(()),
                Some(Ok(result)) => result?,
                Some(Err(error)) => {
                    return Err(PartsError::Unfinished(format!("a part was not sent: {error}")));
                }
            }
        }
    }

    async fn send_part(&self, number: u32, progress: &Progress) -> Result<(), PartsError> {
        let (mut tries, mut refusals, mut refused) = (0, 0, None);
        loop {
            match self.try_part(number, refused.as_deref(), progress).await? {
                PartAttempt::Stored(crc64) => {
                    self.checksums().insert(number, crc64);
                    return Ok(());
                }
                PartAttempt::Refused { url, .. }
                    if refusals < REFUSALS && self.target.can_sign_anew() =>
                {
                    refusals += 1;
                    refused = Some(url);
                }
                PartAttempt::Refused { reason, .. } => return Err(PartsError::Unfinished(reason)),
                PartAttempt::Failed(reason) => {
                    self.check_unchanged()?;
                    tries += 1;
                    if tries == TRIES {
                        let reason = format!("part {number} failed {TRIES} times: {reason}");
                        return Err(PartsError::Unfinished(reason));
                    }
                    tokio::time::sleep(pause(tries)).await;
                }
            }
        }
    }

    /// Sends a part once.
    async fn try_part(
        &self,
        number: u32,
        refused: Option<&str>,
        progress: &Progress,
    ) -> Result<PartAttempt, PartsError> {
        let signed = self.target.part(number, refused).await?;
        let sent = Arc::new(AtomicU64::new(0));
        let digest = Arc::new(Mutex::new(crc64::digest()));
        let on_piece = {
            let (sent, digest, progress) =
                (Arc::clone(&sent), Arc::clone(&digest), progress.clone());
            Arc::new(move |piece: &[u8]| {
                digest.lock().unwrap_or_else(PoisonError::into_inner).update(piece);
                sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                progress.add(piece.len() as u64);
            })
        };
        let body = start_part(self.range(number), on_piece);
        let request = WebRequest::put(&signed.url, body).headers(&signed.headers);
        let response = tokio::select! {
            response = self.client.send(request) => response.map_err(|error| error.to_string()),
            () = stalled(|| sent.load(Ordering::Relaxed)) => Err(stall_reason()),
        };
        let crc64 = digest.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        let attempt = match response {
            Ok(response) => judge(&response, crc64, signed.url),
            Err(reason) => Ok(PartAttempt::Failed(reason)),
        };
        if !matches!(attempt, Ok(PartAttempt::Stored(_))) {
            progress.take_back(sent.load(Ordering::Relaxed));
        }
        attempt
    }

    fn range(&self, number: u32) -> FileRange {
        FileRange {
            path: self.path.clone(),
            offset: u64::from(number - 1) * self.part_size,
            length: self.plan.length(number).unwrap_or_default(),
        }
    }

    /// Refuses a file that changes while it is uploaded: its parts would not belong together.
    fn check_unchanged(&self) -> Result<(), PartsError> {
        if self.identity.is_current(&self.path) {
            return Ok(());
        }
        let reason =
            "the file has changed since its upload began, so the upload cannot be finished";
        Err(PartsError::Unfinished(reason.to_owned()))
    }

    /// Computes the CRC-64 of the whole file. Parts that an earlier run has sent are read for it.
    async fn whole_checksum(self: &Arc<Self>) -> Result<u64, PartsError> {
        let transfer = Arc::clone(self);
        let computed = tokio::task::spawn_blocking(move || transfer.checksum_of_parts()).await;
        let computed = computed.map_err(io::Error::other).and_then(|computed| computed);
        computed
            .map_err(|error| PartsError::Unfinished(format!("the file cannot be read: {error}")))
    }

    fn checksum_of_parts(&self) -> io::Result<u64> {
        let mut whole = crc64::digest().finalize();
        for number in 1..=self.plan.count() {
            let range = self.range(number);
            let known = self.checksums().get(&number).copied();
            let part = match known {
                Some(crc64) => crc64,
                None => checksum(&self.path, &range)?,
            };
            whole = crc64::combine(whole, part, range.length);
        }
        Ok(whole)
    }

    fn checksums(&self) -> std::sync::MutexGuard<'_, BTreeMap<u32, u64>> {
        self.checksums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads OSS's answer to a part.
fn judge(response: &WebResponse, crc64: u64, url: String) -> Result<PartAttempt, PartsError> {
    let status = response.status;
    if status.is_success() {
        let stored = response.header(CHECKSUM_HEADER).and_then(|text| text.parse::<u64>().ok());
        return Ok(if stored.is_none_or(|stored| stored == crc64) {
            PartAttempt::Stored(crc64)
        } else {
            PartAttempt::Failed("OSS has stored other bytes than were sent".to_owned())
        });
    }
    let reason = response::describe(status, &response.body);
    match status.as_u16() {
        403 => Ok(PartAttempt::Refused { url, reason }),
        408 | 429 | 500.. => Ok(PartAttempt::Failed(reason)),
        _ if xml::child(&response.body, "Code").as_deref() == Some("NoSuchUpload") => {
            Err(PartsError::Over(reason))
        }
        _ => Err(PartsError::Unfinished(reason)),
    }
}

/// Returns the pause after some tries.
fn pause(tries: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

fn checksum(path: &Path, range: &FileRange) -> io::Result<u64> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(range.offset))?;
    let (mut digest, mut piece, mut left) = (crc64::digest(), vec![0; PIECE], range.length);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let count = file.read(&mut piece[..most])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        digest.update(&piece[..count]);
        left -= count as u64;
    }
    Ok(digest.finalize())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use oss_upload_signer::time;

    fn answer(status: u16, crc64: Option<&str>, code: &str) -> Result<PartAttempt, PartsError> {
        let status = StatusCode::from_u16(status).unwrap();
        let (body, received_at) = (format!("<Error><Code>{code}</Code></Error>"), time::now());
        let mut headers = HeaderMap::new();
        if let Some(crc64) = crc64 {
            headers.insert(CHECKSUM_HEADER, crc64.parse().unwrap());
        }
        judge(&WebResponse { status, headers, body, received_at }, 7, "u".to_owned())
    }

    #[test]
    fn an_answer_stores_a_part_fails_it_or_ends_the_upload() {
        for crc64 in [None, Some("7"), Some("no number")] {
            assert!(matches!(answer(200, crc64, ""), Ok(PartAttempt::Stored(7))), "{crc64:?}");
        }
        assert!(matches!(answer(200, Some("8"), ""), Ok(PartAttempt::Failed(_))));
        assert!(matches!(answer(403, None, "AccessDenied"), Ok(PartAttempt::Refused { .. })));
        for status in [408, 429, 500, 503] {
            assert!(matches!(answer(status, None, "x"), Ok(PartAttempt::Failed(_))), "{status}");
        }
        assert!(matches!(answer(404, None, "NoSuchUpload"), Err(PartsError::Over(_))));
        assert!(matches!(answer(404, None, "NoSuchBucket"), Err(PartsError::Unfinished(_))));
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<_> = (1..9).map(|tries| pause(tries).as_secs_f32()).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
    }

    #[test]
    fn the_checksum_of_a_range_is_that_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let content: Vec<u8> = (0..200_000_u32).map(|one| (one % 251) as u8).collect();
        std::fs::write(&path, &content).unwrap();
        let range = FileRange { path: path.clone(), offset: 1000, length: 150_000 };
        let mut digest = crc64::digest();
        digest.update(&content[1000..151_000]);
        assert_eq!(checksum(&path, &range).unwrap(), digest.finalize());
        let beyond = FileRange { offset: 199_999, length: 2, ..range };
        assert_eq!(checksum(&path, &beyond).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
