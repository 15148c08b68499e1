//! Probes of the multipart body: its type, its parts, their order and their size.

use crate::conformance::form::{CONTENT, Part, ProbeForm};
use crate::conformance::observation::Prediction::{Accepted, Refused};
use crate::conformance::probe::Probe;
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;

pub(super) fn head_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "content-type-parameters",
            "content-type-parameters",
            "a charset after the boundary",
            Refused(Kind::MethodNotAllowed),
            |form| {
                form.wire.content_type =
                    |boundary| format!("multipart/form-data; boundary={boundary}; charset=UTF-8");
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::ContentTypeParameters);
        }),
        Probe::of_choice(
            "quoted-boundary",
            "quoted-boundary",
            "a boundary in quotes",
            Refused(Kind::BodyMalformed),
            |form| {
                form.wire.content_type =
                    |boundary| format!("multipart/form-data; boundary=\"{boundary}\"");
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::QuotedBoundary);
        }),
        Probe::of_choice(
            "preamble",
            "preamble",
            "a line before the first boundary",
            Refused(Kind::BodyMalformed),
            |form| form.wire.preamble = "preamble\r\n",
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::Preamble);
        }),
        Probe::of_choice(
            "not-a-form",
            "not-a-form",
            "a form that is declared as text/plain",
            Refused(Kind::MethodNotAllowed),
            |form| form.wire.content_type = |_| "text/plain".to_owned(),
        ),
    ]
}

pub(super) fn part_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "unquoted-names",
            "unquoted-names",
            "a field whose name is not in quotes",
            Refused(Kind::FieldMalformed),
            |form| {
                let headers = "Content-Disposition: form-data; name=x-oss-meta-a";
                form.parts.push(Part::new(headers, "1"));
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::UnquotedNames);
        }),
        Probe::of_choice(
            "tight-semicolons",
            "tight-semicolons",
            "no space before filename",
            Refused(Kind::FileCount),
            |form| {
                let headers = "Content-Disposition: form-data; name=\"file\";filename=\"a.txt\"\r\n\
                               Content-Type: text/plain";
                form.files = vec![Part::new(headers, CONTENT)];
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::TightSemicolons);
        }),
        Probe::of_choice(
            "part-length",
            "part-length",
            "a Content-Length in a part",
            Accepted,
            |form| {
                let headers =
                    "Content-Disposition: form-data; name=\"x-oss-meta-a\"\r\nContent-Length: 1";
                form.parts.push(Part::new(headers, "1"));
            },
        )
        .or_fixed(Refused(Kind::FieldMalformed)),
    ]
}

pub(super) fn encoding_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "part-header-encoding",
            "part-header-encoding",
            "a file name in GBK",
            Refused(Kind::FieldMalformed),
            |form| {
                let headers = [
                    &b"Content-Disposition: form-data; name=\"file\"; filename=\""[..],
                    b"\xd5\xd5\xc6\xac.txt\"\r\nContent-Type: text/plain",
                ];
                form.files = vec![Part::new(headers.concat(), CONTENT)];
            },
        )
        .or_fixed(Accepted),
        Probe::of_choice(
            "value-encoding",
            "value-encoding",
            "a field value in GBK",
            Refused(Kind::FieldMalformed),
            |form| form.add("x-oss-meta-a", b"\xd5\xd5\xc6\xac"),
        )
        .or_fixed(Accepted),
    ]
}

pub(super) fn order_choices() -> Vec<Probe> {
    vec![
        Probe::of_choice(
            "repeated-fields",
            "repeated-fields",
            "a field that is sent twice",
            Refused(Kind::FieldMalformed),
            |form| {
                form.add("x-oss-meta-a", "1");
                form.add("x-oss-meta-a", "2");
            },
        )
        .or(Accepted, |strictness| {
            strictness.relaxed.insert(Relaxation::RepeatedFields);
        }),
        Probe::of_choice(
            "fields-after-file",
            "key-after-file",
            "the key after the file",
            Refused(Kind::KeyMissing),
            |form| form.key_after_file = true,
        )
        .or_fixed(Refused(Kind::FieldMalformed)),
        Probe::of_choice(
            "fields-after-file",
            "submit-after-file",
            "a field without meaning after the file",
            Accepted,
            |form| form.parts_after_file.push(Part::field("submit", "Upload")),
        )
        .or_fixed(Refused(Kind::FieldMalformed)),
        Probe::of_choice("name-case", "name-case", "the key in a field KEY", Accepted, |form| {
            form.key_field = "KEY";
        })
        .or(Refused(Kind::KeyMissing), |strictness| strictness.case_sensitive_names = true),
    ]
}

/// The bounds that pages name for the value of a field, in bytes.
const FOUR_KB: usize = 4 * 1024;
const EIGHT_KB: usize = 8 * 1024;
const TWO_MB: usize = 2 * 1024 * 1024;

pub(super) fn size_choices() -> Vec<Probe> {
    let value_limit =
        |name, about, here, change| Probe::of_choice("value-limit", name, about, here, change);
    vec![
        value_limit("value-over-4-kb", "a value over 4 KB", Accepted, |form| {
            add_long_value(form, FOUR_KB + 1);
        })
        .or(Refused(Kind::ValueTooLong), |strictness| strictness.value_limit = FOUR_KB as u64),
        value_limit("value-over-8-kb", "a value over 8 KB", Accepted, |form| {
            add_long_value(form, EIGHT_KB + 1);
        })
        .or(Refused(Kind::ValueTooLong), |strictness| {
            strictness.value_limit = strictness.value_limit.min(EIGHT_KB as u64);
        }),
        value_limit("value-over-2-mb", "a value over 2 MB", Refused(Kind::ValueTooLong), |form| {
            add_long_value(form, TWO_MB + 1);
        })
        .or(Accepted, |strictness| strictness.value_limit = 8 * 1024 * 1024),
        Probe::of_choice(
            "size-before-file",
            "size-before-file",
            "values under and part headers over 8 MB together",
            Refused(Kind::FieldsTooLarge),
            |form| {
                for field in 0..4 {
                    form.add(&format!("value-{field}"), vec![b'v'; 2_000_000]);
                }
                for field in 0..60 {
                    form.add(&format!("{}-{field}", "n".repeat(7000)), "");
                }
            },
        )
        .or_fixed(Accepted),
    ]
}

/// Adds a field that OSS ignores, so that only the limit for a value matters.
fn add_long_value(form: &mut ProbeForm<'_>, length: usize) {
    form.add("long-value", vec![b'v'; length]);
}

pub(super) fn errors() -> Vec<Probe> {
    vec![
        Probe::of_error("no-file", "a form without file", Refused(Kind::FileCount), |form| {
            form.files.clear();
        }),
        Probe::of_error("two-files", "a form with two files", Refused(Kind::FileCount), |form| {
            form.files.extend(form.files.clone());
        }),
        Probe::of_error(
            "part-type-first",
            "a part that begins with Content-Type",
            Refused(Kind::NoDisposition),
            |form| {
                let headers = "Content-Type: text/plain\r\n\
                               Content-Disposition: form-data; name=\"x-oss-meta-a\"";
                form.parts.push(Part::new(headers, "1"));
            },
        ),
        Probe::of_error(
            "extended-filename",
            "a file part with filename*",
            Refused(Kind::NameTooLong),
            |form| {
                let headers = "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"; \
                               filename*=UTF-8''a.txt\r\nContent-Type: text/plain";
                form.files = vec![Part::new(headers, CONTENT)];
            },
        ),
        Probe::of_error(
            "long-name",
            "a field name over 8 KB",
            Refused(Kind::NameTooLong),
            |form| form.add(&"n".repeat(EIGHT_KB + 1), "1"),
        ),
        Probe::of_error(
            "not-closed",
            "a body without closing boundary",
            Refused(Kind::BodyMalformed),
            |form| form.wire.closed = false,
        ),
    ]
}
