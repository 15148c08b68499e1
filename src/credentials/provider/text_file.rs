//! A file with keys in it, read whole. It is wiped from memory when it has been understood.

use std::fs;
use std::fs::File;
use std::io;
use std::io::ErrorKind;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use crate::credentials::Failure;

/// The longest file in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads a file that somebody keeps by hand; none when there is no such file. Read at once, without
/// a second thread: it is short, and it is read a few times in an hour.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    let shown = path.display();
    let bytes = match read_bytes(path) {
        Ok(Some(bytes)) if bytes.len() as u64 <= MAX_FILE => bytes,
        Ok(Some(_)) => return Err(Failure::permanent(format!("{shown} is far too long"))),
        Ok(None) => return Err(Failure::permanent(format!("{shown} is not a file"))),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => {
            return Err(Failure::permanent(format!("{shown} cannot be read: {}", error.kind())));
        }
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Failure::permanent(format!("{shown} is not text in UTF-8")))?;
    // Some editors put an invisible mark in front.
    Ok(Some(Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned())))
}

/// Says in which file a failure has its cause.
pub(super) fn name(path: &Path, failure: Failure) -> Failure {
    let Failure { kind, reason } = failure;
    Failure { kind, reason: format!("{}: {reason}", path.display()) }
}

/// Asks first whether it is a file: opening a pipe would wait for somebody to write.
fn read_bytes(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let about = fs::metadata(path)?;
    if !about.is_file() {
        return Ok(None);
    }
    let room = about.len().min(MAX_FILE).saturating_add(2);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::FailureKind;

    fn written(bytes: &[u8]) -> Result<Option<String>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, bytes).unwrap();
        read(&path).map(|text| text.map(|text| text.to_string()))
    }

    #[test]
    fn text_is_read_with_or_without_a_mark_in_front() {
        assert_eq!(written(b"[default]\n").unwrap().unwrap(), "[default]\n");
        assert_eq!(written("\u{feff}[default]".as_bytes()).unwrap().unwrap(), "[default]");
    }

    #[test]
    fn no_file_is_none_and_what_is_no_text_is_a_failure() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("nothing")).unwrap(), None);
        assert_eq!(read(folder.path()).unwrap_err().kind, FailureKind::Permanent);
        assert_eq!(written(&[0xff, 0xfe]).unwrap_err().kind, FailureKind::Permanent);
        let long = vec![b' '; usize::try_from(MAX_FILE).unwrap() + 1];
        assert_eq!(written(&long).unwrap_err().kind, FailureKind::Permanent);
    }
}
