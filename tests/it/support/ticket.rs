//! Tickets as a back end makes them.

use oss_upload_signer::auth::ticket::Ticket;

/// Returns a ticket of a subject for every route, which ends at a moment in Unix seconds.
pub(crate) fn ticket_of(subject: &str, expires_at: i64) -> Ticket {
    let (route, issued_at, not_before, id) = (None, None, None, None);
    Ticket { subject: subject.to_owned(), route, expires_at, issued_at, not_before, id }
}
