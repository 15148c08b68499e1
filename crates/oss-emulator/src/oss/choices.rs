//! The table of choices: one row for each question that the documentation leaves open.
//!
//! A form that passes here should pass in the cloud, so the stricter reading is used wherever sources are silent or
//! contradict each other. Where a client may rely on another reading, it can be selected by name: with a
//! [`Relaxation`], or with a field of [`Strictness`](crate::oss::Strictness).
//!
//! The table in `docs/emulator.md` is generated from these rows, and `oss-upload conformance` has a probe for each of
//! them that does not say why there can be none. A new choice is a new row.

use std::fmt::Write as _;

use ChoiceSetting::{ByFields, ByRelaxation, NoSetting};

use crate::oss::strictness::Relaxation;

/// One question that the documentation leaves open, and the answer of the local OSS.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// The name of the row, in lower case with hyphens. Reports of measurements use it, so it does not change.
    pub name: &'static str,
    /// The question, in Markdown.
    pub question: &'static str,
    /// What the sources say, in Markdown.
    pub documented: &'static str,
    /// What the local OSS does without settings, in Markdown.
    pub behaviour: &'static str,
    /// How another reading is selected.
    pub setting: ChoiceSetting,
    /// Why no probe of `oss-upload conformance` can measure what the service does; `None` if one does. Completes the
    /// sentence "it …".
    pub without_probe: Option<&'static str>,
}

/// How another reading than the default is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChoiceSetting {
    /// There is no other reading.
    NoSetting,
    /// By a relaxation.
    ByRelaxation(Relaxation),
    /// By these fields of `Strictness`.
    ByFields(&'static [&'static str]),
}

/// Each row: name, setting; question; what is documented; behaviour; and the reason if it has no probe.
macro_rules! choices {
    ($(
        $name:literal, $setting:expr; $question:literal; $documented:literal; $behaviour:literal;
        $(no probe: $reason:literal;)?
    )*) => {
        /// Every choice, in the order of the documentation.
        pub static CHOICES: &[Choice] = &[$(Choice {
            name: $name,
            question: $question,
            documented: $documented,
            behaviour: $behaviour,
            setting: $setting,
            without_probe: choices!(@reason $($reason)?),
        }),*];
    };
    (@reason) => { None };
    (@reason $reason:literal) => { Some($reason) };
}

choices! {
    "date-age", ByFields(&["date_behind", "date_ahead"]);
        "The age of `x-oss-date`";
        "the signature V4 page says 15 minutes and 7 days";
        "7 days behind, 15 minutes ahead";
    "uncovered-token", ByRelaxation(Relaxation::UncoveredToken);
        "A token that no condition names, in V4";
        "every sample names it";
        "refused, EC 0006-00000228";
    "content-type", ByRelaxation(Relaxation::ContentTypeField);
        "Field and part header both give a content type";
        "nothing";
        "the condition must hold for both";
    "expiration-format", ByRelaxation(Relaxation::AnyExpiration);
        "`expiration` with microseconds or an offset";
        "nothing";
        "refused, EC 0006-00000212";
    "expiry-during-upload", ByRelaxation(Relaxation::ExpiryDuringUpload);
        "The policy expires while the body arrives";
        "error code page 0006-00000213, two languages, two readings";
        "refused, nothing is stored";
    "empty-value", NoSetting;
        "A comparison with the empty string";
        "one refusal in a public issue";
        "never holds";
    "escaped-dollar", NoSetting;
        "`\\\\$` in a condition's value";
        "seen in SDK tests";
        "a dollar sign, like `\\$`";
    "content-type-parameters", ByRelaxation(Relaxation::ContentTypeParameters);
        "Another parameter than `boundary` in the request's `Content-Type`, such as `charset`";
        "three public issues of one library, whose other platform works without it";
        "not a form upload, `MethodNotAllowed`";
    "quoted-boundary", ByRelaxation(Relaxation::QuotedBoundary);
        "A quoted boundary";
        "an SDK sample removes the quotes; Qt and .NET send them";
        "the quotes count, so the body is malformed";
    "unquoted-names", ByRelaxation(Relaxation::UnquotedNames);
        "Names of parts without quotes";
        "an SDK sample adds the quotes";
        "malformed, EC 0006-00000103";
    "tight-semicolons", ByRelaxation(Relaxation::TightSemicolons);
        "No space after a semicolon";
        "a public issue";
        "the file is not found";
    "preamble", ByRelaxation(Relaxation::Preamble);
        "Text before the first boundary";
        "nothing";
        "malformed, EC 0006-00000104";
    "repeated-fields", ByRelaxation(Relaxation::RepeatedFields);
        "A field sent twice";
        "nothing";
        "malformed, EC 0006-00000103";
    "part-length", NoSetting;
        "A `Content-Length` of a part";
        "nothing; OkHttp sends one with each part";
        "ignored";
    "part-header-encoding", NoSetting;
        "A file name or another part header that is not UTF-8, such as GBK";
        "nothing";
        "malformed, EC 0006-00000103";
    "value-encoding", NoSetting;
        "A field value that is not UTF-8";
        "nothing";
        "malformed, EC 0006-00000103";
    "value-limit", ByFields(&["value_limit"]);
        "The longest field value";
        "pages say 2 MB, 8 KB and 4 KB";
        "2 MB";
    "size-before-file", NoSetting;
        "What counts towards the 8 MB before the file";
        "error code page 0006-00000112 names values";
        "part headers and values";
    "fields-after-file", NoSetting;
        "Needed fields after the file";
        "pages say both ignored and error";
        "count as missing; others are ignored";
    "name-case", ByFields(&["case_sensitive_names"]);
        "Case of field names";
        "pages contradict each other";
        "ignored, as in real traffic";
    "missing-filename", ByRelaxation(Relaxation::MissingFilename);
        "`${filename}` without a file name";
        "nothing";
        "refused, `InvalidArgument`";
    "filename-folders", ByRelaxation(Relaxation::FilenameFolders);
        "A path in the file name";
        "nothing";
        "its last component is used";
    "tagging", ByRelaxation(Relaxation::IgnoredTagging);
        "`x-oss-tagging`";
        "an old page says that forms take none";
        "refused, `InvalidArgument`";
    "metadata-values", NoSetting;
        "Metadata or headers with line ends, metadata over 8 KB";
        "the limit without its error";
        "refused, `InvalidArgument`";
    "control-characters", NoSetting;
        "Control characters in a key";
        "nothing";
        "refused, `InvalidObjectName`";
    "reserved-keys", NoSetting;
        "Keys that begin with `-/`";
        "allowed";
        "refused, `InvalidObjectName`: reserved for the local callback key";
        no probe: "is a rule of the local OSS only, and the key would be outside of the scratch prefix";
    "callback-and-redirect", ByRelaxation(Relaxation::CallbackBeforeRedirect);
        "`success_action_redirect` beside `callback`";
        "nothing; the callback wins over a status";
        "the redirect, after a successful callback";
    "callback-time", ByFields(&["limits.callback"]);
        "The time for several addresses of a callback";
        "5 seconds, for one";
        "5 seconds for all together";
        no probe: "needs several callback servers that are slow on purpose";
    "callback-response-shape", NoSetting;
        "A callback response that is JSON but not an object";
        "pages show objects only";
        "refused, EC 0007-00000205";
        no probe: "needs a callback server whose response can be chosen";
    "callback-response-size", NoSetting;
        "The size of a callback response";
        "Callback page, 1 MB and 3 MB";
        "1 MB";
        no probe: "needs a callback server whose response can be chosen";
    "callback-members", NoSetting;
        "A member of `callback` that no page names";
        "nothing";
        "refused, `InvalidArgument`";
    "callback-host-port", NoSetting;
        "A port in `callbackHost`";
        "Callback page: a name or an IP address";
        "refused, `InvalidArgument`";
    "callback-length", NoSetting;
        "What the 5 KB limit of `callback` counts";
        "nothing";
        "the field as it is sent";
    "upper-case-variables", NoSetting;
        "An `x:` variable with upper case, in the field or the template";
        "Callback page: lower case";
        "empty";
        no probe: "needs a callback server that shows the body it received";
    "missing-variables", NoSetting;
        "A variable in JSON that has no value";
        "nothing";
        "the empty string, with its quotes";
        no probe: "needs a callback server that shows the body it received";
    "redirect", ByRelaxation(Relaxation::RedirectParameters);
        "`success_action_redirect`";
        "no page says the status or what is appended";
        "303, nothing appended, http and https only";
    "etag", ByRelaxation(Relaxation::Md5Etag);
        "`ETag` of a posted object";
        "PostObject page: no MD5";
        "looks like an MD5 but is not one";
    "v1", ByFields(&["refuse_v1"]);
        "V1 signatures, of forms and of other requests";
        "refused for accounts and buckets of 2025 and later";
        "accepted, as in old buckets";
    "public-endpoint", ByFields(&["refuse_public_endpoint"]);
        "The bucket's default host";
        "refused for accounts of 2025 and later";
        "accepted, as for old accounts";
    "not-a-form", NoSetting;
        "A request that is not a multipart form";
        "the page's code differs from the response in public issues";
        "`MethodNotAllowed`, as observed";
    "missing-version", NoSetting;
        "A V4 form whose version field is missing";
        "error code page 0002-00000706";
        "treated as V1: `OSSAccessKeyId` is missing";
    "missing-credential", NoSetting;
        "A missing `x-oss-credential`";
        "nothing";
        "EC 0002-00000706, naming the field";
    "missing-date", NoSetting;
        "A missing or malformed `x-oss-date`";
        "nothing";
        "`InvalidArgument` without an EC";
    "date-and-credential", NoSetting;
        "`x-oss-date` on another day than the credential";
        "signature V4 page, without the error";
        "EC 0002-00000709";
    "upper-case-signature", NoSetting;
        "Signatures in upper-case hex";
        "signature V4 page: lower-case";
        "refused, EC 0002-00000705";
    "expired-key", NoSetting;
        "A key id that expired";
        "the page of 403 errors";
        "`SecurityTokenExpired`";
        no probe: "needs a temporary key that has expired";
    "key-policy", NoSetting;
        "A key whose policies do not allow the object";
        "error code page 0003-00000001";
        "refused with that EC";
        no probe: "needs a second key that may not write";
    "policy-resources", NoSetting;
        "A region or an account in the resource of such a policy";
        "buckets have no account here";
        "matches nothing, only `*` does";
        no probe: "is a rule of the local OSS only: its buckets have no account";
    "object-acl", NoSetting;
        "`x-oss-object-acl` from a key without `oss:PutObjectAcl`";
        "nothing";
        "accepted, `oss:PutObject` is enough";
        no probe: "needs a second key without oss:PutObjectAcl";
    "loose-etags", ByRelaxation(Relaxation::LooseEtags);
        "The ETags of a part list without quotes, or in lower case";
        "every official client sends them as OSS has returned them";
        "refused, `InvalidPart`";
    "min-part-size", ByFields(&["min_part_size"]);
        "The minimum size of a part";
        "UploadPart page: 100 KB, checked at CompleteMultipartUpload";
        "100 KB for all parts of the list but the last";
    "empty-part", NoSetting;
        "A part without bytes";
        "the last part has no minimum size";
        "accepted, and as the last part of an object too";
    "listed-number-range", NoSetting;
        "A part number out of range in a part list";
        "an old page; the code for `partNumber` is another one";
        "`InvalidPartOrder`";
    "part-list-grammar", NoSetting;
        "Attributes, a namespace, comments, CDATA or further elements in a part list";
        "nothing; no official client writes them";
        "refused, EC 0042-00000205";
    "part-list-length", NoSetting;
        "The longest part list";
        "nothing";
        "4 MB, then EC 0042-00000205";
    "result-namespace", NoSetting;
        "The XML namespace of the results of multipart uploads";
        "samples on the pages have one; the official Python client cannot read a result with one";
        "none";
    "malformed-upload-id", NoSetting;
        "An upload id that could not be one";
        "error code page 0017-00000244, which a live test contradicts";
        "that EC; a well-formed one that does not exist has the EC of the operation";
    "completed-upload-id", NoSetting;
        "The EC of an unknown upload at CompleteMultipartUpload";
        "nothing";
        "`NoSuchUpload` without an EC";
    "complete-without-parts", NoSetting;
        "`x-oss-complete-all` for an upload without parts";
        "nothing";
        "refused, EC 0042-00000205";
    "forbid-overwrite-at-start", NoSetting;
        "`x-oss-forbid-overwrite` at InitiateMultipartUpload only";
        "nothing";
        "holds at CompleteMultipartUpload too";
    "repeated-completion", NoSetting;
        "A repeated CompleteMultipartUpload with `x-oss-forbid-overwrite`";
        "nothing";
        "404 `NoSuchUpload`, not 409";
    "late-part", NoSetting;
        "A part that ends after its upload was completed or aborted";
        "AbortMultipartUpload page: such parts may stay";
        "refused, `NoSuchUpload`";
    "listing-range", NoSetting;
        "`max-parts`, `max-uploads` or `part-number-marker` out of range";
        "nothing";
        "refused, `InvalidArgument`";
    "upload-order", NoSetting;
        "The order of the uploads of one key in a listing";
        "nothing";
        "by upload id, which is what the marker names";
    "callback-twice", NoSetting;
        "A callback both in a header and in the query";
        "refused for `callback-var`";
        "refused for `callback` too, `InvalidArgument`";
    "referer-path", NoSetting;
        "The path of a `Referer` in referer rules";
        "PutBucketReferer page: a setting, `TruncatePath`";
        "ignored, as with the setting";
        no probe: "needs other referer rules on the bucket";
    "referer-preflight", NoSetting;
        "Referer rules and preflight requests";
        "nothing";
        "not checked, they concern no object";
        no probe: "needs other referer rules on the bucket";
    "private-bucket", NoSetting;
        "Reading an object without a signature";
        "GetObject page: the ACL of the bucket or the object decides";
        "refused, EC 0003-00000001, unless the ACL of the object is public or `--public-read` is given";
    "signed-twice", NoSetting;
        "A signature in the URL and one in the `Authorization` header";
        "nothing";
        "refused, `InvalidArgument`";
    "query-twice", NoSetting;
        "A query parameter sent twice";
        "nothing";
        "refused, `InvalidArgument`";
    "signed-header-twice", NoSetting;
        "A signed header sent twice";
        "nothing";
        "its values are signed with a comma between them";
    "url-region-ec", NoSetting;
        "The EC of a wrong region in a URL or a header";
        "error code pages 0002-00000226 and 228, which contradict each other";
        "228 in a URL, 226 in a header, as observed";
    "header-names-ec", NoSetting;
        "`AdditionalHeaders` that name a missing header";
        "error code pages 0002-00000210 and 211, without their difference";
        "EC 0002-00000211";
    "always-signed-names", NoSetting;
        "Additional headers that are signed anyway, such as `Content-Type`";
        "SDKs leave them out";
        "refused, `InvalidArgument`";
    "header-date-ec", NoSetting;
        "A date in a header that differs by more than 15 minutes";
        "error code pages 0002-00000501 and 504, without their difference";
        "EC 0002-00000504";
    "request-date-missing", NoSetting;
        "A missing or malformed date of a signed request";
        "the page of 403 errors has a message for V1";
        "`AccessDenied` in a header, `InvalidArgument` in a URL, both without an EC";
    "url-end", NoSetting;
        "A URL that expires while the body arrives";
        "error code page 0002-00000236: the time of arrival";
        "accepted, the time of arrival counts";
    "chunked-put", NoSetting;
        "A body with `Transfer-Encoding: chunked` in PutObject and UploadPart";
        "nothing";
        "refused, `MissingContentLength`";
    "response-overrides", NoSetting;
        "`response-*` parameters without a signature";
        "GetObject page: in signed requests only";
        "refused, `InvalidRequest`";
        no probe: "needs an object that everyone may read";
    "range-end", NoSetting;
        "A `Range` that ends behind the object";
        "GetObject page: an invalid range returns the whole object";
        "the whole object with status 200; with `x-oss-range-behavior: standard` the part that exists";
    "image-process", NoSetting;
        "`x-oss-process`";
        "GetObject page: the image is processed";
        "the object is returned as it was stored, and the console prints a warning";
        no probe: "is a rule of the local OSS only: it processes no image";
}

impl Choice {
    /// Returns the row with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CHOICES.iter().find(|choice| choice.name == name)
    }
}

impl ChoiceSetting {
    /// Returns the names of the settings, as the table shows them.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        match self {
            NoSetting => Vec::new(),
            ByRelaxation(relaxation) => vec![relaxation.name()],
            ByFields(names) => names.to_vec(),
        }
    }
}

/// Writes the table for `docs/emulator.md`.
#[must_use]
pub fn markdown() -> String {
    let mut table =
        "| Name | Question | What is documented | Behaviour here | Setting for the other reading | Probe |\n"
            .to_owned();
    table.push_str("|---|---|---|---|---|---|\n");
    for Choice { name, question, documented, behaviour, setting, without_probe } in CHOICES {
        let settings: Vec<_> = setting.names().iter().map(|name| format!("`{name}`")).collect();
        let setting = if settings.is_empty() { "-".to_owned() } else { settings.join(", ") };
        let probe =
            without_probe.map_or_else(|| "yes".to_owned(), |reason| format!("none: it {reason}"));
        let _ = writeln!(
            table,
            "| `{name}` | {question} | {documented} | {behaviour} | {setting} | {probe} |"
        );
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::oss::strictness::{Strictness, TransferLimits};

    #[test]
    fn every_name_is_of_one_row() {
        let names: BTreeSet<_> = CHOICES.iter().map(|choice| choice.name).collect();
        assert_eq!(names.len(), CHOICES.len());
        let is_plain = |name: &&str| {
            name.bytes().all(|b| b.is_ascii_lowercase() || b"0123456789-".contains(&b))
        };
        assert_eq!(names.iter().find(|name| !is_plain(name)), None);
        assert!(names.iter().all(|name| Choice::named(name).is_some_and(|row| row.name == *name)));
    }

    #[test]
    fn every_relaxation_is_of_one_row() {
        for relaxation in Relaxation::ALL {
            let rows = CHOICES.iter().filter(|row| row.setting == ByRelaxation(*relaxation));
            assert_eq!(rows.count(), 1, "{relaxation}");
        }
    }

    #[test]
    fn every_field_of_the_settings_that_is_a_choice_is_of_one_row() {
        // A new field does not compile here, so that it is not forgotten.
        let Strictness {
            relaxed: _,
            refuse_v1: _,
            refuse_public_endpoint: _,
            skipped: _,
            signature_check: _,
            case_sensitive_names: _,
            value_limit: _,
            date_ahead: _,
            date_behind: _,
            min_part_size: _,
            limits: TransferLimits { idle: _, drain_bytes: _, drain_time: _, callback: _ },
        } = Strictness::default();
        let mut named: Vec<_> = CHOICES
            .iter()
            .filter_map(|row| match row.setting {
                ByFields(names) => Some(names),
                _ => None,
            })
            .flatten()
            .copied()
            .collect();
        named.sort_unstable();
        let fields = [
            "case_sensitive_names",
            "date_ahead",
            "date_behind",
            "limits.callback",
            "min_part_size",
            "refuse_public_endpoint",
            "refuse_v1",
            "value_limit",
        ];
        assert_eq!(named, fields);
    }

    /// The table is between two comments. Where `UPDATE_DOCS` is set, it is written instead of compared.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the variable is for this test only")]
    fn the_table_of_the_documentation_is_generated() {
        const START: &str = "<!-- choices -->\n\n";
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/emulator.md");
        let text = fs::read_to_string(&path).unwrap();
        let start = text.find(START).unwrap() + START.len();
        let end = start + text[start..].find("\n<!-- end -->").unwrap();
        let expected = format!("{}{}{}", &text[..start], markdown(), &text[end..]);
        if expected != text && std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, expected).unwrap();
            return;
        }
        assert!(
            expected == text,
            "docs/emulator.md is not up to date: run UPDATE_DOCS=1 cargo test -p oss-emulator --lib oss::choices"
        );
    }
}
