//! Probes of uploads in parts.

use crate::conformance::observation::Prediction::{Accepted, AcceptedWith, Refused};
use crate::conformance::probe::Probe;
use crate::conformance::upload::{
    EarlierStep, JudgedStep, MIN_PART, ProbeUpload, SentPart, UNKNOWN_ID, UploadLook, facts,
    part_list,
};
use oss_emulator::oss::OssErrorKind as Kind;
use oss_emulator::oss::Relaxation;

/// The longest part list of the local OSS, in bytes.
const MAX_LIST: usize = 4 * 1024 * 1024;

const FORBID_OVERWRITE: (&str, &str) = ("x-oss-forbid-overwrite", "true");

const COMPLETE_ALL: (&str, &str) = ("x-oss-complete-all", "yes");

pub(super) fn etag_choices() -> Vec<Probe> {
    let etags =
        |name, about, list: fn(&mut ProbeUpload<'_>)| {
            Probe::of_upload_choice("loose-etags", name, about, Refused(Kind::PartInvalid), list)
                .or(Accepted, |strictness| {
                    strictness.relaxed.insert(Relaxation::LooseEtags);
                })
        };
    vec![
        etags("unquoted-etags", "a part list whose ETags have no quotes", |upload| {
            upload.list = |parts| part_list(parts).replace('"', "");
        }),
        etags("lower-case-etags", "a part list whose ETags are in lower case", |upload| {
            upload.list = |parts| edit_etags(parts, str::to_lowercase);
        }),
    ]
}

pub(super) fn list_choices() -> Vec<Probe> {
    let grammar = |name, about, list: fn(&mut ProbeUpload<'_>)| {
        let here = Refused(Kind::XmlMalformed);
        Probe::of_upload_choice("part-list-grammar", name, about, here, list).or_fixed(Accepted)
    };
    vec![
        grammar("part-list-namespace", "a part list with a namespace", |upload| {
            upload.list = |parts| {
                part_list(parts).replacen(
                    "<CompleteMultipartUpload>",
                    "<CompleteMultipartUpload xmlns=\"http://conformance.invalid/\">",
                    1,
                )
            };
        }),
        grammar("part-list-comment", "a part list with a comment", |upload| {
            upload.list = |parts| part_list(parts).replacen("<Part>", "<!-- part --><Part>", 1);
        }),
        grammar("part-list-element", "a part list with the sizes of its parts", |upload| {
            upload.list = |parts| part_list(parts).replace("</Part>", "<Size>1</Size></Part>");
        }),
        Probe::of_upload_choice(
            "part-list-length",
            "part-list-length",
            "a part list over 4 MB, most of it white space",
            Refused(Kind::XmlMalformed),
            |upload| upload.list = |parts| part_list(parts) + &" ".repeat(MAX_LIST),
        )
        .or_fixed(Accepted),
        Probe::of_upload_choice(
            "listed-number-range",
            "listed-number-range",
            "a part list that names part 10001",
            Refused(Kind::ListedNumberInvalid),
            |upload| {
                upload.list =
                    |parts| part_list(parts).replace("<PartNumber>1<", "<PartNumber>10001<");
            },
        )
        .or_fixed(Refused(Kind::ArgumentInvalid))
        .or_fixed(Refused(Kind::PartInvalid)),
    ]
}

pub(super) fn size_choices() -> Vec<Probe> {
    vec![
        Probe::of_upload_choice(
            "min-part-size",
            "min-part-size",
            "two parts, the first of them a byte under 100 KB",
            Refused(Kind::PartTooSmall),
            |upload| upload.parts = vec![MIN_PART - 1, 1],
        )
        .or(Accepted, |strictness| strictness.min_part_size = 1),
        Probe::of_upload_choice(
            "empty-part",
            "empty-part",
            "an upload with one part, which has no bytes",
            Accepted,
            |upload| upload.parts = vec![0],
        )
        .or_fixed(Refused(Kind::PartTooSmall)),
        Probe::of_upload_choice(
            "empty-part",
            "empty-last-part",
            "two parts, the last of them without bytes",
            Accepted,
            |upload| upload.parts = vec![MIN_PART, 0],
        )
        .or_fixed(Refused(Kind::PartTooSmall)),
        Probe::of_upload_choice(
            "complete-without-parts",
            "complete-without-parts",
            "x-oss-complete-all for an upload without parts",
            Refused(Kind::XmlMalformed),
            |upload| {
                upload.parts.clear();
                upload.headers = vec![COMPLETE_ALL];
                upload.list = |_| String::new();
            },
        )
        .or_fixed(Accepted),
    ]
}

pub(super) fn state_choices() -> Vec<Probe> {
    vec![
        Probe::of_upload_choice(
            "malformed-upload-id",
            "malformed-upload-id",
            "a part for the upload id 'conformance'",
            Refused(Kind::UploadIdInvalid),
            |upload| {
                upload.judged = JudgedStep::Part(Some("1"));
                upload.edit_id = |_| "conformance".to_owned();
            },
        )
        .or_fixed(Refused(Kind::PartOfNoUpload)),
        Probe::of_upload_choice(
            "completed-upload-id",
            "completed-upload-id",
            "the completion of an upload that does not exist",
            Refused(Kind::CompleteNoUpload),
            |upload| upload.edit_id = |_| UNKNOWN_ID.to_owned(),
        ),
    ]
}

pub(super) fn completion_choices() -> Vec<Probe> {
    vec![
        Probe::of_upload_choice(
            "forbid-overwrite-at-start",
            "forbid-overwrite-at-start",
            "x-oss-forbid-overwrite at the start only, and an object that is stored meanwhile",
            Refused(Kind::CompleteExists),
            |upload| {
                upload.start_headers = vec![FORBID_OVERWRITE];
                upload.before = EarlierStep::PutObject;
            },
        )
        .or_fixed(Accepted),
        Probe::of_upload_choice(
            "repeated-completion",
            "repeated-completion",
            "two equal completions with x-oss-forbid-overwrite",
            Refused(Kind::CompleteNoUpload),
            |upload| {
                upload.headers = vec![FORBID_OVERWRITE];
                upload.before = EarlierStep::Complete;
            },
        )
        .or_fixed(Refused(Kind::CompleteExists))
        .or_fixed(Accepted),
        Probe::of_upload_choice(
            "late-part",
            "late-part",
            "a part whose upload is aborted while it arrives (4 seconds)",
            Refused(Kind::PartOfNoUpload),
            |upload| {
                upload.parts.clear();
                upload.judged = JudgedStep::LatePart;
            },
        )
        .or_fixed(Accepted),
    ]
}

pub(super) fn listing_choices() -> Vec<Probe> {
    let range = |name, about, change: fn(&mut ProbeUpload<'_>)| {
        let here = Refused(Kind::ArgumentInvalid);
        Probe::of_upload_choice("listing-range", name, about, here, change).or_fixed(Accepted)
    };
    vec![
        range("max-parts", "a page of 1001 parts", |upload| {
            upload.judged = JudgedStep::ListParts(&[("max-parts", "1001")]);
        }),
        range("part-number-marker", "parts behind number 10001", |upload| {
            upload.judged = JudgedStep::ListParts(&[("part-number-marker", "10001")]);
        }),
        range("max-uploads", "a page of 1001 uploads", |upload| {
            upload.judged = JudgedStep::ListUploads(&[("max-uploads", "1001")]);
        }),
        Probe::of_upload_choice(
            "upload-order",
            "upload-order",
            "four uploads of one key in a listing",
            AcceptedWith(facts::BY_ID),
            |upload| {
                upload.count = 4;
                upload.parts.clear();
                upload.judged = JudgedStep::ListUploads(&[]);
                upload.look = UploadLook::Order;
            },
        )
        .or_fixed(AcceptedWith(facts::BY_TIME)),
        Probe::of_upload_choice(
            "result-namespace",
            "result-namespace",
            "the result of InitiateMultipartUpload",
            AcceptedWith(facts::NO_NAMESPACE),
            |upload| {
                upload.judged = JudgedStep::Start;
                upload.look = UploadLook::Namespace;
            },
        )
        .or_fixed(AcceptedWith(facts::NAMESPACE)),
    ]
}

pub(super) fn part_errors() -> Vec<Probe> {
    vec![
        error("part-number", "part 10001", Kind::PartNumberInvalid, |upload| {
            upload.judged = JudgedStep::Part(Some("10001"));
        }),
        error("no-part-number", "a part without a number", Kind::PartNumberMissing, |upload| {
            upload.judged = JudgedStep::Part(None);
        }),
        error("part-encryption", "a part with encryption", Kind::ArgumentInvalid, |upload| {
            upload.judged = JudgedStep::Part(Some("1"));
            upload.headers = vec![("x-oss-server-side-encryption", "AES256")];
        }),
        error("part-of-no-upload", "a part of an aborted upload", Kind::PartOfNoUpload, |upload| {
            upload.before = EarlierStep::Abort;
            upload.judged = JudgedStep::Part(Some("2"));
        }),
        error(
            "parts-of-no-upload",
            "the parts of an aborted upload",
            Kind::NoSuchUpload,
            |upload| {
                upload.before = EarlierStep::Abort;
                upload.judged = JudgedStep::ListParts(&[]);
            },
        ),
    ]
}

pub(super) fn completion_errors() -> Vec<Probe> {
    vec![
        error("part-order", "a part list in descending order", Kind::PartOrderInvalid, |upload| {
            upload.parts = vec![MIN_PART, 1];
            upload.list = |parts| {
                let reverse: Vec<_> = parts.iter().rev().cloned().collect();
                part_list(&reverse)
            };
        }),
        error("part-missing", "a part list with another part", Kind::PartInvalid, |upload| {
            upload.list = |parts| part_list(parts).replace("<PartNumber>1<", "<PartNumber>2<");
        }),
        error("empty-list", "a part list without parts", Kind::XmlMalformed, |upload| {
            upload.list = |_| part_list(&[]);
        }),
        error(
            "complete-all-with-list",
            "x-oss-complete-all and a part list",
            Kind::CompleteAllWithBody,
            |upload| upload.headers = vec![COMPLETE_ALL],
        ),
        error(
            "complete-existing",
            "x-oss-forbid-overwrite at the completion, and an object of this key",
            Kind::CompleteExists,
            |upload| {
                upload.headers = vec![FORBID_OVERWRITE];
                upload.before = EarlierStep::PutObject;
            },
        )
        // A bucket with versioning ignores the header.
        .or_fixed(Accepted),
    ]
}

fn error(
    name: &'static str,
    about: &'static str,
    kind: Kind,
    change: fn(&mut ProbeUpload<'_>),
) -> Probe {
    Probe::of_upload_error(name, about, Refused(kind), change)
}

fn edit_etags(parts: &[SentPart], edit: impl Fn(&str) -> String) -> String {
    let edited = |part: &SentPart| SentPart { number: part.number, etag: edit(&part.etag) };
    part_list(&parts.iter().map(edited).collect::<Vec<_>>())
}
