//! WebP (RFC 9649): chunks in a RIFF file, frames of an animation with chunks of their own. Kept are the picture, its animation and its colours,
//! and the orientation.

use super::Trouble;
use super::exif;
use super::rewrite::{Medium, Rewrite};

/// Name and length of a chunk.
const BEFORE: u64 = 8;
/// Bytes of a frame before its chunks.
const FRAME: u32 = 16;
/// Feature bits of the `VP8X` chunk.
const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
const DAMAGED: Trouble = Trouble::Broken("it has parts that no WebP has");

/// A chunk's name, its length and that with a byte to make it even.
fn chunk<M: Medium>(picture: &mut Rewrite<M>, room: u64) -> Result<([u8; 4], u32, u64), Trouble> {
    let [a, b, c, d, length @ ..] = picture.next::<8>()?;
    let length = u32::from_le_bytes(length);
    let (exact, even) = (BEFORE + u64::from(length), BEFORE + u64::from(length) + u64::from(length % 2));
    // Some leave out the last byte of all.
    let whole = if even > room && exact == room { exact } else { even };
    if whole > room {
        return Err(super::CUT_OFF);
    }
    Ok(([a, b, c, d], length, whole))
}

pub(super) fn strip<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    let [_, _, _, _, size @ .., _, _, _, _] = picture.next::<12>()?;
    let size = u32::from_le_bytes(size);
    picture.ends_at(8 + u64::from(size))?;
    picture.keep(12)?;
    let (mut features, mut turned) = (None, false);
    while picture.left() > 0 {
        let room = picture.left();
        let (name, length, whole) = chunk(picture, room)?;
        match &name {
            b"VP8X" => {
                let flags = picture.next::<9>()?[8];
                if length < 10 {
                    return Err(DAMAGED);
                }
                features = Some((picture.place() + BEFORE, flags));
                picture.keep(whole)?;
            }
            b"VP8 " | b"VP8L" | b"ALPH" | b"ANIM" | b"ICCP" => picture.keep(whole)?,
            b"ANMF" => frame(picture, length, whole)?,
            // EXIF is for files with a `VP8X` chunk alone.
            b"EXIF" if features.is_some() && !turned => {
                let seen = exif::MOST.min(usize::try_from(length).unwrap_or(usize::MAX));
                let tiff = picture.ahead(8 + seen)?.get(8..).unwrap_or_default();
                let orientation = exif::orientation(tiff.strip_prefix(b"Exif\0\0").unwrap_or(tiff));
                picture.skip(whole)?;
                if let Some(orientation) = orientation {
                    turned = true;
                    picture.put(b"EXIF\x1a\0\0\0")?;
                    picture.put(&exif::alone(orientation))?;
                }
            }
            _ => picture.skip(whole)?,
        }
    }
    if let Some((at, flags)) = features {
        let now = flags & !(HAS_EXIF | HAS_XMP) | if turned { HAS_EXIF } else { 0 };
        if now != flags {
            picture.patch(at, &[now])?;
        }
    }
    patch_length(picture, 4, size)
}

/// A frame, in which chunks may hide as well.
fn frame<M: Medium>(picture: &mut Rewrite<M>, length: u32, whole: u64) -> Result<(), Trouble> {
    if length < FRAME || !length.is_multiple_of(2) {
        return Err(DAMAGED);
    }
    let (start, end) = (picture.place(), picture.left() - whole);
    picture.keep(BEFORE + u64::from(FRAME))?;
    while picture.left() > end {
        let room = picture.left() - end;
        let (name, _, whole) = chunk(picture, room)?;
        match &name {
            b"VP8 " | b"VP8L" | b"ALPH" => picture.keep(whole)?,
            _ => picture.skip(whole)?,
        }
    }
    patch_length(picture, start + 4, length)
}

/// Writes how long the part is whose length is at this place, where that has changed.
fn patch_length<M: Medium>(picture: &mut Rewrite<M>, at: u64, before: u32) -> Result<(), Trouble> {
    let now = u32::try_from(picture.place() - at - 4).map_err(|_| DAMAGED)?;
    if now == before { Ok(()) } else { picture.patch(at, &now.to_le_bytes()) }
}
