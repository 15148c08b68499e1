//! The content type of a file for the tool's own requests, as the function decides it.

use oss_upload_signer::policy::content_type::{self, ContentType, UNKNOWN};

/// Returns the content type that belongs to a file name.
pub(super) fn guess(name: &str) -> &'static str {
    content_type::of_name(name).unwrap_or(UNKNOWN)
}

/// Returns the usual extension of a content type.
pub(super) fn extension(content_type: &str) -> Option<&'static str> {
    content_type::extension(&ContentType::parse(content_type)?, &[])
}

/// Returns a content type with this prefix, such as `image/`: a common one, if there is one.
pub(super) fn example(prefix: &str) -> String {
    let common = ["image/png", "text/plain", "video/mp4", "audio/mpeg", "application/pdf"];
    let known = common.iter().find(|one| one.starts_with(prefix));
    known.map_or_else(|| format!("{prefix}example"), |one| (*one).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_depends_on_the_extension_alone() {
        assert_eq!(guess("照片.JPG"), "image/jpeg");
        assert_eq!(guess("png"), UNKNOWN);
        assert_eq!(guess("a.unheard-of"), UNKNOWN);
    }
}
