//! Pictures that a user may fetch, and those they uploaded: by content hash, bounded, of known harmless types; serves nothing itself.

pub use crate::picture::sniff;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Pictures that one user may fetch: the smallest take more by their hash than by their bytes.
const MOST_BLOBS: usize = 2000;

/// A picture or other bytes that came from a network. Shared by all users who were shown it.
#[derive(Debug)]
pub struct Blob {
    /// SHA-256, lower-case hex.
    pub hash: Box<str>,
    /// Found out from the bytes; `None` when it is none of the pictures that a page may show.
    pub kind: Option<&'static str>,
    /// The bytes. Untrusted.
    pub bytes: Bytes,
}

/// SHA-256 in lower-case hex.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Bytes that the user sent, to be named in a command.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) id: Box<str>,
    pub(crate) bytes: Bytes,
}

/// What one user may fetch, and what they sent; the oldest goes when there is too much.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    blobs: Vec<Arc<Blob>>,
    blob_bytes: usize,
    uploads: Vec<Upload>,
}

impl Shelf {
    /// The user was shown it.
    pub(crate) fn show(&mut self, blob: Arc<Blob>, most_bytes: usize) {
        if let Some(at) = self.blobs.iter().position(|known| known.hash == blob.hash) {
            let known = self.blobs.remove(at);
            self.blobs.push(known);
            return;
        }
        self.blob_bytes += blob.bytes.len();
        self.blobs.push(blob);
        while self.blobs.len() > MOST_BLOBS || most_bytes > 0 && self.blob_bytes > most_bytes && self.blobs.len() > 1 {
            self.blob_bytes -= self.blobs.remove(0).bytes.len();
        }
    }

    /// It, if the user was shown it.
    pub(crate) fn blob(&self, hash: &str) -> Option<Arc<Blob>> {
        self.blobs.iter().find(|blob| &*blob.hash == hash).cloned()
    }

    /// Lets go of what came from networks and is not wanted.
    pub(crate) fn forget_others(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.blobs.retain(|blob| is_wanted(&blob.hash));
        self.blob_bytes = self.blobs.iter().map(|blob| blob.bytes.len()).sum();
    }

    /// Puts an upload by.
    pub(crate) fn upload(&mut self, upload: Upload, most_bytes: usize) {
        self.uploads.push(upload);
        let size = |uploads: &[Upload]| uploads.iter().map(|upload| upload.bytes.len()).sum::<usize>();
        while self.uploads.len() > 16 || (self.uploads.len() > 1 && most_bytes > 0 && size(&self.uploads) > most_bytes) {
            self.uploads.remove(0);
        }
    }

    /// An upload, by its id.
    pub(crate) fn uploaded(&self, id: &str) -> Option<&Upload> {
        self.uploads.iter().find(|upload| &*upload.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(hash: &str, size: usize) -> Arc<Blob> {
        Arc::new(Blob { hash: hash.into(), kind: None, bytes: vec![0; size].into() })
    }

    #[test]
    fn only_four_kinds_of_pictures_have_a_type() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\nrest"), Some("image/png"));
        assert_eq!(sniff(b"GIF89a"), Some("image/gif"));
        assert_eq!(sniff(b"\xff\xd8\xff\xe0"), Some("image/jpeg"));
        assert_eq!(sniff(b"RIFF\0\0\0\0WEBPVP8 "), Some("image/webp"));
        for other in [b"".as_slice(), b"<svg xmlns=", b"<html>", b"RIFF\0\0\0\0WAVE", b"GIF88a", b"%PDF-1.4", b"\x89PNG"] {
            assert_eq!(sniff(other), None);
        }
    }

    #[test]
    fn the_least_recently_shown_goes_first() {
        let mut shelf = Shelf::default();
        shelf.show(blob("a", 40), 100);
        shelf.show(blob("b", 40), 100);
        shelf.show(blob("a", 40), 100);
        shelf.show(blob("c", 40), 100);
        assert!(shelf.blob("a").is_some() && shelf.blob("c").is_some());
        assert!(shelf.blob("b").is_none());
        shelf.show(blob("large", 400), 100);
        assert!(shelf.blob("large").is_some(), "the newest always stays");
        for number in 0..3 * MOST_BLOBS {
            shelf.show(blob(&number.to_string(), 1), 1 << 20);
        }
        assert_eq!(shelf.blobs.len(), MOST_BLOBS, "the smallest are counted");
    }

    #[test]
    fn uploads_are_bounded() {
        let mut shelf = Shelf::default();
        for id in ["a", "b", "c"] {
            shelf.upload(Upload { id: id.into(), bytes: vec![0; 40].into() }, 100);
        }
        assert!(shelf.uploaded("a").is_none());
        assert!(shelf.uploaded("b").is_some() && shelf.uploaded("c").is_some());
    }
}
