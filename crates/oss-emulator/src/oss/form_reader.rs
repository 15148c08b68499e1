//! Reads a form from a `multipart/form-data` body: check 3 of the list in `post_object`, and the parts after
//! the file in check 11.
//!
//! [`ParsedForm`] reads a whole form into memory without validating it, for tools and fuzz targets.

use std::error::Error;

use bytes::Bytes;
use hyper::body::Body;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form::UploadForm;
use crate::oss::form_data::part_headers::PartHeaders;
use crate::oss::form_data::{FormDataReader, boundary};
use crate::oss::request::UploadBody;
use crate::oss::strictness::Strictness;

/// The maximum number of bytes before the file: 8 MB.
const MAX_BEFORE_FILE: u64 = 8 * 1024 * 1024;

/// A form and the content of its file.
#[derive(Clone, Debug)]
pub struct ParsedForm {
    /// The fields before the file.
    pub form: UploadForm,
    /// The content of the file.
    pub content: Vec<u8>,
}

impl ParsedForm {
    /// Reads a request body with this `Content-Type`. Needs a tokio runtime with a timer.
    pub async fn read<B>(
        content_type: &str,
        body: B,
        strictness: &Strictness,
    ) -> Result<Self, OssError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let boundary = boundary(Some(content_type), strictness)?;
        let mut body = UploadBody::new(body, strictness.limits);
        let mut reader = FormDataReader::new(&mut body, &boundary, strictness);
        let form = read_form(&mut reader, strictness).await?;
        let mut content = Vec::new();
        while let Some(bytes) = reader.data().await? {
            content.extend_from_slice(&bytes);
        }
        read_rest(reader, strictness).await?;
        Ok(Self { form, content })
    }
}

/// Reads the fields, up to the first byte of the file.
pub(super) async fn read_form(
    reader: &mut FormDataReader<'_>,
    strictness: &Strictness,
) -> Result<UploadForm, OssError> {
    let mut form = UploadForm::new(strictness);
    while let Some(part) = reader.next_part().await? {
        check_before_file(reader)?;
        if part.is_file(strictness) {
            form.set_file(part.filename, part.content_type);
            return Ok(form);
        }
        let value = read_value(reader, &part, strictness.value_limit).await?;
        form.push(&part.name, value, strictness)?;
    }
    Err(OssErrorKind::FileCount.because("the form has no part named file"))
}

async fn read_value(
    reader: &mut FormDataReader<'_>,
    part: &PartHeaders,
    limit: u64,
) -> Result<String, OssError> {
    let mut value = Vec::new();
    while let Some(bytes) = reader.data().await? {
        value.extend_from_slice(&bytes);
        let length = value.len() as u64;
        if length > limit {
            let reason = format!("the field {:?} is longer than {limit} bytes", part.name);
            return Err(OssErrorKind::ValueTooLong.too_long(limit, length, reason));
        }
        check_before_file(reader)?;
    }
    String::from_utf8(value).map_err(|_| {
        OssErrorKind::FieldMalformed.because(format!("the field {:?} is not UTF-8", part.name))
    })
}

fn check_before_file(reader: &FormDataReader<'_>) -> Result<(), OssError> {
    let read = reader.bytes_read();
    if read <= MAX_BEFORE_FILE {
        return Ok(());
    }
    let reason = "more than 8 MB precede the file";
    Err(OssErrorKind::FieldsTooLarge.too_long(MAX_BEFORE_FILE, read, reason))
}

/// Reads the parts after the file, such as the form's submit button, and ignores them.
pub(super) async fn read_rest(
    mut reader: FormDataReader<'_>,
    strictness: &Strictness,
) -> Result<(), OssError> {
    while let Some(part) = reader.next_part().await? {
        if part.is_file(strictness) {
            return Err(
                OssErrorKind::FileCount.because("the form has more than one part named file")
            );
        }
    }
    reader.finish().await
}
