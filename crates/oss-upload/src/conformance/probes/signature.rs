//! Probes of the signature: version, credential, date, token.

use std::time::Duration;

use crate::conformance::form::{ProbeForm, ProbePolicy, SentSignature};
use crate::conformance::observation::Prediction::{Accepted, Refused};
use crate::conformance::probe::{Need, Probe};
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;
use oss_upload_signer::signing::v1::OSS_ACCESS_KEY_ID;
use oss_upload_signer::signing::v4::{
    X_OSS_CREDENTIAL, X_OSS_DATE, X_OSS_SECURITY_TOKEN, X_OSS_SIGNATURE_VERSION,
};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// Seven days in seconds.
const WEEK: i64 = 7 * 24 * 60 * 60;

pub(super) fn choices() -> Vec<Probe> {
    let mut probes = age_choices();
    probes.extend([
        Probe::of_choice(
            "uncovered-token",
            "uncovered-token",
            "a security token that no condition names",
            Refused(Kind::ExtraFields),
            |form| form.uncovered = Some(X_OSS_SECURITY_TOKEN),
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::UncoveredToken);
        })
        .needing(Need::TemporaryKey),
        Probe::of_choice("v1", "v1", "a V1 form", Accepted, |form| {
            form.sign_v1();
        })
        .or(Refused(Kind::V1Refused), |strictness| strictness.refuse_v1 = true),
        Probe::of_choice(
            "public-endpoint",
            "public-endpoint",
            "a correct form to the default host",
            Accepted,
            |_| {},
        )
        .or(Refused(Kind::PublicEndpoint), |strictness| strictness.refuse_public_endpoint = true)
        .needing(Need::DefaultHost),
        Probe::of_choice(
            "missing-version",
            "missing-version",
            "V4 fields without x-oss-signature-version",
            Refused(Kind::KeyIdMissing),
            |form| form.remove_identity(X_OSS_SIGNATURE_VERSION),
        ),
        Probe::of_choice(
            "missing-credential",
            "missing-credential",
            "V4 fields without x-oss-credential",
            Refused(Kind::KeyIdMissing),
            |form| form.remove_identity(X_OSS_CREDENTIAL),
        ),
        Probe::of_choice(
            "upper-case-signature",
            "upper-case-signature",
            "the signature in upper case",
            Refused(Kind::SignatureMismatch),
            |form| form.signature = SentSignature::UpperCase,
        ),
    ]);
    probes
}

fn age_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "date-age",
            "date-behind",
            "x-oss-date 16 minutes ago",
            Accepted,
            |form| {
                form.sign_at(form.bucket.now().minus(16 * MINUTE));
            },
        )
        .or(Refused(Kind::DateInvalid), |strictness| strictness.date_behind = 15 * 60),
        Probe::of_choice(
            "date-age",
            "date-long-behind",
            "x-oss-date 8 days ago",
            Refused(Kind::DateInvalid),
            |form| form.sign_at(form.bucket.now().minus(8 * DAY)),
        )
        .or(Accepted, |strictness| strictness.date_behind = 1000 * WEEK),
        Probe::of_choice(
            "date-age",
            "date-ahead",
            "x-oss-date in 16 minutes",
            Refused(Kind::DateInvalid),
            |form| form.sign_at(form.bucket.now().plus(16 * MINUTE)),
        )
        .or(Accepted, |strictness| strictness.date_ahead = WEEK),
    ]
}

pub(super) fn date_field_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "missing-date",
            "missing-date",
            "V4 fields without x-oss-date",
            Refused(Kind::DateFieldInvalid),
            |form| form.remove_identity(X_OSS_DATE),
        ),
        Probe::of_choice(
            "missing-date",
            "malformed-date",
            "an x-oss-date that is a day only",
            Refused(Kind::DateFieldInvalid),
            |form| form.change_identity(X_OSS_DATE, |date| date.chars().take(8).collect()),
        ),
        Probe::of_choice(
            "date-and-credential",
            "date-and-credential",
            "x-oss-date of today, credential of yesterday",
            Refused(Kind::DateInvalid),
            |form| {
                let now = form.bucket.now();
                form.sign_at(now.minus(DAY));
                form.change_identity(X_OSS_DATE, |_| now.basic());
            },
        ),
    ]
}

pub(super) fn errors() -> Vec<Probe> {
    vec![
        Probe::of_error(
            "unknown-version",
            "x-oss-signature-version 2",
            Refused(Kind::VersionUnknown),
            |form| form.change_identity(X_OSS_SIGNATURE_VERSION, |_| "2".to_owned()),
        ),
        Probe::of_error(
            "missing-policy",
            "a form without policy",
            Refused(Kind::PolicyMissing),
            |form| form.policy = ProbePolicy::Missing,
        ),
        Probe::of_error(
            "missing-signature",
            "a form without signature",
            Refused(Kind::SignatureMissing),
            |form| form.signature = SentSignature::Missing,
        ),
        Probe::of_error(
            "empty-signature",
            "an empty signature",
            Refused(Kind::SignatureEmpty),
            |form| form.signature = SentSignature::Empty,
        ),
        Probe::of_error(
            "wrong-signature",
            "a signature of zeros",
            Refused(Kind::SignatureMismatch),
            |form| form.signature = SentSignature::Wrong,
        ),
        Probe::of_error(
            "signature-field",
            "a V4 signature in the field of V1",
            Refused(Kind::SignatureMismatch),
            |form| form.signature_field = Some("Signature"),
        ),
        Probe::of_error(
            "anonymous",
            "a form without policy, key id and signature",
            Refused(Kind::Anonymous),
            |form| {
                form.identity.clear();
                form.policy = ProbePolicy::Missing;
                form.signature = SentSignature::Missing;
            },
        ),
    ]
}

pub(super) fn credential_errors() -> Vec<Probe> {
    vec![
        Probe::of_error(
            "missing-key-id",
            "a V1 form without OSSAccessKeyId",
            Refused(Kind::KeyIdMissing),
            |form| {
                form.sign_v1();
                form.remove_identity(OSS_ACCESS_KEY_ID);
            },
        ),
        Probe::of_error(
            "empty-key-id",
            "a credential that begins with a slash",
            Refused(Kind::KeyIdEmpty),
            |form| replace_key_id(form, ""),
        ),
        Probe::of_error(
            "illegal-key-id",
            "a key id with an asterisk",
            Refused(Kind::KeyIdIllegal),
            |form| replace_key_id(form, "LTAI*conformance"),
        ),
        Probe::of_error(
            "unknown-key-id",
            "a key id that does not exist",
            Refused(Kind::KeyIdUnknown),
            |form| replace_key_id(form, "LTAI5tConformanceNoKey"),
        ),
    ]
}

pub(super) fn scope_errors() -> Vec<Probe> {
    vec![
        Probe::of_error(
            "credential-day",
            "a credential whose day is no date",
            Refused(Kind::DateInvalid),
            |form| {
                let day = form.signed_at.date();
                form.change_identity(X_OSS_CREDENTIAL, |text| text.replace(&day, "20261399"));
            },
        ),
        Probe::of_error(
            "credential-end",
            "a credential that ends with aws4_request",
            Refused(Kind::TerminatorInvalid),
            |form| {
                form.change_identity(X_OSS_CREDENTIAL, |text| {
                    text.replace("aliyun_v4_request", "aws4_request")
                });
            },
        ),
        Probe::of_error(
            "credential-region",
            "a form that is signed for another region",
            Refused(Kind::RegionInvalid),
            |form| {
                let here = form.bucket.region == "cn-shanghai";
                form.sign_for(if here { "cn-hangzhou" } else { "cn-shanghai" });
            },
        ),
    ]
}

fn replace_key_id(form: &mut ProbeForm<'_>, id: &str) {
    form.change_identity(X_OSS_CREDENTIAL, |credential| {
        let scope = credential.split_once('/').map_or("", |(_, scope)| scope);
        format!("{id}/{scope}")
    });
}
