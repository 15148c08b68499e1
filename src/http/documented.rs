//! `GET /get_post_signature_for_oss_upload`: the call of the documentation's page.
//!
//! The page calls without parameters. Those that exist (`route`, `filename`, `type`, `size`) narrow the grant. The
//! route's signature version decides the format: the page of each version reads its own.

use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::grant::callback_fields;
use crate::grant::{Form, Grant};
use crate::http::UncachedJson;
use crate::http::error::ApiError;
use crate::http::request::{ApiRequest, UnknownNames};
use crate::http::signing::SigningSession;
use crate::policy::route::SignatureVersion;
use crate::signing::{v1, v4};

pub(super) async fn sign(
    State(app): State<Arc<App>>,
    request: ApiRequest,
) -> Result<Response, ApiError> {
    // The page is copied into applications whose request layers add parameters, such as a tenant or a time.
    let query = request.query(Form::Documented, UnknownNames::Ignore)?;
    let session = SigningSession::open(&app, &request, query.route.as_deref()).await?;
    let grant = session.grant(&query.file).await?;
    Ok(match session.route.signature {
        SignatureVersion::V1 => UncachedJson(DocumentedV1Response::new(&grant)).into_response(),
        SignatureVersion::V4 => UncachedJson(DocumentedResponse::new(&grant)).into_response(),
    })
}

/// A grant in the format of the documentation's server-side signing samples.
///
/// The samples disagree on one name, `version` in one language and `x_oss_signature_version` in the others, so the
/// response has both.
#[derive(Serialize)]
pub struct DocumentedResponse<'a> {
    host: &'a str,
    dir: &'a str,
    policy: &'a str,
    signature: &'a str,
    x_oss_signature_version: &'a str,
    version: &'a str,
    x_oss_credential: &'a str,
    x_oss_date: &'a str,
    /// Empty for a long-lived key: the page posts the field in any case, and would post `undefined` for a missing one.
    security_token: &'a str,
    /// Unix seconds.
    expire: i64,
    /// Posted by the documentation's page if present. The page posts no variables, so this contains their values.
    #[serde(skip_serializing_if = "Option::is_none")]
    callback: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// A grant is a bearer's permission and contains the token, so `Debug` shows only where it is valid and until when.
impl fmt::Debug for DocumentedResponse<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DocumentedResponse")
            .field("host", &self.host)
            .field("dir", &self.dir)
            .field("key", &self.key)
            .field("expire", &self.expire)
            .finish_non_exhaustive()
    }
}

impl<'a> DocumentedResponse<'a> {
    /// Formats a grant.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        let field = |name| grant.field(name).unwrap_or_default();
        Self {
            host: &grant.url,
            dir: &grant.directory,
            policy: field(v4::POLICY),
            signature: field(v4::X_OSS_SIGNATURE),
            x_oss_signature_version: field(v4::X_OSS_SIGNATURE_VERSION),
            version: field(v4::X_OSS_SIGNATURE_VERSION),
            x_oss_credential: field(v4::X_OSS_CREDENTIAL),
            x_oss_date: field(v4::X_OSS_DATE),
            security_token: field(v4::X_OSS_SECURITY_TOKEN),
            expire: grant.expires_at.unix(),
            callback: grant.field(callback_fields::CALLBACK),
            key: grant.key.as_deref(),
        }
    }
}

/// A grant in the format of the documentation's V1 pages. One of them calls the key id `accessid`, the other
/// `ossAccessKeyId`, so the response has both.
///
/// Neither page posts a token. For temporary credentials the page has to post `security_token` in the field
/// `x-oss-security-token`; an unmodified page needs a function that signs with a long-lived key.
#[derive(Serialize)]
pub struct DocumentedV1Response<'a> {
    accessid: &'a str,
    #[serde(rename = "ossAccessKeyId")]
    oss_access_key_id: &'a str,
    host: &'a str,
    dir: &'a str,
    policy: &'a str,
    signature: &'a str,
    /// Unix seconds. The older page requests a new grant three seconds earlier.
    expire: i64,
    /// Empty for a long-lived key.
    security_token: &'a str,
    /// Empty without a callback. The older page posts the field in any case, and its library would write a missing
    /// value as `false`, which OSS refuses.
    callback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// A grant is a bearer's permission and contains the token, so `Debug` shows only where it is valid and until when.
impl fmt::Debug for DocumentedV1Response<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DocumentedV1Response")
            .field("host", &self.host)
            .field("dir", &self.dir)
            .field("key", &self.key)
            .field("expire", &self.expire)
            .finish_non_exhaustive()
    }
}

impl<'a> DocumentedV1Response<'a> {
    /// Formats a grant.
    #[must_use]
    pub fn new(grant: &'a Grant) -> Self {
        let field = |name| grant.field(name).unwrap_or_default();
        Self {
            accessid: field(v1::OSS_ACCESS_KEY_ID),
            oss_access_key_id: field(v1::OSS_ACCESS_KEY_ID),
            host: &grant.url,
            dir: &grant.directory,
            policy: field(v4::POLICY),
            signature: field(v1::SIGNATURE),
            expire: grant.expires_at.unix(),
            security_token: field(v4::X_OSS_SECURITY_TOKEN),
            callback: field(callback_fields::CALLBACK),
            key: grant.key.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::FormFields;
    use crate::time::Timestamp;

    #[test]
    fn debug_shows_no_field_of_the_form() {
        let field = |name: &'static str| (name.into(), format!("marker-{name}"));
        let names = [v4::POLICY, v4::X_OSS_SIGNATURE, v4::X_OSS_SECURITY_TOKEN, v1::SIGNATURE];
        let grant = Grant {
            url: "https://bucket.example".to_owned(),
            fields: names.into_iter().map(field).collect(),
            directory: "up/".to_owned(),
            key: None,
            unique: false,
            expires_at: Timestamp::from_unix(1).unwrap(),
        };
        let (v4, v1) = (DocumentedResponse::new(&grant), DocumentedV1Response::new(&grant));
        assert_eq!(v4.security_token, "marker-x-oss-security-token");
        for text in [format!("{v4:?}"), format!("{v1:?}"), format!("{:?}", FormFields(&grant))] {
            assert!(text.contains("up/") && !text.contains("marker"), "{text}");
        }
    }
}
