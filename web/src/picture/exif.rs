//! The one thing of EXIF that is needed to show a picture: how it is turned. Writes nothing else of it.
//!
//! EXIF is a TIFF structure (TIFF 6.0, section 2): byte order, 42, the place of a directory; a directory has entries of 12 bytes.

/// Bytes of [`alone`].
pub(super) const ALONE: usize = 26;
/// Bytes that are looked at: as many as a JPEG can have.
pub(super) const MOST: usize = 64 << 10;
/// The tag of the orientation.
const ORIENTATION: u16 = 0x0112;
/// The type of a number of 16 bits.
const SHORT: u16 = 3;

/// How the picture is to be turned or mirrored: 2 to 8; `None` when it is to be shown as it is.
pub(super) fn orientation(tiff: &[u8]) -> Option<u16> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    };
    let long = |at: usize| {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        let number = if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        usize::try_from(number).ok()
    };
    // The block of `alone` takes its place, and must not be longer.
    let directory = long(4).filter(|_| tiff.len() >= ALONE)?;
    let entries = usize::from(short(directory)?);
    let first = directory.checked_add(2)?;
    let entry = (0..entries).map(|number| first.saturating_add(12 * number)).find(|at| short(*at) == Some(ORIENTATION))?;
    let turned = short(entry.checked_add(8)?)?;
    (short(entry.checked_add(2)?) == Some(SHORT) && (2..=8).contains(&turned)).then_some(turned)
}

/// EXIF that says how a picture is turned, and nothing else.
pub(super) fn alone(orientation: u16) -> [u8; ALONE] {
    let mut tiff = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    let [high, low] = orientation.to_be_bytes();
    (tiff[18], tiff[19]) = (high, low);
    tiff
}
