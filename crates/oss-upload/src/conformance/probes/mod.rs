//! The probes: at least one for each row of the table of choices, unless the row says why there can be none, and one
//! for each documented error that a form, a signed request or an upload in parts can cause.

mod body;
mod callback;
mod multipart;
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
        multipart::etag_choices(),
        multipart::list_choices(),
        multipart::size_choices(),
        multipart::state_choices(),
        multipart::completion_choices(),
        multipart::listing_choices(),
        multipart::part_errors(),
        multipart::completion_errors(),
    ];
    groups.into_iter().flatten().collect()
}
