//! Files that contain keys. Their text is wiped from memory after use.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::{fs, io};

use zeroize::Zeroizing;

use crate::credentials::ProviderError;

/// Bytes of a file.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads a file; `None` when there is none. It blocks, because the file is short and is read a few times in an
/// hour only.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, ProviderError> {
    let shown = path.display();
    let bytes = match read_bytes(path) {
        Ok(Some(bytes)) if bytes.len() as u64 <= MAX_FILE => bytes,
        Ok(Some(_)) => return Err(ProviderError::permanent(format!("{shown} is far too long"))),
        Ok(None) => return Err(ProviderError::permanent(format!("{shown} is not a file"))),
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => {
            return Err(ProviderError::permanent(format!(
                "{shown} cannot be read: {}",
                error.kind()
            )));
        }
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| ProviderError::permanent(format!("{shown} is not text in UTF-8")))?;
    // Some editors write a byte order mark.
    Ok(Some(Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned())))
}

/// Adds the path to an error.
pub(super) fn in_file(path: &Path, error: ProviderError) -> ProviderError {
    let ProviderError { kind, reason } = error;
    ProviderError { kind, reason: format!("{}: {reason}", path.display()) }
}

/// Returns `None` unless the path is that of a regular file: opening a pipe would block until another process
/// writes to it.
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
    use crate::credentials::ProviderErrorKind;

    fn written(bytes: &[u8]) -> Result<Option<String>, ProviderError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        fs::write(&path, bytes).unwrap();
        read(&path).map(|text| text.map(|text| text.to_string()))
    }

    #[test]
    fn text_is_read_with_and_without_a_byte_order_mark() {
        assert_eq!(written(b"[default]\n").unwrap().unwrap(), "[default]\n");
        assert_eq!(written("\u{feff}[default]".as_bytes()).unwrap().unwrap(), "[default]");
    }

    #[test]
    fn a_missing_file_is_none_and_one_that_is_not_text_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("nothing")).unwrap(), None);
        assert_eq!(read(folder.path()).unwrap_err().kind, ProviderErrorKind::Permanent);
        assert_eq!(written(&[0xff, 0xfe]).unwrap_err().kind, ProviderErrorKind::Permanent);
        let long = vec![b' '; usize::try_from(MAX_FILE).unwrap() + 1];
        assert_eq!(written(&long).unwrap_err().kind, ProviderErrorKind::Permanent);
    }
}
