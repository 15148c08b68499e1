//! Finds the boundary in the request's `Content-Type`.
//!
//! Anything that is not `multipart/form-data; boundary=…` is no PostObject at all, as answers of the
//! service in public issues show.

use crate::oss::judgement::Judgement;
use crate::oss::judgement::Leniency;
use crate::oss::refusal::Kind;
use crate::oss::refusal::Refusal;

/// The longest boundary that MIME allows.
const MAX_BOUNDARY: usize = 70;

/// Reads the boundary from a `Content-Type` header.
///
/// A quoted boundary is taken with its quotes, which then matches nothing in the body; with the
/// leniency the quotes are taken off.
pub(in crate::oss) fn boundary(
    content_type: Option<&str>,
    judgement: &Judgement,
) -> Result<String, Refusal> {
    let text = content_type.ok_or_else(|| unrecognised("it has no Content-Type"))?;
    let mut items = text.split(';').map(str::trim);
    let kind = items.next().unwrap_or_default();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(unrecognised("its Content-Type is not multipart/form-data"));
    }
    let boundary = items
        .filter_map(|item| item.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| bare(value, judgement))
        .ok_or_else(|| unrecognised("its Content-Type has no boundary"))?;
    if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
        return Err(unrecognised("its boundary is not 1 to 70 characters long"));
    }
    Ok(boundary.to_owned())
}

fn bare<'a>(value: &'a str, judgement: &Judgement) -> &'a str {
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if judgement.allows(Leniency::QuotedBoundary) => inner,
        _ => value,
    }
}

fn unrecognised(what: &str) -> Refusal {
    Kind::MethodNotAllowed
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

    fn read(text: &str) -> Result<String, Kind> {
        boundary(Some(text), &Judgement::default()).map_err(|refusal| refusal.kind())
    }

    #[test]
    fn the_boundary_is_found_among_parameters() {
        let text = "Multipart/Form-Data; charset=utf-8; Boundary=--x_1";
        assert_eq!(read(text), Ok("--x_1".to_owned()));
    }

    #[test]
    fn a_comma_instead_of_a_semicolon_is_no_form_upload() {
        assert_eq!(read("multipart/form-data, boundary=x"), Err(Kind::MethodNotAllowed));
    }

    #[test]
    fn a_type_without_boundary_is_no_form_upload() {
        assert_eq!(read("multipart/form-data"), Err(Kind::MethodNotAllowed));
        assert_eq!(read("multipart/form-data; boundary="), Err(Kind::MethodNotAllowed));
        let long = format!("multipart/form-data; boundary={}", "x".repeat(71));
        assert_eq!(read(&long), Err(Kind::MethodNotAllowed));
    }

    #[test]
    fn quotes_stay_unless_the_leniency_takes_them_off() {
        let text = "multipart/form-data; boundary=\"x\"";
        assert_eq!(read(text), Ok("\"x\"".to_owned()));
        let mut judgement = Judgement::default();
        judgement.lenient.insert(Leniency::QuotedBoundary);
        assert_eq!(boundary(Some(text), &judgement).unwrap(), "x");
    }
}
