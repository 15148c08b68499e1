//! Probes of the policy document and of its evaluation.

use std::time::Duration;

use crate::conformance::form::{ProbeForm, ProbePolicy};
use crate::conformance::observation::Prediction::{Accepted, Refused};
use crate::conformance::probe::Probe;
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;
use oss_upload_signer::crypto;
use oss_upload_signer::signing::v4::{X_OSS_CREDENTIAL, X_OSS_DATE, X_OSS_SIGNATURE_VERSION};

/// How long the policy of a slow upload lasts.
const SHORT: Duration = Duration::from_secs(4);

/// How long a slow upload pauses.
const PAUSE: Duration = Duration::from_secs(7);

pub(super) fn choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "content-type",
            "content-type",
            "a condition that the field Content-Type meets and the part does not",
            Refused(Kind::ConditionFailed),
            |form| {
                form.add("Content-Type", "image/png");
                form.require(r#"["eq","$content-type","image/png"]"#);
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::ContentTypeField);
        }),
        expiration("expiration-microseconds", "an expiration with microseconds", |form| {
            change_expiration(form, "Z", ".000000Z");
        }),
        expiration("expiration-offset", "an expiration with +00:00", |form| {
            change_expiration(form, "Z", "+00:00");
        }),
    ]
}

pub(super) fn evaluation_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "expiry-during-upload",
            "expiry-during-upload",
            "a policy that expires while the body arrives (7 seconds)",
            Refused(Kind::PolicyExpired),
            |form| {
                form.expire_in(SHORT);
                form.wire.pause = Some(PAUSE);
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::ExpiryDuringUpload);
        }),
        Probe::of_choice(
            "empty-value",
            "empty-value",
            "an empty field and a condition that it is empty",
            Refused(Kind::ConditionFailed),
            |form| {
                form.add("x-oss-meta-note", "");
                form.require(r#"["eq","$x-oss-meta-note",""]"#);
            },
        )
        .or_fixed(Accepted),
        Probe::of_choice(
            "escaped-dollar",
            "escaped-dollar",
            "two backslashes before a dollar sign in a condition",
            Accepted,
            |form| {
                form.use_file_name(&["probe.txt"]);
                let escaped = form.key.replace('$', r"\\$");
                form.require(format!(r#"["eq","$key","{escaped}"]"#));
            },
        )
        .or_fixed(Refused(Kind::ConditionFailed)),
    ]
}

fn expiration(name: &'static str, about: &'static str, change: fn(&mut ProbeForm<'_>)) -> Probe {
    let refused = Refused(Kind::ExpirationMalformed);
    Probe::of_choice("expiration-format", name, about, refused, change).or(Accepted, |strictness| {
        strictness.relaxed.insert(Relaxation::AnyExpiration);
    })
}

fn change_expiration(form: &mut ProbeForm<'_>, from: &str, to: &str) {
    if let ProbePolicy::Conditions { expiration, .. } = &mut form.policy {
        *expiration = expiration.replace(from, to);
    }
}

pub(super) fn document_errors() -> Vec<Probe> {
    vec![
        error("policy-base64", "a policy that is not base64", Kind::PolicyNotBase64, |form| {
            form.policy = ProbePolicy::Encoded("*".to_owned());
        }),
        error("policy-utf8", "a policy that is not UTF-8", Kind::PolicyNotUtf8, |form| {
            form.policy = ProbePolicy::Encoded(crypto::base64(b"{\"expiration\":\"\xff\xfe\"}"));
        }),
        error("policy-json", "a policy that is not JSON", Kind::PolicyNotJson, |form| {
            form.policy = ProbePolicy::Json("expiration".to_owned());
        }),
        error("policy-member", "a third member of the policy", Kind::PolicyExtraKey, |form| {
            form.replace_conditions(r#"[["starts-with","$key",""]],"version":1"#);
        }),
        error("no-conditions", "a policy without conditions", Kind::NoConditions, |form| {
            form.policy = ProbePolicy::Json(r#"{"expiration":"2099-01-01T00:00:00Z"}"#.to_owned());
        }),
        error("no-expiration", "a policy without expiration", Kind::NoExpiration, |form| {
            let json = r#"{"conditions":[["starts-with","$key",""]]}"#;
            form.policy = ProbePolicy::Json(json.to_owned());
        }),
        error("empty-policy", "a policy without members", Kind::PolicyEmpty, |form| {
            form.policy = ProbePolicy::Json("{}".to_owned());
        }),
        error("expiration-number", "a number as expiration", Kind::ExpirationNotText, |form| {
            form.expire("4070908800");
        }),
        error("expiration-empty", "an empty expiration", Kind::ExpirationEmpty, |form| {
            form.expire(r#""""#);
        }),
        error("expiration-space", "a space in the expiration", Kind::ExpirationMalformed, |form| {
            form.expire(r#""2099-02-19 13:19:00""#);
        }),
        error("no-condition", "an empty list of conditions", Kind::ConditionsEmpty, |form| {
            form.replace_conditions("[]");
        }),
    ]
}

fn error(
    name: &'static str,
    about: &'static str,
    kind: Kind,
    change: fn(&mut ProbeForm<'_>),
) -> Probe {
    Probe::of_error(name, about, Refused(kind), change)
}

pub(super) fn condition_errors() -> Vec<Probe> {
    vec![
        error("no-operator", "a condition without operator", Kind::OperatorMissing, |form| {
            form.require("[]");
        }),
        error("other-operator", "an unknown operator", Kind::OperatorUnknown, |form| {
            form.require(r#"["matches","$key","a"]"#);
        }),
        error("condition-length", "a condition of two items", Kind::ConditionArity, |form| {
            form.require(r#"["eq","$key"]"#);
        }),
        error("range-reversed", "a maximum below the minimum", Kind::RangeReversed, |form| {
            form.require(r#"["content-length-range",10,1]"#);
        }),
        error("range-minimum", "a minimum in quotes", Kind::RangeMinInvalid, |form| {
            form.require(r#"["content-length-range","1",100]"#);
        }),
        error("range-maximum", "a maximum in quotes", Kind::RangeMaxInvalid, |form| {
            form.require(r#"["content-length-range",1,"100"]"#);
        }),
        error("condition-shape", "a condition that is a number", Kind::ConditionShape, |form| {
            form.require("1");
        }),
        error("condition-type", "a condition on a number", Kind::ConditionType, |form| {
            form.require(r#"["eq","$key",1]"#);
        }),
        error("condition-list", "the operator in without a list", Kind::ListMissing, |form| {
            form.require(r#"["in","$content-type","text/plain"]"#);
        }),
    ]
}

pub(super) fn evaluation_errors() -> Vec<Probe> {
    vec![
        error("policy-expired", "a policy that has expired", Kind::PolicyExpired, |form| {
            form.expire(r#""2020-01-01T00:00:00Z""#);
        }),
        error("absent-field", "a condition on an absent field", Kind::FieldAbsent, |form| {
            form.require(r#"["eq","$x-oss-meta-absent","a"]"#);
        }),
        error("condition-failed", "a condition that fails", Kind::ConditionFailed, |form| {
            form.add("x-oss-meta-a", "1");
            form.require(r#"["eq","$x-oss-meta-a","2"]"#);
        }),
        error(
            "uncovered-credential",
            "no condition on the credential",
            Kind::ExtraFields,
            |form| {
                form.uncovered = Some(X_OSS_CREDENTIAL);
            },
        ),
        error("uncovered-date", "no condition on x-oss-date", Kind::ExtraFields, |form| {
            form.uncovered = Some(X_OSS_DATE);
        }),
        error("uncovered-version", "no condition on the version", Kind::ExtraFields, |form| {
            form.uncovered = Some(X_OSS_SIGNATURE_VERSION);
        }),
        error("file-too-large", "a file over the maximum", Kind::FileTooLarge, |form| {
            form.require(r#"["content-length-range",0,1]"#);
        }),
        error("file-too-small", "a file under the minimum", Kind::FileTooSmall, |form| {
            form.require(r#"["content-length-range",1000,2000]"#);
        }),
        error(
            "part-type-failed",
            "a part type that is not in the list",
            Kind::ConditionFailed,
            |form| {
                form.require(r#"["in","$content-type",["image/png","image/jpeg"]]"#);
            },
        ),
    ]
}
