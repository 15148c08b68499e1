//! What the head of a file says of an image: its format and its size in pixels.
//!
//! Callback page, `imageInfo`. The formats are those that browsers upload; which more the real one
//! knows is not said, and neither is how it spells them.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use imagesize::ImageType;

/// Describes an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::oss) struct Picture {
    pub(super) format: &'static str,
    pub(super) width: u64,
    pub(super) height: u64,
}

impl Picture {
    /// Looks at a file; none when it is no image or a damaged one.
    pub(in crate::oss) async fn of(path: PathBuf) -> Option<Self> {
        // Uploads are anybody's bytes: what they may make of the reader ends with its thread.
        tokio::task::spawn_blocking(move || Self::read(&path)).await.ok().flatten()
    }

    fn read(path: &PathBuf) -> Option<Self> {
        let mut reader = BufReader::new(File::open(path).ok()?);
        let kind = imagesize::reader_type(&mut reader).ok()?;
        let format = match kind {
            ImageType::Bmp => "bmp",
            ImageType::Gif => "gif",
            ImageType::Jpeg => "jpg",
            ImageType::Png => "png",
            ImageType::Webp => "webp",
            _ => return None,
        };
        let size = kind.reader_size(&mut reader).ok()?;
        Some(Self {
            format,
            width: u64::try_from(size.width).ok()?,
            height: u64::try_from(size.height).ok()?,
        })
    }
}
