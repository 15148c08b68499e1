//! The content type of a file by its extension, for the extensions that browsers agree on.

/// The type of an unknown extension.
const UNKNOWN: &str = "application/octet-stream";

const TYPES: [(&str, &str); 24] = [
    ("avif", "image/avif"),
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("m4a", "audio/mp4"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("xml", "text/xml"),
    ("zip", "application/zip"),
];

/// Returns the content type that belongs to a file name.
pub(super) fn guess(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let extension = extension.to_ascii_lowercase();
    TYPES.iter().find(|(known, _)| *known == extension).map_or(UNKNOWN, |(_, known)| known)
}

/// Returns the extension that belongs to a content type.
pub(super) fn extension(content_type: &str) -> Option<&'static str> {
    TYPES.iter().find(|(_, known)| *known == content_type).map(|(extension, _)| *extension)
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
