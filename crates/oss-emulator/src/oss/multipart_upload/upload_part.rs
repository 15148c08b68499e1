//! UploadPart: stores one part of an upload, or replaces an earlier one of its number.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, StatusCode, header};

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::multipart_upload::part_list::MAX_PARTS;
use crate::oss::multipart_upload::upload_lookup::NamedUpload;
use crate::oss::object::ObjectRequest;
use crate::oss::query::RequestQuery;
use crate::oss::received_content::{check_content_head, receive_content};
use crate::oss::request::UploadBody;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::oss::store::StoredPart;

/// Stores a part whose body arrives completely. The smallest size is checked when parts are joined.
pub(super) async fn upload_part(
    request: &ObjectRequest<'_>,
    body: &mut UploadBody,
) -> Result<OssResponse, OssError> {
    let number = part_number(request.query)?;
    refuse_encryption(request)?;
    let named = NamedUpload::find(request, OssErrorKind::PartOfNoUpload).await?;
    check_content_head(request.head, body)?;
    let content = receive_content(request.state, request.info, body).await?;
    let part = StoredPart {
        number,
        size: content.size,
        md5: content.md5,
        crc64: content.crc64,
        stored_at: request.state.now(),
    };
    let stored = request.state.store.put_part(&named.name, content.temp, part).await;
    stored.map_err(|error| named.error(error))?;
    let mut response = response::empty(StatusCode::OK);
    response::insert(&mut response, header::ETAG, &format!("\"{}\"", part.etag()));
    let md5 = HeaderName::from_static("content-md5");
    response::insert(&mut response, md5, &STANDARD.encode(part.md5));
    response::insert(&mut response, response::X_OSS_HASH_CRC64ECMA, &part.crc64.to_string());
    Ok(response)
}

fn part_number(query: &RequestQuery) -> Result<u32, OssError> {
    let text = query.get("partNumber").unwrap_or_default();
    if text.is_empty() {
        return Err(OssErrorKind::PartNumberMissing.argument(
            "ResourceType",
            "partNumber",
            "the query has no partNumber",
        ));
    }
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number @ 1..=MAX_PARTS) if is_decimal => Ok(number),
        _ => Err(OssErrorKind::PartNumberInvalid.argument(
            "PartNumber",
            text,
            format!("partNumber is {text:?}; it must be a whole number from 1 to {MAX_PARTS}"),
        )),
    }
}

/// The encryption of an object belongs to InitiateMultipartUpload.
fn refuse_encryption(request: &ObjectRequest<'_>) -> Result<(), OssError> {
    const NAME: &str = "x-oss-server-side-encryption";
    let Some(value) = request.head.headers.get(NAME) else {
        return Ok(());
    };
    let value = String::from_utf8_lossy(value.as_bytes());
    let reason = "the encryption is set when the upload is initiated, not for a part";
    Err(OssErrorKind::ArgumentInvalid.argument(NAME, &value, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_numbers_are_whole_numbers_from_1_to_10000() {
        let read = |query: &str| {
            let query = RequestQuery::parse(Some(query)).unwrap();
            part_number(&query).map_err(|error| error.kind())
        };
        assert_eq!(read("partNumber=1"), Ok(1));
        assert_eq!(read("partNumber=10000"), Ok(10_000));
        for query in ["uploadId=A", "partNumber", "partNumber="] {
            assert_eq!(read(query), Err(OssErrorKind::PartNumberMissing), "{query}");
        }
        for text in ["0", "10001", "-1", "%2B1", "1a", "4294967297", "1%20"] {
            let query = format!("partNumber={text}");
            assert_eq!(read(&query), Err(OssErrorKind::PartNumberInvalid), "{text}");
        }
    }
}
