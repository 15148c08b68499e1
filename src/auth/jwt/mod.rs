//! Tokens of an identity provider: JWTs signed with HS256, RS256, ES256 or `EdDSA`.
//!
//! A key is good for one algorithm, so a token cannot choose how it is verified. The signatures are
//! `ring`'s business, which is in the binary for TLS already; a whole JWT library beside it would be a
//! tenth of what is deployed, with a clock of its own and laxer claims than are wanted here.
//!
//! | file | owns |
//! |---|---|
//! | `head` | the token's own words on its key, believed by nobody |
//! | `key` | keys, and the one algorithm of each |
//! | `pem`, `jwk` | the two ways in which public keys are written |
//! | `jwks` | keys behind a URL: cache, rotation, single flight |
//! | `claims` | what a verified token has to say |

pub mod claims;
pub mod jwks;
pub mod key;

mod head;
mod jwk;
mod pem;

use serde_json::{Map, Value};

use crate::auth::caller::Caller;
use crate::auth::error::AuthError;
use crate::auth::jwt::claims::{Required, Rules};
use crate::auth::jwt::head::Head;
use crate::auth::jwt::jwks::{Jwks, JwksUrl};
use crate::auth::jwt::key::{Algorithm, Key};
use crate::crypto;
use crate::net::HttpClient;
use crate::time::Timestamp;

/// The longest token that is looked at.
const MAX_LENGTH: usize = 8 * 1024;

/// How many keys are tried for a token that names none: each try costs a verification.
const MAX_TRIES: usize = 8;

/// How tokens are verified.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys that are known from the start.
    pub keys: Vec<Key>,
    /// Where further keys are.
    pub jwks_url: Option<JwksUrl>,
    /// What the claims have to say.
    pub rules: Rules,
}

/// Verifies tokens.
#[derive(Debug)]
pub struct Verifier {
    keys: Vec<Key>,
    jwks: Option<Jwks>,
    rules: Rules,
}

impl Verifier {
    /// Takes the keys; those behind a URL are fetched when the first token comes.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { keys: options.keys, jwks: options.jwks_url.map(Jwks::new), rules: options.rules }
    }

    /// Verifies one token, which has to have the `required` claims beside those of the rules.
    pub async fn verify(
        &self,
        token: &str,
        required: &[Required],
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        if token.len() > MAX_LENGTH {
            return Err(AuthError::TokenMalformed);
        }
        let head = Head::read(token)?;
        let keys = self.find(&head, now, http).await?;
        self.rules.check(&open(token, &keys)?, required, now)
    }

    /// Finds the keys that could have signed the token.
    async fn find(
        &self,
        head: &Head,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Vec<Key>, AuthError> {
        let own = self.keys.iter().any(|key| key.algorithm() == head.algorithm);
        let fetched = self.jwks.as_ref().filter(|_| head.algorithm != Algorithm::Hs256);
        if !own && fetched.is_none() {
            return Err(AuthError::TokenAlgorithmNotAllowed);
        }
        let found = head.select(&self.keys);
        match fetched {
            Some(jwks) if found.is_empty() => jwks.find(head, now, http).await,
            _ if found.is_empty() => Err(AuthError::TokenKeyUnknown),
            _ => Ok(found),
        }
    }
}

/// Reads the claims of a token that one of the keys has signed.
fn open(token: &str, keys: &[Key]) -> Result<Map<String, Value>, AuthError> {
    let (signed, code) = token.rsplit_once('.').ok_or(AuthError::TokenMalformed)?;
    let code = crypto::from_base64_url(code).ok_or(AuthError::TokenMalformed)?;
    if !keys.iter().take(MAX_TRIES).any(|key| key.verifies(signed.as_bytes(), &code)) {
        return Err(AuthError::TokenSignatureInvalid);
    }
    let (_, payload) = signed.split_once('.').ok_or(AuthError::TokenMalformed)?;
    let payload = crypto::from_base64_url(payload).ok_or(AuthError::TokenMalformed)?;
    serde_json::from_slice(&payload).map_err(|_| AuthError::TokenMalformed)
}
