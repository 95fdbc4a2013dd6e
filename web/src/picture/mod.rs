//! Tells PNG, GIF, JPEG and WebP by their bytes, and takes out of them what is not the picture: place, device, time, words, small copies, and whatever
//! lies behind the end. Pixels and colours stay as they are, bit by bit: nothing is decoded. An orientation stays, alone in a block of its own, since
//! pictures cannot be turned without decoding them. Knows no HTTP and no user.
//!
//! An allow list names the parts of a picture that are kept; all others go. A picture is rewritten in its own place, from front to back,
//! with two buffers of 64 KiB: its size costs no memory.

mod exif;
mod gif;
mod jpeg;
mod png;
mod rewrite;
#[cfg(test)]
mod tests;
mod webp;

use rewrite::{Medium, Rewrite};
use std::fs::File;

/// Bytes by which a picture is known.
const HEAD: usize = 12;

/// The reason that a picture could not be looked through.
#[derive(Debug)]
pub enum Trouble {
    /// The bytes are none of a whole picture; how, as in "This picture is damaged: …".
    Broken(&'static str),
    /// The disk does not work.
    Disk(std::io::Error),
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

/// The trouble of a picture that ends too early.
const CUT_OFF: Trouble = Trouble::Broken("it is cut off");

/// The outcome for bytes that were looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Content type, when they are a picture: nothing is left in it then but the picture.
    pub kind: Option<&'static str>,
    /// Bytes that are left.
    pub size: u64,
}

/// The content type of PNG, GIF, JPEG and WebP, by their first bytes; nothing else is shown.
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP".as_slice()) {
        Some("image/webp")
    } else {
        None
    }
}

/// Takes out of bytes, if they are a picture, what is not the picture. All else stays as it is.
///
/// # Errors
/// They begin as a picture does, and are none that can be read to its end.
pub fn strip(bytes: &mut Vec<u8>) -> Result<Seen, Trouble> {
    let size = bytes.len() as u64;
    let seen = strip_in(&mut *bytes, size)?;
    bytes.truncate(usize::try_from(seen.size).unwrap_or(usize::MAX));
    Ok(seen)
}

/// The same with a file of so many bytes. Waits for the disk. On an error the file may be half rewritten.
///
/// # Errors
/// As of [`strip`], or the disk's.
pub fn strip_file(file: &File, size: u64) -> Result<Seen, Trouble> {
    let seen = strip_in(file, size)?;
    if seen.size != size {
        file.set_len(seen.size)?;
    }
    Ok(seen)
}

fn strip_in(medium: impl Medium, size: u64) -> Result<Seen, Trouble> {
    let mut picture = Rewrite::new(medium, size);
    let kind = sniff(picture.ahead(HEAD)?);
    match kind {
        Some("image/png") => png::strip(&mut picture)?,
        Some("image/gif") => gif::strip(&mut picture)?,
        Some("image/jpeg") => jpeg::strip(&mut picture)?,
        Some(_) => webp::strip(&mut picture)?,
        None => return Ok(Seen { kind: None, size }),
    }
    Ok(Seen { kind, size: picture.finish()? })
}
