//! The probes: at least one, or a reason why there can be none, for each row of the table of choices, and one for each
//! documented error that a form can cause.

mod body;
mod callback;
mod object;
mod policy;
mod request;
mod signature;

use crate::conformance::form::BASELINE;
use crate::conformance::observation::Prediction;
use crate::conformance::probe::Probe;

/// Returns all probes, in the order in which they run.
pub(super) fn all() -> Vec<Probe> {
    let baseline = Probe::of_error(BASELINE, "a correct form", Prediction::Accepted, |_| {});
    let groups = [
        vec![baseline],
        signature::choices(),
        signature::date_field_choices(),
        signature::errors(),
        signature::credential_errors(),
        signature::scope_errors(),
        policy::choices(),
        policy::evaluation_choices(),
        policy::document_errors(),
        policy::condition_errors(),
        policy::evaluation_errors(),
        body::head_choices(),
        body::part_choices(),
        body::encoding_choices(),
        body::order_choices(),
        body::size_choices(),
        body::errors(),
        object::choices(),
        object::value_choices(),
        object::response_choices(),
        object::errors(),
        callback::choices(),
        callback::parameter_choices(),
        callback::errors(),
        request::choices(),
        request::transfer_choices(),
        request::signature_choices(),
        request::date_choices(),
        request::url_errors(),
        request::header_errors(),
    ];
    groups.into_iter().flatten().collect()
}

/// The rows of the table of choices that no probe measures, each with the reason.
pub(super) const WITHOUT_PROBE: &[(&str, &str)] = &[
    (
        "reserved-keys",
        "a rule of the local OSS only, and the key would be outside of the scratch prefix",
    ),
    ("callback-time", "needs several callback servers that are slow on purpose"),
    ("callback-response-shape", "needs a callback server whose response can be chosen"),
    ("callback-response-size", "needs a callback server whose response can be chosen"),
    ("upper-case-variables", "needs a callback server that shows the body it received"),
    ("missing-variables", "needs a callback server that shows the body it received"),
    ("expired-key", "needs a temporary key that has expired"),
    ("key-policy", "needs a second key that may not write"),
    ("policy-resources", "a rule of the local OSS only: its buckets have no account"),
    ("object-acl", "needs a second key without oss:PutObjectAcl"),
    ("loose-etags", MULTIPART),
    ("min-part-size", MULTIPART),
    ("empty-part", MULTIPART),
    ("listed-number-range", MULTIPART),
    ("part-list-grammar", MULTIPART),
    ("part-list-length", MULTIPART),
    ("result-namespace", MULTIPART),
    ("malformed-upload-id", MULTIPART),
    ("completed-upload-id", MULTIPART),
    ("complete-without-parts", MULTIPART),
    ("forbid-overwrite-at-start", MULTIPART),
    ("repeated-completion", MULTIPART),
    ("late-part", MULTIPART),
    ("listing-range", MULTIPART),
    ("upload-order", MULTIPART),
    ("callback-twice", MULTIPART),
    ("response-overrides", "needs an object that everyone may read"),
    ("image-process", "a rule of the local OSS only: it processes no image"),
    ("referer-path", "needs other referer rules on the bucket"),
    ("referer-preflight", "needs other referer rules on the bucket"),
];

/// The reason of the rows about multipart uploads.
const MULTIPART: &str = "needs several requests that belong together, which no probe sends yet";
