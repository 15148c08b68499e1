//! Decides which parts become the object: those that the client lists, or all of them. Pure.

use md5::{Digest, Md5};

use crate::oss::crc64;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::multipart_upload::part_list::ListedPart;
use crate::oss::store::StoredPart;
use crate::oss::strictness::{Relaxation, Strictness};

/// What CompleteMultipartUpload asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WantedParts {
    /// Every stored part, as with `x-oss-complete-all: yes`.
    All,
    /// These parts; others are dropped.
    Listed(Vec<ListedPart>),
}

/// The parts of an object, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SelectedParts(Vec<StoredPart>);

impl SelectedParts {
    /// Selects parts from those that are stored, which are in ascending order.
    pub(super) fn select(
        wanted: &WantedParts,
        stored: &[StoredPart],
        strictness: &Strictness,
    ) -> Result<Self, OssError> {
        let parts = match wanted {
            WantedParts::All => stored.to_vec(),
            WantedParts::Listed(listed) => listed
                .iter()
                .map(|listed| find(listed, stored, strictness))
                .collect::<Result<_, _>>()?,
        };
        if parts.is_empty() {
            return Err(OssErrorKind::XmlMalformed.because("the upload has no part"));
        }
        let selected = Self(parts);
        selected.check_sizes(strictness.min_part_size)?;
        Ok(selected)
    }

    /// Checks that every part but the last has the minimum size.
    fn check_sizes(&self, minimum: u64) -> Result<(), OssError> {
        let but_last = self.0.split_last().map_or(&[][..], |(_, others)| others);
        let Some(small) = but_last.iter().find(|part| part.size < minimum) else {
            return Ok(());
        };
        let (number, size) = (small.number, small.size);
        let reason = format!(
            "part {number} has {size} bytes, and is neither the last part nor has \
            it the minimum of {minimum}"
        );
        Err(OssErrorKind::PartTooSmall
            .because(reason)
            .with_child("MinSizeAllowed", minimum.to_string())
            .with_child("ProposedSize", size.to_string())
            .with_child("PartNumber", number.to_string()))
    }

    /// Returns the ETag of the object: an MD5 of the parts' ETags, and the number of parts.
    pub(super) fn etag(&self) -> String {
        let etags: String = self.0.iter().map(StoredPart::etag).collect();
        format!("{}-{}", hex::encode_upper(Md5::digest(etags)), self.0.len())
    }

    /// Returns the CRC-64 of the object.
    pub(super) fn crc64(&self) -> u64 {
        self.0.iter().fold(0, |crc64, part| crc64::combine(crc64, part.crc64, part.size))
    }

    /// Returns the size of the object in bytes.
    pub(super) fn size(&self) -> u64 {
        self.0.iter().map(|part| part.size).sum()
    }

    pub(super) fn into_parts(self) -> Vec<StoredPart> {
        self.0
    }
}

fn find(
    listed: &ListedPart,
    stored: &[StoredPart],
    strictness: &Strictness,
) -> Result<StoredPart, OssError> {
    let number = listed.number;
    let invalid = |reason: String| {
        OssErrorKind::PartInvalid.because(reason).with_child("PartNumber", number.to_string())
    };
    let found = stored.binary_search_by_key(&number, |part| part.number).ok();
    let part = found
        .and_then(|index| stored.get(index))
        .ok_or_else(|| invalid(format!("part {number} is listed and was not uploaded")))?;
    let etag = part.etag();
    let is_loose = strictness.allows(Relaxation::LooseEtags)
        && listed.etag.trim_matches('"').eq_ignore_ascii_case(&etag);
    if is_loose || listed.etag == format!("\"{etag}\"") {
        return Ok(*part);
    }
    let quotes = if listed.etag.contains('"') { "" } else { ", which must be in quotes" };
    Err(invalid(format!(
        "the ETag of part {number} is {etag:?}; the list has {:?}{quotes}",
        listed.etag
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32, size: u64) -> StoredPart {
        let digit = u8::try_from(number % 256).unwrap();
        StoredPart { number, size, md5: [digit; 16], crc64: 0, stored_at: 0 }
    }

    fn listed(number: u32, etag: impl Into<String>) -> ListedPart {
        ListedPart { number, etag: etag.into() }
    }

    fn quoted(number: u32) -> ListedPart {
        listed(number, format!("\"{}\"", part(number, 0).etag()))
    }

    fn select(
        wanted: Vec<ListedPart>,
        stored: &[StoredPart],
        relaxed: &[Relaxation],
    ) -> Result<Vec<u32>, OssErrorKind> {
        let mut strictness = Strictness::default();
        strictness.relaxed.extend(relaxed);
        let selected = SelectedParts::select(&WantedParts::Listed(wanted), stored, &strictness);
        let selected = selected.map_err(|error| error.kind())?;
        Ok(selected.into_parts().into_iter().map(|part| part.number).collect())
    }

    const MINIMUM: u64 = 102_400;

    #[test]
    fn a_subset_of_the_parts_with_gaps_is_allowed() {
        let stored = [part(1, MINIMUM), part(2, 1), part(9, MINIMUM), part(10, 0)];
        assert_eq!(select(vec![quoted(1), quoted(9)], &stored, &[]), Ok(vec![1, 9]));
        assert_eq!(select(vec![quoted(2)], &stored, &[]), Ok(vec![2]));
        assert_eq!(select(vec![quoted(9), quoted(10)], &stored, &[]), Ok(vec![9, 10]));
    }

    #[test]
    fn the_minimum_counts_for_all_parts_of_the_list_but_the_last() {
        let stored = [part(1, MINIMUM - 1), part(2, MINIMUM)];
        let result = select(vec![quoted(1), quoted(2)], &stored, &[]);
        assert_eq!(result, Err(OssErrorKind::PartTooSmall));
        let strictness = Strictness { min_part_size: 0, ..Strictness::default() };
        assert!(SelectedParts::select(&WantedParts::All, &stored, &strictness).is_ok());
    }

    #[test]
    fn missing_parts_and_other_etags_are_refused() {
        let stored = [part(1, 1)];
        let etag = stored[0].etag();
        for wanted in [
            quoted(2),
            listed(1, ""),
            listed(1, "\"\""),
            listed(1, "\"00000000000000000000000000000000\""),
            listed(1, format!("\"{etag}\" ")),
        ] {
            let result = select(vec![wanted.clone()], &stored, &[]);
            assert_eq!(result, Err(OssErrorKind::PartInvalid), "{wanted:?}");
        }
    }

    #[test]
    fn etags_without_quotes_or_in_lower_case_need_a_relaxation() {
        let stored = [StoredPart { md5: [0xab; 16], ..part(1, 1) }];
        let etag = stored[0].etag();
        for loose in [etag.clone(), etag.to_lowercase(), format!("\"{}\"", etag.to_lowercase())] {
            let wanted = vec![listed(1, loose)];
            let strict = select(wanted.clone(), &stored, &[]);
            assert_eq!(strict, Err(OssErrorKind::PartInvalid));
            assert_eq!(select(wanted, &stored, &[Relaxation::LooseEtags]), Ok(vec![1]));
        }
    }

    #[test]
    fn an_upload_without_parts_cannot_be_completed() {
        let result = SelectedParts::select(&WantedParts::All, &[], &Strictness::default());
        assert_eq!(result.unwrap_err().kind(), OssErrorKind::XmlMalformed);
    }

    #[test]
    fn the_etag_is_the_md5_of_the_upper_case_etags_and_their_number() {
        // `printf ABABABABABABABABABABABABABABABABCDCDCDCDCDCDCDCDCDCDCDCDCDCDCDCD | md5sum`
        let parts = [[0xab; 16], [0xcd; 16]].map(|md5| StoredPart { md5, ..part(1, 1) });
        let selected = SelectedParts(parts.to_vec());
        assert_eq!(selected.etag(), "5FB0E5EE398D5D27B33E8312893EBB88-2");
    }

    #[test]
    fn sizes_over_4_gib_are_added_and_the_crc_is_that_of_the_whole() {
        let crc = |bytes: &[u8]| {
            let mut digest = crc64::digest();
            digest.update(bytes);
            digest.finalize()
        };
        let texts = [&b"123"[..], b"", b"456789"];
        let parts = texts.map(|text| StoredPart { crc64: crc(text), ..part(1, text.len() as u64) });
        assert_eq!(SelectedParts(parts.to_vec()).crc64(), crc(b"123456789"));
        let large = SelectedParts(vec![part(1, 5 << 30); 10_000]);
        assert_eq!(large.size(), 53_687_091_200_000);
    }
}
