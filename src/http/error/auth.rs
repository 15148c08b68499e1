//! Failures of authentication: status, stable code, message, and the challenge of a 401.

use http::{HeaderValue, StatusCode};

use crate::auth::AuthError;

/// Returns the HTTP status.
pub(super) fn status(error: &AuthError) -> StatusCode {
    match error {
        AuthError::TicketRouteMismatch | AuthError::SubjectMismatch | AuthError::OriginRequired => {
            StatusCode::FORBIDDEN
        }
        AuthError::JwksUnavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        AuthError::RuleMissing => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNAUTHORIZED,
    }
}

/// Returns the stable code.
pub(super) fn code(error: &AuthError) -> &'static str {
    match error {
        AuthError::TokenMissing => "token_missing",
        AuthError::TokenMalformed => "token_malformed",
        AuthError::TokenAlgorithmNotAllowed => "token_algorithm_not_allowed",
        AuthError::TokenKeyUnknown => "token_key_unknown",
        AuthError::TokenSignatureInvalid => "token_signature_invalid",
        AuthError::TokenExpired => "token_expired",
        AuthError::TokenNotYetValid => "token_not_yet_valid",
        AuthError::TokenIssuerNotAllowed => "token_issuer_not_allowed",
        AuthError::TokenAudienceNotAllowed => "token_audience_not_allowed",
        AuthError::TokenClaimMissing(_) => "token_claim_missing",
        AuthError::JwksUnavailable { .. } => "jwks_unavailable",
        AuthError::TicketMissing => "ticket_missing",
        AuthError::TicketMalformed => "ticket_malformed",
        AuthError::TicketSignatureInvalid => "ticket_signature_invalid",
        AuthError::TicketExpired => "ticket_expired",
        AuthError::TicketNotYetValid => "ticket_not_yet_valid",
        AuthError::TicketLifetimeTooLong => "ticket_lifetime_too_long",
        AuthError::TicketRouteMismatch => "ticket_route_mismatch",
        AuthError::TicketUsed => "ticket_used",
        AuthError::SubjectMismatch => "subject_mismatch",
        AuthError::OriginRequired => "origin_required",
        AuthError::RuleMissing => "internal",
    }
}

/// Returns the message: what happened and what to do.
pub(super) fn message(error: &AuthError) -> String {
    match error {
        AuthError::TokenClaimMissing(name) => {
            format!(
                "The token's claim {name:?} is missing or has another value; it has to be there."
            )
        }
        AuthError::JwksUnavailable { retry_after } => format!(
            "The keys that tokens are verified with cannot be fetched. Ask again in {retry_after} s; if it \
             stays, look at UPLOAD_JWKS_URL."
        ),
        error => token_message(error)
            .or_else(|| ticket_message(error))
            .unwrap_or(ORIGIN_REQUIRED)
            .to_owned(),
    }
}

const ORIGIN_REQUIRED: &str = "This route is for pages on the list, and the call names no page. Call it from a \
                       browser's page of another origin than the function's.";

fn token_message(error: &AuthError) -> Option<&'static str> {
    Some(match error {
        AuthError::TokenMissing => {
            "This route asks for a token. Send it as 'Authorization: Bearer <token>'."
        }
        AuthError::TokenMalformed => {
            "This is no token that can be read. Send it whole and once, as it was issued."
        }
        AuthError::TokenAlgorithmNotAllowed => {
            "No key here verifies tokens of this algorithm. Let the issuer sign with the one that the \
             settings have a key for."
        }
        AuthError::TokenKeyUnknown => {
            "No key here has the id that the token names. Compare the issuer with UPLOAD_JWKS_URL or \
             UPLOAD_JWT_PUBLIC_KEY."
        }
        AuthError::TokenSignatureInvalid => {
            "The token was not signed with any key here. Compare the issuer's key with the settings."
        }
        AuthError::TokenExpired => "The token's time is over. Sign in again, or refresh it.",
        AuthError::TokenNotYetValid => {
            "The token's time has not come. Compare the clocks of issuer and function."
        }
        AuthError::TokenIssuerNotAllowed => {
            "The token comes from an issuer that is not taken here; see UPLOAD_JWT_ISSUER."
        }
        AuthError::TokenAudienceNotAllowed => {
            "The token is meant for another service; see UPLOAD_JWT_AUDIENCE."
        }
        _ => return None,
    })
}

fn ticket_message(error: &AuthError) -> Option<&'static str> {
    Some(match error {
        AuthError::TicketMissing => {
            "This route asks for a ticket. Send it as 'X-Upload-Ticket: <ticket>'."
        }
        AuthError::TicketMalformed => {
            "This is no ticket that can be read. Send it whole and once, as it was minted."
        }
        AuthError::TicketSignatureInvalid => {
            "The ticket was not minted with any key here. Give the back end a key of UPLOAD_TICKET_KEYS."
        }
        AuthError::TicketExpired => "The ticket's time is over. Ask the back end for a new one.",
        AuthError::TicketNotYetValid => {
            "The ticket's time has not come. Compare the clocks of back end and function."
        }
        AuthError::TicketLifetimeTooLong => {
            "The ticket wants to live longer than tickets may; see UPLOAD_TICKET_LIFETIME."
        }
        AuthError::TicketRouteMismatch => {
            "The ticket is good for another route. Ask the back end for one for this route."
        }
        AuthError::TicketUsed => {
            "The ticket was used by an earlier call. Ask the back end for a new one; a ticket without 'jti' is good \
             for several calls."
        }
        AuthError::SubjectMismatch => {
            "Token and ticket name different subjects. Send a ticket that was minted for who has signed in."
        }
        _ => return None,
    })
}

/// Returns the challenge of a 401: the scheme, and what is wrong with the credentials that were sent.
pub(super) fn challenge(error: &AuthError) -> Option<HeaderValue> {
    if status(error) != StatusCode::UNAUTHORIZED {
        return None;
    }
    if matches!(error, AuthError::TokenMissing | AuthError::TicketMissing) {
        return Some(HeaderValue::from_static("Bearer"));
    }
    let text = format!("Bearer error=\"invalid_token\", error_description=\"{}\"", code(error));
    HeaderValue::from_str(&text).ok()
}
