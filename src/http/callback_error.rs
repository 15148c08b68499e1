//! Callbacks that came to nothing: status, stable code, what happened and what to do.
//!
//! OSS shows the uploader little more than the status, and in the log is what an operator asks then.

use http::StatusCode;

use crate::callback::receipt;
use crate::callback::{CallbackError, Mismatched};

/// The longest key of an object in OSS, in bytes; no more of it goes to the log.
const MAX_KEY_BYTES: usize = 1023;

/// Gives the code's status.
pub(super) fn status(refused: &CallbackError) -> StatusCode {
    match refused {
        CallbackError::Malformed(_) => StatusCode::BAD_REQUEST,
        CallbackError::SignatureInvalid(_)
        | CallbackError::Receipt(_)
        | CallbackError::Mismatched(_) => StatusCode::FORBIDDEN,
        CallbackError::KeyUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        CallbackError::NotifyFailed(_) => StatusCode::BAD_GATEWAY,
        CallbackError::NotifyTimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// Gives the stable code.
pub(super) fn code(refused: &CallbackError) -> &'static str {
    match refused {
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

/// Says what happened and what to do.
pub(super) fn message(refused: &CallbackError) -> &'static str {
    match refused {
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
            "What is stored is not what was granted. The back end was told, and may delete it. Ask for a new \
             grant and upload what fits."
        }
        CallbackError::Mismatched(_) => {
            "What is stored is not what was granted; the log says in what. Ask for a new grant and upload what fits."
        }
        CallbackError::NotifyFailed(_) => {
            "The object is stored, but the back end was not told, or did not answer as it should. Do not \
             upload again; the log says what it answered."
        }
        CallbackError::NotifyTimedOut => {
            "The object is stored, but the back end did not answer in time. Do not upload again; have it \
             answer within 2 s."
        }
    }
}

/// Tells the operator: what the caller is answered reaches nobody who could do something about it.
pub(super) fn log(refused: &CallbackError, request_id: &str) {
    if let CallbackError::Mismatched(mismatched) = refused {
        return log_mismatched(mismatched, request_id);
    }
    let (code, reason) = (code(refused), reason(refused));
    if status(refused).is_server_error() {
        tracing::error!(request_id, code, "callback: {reason}");
    } else {
        tracing::warn!(request_id, code, "callback refused: {reason}");
    }
}

/// An error, though the caller is to blame: an object is stored that must not be, and somebody has to look.
fn log_mismatched(mismatched: &Mismatched, request_id: &str) {
    let Mismatched { mismatches, receipt_id, key, webhook } = mismatched;
    let words: Vec<_> = mismatches.iter().map(|one| one.as_str()).collect();
    let words = words.join(", ");
    let outcome = match webhook {
        None => "no back end is told of this route",
        Some(Ok(())) => "the back end was told",
        Some(Err(refused)) => &format!("the back end was not told: {}", reason(refused)),
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

fn reason(refused: &CallbackError) -> &str {
    match refused {
        CallbackError::SignatureInvalid(reason) | CallbackError::Malformed(reason) => reason,
        CallbackError::Receipt(refused) => fit(*refused),
        CallbackError::NotifyFailed(reason) => reason,
        CallbackError::KeyUnavailable { .. }
        | CallbackError::NotifyTimedOut
        | CallbackError::Mismatched(_) => message(refused),
    }
}

fn fit(refused: receipt::ReceiptError) -> &'static str {
    match refused {
        receipt::ReceiptError::Malformed => "the receipt cannot be read",
        receipt::ReceiptError::SignatureInvalid => "no key here sealed the receipt",
        receipt::ReceiptError::Expired => "the receipt's time is over",
        receipt::ReceiptError::WrongRoute => "the receipt is of another route",
        receipt::ReceiptError::WrongBucket => "the object lies in another bucket than was granted",
        receipt::ReceiptError::WrongKey => "the object lies under another key than was granted",
    }
}
