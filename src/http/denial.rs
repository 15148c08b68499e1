//! Callers who are not let in: status, stable code, what happened and what to do, and the challenge
//! that a 401 carries.

use http::HeaderValue;
use http::StatusCode;

use crate::auth::denied::Denied;

/// Gives the code's status.
pub(super) fn status(denied: &Denied) -> StatusCode {
    match denied {
        Denied::TicketRouteMismatch | Denied::SubjectMismatch | Denied::OriginRequired => {
            StatusCode::FORBIDDEN
        }
        Denied::JwksUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Denied::RuleMissing => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// Gives the stable code.
pub(super) fn code(denied: &Denied) -> &'static str {
    match denied {
        Denied::TokenMissing => "token_missing",
        Denied::TokenMalformed => "token_malformed",
        Denied::TokenAlgorithmNotAllowed => "token_algorithm_not_allowed",
        Denied::TokenKeyUnknown => "token_key_unknown",
        Denied::TokenSignatureInvalid => "token_signature_invalid",
        Denied::TokenExpired => "token_expired",
        Denied::TokenNotYetValid => "token_not_yet_valid",
        Denied::TokenIssuerNotAllowed => "token_issuer_not_allowed",
        Denied::TokenAudienceNotAllowed => "token_audience_not_allowed",
        Denied::TokenClaimMissing(_) => "token_claim_missing",
        Denied::JwksUnavailable { .. } => "jwks_unavailable",
        Denied::TicketMissing => "ticket_missing",
        Denied::TicketMalformed => "ticket_malformed",
        Denied::TicketSignatureInvalid => "ticket_signature_invalid",
        Denied::TicketExpired => "ticket_expired",
        Denied::TicketNotYetValid => "ticket_not_yet_valid",
        Denied::TicketLifetimeTooLong => "ticket_lifetime_too_long",
        Denied::TicketRouteMismatch => "ticket_route_mismatch",
        Denied::SubjectMismatch => "subject_mismatch",
        Denied::OriginRequired => "origin_required",
        Denied::RuleMissing => "internal",
    }
}

/// Says what happened and what to do.
pub(super) fn message(denied: &Denied) -> String {
    match denied {
        Denied::TokenClaimMissing(name) => {
            format!(
                "The token's claim {name:?} is missing or has another value; it has to be there."
            )
        }
        Denied::JwksUnavailable { retry_after } => format!(
            "The keys that tokens are verified with cannot be fetched. Ask again in {retry_after} s; if it \
             stays, look at UPLOAD_JWKS_URL."
        ),
        denied => {
            about_token(denied).or_else(|| about_ticket(denied)).unwrap_or(NO_PAGE).to_owned()
        }
    }
}

const NO_PAGE: &str = "This route is for pages on the list, and the call names no page. Call it from a \
                       browser's page of another origin than the function's.";

fn about_token(denied: &Denied) -> Option<&'static str> {
    Some(match denied {
        Denied::TokenMissing => {
            "This route asks for a token. Send it as 'Authorization: Bearer <token>'."
        }
        Denied::TokenMalformed => {
            "This is no token that can be read. Send it whole and once, as it was issued."
        }
        Denied::TokenAlgorithmNotAllowed => {
            "No key here verifies tokens of this algorithm. Let the issuer sign with the one that the \
             settings have a key for."
        }
        Denied::TokenKeyUnknown => {
            "No key here has the id that the token names. Compare the issuer with UPLOAD_JWKS_URL or \
             UPLOAD_JWT_PUBLIC_KEY."
        }
        Denied::TokenSignatureInvalid => {
            "The token was not signed with any key here. Compare the issuer's key with the settings."
        }
        Denied::TokenExpired => "The token's time is over. Sign in again, or refresh it.",
        Denied::TokenNotYetValid => {
            "The token's time has not come. Compare the clocks of issuer and function."
        }
        Denied::TokenIssuerNotAllowed => {
            "The token comes from an issuer that is not taken here; see UPLOAD_JWT_ISSUER."
        }
        Denied::TokenAudienceNotAllowed => {
            "The token is meant for another service; see UPLOAD_JWT_AUDIENCE."
        }
        _ => return None,
    })
}

fn about_ticket(denied: &Denied) -> Option<&'static str> {
    Some(match denied {
        Denied::TicketMissing => {
            "This route asks for a ticket. Send it as 'X-Upload-Ticket: <ticket>'."
        }
        Denied::TicketMalformed => {
            "This is no ticket that can be read. Send it whole and once, as it was minted."
        }
        Denied::TicketSignatureInvalid => {
            "The ticket was not minted with any key here. Give the back end a key of UPLOAD_TICKET_KEYS."
        }
        Denied::TicketExpired => "The ticket's time is over. Ask the back end for a new one.",
        Denied::TicketNotYetValid => {
            "The ticket's time has not come. Compare the clocks of back end and function."
        }
        Denied::TicketLifetimeTooLong => {
            "The ticket wants to live longer than tickets may; see UPLOAD_TICKET_LIFETIME."
        }
        Denied::TicketRouteMismatch => {
            "The ticket is good for another route. Ask the back end for one for this route."
        }
        Denied::SubjectMismatch => {
            "Token and ticket name different subjects. Send a ticket that was minted for who has signed in."
        }
        _ => return None,
    })
}

/// Gives the challenge of a 401: which scheme to use, and what was wrong with what was sent.
pub(super) fn challenge(denied: &Denied) -> Option<HeaderValue> {
    if status(denied) != StatusCode::UNAUTHORIZED {
        return None;
    }
    if matches!(denied, Denied::TokenMissing | Denied::TicketMissing) {
        return Some(HeaderValue::from_static("Bearer"));
    }
    let text = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", code(denied));
    HeaderValue::from_str(&text).ok()
}
