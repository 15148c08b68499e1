//! Failures of upload callbacks: status, stable code, message, log.
//!
//! OSS shows the uploader little more than the status, so the log holds the details for the operator.

use http::StatusCode;

use crate::callback::receipt;
use crate::callback::{CallbackError, Mismatched};

/// The longest key of an object in OSS, in bytes; the log contains no more of a key.
const MAX_KEY_BYTES: usize = 1023;

/// Returns the HTTP status.
pub(super) fn status(error: &CallbackError) -> StatusCode {
    match error {
        CallbackError::Malformed(_) => StatusCode::BAD_REQUEST,
        CallbackError::SignatureInvalid(_)
        | CallbackError::Receipt(_)
        | CallbackError::Mismatched(_) => StatusCode::FORBIDDEN,
        CallbackError::KeyUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        CallbackError::NotifyFailed(_) => StatusCode::BAD_GATEWAY,
        CallbackError::NotifyTimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// Returns the stable code.
pub(super) fn code(error: &CallbackError) -> &'static str {
    match error {
        CallbackError::SignatureInvalid(_) => "callback_signature_invalid",
        CallbackError::KeyUnavailable { .. } => "callback_key_unavailable",
        CallbackError::Malformed(_) => "callback_malformed",
        CallbackError::Receipt(receipt::ReceiptError::Expired) => "receipt_expired",
        CallbackError::Receipt(
            receipt::ReceiptError::Malformed | receipt::ReceiptError::SignatureInvalid,
        ) => "receipt_invalid",
        CallbackError::Receipt(_) | CallbackError::Mismatched(_) => "receipt_mismatch",
        CallbackError::NotifyFailed(_) => "notify_failed",
        CallbackError::NotifyTimedOut => "notify_timeout",
    }
}

/// Returns the message: what happened and what to do.
pub(super) fn message(error: &CallbackError) -> &'static str {
    match error {
        CallbackError::SignatureInvalid(_) => {
            "OSS has not signed this call as it stands. Have nothing between OSS and the function change \
             path, query or body."
        }
        CallbackError::KeyUnavailable { .. } => {
            "The public key of OSS cannot be fetched. Let the function reach the internet."
        }
        CallbackError::Malformed(_) => {
            "The body is not the callback that the route orders. Leave the callback's body to the settings."
        }
        CallbackError::Receipt(receipt::ReceiptError::Expired) => {
            "The object was stored too long after its grant had ended. Ask for a new grant."
        }
        CallbackError::Receipt(
            receipt::ReceiptError::Malformed | receipt::ReceiptError::SignatureInvalid,
        ) => {
            "The receipt was not sealed here. Keep the old key beside the new one when keys change."
        }
        CallbackError::Receipt(_) => {
            "What is stored is not what the receipt was given for; the log says in what."
        }
        CallbackError::Mismatched(mismatched) if mismatched.webhook == Some(Ok(())) => {
            "What is stored is not what was granted. The back end was notified, and may delete it. Ask for a new \
             grant and upload what fits."
        }
        CallbackError::Mismatched(_) => {
            "What is stored is not what was granted; the log says in what. Ask for a new grant and upload what fits."
        }
        CallbackError::NotifyFailed(_) => {
            "The object is stored, but the back end was not notified, or did not answer as it should. Do not \
             upload again; the log says what it answered."
        }
        CallbackError::NotifyTimedOut => {
            "The object is stored, but the back end did not answer in time. Do not upload again; have it \
             answer within 2 s."
        }
    }
}

/// Logs a failure: OSS is the caller, and does not pass the response on to the operator.
pub(super) fn log(error: &CallbackError, request_id: &str) {
    if let CallbackError::Mismatched(mismatched) = error {
        return log_mismatched(mismatched, request_id);
    }
    let (code, reason) = (code(error), reason(error));
    if status(error).is_server_error() {
        tracing::error!(request_id, code, "callback: {reason}");
    } else {
        tracing::warn!(request_id, code, "callback refused: {reason}");
    }
}

/// Logs at ERROR, although the client caused it: an object is stored that must not be there, and the operator has to look.
fn log_mismatched(mismatched: &Mismatched, request_id: &str) {
    let Mismatched { mismatches, receipt_id, key, webhook } = mismatched;
    let words: Vec<_> = mismatches.iter().map(|one| one.as_str()).collect();
    let words = words.join(", ");
    let outcome = match webhook {
        None => "this route notifies no back end",
        Some(Ok(())) => "the back end was notified",
        Some(Err(error)) => &format!("the back end was not notified: {}", reason(error)),
    };
    let key = &key[..key.floor_char_boundary(MAX_KEY_BYTES)];
    tracing::error!(
        request_id,
        code = "receipt_mismatch",
        receipt_id,
        key,
        "callback: what is stored is not what was granted ({words}); {outcome}"
    );
}

fn reason(error: &CallbackError) -> &str {
    match error {
        CallbackError::SignatureInvalid(reason) | CallbackError::Malformed(reason) => reason,
        CallbackError::Receipt(error) => receipt_reason(*error),
        CallbackError::NotifyFailed(reason) => reason,
        CallbackError::KeyUnavailable { .. }
        | CallbackError::NotifyTimedOut
        | CallbackError::Mismatched(_) => message(error),
    }
}

fn receipt_reason(error: receipt::ReceiptError) -> &'static str {
    match error {
        receipt::ReceiptError::Malformed => "the receipt cannot be read",
        receipt::ReceiptError::SignatureInvalid => "no key here sealed the receipt",
        receipt::ReceiptError::Expired => "the receipt's time is over",
        receipt::ReceiptError::WrongRoute => "the receipt is of another route",
        receipt::ReceiptError::WrongBucket => "the object lies in another bucket than was granted",
        receipt::ReceiptError::WrongKey => "the object lies under another key than was granted",
    }
}
