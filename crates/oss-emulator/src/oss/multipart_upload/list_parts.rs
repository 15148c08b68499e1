//! ListParts: lists the parts of an upload in pages.

use crate::dates;
use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::multipart_upload::parameters::{KeyEncoding, MAX_PAGE, number};
use crate::oss::multipart_upload::part_list::MAX_PARTS;
use crate::oss::multipart_upload::upload_lookup::NamedUpload;
use crate::oss::object::ObjectRequest;
use crate::oss::response;
use crate::oss::response::OssResponse;
use crate::xml::XmlWriter;

pub(super) async fn list_parts(request: &ObjectRequest<'_>) -> Result<OssResponse, OssError> {
    let encoding = KeyEncoding::read(request.query)?;
    let limit = number(request.query, "max-parts", 1..=MAX_PAGE)?.unwrap_or(MAX_PAGE);
    let after = number(request.query, "part-number-marker", 0..=MAX_PARTS)?.unwrap_or_default();
    let named = NamedUpload::find(request, OssErrorKind::NoSuchUpload).await?;
    let page_size = limit as usize;
    // One more shows whether another page follows.
    let parts = request.state.store.parts(&named.name, after, page_size + 1).await;
    let mut parts = parts.map_err(|error| named.error(error))?;
    let is_truncated = parts.len() > page_size;
    parts.truncate(page_size);
    let mut result = XmlWriter::new("ListPartsResult");
    result
        .element("Bucket", &request.bucket.name)
        .element("Key", encoding.write(&request.key))
        .element("UploadId", named.name.id.as_str());
    if let Some(name) = encoding.name() {
        result.element("EncodingType", name);
    }
    result
        .element("PartNumberMarker", after)
        // Present on the last page too, as in the official sample.
        .element("NextPartNumberMarker", parts.last().map_or(after, |part| part.number))
        .element("MaxParts", limit)
        .element("IsTruncated", is_truncated);
    for part in parts {
        result
            .begin("Part")
            .element("PartNumber", part.number)
            .element("LastModified", dates::iso_millis(part.stored_at))
            .element("ETag", format!("\"{}\"", part.etag()))
            .element("Size", part.size)
            .end();
    }
    Ok(response::xml(result.finish()))
}
