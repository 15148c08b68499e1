//! The type of a file by its ending, for the endings that browsers agree on.

/// What nobody knows.
const UNKNOWN: &str = "application/octet-stream";

const KINDS: [(&str, &str); 24] = [
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

/// Gives the type that goes with a name's ending.
pub(super) fn guess(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    KINDS.iter().find(|(known, _)| *known == ending).map_or(UNKNOWN, |(_, kind)| kind)
}

/// Gives the ending that goes with a type.
pub(super) fn ending(kind: &str) -> Option<&'static str> {
    KINDS.iter().find(|(_, known)| *known == kind).map(|(ending, _)| *ending)
}

/// Gives a type that begins like this, such as `image/`: a common one, if one is known.
pub(super) fn example(beginning: &str) -> String {
    let common = ["image/png", "text/plain", "video/mp4", "audio/mpeg", "application/pdf"];
    let known = common.iter().find(|kind| kind.starts_with(beginning));
    known.map_or_else(|| format!("{beginning}example"), |kind| (*kind).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_goes_by_the_ending_alone() {
        assert_eq!(guess("照片.JPG"), "image/jpeg");
        assert_eq!(guess("png"), UNKNOWN);
        assert_eq!(guess("a.unheard-of"), UNKNOWN);
    }
}
