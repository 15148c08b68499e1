//! Headers of the response that a URL chooses: `response-content-disposition` and the like.
//!
//! Source: the GetObject page. Only a signed request may choose them.

use http::{HeaderName, HeaderValue, header};

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::object::ObjectRequest;
use crate::oss::response::OssResponse;

/// The parameters and the headers that they replace.
const PARAMETERS: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

/// The headers that a request chooses.
#[derive(Debug, Default)]
pub(super) struct ResponseOverrides(Vec<(HeaderName, HeaderValue)>);

impl ResponseOverrides {
    pub(super) fn read(request: &ObjectRequest<'_>) -> Result<Self, OssError> {
        let mut headers = Vec::new();
        for (parameter, name) in PARAMETERS {
            let Some(text) = request.query.get(parameter) else { continue };
            if !request.identity.is_signed() {
                return Err(OssErrorKind::OverrideUnsigned
                    .because(format!("{parameter} needs a signature, and the request has none")));
            }
            let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
                let reason = format!("{parameter} holds a line end or another control character");
                OssErrorKind::ArgumentInvalid.argument(parameter, text, reason)
            })?;
            headers.push((name, value));
        }
        Ok(Self(headers))
    }

    pub(super) fn apply(self, response: &mut OssResponse) {
        for (name, value) in self.0 {
            response.headers_mut().insert(name, value);
        }
    }
}
