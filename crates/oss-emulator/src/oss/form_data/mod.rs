//! Reads a `multipart/form-data` body: the boundary from `Content-Type`, and the parts one after the other.
//!
//! This is an own parser, because OSS rejects what libraries accept: other orders of a part's
//! headers, a missing space, a long name. It returns parts and their bytes in order; `form_reader`
//! and `post_object` interpret them. Public issues show that OSS does not treat a request as
//! PostObject at all unless its type is `multipart/form-data; boundary=…`.

use bytes::Bytes;

use crate::oss::error::{OssError, OssErrorKind};
use crate::oss::form_data::part_headers::PartHeaders;
use crate::oss::form_data::splitter::{FormDataError, FormDataSplitter, FormDataToken};
use crate::oss::request::UploadBody;
use crate::oss::strictness::{Relaxation, Strictness};

pub(super) mod part_headers;
mod splitter;

/// The longest boundary that MIME allows.
const MAX_BOUNDARY: usize = 70;

/// Reads the parts of a request body in order.
#[derive(Debug)]
pub(super) struct FormDataReader<'a> {
    body: &'a mut UploadBody,
    strictness: &'a Strictness,
    splitter: FormDataSplitter,
    /// The number of bytes of part headers and contents read so far.
    bytes_read: u64,
}

impl<'a> FormDataReader<'a> {
    /// Creates a reader for a body with this boundary.
    pub(super) fn new(
        body: &'a mut UploadBody,
        boundary: &str,
        strictness: &'a Strictness,
    ) -> Self {
        Self {
            splitter: FormDataSplitter::new(boundary, strictness.allows(Relaxation::Preamble)),
            body,
            strictness,
            bytes_read: 0,
        }
    }

    /// Returns the headers of the next part, or `None` after the last one.
    ///
    /// The rest of the current part is skipped.
    pub(super) async fn next_part(&mut self) -> Result<Option<PartHeaders>, OssError> {
        loop {
            match self.next_token().await? {
                FormDataToken::Headers(block) => {
                    let announced = self.body.announced().unwrap_or_default();
                    let remaining = announced.saturating_sub(self.bytes_read);
                    return PartHeaders::parse(&block, remaining, self.strictness).map(Some);
                }
                FormDataToken::End => return Ok(None),
                FormDataToken::Data(_) | FormDataToken::PartEnd => {}
            }
        }
    }

    /// Returns the next bytes of the current part, or `None` at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, OssError> {
        match self.next_token().await? {
            FormDataToken::Data(bytes) => Ok(Some(bytes)),
            FormDataToken::Headers(_) | FormDataToken::PartEnd | FormDataToken::End => Ok(None),
        }
    }

    /// Returns the number of bytes of part headers and contents read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads the rest of the body after the closing boundary and checks its digest.
    pub(super) async fn finish(self) -> Result<(), OssError> {
        while self.body.chunk().await?.is_some() {}
        self.body.check_digest()
    }

    async fn next_token(&mut self) -> Result<FormDataToken, OssError> {
        loop {
            if let Some(next_token) = self.splitter.next().map_err(to_oss_error)? {
                if let FormDataToken::Headers(bytes) | FormDataToken::Data(bytes) = &next_token {
                    self.bytes_read += bytes.len() as u64;
                }
                return Ok(next_token);
            }
            if let Some(chunk) = self.body.chunk().await? {
                self.splitter.feed(&chunk);
            } else {
                self.splitter.finish().map_err(to_oss_error)?;
                return Ok(FormDataToken::End);
            }
        }
    }
}

fn to_oss_error(error: FormDataError) -> OssError {
    let reason = match error {
        FormDataError::NoHeaders => return part_headers::no_disposition(),
        FormDataError::EndlessHeaders(seen) => return part_headers::name_too_long(seen as u64),
        FormDataError::Opening => {
            "the body does not begin with the boundary that the Content-Type header names"
        }
        FormDataError::Boundary => {
            "a boundary in the body is damaged: no line end and no -- follows it"
        }
        FormDataError::Truncated => {
            "the body stops before its closing boundary, so Content-Length is too small or the \
             last line is missing"
        }
    };
    OssErrorKind::BodyMalformed.because(reason)
}

/// Reads the boundary from a `Content-Type` header.
///
/// Quotes around a boundary are kept, so that it matches nothing in the body, unless
/// [`Relaxation::QuotedBoundary`] is in effect.
pub(in crate::oss) fn boundary(
    content_type: Option<&str>,
    strictness: &Strictness,
) -> Result<String, OssError> {
    let text = content_type.ok_or_else(|| unrecognised("it has no Content-Type"))?;
    let mut items = text.split(';').map(str::trim);
    let kind = items.next().unwrap_or_default();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(unrecognised("its Content-Type is not multipart/form-data"));
    }
    let is_boundary = |item: &&str| {
        item.split_once('=').is_some_and(|(name, _)| name.eq_ignore_ascii_case("boundary"))
    };
    let mut others = items.clone().filter(|item| !item.is_empty() && !is_boundary(item));
    if others.next().is_some() && !strictness.allows(Relaxation::ContentTypeParameters) {
        let reason = "its Content-Type has another parameter than the boundary, such as charset";
        return Err(unrecognised(reason));
    }
    let boundary = items
        .find(is_boundary)
        .and_then(|item| item.split_once('='))
        .map(|(_, value)| unquoted(value, strictness))
        .ok_or_else(|| unrecognised("its Content-Type has no boundary"))?;
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
        return Err(unrecognised("its boundary is not 1 to 70 characters long"));
    }
    Ok(boundary.to_owned())
}

fn unquoted<'a>(value: &'a str, strictness: &Strictness) -> &'a str {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if strictness.allows(Relaxation::QuotedBoundary) => inner,
        _ => value,
    }
}

fn unrecognised(what: &str) -> OssError {
    OssErrorKind::MethodNotAllowed
        .because(format!(
            "OSS does not see a form upload in this POST because {what}; let the browser or HTTP \
             library set the header"
        ))
        .with_child("Method", "POST")
        .with_child("ResourceType", "Bucket")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, OssErrorKind> {
        boundary(Some(text), &Strictness::default()).map_err(|error| error.kind())
    }

    #[test]
    fn the_boundary_is_found_in_any_case() {
        assert_eq!(read("Multipart/Form-Data; Boundary=--x_1"), Ok("--x_1".to_owned()));
        assert_eq!(read("multipart/form-data;boundary=x;"), Ok("x".to_owned()));
    }

    #[test]
    fn another_parameter_is_refused_unless_the_relaxation_allows_it() {
        let mut strictness = Strictness::default();
        strictness.relaxed.insert(Relaxation::ContentTypeParameters);
        for text in [
            "multipart/form-data; charset=utf-8; boundary=x",
            "multipart/form-data; boundary=x; charset=utf-8",
        ] {
            assert_eq!(read(text), Err(OssErrorKind::MethodNotAllowed), "{text}");
            assert_eq!(boundary(Some(text), &strictness).unwrap(), "x");
        }
    }

    #[test]
    fn a_comma_instead_of_a_semicolon_is_not_a_form_upload() {
        assert_eq!(read("multipart/form-data, boundary=x"), Err(OssErrorKind::MethodNotAllowed));
    }

    #[test]
    fn a_type_without_boundary_is_not_a_form_upload() {
        assert_eq!(read("multipart/form-data"), Err(OssErrorKind::MethodNotAllowed));
        assert_eq!(read("multipart/form-data; boundary="), Err(OssErrorKind::MethodNotAllowed));
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(read(&long), Err(OssErrorKind::MethodNotAllowed));
    }

    #[test]
    fn quotes_are_kept_unless_the_relaxation_removes_them() {
        let text = "multipart/form-data; boundary=\"x\"";
        assert_eq!(read(text), Ok("\"x\"".to_owned()));
        let mut strictness = Strictness::default();
        strictness.relaxed.insert(Relaxation::QuotedBoundary);
        assert_eq!(boundary(Some(text), &strictness).unwrap(), "x");
    }
}
