//! The reader of part lists: no input causes a panic, an accepted list has ascending numbers, and a list
//! that is written again has the same parts.
//!
//! Input: the document.

use std::fmt::Write;

use oss_emulator::oss::{ListedPart, OssErrorKind, read_part_list};

/// Runs one input.
pub(crate) fn run(input: &[u8]) {
    let parts = match read_part_list(input) {
        Ok(parts) => parts,
        Err(refusal) => {
            let kinds = [
                OssErrorKind::XmlMalformed,
                OssErrorKind::PartOrderInvalid,
                OssErrorKind::ListedNumberInvalid,
            ];
            assert!(kinds.contains(&refusal.kind()), "{refusal}");
            return;
        }
    };
    assert!(!parts.is_empty());
    assert!(parts.iter().all(|part| (1..=10_000).contains(&part.number)));
    assert!(parts.windows(2).all(|pair| pair[0].number < pair[1].number));
    assert_eq!(read_part_list(write(&parts).as_bytes()).unwrap(), parts);
}

/// Writes every character of an ETag as a reference, so that none needs to be escaped.
fn write(parts: &[ListedPart]) -> String {
    let mut text = "<CompleteMultipartUpload>".to_owned();
    for part in parts {
        write!(text, "<Part><PartNumber>{}</PartNumber><ETag>", part.number).unwrap();
        for character in part.etag.chars() {
            write!(text, "&#{};", u32::from(character)).unwrap();
        }
        text.push_str("</ETag></Part>");
    }
    text + "</CompleteMultipartUpload>"
}
