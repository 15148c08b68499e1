//! The V4 credential and its date: `<key id>/<day>/<region>/oss/aliyun_v4_request`.
//!
//! Signature V4 page; error code pages 0002-00000707 to 0002-00000715. Which day and region are
//! right depends on the bucket and the clock, which are arguments.

use crate::dates;
use crate::oss::form::Form;
use crate::oss::judge::Court;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The field that carries it, and the name under which it is complained about.
pub(super) const X_OSS_CREDENTIAL: &str = "x-oss-credential";

/// The field with the moment of signing.
const X_OSS_DATE: &str = "x-oss-date";

/// A credential that has the right shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credential<'a> {
    pub(super) id: &'a str,
    pub(super) day: &'a str,
    pub(super) region: &'a str,
}

impl<'a> Credential<'a> {
    /// Takes a credential apart and checks its items from left to right.
    pub(super) fn parse(text: &'a str, court: &Court<'_>) -> Result<Self, Refusal> {
        let refuse = |kind: Kind, reason: &str| kind.argument(X_OSS_CREDENTIAL, text, reason);
        let mut items = text.split('/');
        let id = items.next().unwrap_or_default();
        if id.is_empty() {
            return Err(refuse(Kind::KeyIdEmpty, "x-oss-credential begins without a key id"));
        }
        if !id.bytes().all(is_key_id_byte) {
            let reason = "the key id in x-oss-credential has a character that no key id has";
            return Err(refuse(Kind::KeyIdIllegal, reason));
        }
        if text.rsplit('/').next() != Some("aliyun_v4_request") {
            let reason = "x-oss-credential does not end with /aliyun_v4_request";
            return Err(refuse(Kind::TerminatorInvalid, reason));
        }
        let rest: Vec<&str> = items.collect();
        let [day, region, product, _] = rest[..] else {
            let reason = "x-oss-credential does not have its five items: key id, day, region, oss, \
                          aliyun_v4_request";
            return Err(refuse(Kind::CredentialInvalid, reason));
        };
        if dates::parse_day(day).is_none() {
            let reason = "the day in x-oss-credential is not of the form 20241127";
            return Err(refuse(Kind::DateInvalid, reason));
        }
        if region != court.bucket.region {
            return Err(refuse(Kind::RegionInvalid, &region_reason(region, court)));
        }
        if product != "oss" {
            let reason = "the product in x-oss-credential is not oss";
            return Err(refuse(Kind::CredentialInvalid, reason));
        }
        Ok(Self { id, day, region })
    }

    /// Checks `x-oss-date` against the credential's day and the clock.
    pub(super) fn check_date(&self, form: &Form, court: &Court<'_>) -> Result<(), Refusal> {
        let text = form.get(X_OSS_DATE).unwrap_or_default();
        let refuse = |kind: Kind, reason: String| kind.argument(X_OSS_DATE, text, reason);
        let signed_at = dates::parse_basic(text).ok_or_else(|| {
            let reason = "x-oss-date is missing before the file or not of the form \
                          20241127T060941Z";
            refuse(Kind::DateFieldInvalid, reason.to_owned())
        })?;
        if !text.starts_with(self.day) {
            let reason = format!(
                "x-oss-date is not on the day {} that x-oss-credential names; read the clock once, \
                 in UTC",
                self.day
            );
            return Err(refuse(Kind::DateInvalid, reason));
        }
        let ahead = signed_at.saturating_sub(court.now);
        if ahead > court.judgement.date_ahead {
            let reason = format!("x-oss-date lies {ahead} seconds in the future");
            return Err(refuse(Kind::DateInvalid, reason));
        }
        let behind = court.now.saturating_sub(signed_at);
        if behind > court.judgement.date_behind {
            let reason = format!("x-oss-date lies {behind} seconds in the past");
            return Err(refuse(Kind::DateInvalid, reason));
        }
        Ok(())
    }
}

fn is_key_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

fn region_reason(region: &str, court: &Court<'_>) -> String {
    let wanted = &court.bucket.region;
    if region.strip_prefix("oss-") == Some(wanted) {
        return format!(
            "the region in x-oss-credential is {region:?}; write the general id {wanted:?}, \
             without oss-"
        );
    }
    format!("the region in x-oss-credential is {region:?}, but the bucket lies in {wanted:?}")
}
