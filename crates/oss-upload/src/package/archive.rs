//! A tree as a zip: files in the order of their paths, with their modes, all of one moment.

use std::io::{Cursor, Write};

use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::failure::Failure;
use crate::package::tree::Tree;

/// As small as the packer gets it without taking minutes.
const LEVEL: i64 = 9;

/// Packs a tree. The same tree gives the same bytes.
pub(super) fn pack(tree: &Tree) -> Result<Vec<u8>, Failure> {
    write(tree).map_err(|error| Failure::new(format!("the package could not be zipped: {error}")))
}

fn write(tree: &Tree) -> ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, file) in tree.files() {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(LEVEL))
            .last_modified_time(DateTime::default())
            .unix_permissions(file.mode());
        writer.start_file(path, options)?;
        writer.write_all(&file.bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn a_zip_keeps_order_and_modes_and_knows_no_time() {
        let mut tree = Tree::default();
        tree.put("upload.toml", "bucket = \"a\"\n");
        tree.put_program("bootstrap", "#!/bin/sh\n");
        let bytes = pack(&tree).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut seen = Vec::new();
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            let moment = file.last_modified().unwrap().to_string();
            let mode = file.unix_mode().unwrap() & 0o777;
            let name = file.name().unwrap();
            seen.push(format!("{name} {mode:o} {moment} {text:?}"));
        }
        assert_eq!(
            seen,
            [
                "bootstrap 755 1980-01-01 00:00:00 \"#!/bin/sh\\n\"",
                "upload.toml 644 1980-01-01 00:00:00 \"bucket = \\\"a\\\"\\n\"",
            ]
        );
    }
}
