//! What Uppy's S3 plugin asks, from version 3 to 6, unmodified and in both of its modes.
//!
//! * `GET /uppy/{route}/s3/params`: where the plugin is only given an address. It does not name the
//!   size, and in version 6 can send no header either, so the route's rules have to be enough; a
//!   caller is shown by the ticket in `/uppy/{route}/t/{ticket}/s3/params`, or by the page's origin.
//! * `POST /uppy/{route}/sign`: where the page asks itself, with what headers it likes. Version 6
//!   hands it the body; a page of the earlier ones writes the same, and may add the size.

use serde::Deserialize;

use crate::app::App;
use crate::grant::{Form, GrantRequest};
use crate::http::dialect::uppy::Uppy;
use crate::http::error::ApiError;
use crate::http::query::{Query, content_type};
use crate::http::request::ApiRequest;
use crate::http::signing::SigningSession;
use crate::http::{Response, dialect};
use crate::policy::route::SuccessStatus;

/// What the plugin says that it will send. Of a part of a file there is more, which no form can say.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wish {
    method: Option<String>,
    key: String,
    content_type: Option<String>,
    size: Option<u64>,
    upload_id: Option<String>,
}

/// Answers the plugin.
pub(super) async fn params(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let query = Query::parse(asked.query(), Form::Complete)?;
    sign(app, asked, query.ask).await
}

/// Answers the page.
pub(super) async fn sign_request(app: &App, asked: &ApiRequest) -> Result<Response, ApiError> {
    let ask = Wish::read(&asked.body)?.ask()?;
    sign(app, asked, ask).await
}

async fn sign(app: &App, asked: &ApiRequest, ask: GrantRequest) -> Result<Response, ApiError> {
    let named = asked.named()?;
    // Version 3 finds the object's address in the XML of a 201 and nowhere else.
    let ask = GrantRequest { success: Some(SuccessStatus::Created), ..ask };
    let signing = SigningSession::open_named(app, asked, &named).await?;
    Ok(dialect::uncached(&Uppy::new(&signing.grant(&ask)?, signing.now)))
}

impl Wish {
    fn read(body: &[u8]) -> Result<Self, ApiError> {
        const EXAMPLE: &str = r#"{"method":"PUT","key":"a.png","contentType":"image/png"}"#;
        let wish: Self =
            serde_json::from_slice(body).map_err(|error| ApiError::not_json(&error, EXAMPLE))?;
        let whole = wish.method.as_deref().is_none_or(|method| method == "PUT");
        if !whole || wish.upload_id.is_some() {
            return Err(ApiError::invalid(
                "only whole files are signed here; set 'shouldUseMultipart' to false in Uppy",
            ));
        }
        Ok(wish)
    }

    fn ask(self) -> Result<GrantRequest, ApiError> {
        let named = self.content_type.filter(|text| !text.is_empty());
        Ok(GrantRequest {
            filename: Some(without_uuid(&self.key).to_owned()),
            content_type: named.as_deref().map(content_type).transpose()?,
            size: self.size,
            ..GrantRequest::new(Form::Complete)
        })
    }
}

/// Takes off what version 6 puts before a file's name to make a key of it; the key is made here.
fn without_uuid(key: &str) -> &str {
    let is_uuid = |text: &str| {
        text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    match (key.get(..36), key.get(36..).and_then(|rest| rest.strip_prefix('-'))) {
        (Some(uuid), Some(name)) if is_uuid(uuid) => name,
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_with_its_hyphen_is_taken_off_a_key() {
        for (key, name) in [
            ("0f0e0d0c-0b0a-4908-8706-050403020100-a.png", "a.png"),
            ("0f0e0d0c-0b0a-4908-8706-050403020100-照片.png", "照片.png"),
            (
                "0f0e0d0c-0b0a-4908-8706-050403020100.png",
                "0f0e0d0c-0b0a-4908-8706-050403020100.png",
            ),
            ("0f0e0d0c-0b0a-4908-8706-05040302010z-a", "0f0e0d0c-0b0a-4908-8706-05040302010z-a"),
            ("a.png", "a.png"),
            ("照照照照照照照照照照照照照-a", "照照照照照照照照照照照照照-a"),
            ("", ""),
        ] {
            assert_eq!(without_uuid(key), name);
        }
    }
}
