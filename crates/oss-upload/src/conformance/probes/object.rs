//! Probes of the fields that describe the object, and of the response to an upload.

use crate::conformance::form::BASELINE;
use crate::conformance::form::{CONTENT, Part};
use crate::conformance::observation::Prediction::{Accepted, AcceptedWith, Refused};
use crate::conformance::probe::{Look, Probe, REDIRECT, facts};
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;

/// The longest key in bytes.
const MAX_KEY: usize = 1023;

pub(super) fn choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "missing-filename",
            "missing-filename",
            "${filename} in the key, and no file name",
            Refused(Kind::ArgumentInvalid),
            |form| {
                form.use_file_name(&["", "file"]);
                let headers =
                    "Content-Disposition: form-data; name=\"file\"\r\nContent-Type: text/plain";
                form.files = vec![Part::new(headers, CONTENT)];
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::MissingFilename);
        }),
        Probe::of_choice(
            "filename-folders",
            "filename-folders",
            "${filename} in the key, and a file name with a folder",
            AcceptedWith(facts::LAST_COMPONENT),
            |form| {
                form.use_file_name(&["probe.txt", "folder/probe.txt"]);
                let headers = "Content-Disposition: form-data; name=\"file\"; \
                               filename=\"folder/probe.txt\"\r\nContent-Type: text/plain";
                form.files = vec![Part::new(headers, CONTENT)];
            },
        )
        .or(AcceptedWith(facts::WHOLE_PATH), |strictness| {
            strictness.relaxed.insert(Relaxation::FilenameFolders);
        })
        .looking_at(Look::Key),
    ]
}

pub(super) fn value_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "tagging",
            "tagging",
            "the field x-oss-tagging",
            Refused(Kind::ArgumentInvalid),
            |form| form.add("x-oss-tagging", "a=1"),
        )
        .or(AcceptedWith(facts::NO_TAGS), |strictness| {
            strictness.relaxed.insert(Relaxation::IgnoredTagging);
        })
        .or_fixed(AcceptedWith(facts::TAGS))
        .looking_at(Look::Tags),
        Probe::of_choice(
            "metadata-values",
            "metadata-line-end",
            "metadata with a line end",
            Refused(Kind::ArgumentInvalid),
            |form| form.add("x-oss-meta-a", "1\r\nx-oss-meta-b: 2"),
        )
        .or_fixed(Accepted),
        Probe::of_choice(
            "metadata-values",
            "metadata-over-8-kb",
            "metadata over 8 KB",
            Refused(Kind::ArgumentInvalid),
            |form| {
                form.add("x-oss-meta-a", "a".repeat(4200));
                form.add("x-oss-meta-b", "b".repeat(4200));
            },
        )
        .or_fixed(Accepted),
        Probe::of_choice(
            "control-characters",
            "control-characters",
            "a control character in the key",
            Refused(Kind::KeyInvalid),
            |form| form.key.push('\u{1}'),
        )
        .or_fixed(Accepted),
    ]
}

pub(super) fn response_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "redirect",
            "redirect",
            "success_action_redirect",
            AcceptedWith(facts::AS_GIVEN),
            |form| form.add("success_action_redirect", REDIRECT),
        )
        .or(AcceptedWith(facts::APPENDED), |strictness| {
            strictness.relaxed.insert(Relaxation::RedirectParameters);
        })
        .looking_at(Look::Location),
        Probe::of_choice(
            "etag",
            "etag",
            "the ETag of a stored file",
            AcceptedWith(facts::NOT_MD5),
            |_| {},
        )
        .or(AcceptedWith(facts::MD5), |strictness| {
            strictness.relaxed.insert(Relaxation::Md5Etag);
        })
        .looking_at(Look::ETag),
    ]
}

pub(super) fn errors() -> Vec<Probe> {
    vec![
        Probe::of_error(
            "overwrite-value",
            "x-oss-forbid-overwrite yes",
            Refused(Kind::ForbidOverwriteInvalid),
            |form| form.add("x-oss-forbid-overwrite", "yes"),
        ),
        Probe::of_error(
            "overwrite",
            "x-oss-forbid-overwrite true, and an object of this key",
            Refused(Kind::FileExists),
            |form| {
                form.key = format!("{}{BASELINE}.txt", form.bucket.prefix);
                form.add("x-oss-forbid-overwrite", "true");
            },
        )
        // A bucket with versioning ignores the field.
        .or_fixed(Accepted),
        Probe::of_error("acl", "an unknown ACL", Refused(Kind::ArgumentInvalid), |form| {
            form.add("x-oss-object-acl", "conformance");
        }),
        Probe::of_error(
            "storage-class",
            "an unknown storage class",
            Refused(Kind::ArgumentInvalid),
            |form| form.add("x-oss-storage-class", "Conformance"),
        ),
        Probe::of_error(
            "encryption",
            "an unknown encryption",
            Refused(Kind::EncryptionInvalid),
            |form| form.add("x-oss-server-side-encryption", "conformance"),
        ),
        Probe::of_error("long-key", "a key of 1024 bytes", Refused(Kind::KeyInvalid), |form| {
            let missing = (MAX_KEY + 1).saturating_sub(form.key.len());
            form.key.push_str(&"k".repeat(missing));
        }),
    ]
}
