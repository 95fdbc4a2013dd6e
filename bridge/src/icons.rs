//! Whether a picture can be an icon of the user's own: its format and its size, by its first bytes. Pure: decodes no picture, and asks no libpurple.

use crate::model::IconSpec;

/// Largest icon, in bytes: what the strictest large networks take as they are.
pub const LARGEST: usize = 1 << 20;
/// Largest width and height where a protocol names none, in pixels.
const SIDE: u32 = 1024;

/// Formats of icons.
const FORMATS: [&str; 3] = ["png", "jpeg", "gif"];

/// The formats in a protocol's own list, as `png,gif`; of `jpeg` and `jpg` one.
pub fn formats(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in list.split(',').map(str::trim) {
        let name = if name.eq_ignore_ascii_case("jpg") { "jpeg" } else { name };
        if let Some(known) = FORMATS.into_iter().find(|known| name.eq_ignore_ascii_case(known) && !found.iter().any(|old| old == known)) {
            found.push(known.to_owned());
        }
    }
    found
}

/// Format, width and height of a PNG, JPEG or GIF picture; `None` for what is none.
pub fn read(bytes: &[u8]) -> Option<(&'static str, u32, u32)> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        (bytes.get(12..16)? == b"IHDR").then_some(())?;
        return Some(("png", big(bytes.get(16..20)?)?, big(bytes.get(20..24)?)?));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        let little = |at: usize| Some(u32::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        return Some(("gif", little(6)?, little(8)?));
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        let (width, height) = of_jpeg(bytes)?;
        return Some(("jpeg", width, height));
    }
    None
}

fn big(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Width and height in the frame header of a JPEG file (ITU T.81, B.2.2).
fn of_jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    loop {
        let marker = *bytes.get(at..at + 2)?.strip_prefix(b"\xff")?.first()?;
        match marker {
            // A fill byte, and markers without a length.
            0xff => {
                at += 1;
                continue;
            }
            0x01 | 0xd0..=0xd8 => {
                at += 2;
                continue;
            }
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(bytes.get(at + 2..at + 4)?.try_into().ok()?));
        // Frame headers, but for DHT, JPG and DAC, which have numbers among theirs.
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let side = |from: usize| Some(u32::from(u16::from_be_bytes(bytes.get(from..from + 2)?.try_into().ok()?)));
            return Some((side(at + 7)?, side(at + 5)?));
        }
        at += 2 + length.max(2);
    }
}

/// Checks an icon against what its protocol takes.
///
/// # Errors
/// In words for its user.
pub fn check(spec: &IconSpec, bytes: &[u8]) -> Result<(), String> {
    let Some((format, width, height)) = read(bytes) else { return Err("Take a PNG, GIF or JPEG picture.".to_owned()) };
    let most = usize::try_from(spec.max_bytes).ok().filter(|most| *most > 0).map_or(LARGEST, |most| most.min(LARGEST));
    if bytes.len() > most {
        return Err(format!("This picture is too large (at most {} KiB).", most >> 10));
    }
    if !spec.formats.iter().any(|known| known == format) {
        return Err(format!("This network takes {}.", spec.formats.join(", ").to_uppercase()));
    }
    let bound = |side: u32| if side == 0 { SIDE } else { side };
    let (widest, highest) = (bound(spec.max_width), bound(spec.max_height));
    if width == 0 || height == 0 || width > widest || height > highest {
        return Err(format!("This network takes pictures of at most {widest} by {highest} pixels."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), &width.to_be_bytes(), &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat()
    }

    /// With an EXIF part of 20 bytes before its frame header.
    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let exif = [b"\xff\xd8\xff\xe1\0\x14Exif\0\0".as_slice(), &[0; 12]].concat();
        [exif.as_slice(), b"\xff\xff\xc2\0\x11\x08", &height.to_be_bytes(), &width.to_be_bytes(), &[3; 10]].concat()
    }

    fn spec(formats: &[&str], side: u32, max_bytes: u64) -> IconSpec {
        let formats = formats.iter().map(|format| (*format).to_owned()).collect();
        IconSpec { formats, min_width: 32, min_height: 32, max_width: side, max_height: side, max_bytes }
    }

    #[test]
    fn pictures_say_how_large_they_are() {
        assert_eq!(read(&png(96, 64)), Some(("png", 96, 64)));
        assert_eq!(read(b"GIF89a\x60\0\x40\0rest"), Some(("gif", 96, 64)));
        assert_eq!(read(&jpeg(96, 64)), Some(("jpeg", 96, 64)));
        for other in
            [b"".as_slice(), b"<svg/>", b"\x89PNG\r\n\x1a\n and so on", b"GIF89a", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\0\xff\xe1"]
        {
            assert_eq!(read(other), None, "{other:?}");
        }
        assert_eq!(read(&[b"\xff\xd8".as_slice(), &[0xff; 4096]].concat()), None);
    }

    #[test]
    fn formats_have_one_name() {
        assert_eq!(formats("PNG, jpg,jpeg,bmp"), ["png", "jpeg"]);
        assert!(formats("").is_empty());
    }

    #[test]
    fn icons_fit_their_protocol() {
        let xmpp = spec(&["png"], 96, 0);
        assert_eq!(check(&xmpp, &png(96, 96)), Ok(()));
        assert_eq!(check(&xmpp, &png(1, 1)), Ok(()), "a small one is only small");
        for bad in [png(97, 96), png(96, 97), png(0, 5), jpeg(96, 96), b"<svg/>".to_vec(), [png(9, 9), vec![0; LARGEST]].concat()] {
            assert!(check(&xmpp, &bad).is_err());
        }
        let aim = spec(&["gif", "jpeg"], 0, 7168);
        assert_eq!(check(&aim, &jpeg(1024, 1024)), Ok(()));
        assert_eq!(check(&aim, &[jpeg(50, 50), vec![0; 7168]].concat()).unwrap_err(), "This picture is too large (at most 7 KiB).");
        assert_eq!(check(&aim, &png(50, 50)).unwrap_err(), "This network takes GIF, JPEG.");
    }
}
