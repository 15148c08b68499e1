//! Tokens of an identity provider: JWTs signed with HS256, RS256, ES256 or `EdDSA`.
//!
//! A key has exactly one algorithm, so a token cannot choose how it is verified. `ring`, which TLS needs anyway,
//! verifies the signatures. A JWT library would add a tenth to the size of the binary, reads the clock itself, and
//! is less strict about claims.
//!
//! | file | owns |
//! |---|---|
//! | `mod` | the header of a token, the choice of keys, the signature |
//! | `key` | keys, and the algorithm of each |
//! | `jwks` | keys behind a URL |
//! | `claims` | the claims of a verified token |

pub mod claims;
pub mod jwks;
pub mod key;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::auth::jwt::claims::{ClaimRules, RequiredClaim};
use crate::auth::jwt::jwks::{Jwks, JwksUrl};
use crate::auth::jwt::key::{JwtAlgorithm, VerificationKey};
use crate::auth::{AuthError, Caller};
use crate::crypto;
use crate::net::HttpClient;
use crate::time::Timestamp;

/// The longest accepted token in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// The largest number of keys that are tried for a token without a key id: each one costs a verification.
const MAX_TRIES: usize = 8;

/// The settings of token verification.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Keys in the settings.
    pub keys: Vec<VerificationKey>,
    /// The URL of further keys.
    pub jwks_url: Option<JwksUrl>,
    /// The requirements for the claims.
    pub rules: ClaimRules,
}

/// Verifies tokens.
#[derive(Debug)]
pub struct JwtVerifier {
    keys: Vec<VerificationKey>,
    jwks: Option<Jwks>,
    rules: ClaimRules,
}

impl JwtVerifier {
    /// Takes the keys. Those behind a URL are fetched when the first token arrives.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { keys: options.keys, jwks: options.jwks_url.map(Jwks::new), rules: options.rules }
    }

    /// Verifies one token, which needs the `required` claims in addition to those of the rules.
    pub async fn verify(
        &self,
        token: &str,
        required: &[RequiredClaim],
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Caller, AuthError> {
        if token.len() > MAX_LENGTH {
            return Err(AuthError::TokenMalformed);
        }
        let head = JwtHeader::read(token)?;
        let keys = self.find(&head, now, http).await?;
        self.rules.check(&open(token, &keys)?, required, now)
    }

    /// Returns the keys that may have signed the token.
    async fn find(
        &self,
        head: &JwtHeader,
        now: Timestamp,
        http: &dyn HttpClient,
    ) -> Result<Vec<VerificationKey>, AuthError> {
        let own = self.keys.iter().any(|key| key.algorithm() == head.algorithm);
        let fetched = self.jwks.as_ref().filter(|_| head.algorithm != JwtAlgorithm::Hs256);
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

/// Returns the claims of a token that one of the keys has signed.
fn open(token: &str, keys: &[VerificationKey]) -> Result<Map<String, Value>, AuthError> {
    let (signed, code) = token.rsplit_once('.').ok_or(AuthError::TokenMalformed)?;
    let code = crypto::from_base64_url(code).ok_or(AuthError::TokenMalformed)?;
    if !keys.iter().take(MAX_TRIES).any(|key| key.verifies(signed.as_bytes(), &code)) {
        return Err(AuthError::TokenSignatureInvalid);
    }
    let (_, payload) = signed.split_once('.').ok_or(AuthError::TokenMalformed)?;
    let payload = crypto::from_base64_url(payload).ok_or(AuthError::TokenMalformed)?;
    serde_json::from_slice(&payload).map_err(|_| AuthError::TokenMalformed)
}

/// The header of a token, which is not verified: it only selects the keys to try. Keys and URLs in a header are
/// never used.
#[derive(Debug)]
struct JwtHeader {
    algorithm: JwtAlgorithm,
    key_id: Option<String>,
}

#[derive(Deserialize)]
struct RawJwtHeader {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

impl JwtHeader {
    /// Reads the header of a token with three parts.
    fn read(token: &str) -> Result<Self, AuthError> {
        let mut parts = token.split('.');
        let (Some(head), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(AuthError::TokenMalformed);
        };
        let bytes = crypto::from_base64_url(head).ok_or(AuthError::TokenMalformed)?;
        let raw: RawJwtHeader =
            serde_json::from_slice(&bytes).map_err(|_| AuthError::TokenMalformed)?;
        // A critical extension, which this function does not know.
        if raw.crit.is_some() {
            return Err(AuthError::TokenMalformed);
        }
        let algorithm = JwtAlgorithm::parse(&raw.alg).ok_or(AuthError::TokenAlgorithmNotAllowed)?;
        Ok(Self { algorithm, key_id: raw.kid })
    }

    /// Selects the keys that may have signed this token.
    fn select(&self, keys: &[VerificationKey]) -> Vec<VerificationKey> {
        keys.iter().filter(|key| self.fits(key)).cloned().collect()
    }

    /// Returns whether a key may have signed this token. If only one of them has an id, the id does not matter: keys in
    /// PEM have none.
    fn fits(&self, key: &VerificationKey) -> bool {
        let same = match (&self.key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            _ => true,
        };
        same && key.algorithm() == self.algorithm
    }
}
