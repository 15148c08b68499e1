//! The probes: at least one, or a reason why there can be none, for each row of the table of choices, and one for each
//! documented error that a form can cause.

mod body;
mod callback;
mod object;
mod policy;
mod signature;

use crate::conformance::observation::Prediction;
use crate::conformance::probe::Probe;

/// The name of the probe that sends a correct form. It runs first: without it, no other result means anything.
pub(super) const BASELINE: &str = "baseline";

/// Returns all probes, in the order in which they run.
pub(super) fn all() -> Vec<Probe> {
    let baseline = Probe::of_error(BASELINE, "a correct form", Prediction::Accepted, |_| {});
    let groups = [
        vec![baseline],
        signature::choices(),
        signature::errors(),
        signature::credential_errors(),
        policy::choices(),
        policy::document_errors(),
        policy::condition_errors(),
        policy::evaluation_errors(),
        body::head_choices(),
        body::part_choices(),
        body::order_choices(),
        body::size_choices(),
        body::errors(),
        object::choices(),
        object::response_choices(),
        object::errors(),
        callback::choices(),
        callback::errors(),
    ];
    groups.into_iter().flatten().collect()
}

/// The rows of the table of choices that a form upload to a bucket cannot measure, each with the reason.
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
    ("referer-path", "needs other referer rules on the bucket"),
    ("referer-preflight", "needs other referer rules on the bucket"),
];
