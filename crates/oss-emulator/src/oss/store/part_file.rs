//! The file of one part: its content, and behind it a trailer with its properties.
//!
//! Content and properties are in one file, so that one rename replaces both. The content comes first, so
//! that a file system that can share blocks between files can do so when parts are joined.
//!
//! ```text
//! content | MD5, 16 bytes | CRC-64, 8 bytes | Unix seconds, 8 bytes | MAGIC, 8 bytes
//! ```

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;

/// Marks a file that was written to its end.
const MAGIC: [u8; 8] = *b"OSSPART1";

/// The length of a trailer in bytes.
const TRAILER: usize = 40;

/// A stored part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oss) struct StoredPart {
    /// From 1 to 10,000.
    pub(in crate::oss) number: u32,
    /// The length of the content in bytes.
    pub(in crate::oss) size: u64,
    pub(in crate::oss) md5: [u8; 16],
    pub(in crate::oss) crc64: u64,
    /// Unix seconds.
    pub(in crate::oss) stored_at: i64,
}

impl StoredPart {
    /// Returns the ETag without quotes: the MD5 in upper-case hex.
    pub(in crate::oss) fn etag(&self) -> String {
        hex::encode_upper(self.md5)
    }

    /// Returns the trailer that follows the content.
    pub(super) fn trailer(&self) -> Bytes {
        let mut trailer = Vec::with_capacity(TRAILER);
        trailer.extend(self.md5);
        trailer.extend(self.crc64.to_be_bytes());
        trailer.extend(self.stored_at.to_be_bytes());
        trailer.extend(MAGIC);
        trailer.into()
    }

    /// Reads the properties of a part from its file. Afterwards the file is positioned at its start.
    pub(super) fn read(number: u32, file: &mut File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let damaged =
            || io::Error::new(io::ErrorKind::InvalidData, "the file of a part is damaged");
        let size = length.checked_sub(TRAILER as u64).ok_or_else(damaged)?;
        file.seek(SeekFrom::Start(size))?;
        let mut part = Self { number, size, md5: read_array(file)?, crc64: 0, stored_at: 0 };
        part.crc64 = u64::from_be_bytes(read_array(file)?);
        part.stored_at = i64::from_be_bytes(read_array(file)?);
        if read_array(file)? != MAGIC {
            return Err(damaged());
        }
        file.rewind()?;
        Ok(part)
    }
}

fn read_array<const N: usize>(file: &mut File) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const PART: StoredPart = StoredPart {
        number: 7,
        size: 5,
        md5: *b"0123456789abcdef",
        crc64: u64::MAX - 1,
        stored_at: -1,
    };

    fn file(content: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn a_part_is_read_as_it_was_written() {
        let mut file = file(&[b"hello".as_slice(), &PART.trailer()].concat());
        assert_eq!(StoredPart::read(7, &mut file).unwrap(), PART);
        assert_eq!(io::read_to_string(file.take(PART.size)).unwrap(), "hello");
    }

    #[test]
    fn a_file_without_a_whole_trailer_is_no_part() {
        let trailer = PART.trailer();
        for length in 0..trailer.len() {
            let mut file = file(&trailer[..length]);
            assert!(StoredPart::read(1, &mut file).is_err(), "{length}");
        }
        assert!(StoredPart::read(1, &mut file(&[0; 100])).is_err());
    }
}
