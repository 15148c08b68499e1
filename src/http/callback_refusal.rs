//! Callbacks that came to nothing: status, stable code, what happened and what to do.
//!
//! OSS shows the uploader little more than the status, and in the log is what an operator asks then.

use http::StatusCode;

use crate::callback::refused::Mismatched;
use crate::callback::refused::Refused;
use crate::receipt;

/// The longest key of an object in OSS, in bytes; no more of it goes to the log.
const MAX_KEY_BYTES: usize = 1023;

/// Gives the code's status.
pub(super) fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Malformed(_) => StatusCode::BAD_REQUEST,
        Refused::SignatureInvalid(_) | Refused::Receipt(_) | Refused::Mismatched(_) => {
            StatusCode::FORBIDDEN
        }
        Refused::KeyUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Refused::NotifyFailed(_) => StatusCode::BAD_GATEWAY,
        Refused::NotifyTimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// Gives the stable code.
pub(super) fn code(refused: &Refused) -> &'static str {
    match refused {
        Refused::SignatureInvalid(_) => "callback_signature_invalid",
        Refused::KeyUnavailable { .. } => "callback_key_unavailable",
        Refused::Malformed(_) => "callback_malformed",
        Refused::Receipt(receipt::Refused::Expired) => "receipt_expired",
        Refused::Receipt(receipt::Refused::Malformed | receipt::Refused::SignatureInvalid) => {
            "receipt_invalid"
        }
        Refused::Receipt(_) | Refused::Mismatched(_) => "receipt_mismatch",
        Refused::NotifyFailed(_) => "notify_failed",
        Refused::NotifyTimedOut => "notify_timeout",
    }
}

/// Says what happened and what to do.
pub(super) fn message(refused: &Refused) -> &'static str {
    match refused {
        Refused::SignatureInvalid(_) => {
            "OSS has not signed this call as it stands. Have nothing between OSS and the function change \
             path, query or body."
        }
        Refused::KeyUnavailable { .. } => {
            "The public key of OSS cannot be fetched. Let the function reach the internet."
        }
        Refused::Malformed(_) => {
            "The body is not the callback that the route orders. Leave the callback's body to the settings."
        }
        Refused::Receipt(receipt::Refused::Expired) => {
            "The object was stored too long after its grant had ended. Ask for a new grant."
        }
        Refused::Receipt(receipt::Refused::Malformed | receipt::Refused::SignatureInvalid) => {
            "The receipt was not sealed here. Keep the old key beside the new one when keys change."
        }
        Refused::Receipt(_) => {
            "What is stored is not what the receipt was given for; the log says in what."
        }
        Refused::Mismatched(mismatched) if mismatched.webhook == Some(Ok(())) => {
            "What is stored is not what was granted. The back end was told, and may delete it. Ask for a new \
             grant and upload what fits."
        }
        Refused::Mismatched(_) => {
            "What is stored is not what was granted; the log says in what. Ask for a new grant and upload what fits."
        }
        Refused::NotifyFailed(_) => {
            "The object is stored, but the back end was not told, or did not answer as it should. Do not \
             upload again; the log says what it answered."
        }
        Refused::NotifyTimedOut => {
            "The object is stored, but the back end did not answer in time. Do not upload again; have it \
             answer within 2 s."
        }
    }
}

/// Tells the operator: what the caller is answered reaches nobody who could do something about it.
pub(super) fn log(refused: &Refused, request_id: &str) {
    if let Refused::Mismatched(mismatched) = refused {
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

fn reason(refused: &Refused) -> &str {
    match refused {
        Refused::SignatureInvalid(reason) | Refused::Malformed(reason) => reason,
        Refused::Receipt(refused) => fit(*refused),
        Refused::NotifyFailed(reason) => reason,
        Refused::KeyUnavailable { .. } | Refused::NotifyTimedOut | Refused::Mismatched(_) => {
            message(refused)
        }
    }
}

fn fit(refused: receipt::Refused) -> &'static str {
    match refused {
        receipt::Refused::Malformed => "the receipt cannot be read",
        receipt::Refused::SignatureInvalid => "no key here sealed the receipt",
        receipt::Refused::Expired => "the receipt's time is over",
        receipt::Refused::WrongRoute => "the receipt is of another route",
        receipt::Refused::WrongBucket => "the object lies in another bucket than was granted",
        receipt::Refused::WrongKey => "the object lies under another key than was granted",
    }
}
