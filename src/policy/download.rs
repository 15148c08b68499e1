//! Download links of a route: how long they are valid, and what they may change about an object.

use std::time::Duration;

/// The default lifetime of a download link.
pub const DEFAULT_LIFETIME: Duration = Duration::from_mins(10);

/// The longest operation that a route can allow, in bytes.
const MAX_PROCESS_BYTES: usize = 512;

/// The kinds of operations: a style of the bucket, or parameters for one kind of content.
const KINDS: [&str; 4] = ["style/", "image/", "video/", "doc/"];

/// The rules of download links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadRules {
    /// The lifetime of a link, unless its credentials end earlier.
    pub lifetime: Duration,
    /// Whether a browser saves the object under its own name, whatever the object's headers say.
    pub attachment: bool,
    /// The values of `x-oss-process` that a caller may choose from.
    pub process: Vec<String>,
}

impl Default for DownloadRules {
    fn default() -> Self {
        Self { lifetime: DEFAULT_LIFETIME, attachment: true, process: Vec::new() }
    }
}

/// Parses an operation that a route allows, such as `style/thumbnail` or `image/resize,w_200`. A `|` would begin a second
/// operation, and `sys/saveas` behind it would write an object.
pub fn parse_process(text: &str) -> Result<String, &'static str> {
    let is_character = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.,/=:".contains(&byte);
    let is_kind = |kind: &&str| text.strip_prefix(*kind).is_some_and(|rest| !rest.is_empty());
    if text.len() > MAX_PROCESS_BYTES || !text.bytes().all(is_character) {
        return Err("an operation has up to 512 letters, digits and _ - . , / = :");
    }
    if !KINDS.iter().any(is_kind) {
        return Err("an operation is 'style/<name>', or begins with image/, video/ or doc/");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_reads_and_does_not_write() {
        for good in
            ["style/thumb", "image/resize,w_200/quality,q_80", "video/snapshot,t_1000,f_jpg"]
        {
            assert_eq!(parse_process(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "style/",
            "sys/saveas,o_YQ",
            "image/resize,w_1|sys/saveas,o_YQ",
            "image/resize,w_1 ",
            "imagE/resize,w_1",
            "image/watermark,text_é",
            "style/a&x-oss-traffic-limit=1",
            &format!("style/{}", "a".repeat(512)),
        ] {
            assert!(parse_process(bad).is_err(), "{bad}");
        }
    }
}
