//! Callbacks that came to nothing: status, stable code, what happened and what to do.
//!
//! OSS shows the uploader little more than the status, and in the log is what an operator asks then.

use http::StatusCode;

use crate::callback::refused::Refused;
use crate::receipt;

/// Gives the code's status.
pub(super) fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Malformed(_) => StatusCode::BAD_REQUEST,
        Refused::SignatureInvalid(_) | Refused::Receipt(_) => StatusCode::FORBIDDEN,
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
        Refused::Receipt(_) => "receipt_mismatch",
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
    let reason = match refused {
        Refused::SignatureInvalid(reason) | Refused::Malformed(reason) => reason,
        Refused::Receipt(refused) => fit(*refused),
        Refused::NotifyFailed(reason) => reason,
        Refused::KeyUnavailable { .. } | Refused::NotifyTimedOut => message(refused),
    };
    let code = code(refused);
    if status(refused).is_server_error() {
        tracing::error!(request_id, code, "callback: {reason}");
    } else {
        tracing::warn!(request_id, code, "callback refused: {reason}");
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
        receipt::Refused::WrongSize => "the object has another size than was granted",
        receipt::Refused::WrongType => "the object has another type than was granted",
    }
}
