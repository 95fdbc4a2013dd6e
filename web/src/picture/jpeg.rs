//! JPEG (ITU-T T.81): segments behind markers, and between them the coded picture. Kept are what a decoder needs, JFIF without its small copy, ICC
//! and Adobe's colours, and the orientation.

use super::exif;
use super::rewrite::{Medium, Rewrite};
use super::{CUT_OFF, Trouble};

const START: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;
const DAMAGED: Trouble = Trouble::Broken("it has parts that no JPEG has");

pub(super) fn strip<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    picture.keep(2)?;
    let mut turned = false;
    loop {
        let marker = marker(picture)?;
        match marker {
            END => return picture.keep(2),
            // A mark to begin anew by, outside of the coded picture; and one of arithmetic coding.
            0xd0..=0xd7 | 0x01 => picture.skip(2)?,
            START | 0x02..=0xbf => return Err(DAMAGED),
            _ => segment(picture, marker, &mut turned)?,
        }
    }
}

/// Goes to the next marker, past bytes that belong to nothing.
fn marker<M: Medium>(picture: &mut Rewrite<M>) -> Result<u8, Trouble> {
    loop {
        match picture.next()? {
            [0xff, 0x00] => picture.skip(2)?,
            [0xff, marker] if marker != 0xff => return Ok(marker),
            _ => picture.skip(1)?,
        }
    }
}

fn segment<M: Medium>(picture: &mut Rewrite<M>, marker: u8, turned: &mut bool) -> Result<(), Trouble> {
    let [_, _, high, low] = picture.next()?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let whole = 2 + length as u64;
    if length < 2 {
        return Err(DAMAGED);
    }
    let all = picture.ahead(2 + length)?;
    if all.len() < 2 + length {
        return Err(CUT_OFF);
    }
    let content = all.get(4..).unwrap_or_default();
    match marker {
        SCAN => {
            picture.keep(whole)?;
            coded(picture)
        }
        0xe0 => match content.first_chunk::<14>().filter(|content| content.starts_with(b"JFIF\0")) {
            Some(content) => {
                let mut plain = [0; 18];
                plain[..4].copy_from_slice(&[0xff, 0xe0, 0, 16]);
                // Without the last two: the size of the small copy that follows.
                plain.iter_mut().skip(4).zip(content.iter().take(12)).for_each(|(to, from)| *to = *from);
                picture.skip(whole)?;
                picture.put(&plain)
            }
            None => picture.skip(whole),
        },
        0xe1 => {
            let tiff = content.get(6..).filter(|_| content.starts_with(b"Exif\0"));
            let orientation = tiff.and_then(exif::orientation).filter(|_| !*turned);
            picture.skip(whole)?;
            let Some(orientation) = orientation else { return Ok(()) };
            *turned = true;
            picture.put(b"\xff\xe1\0\x22Exif\0\0")?;
            picture.put(&exif::alone(orientation))
        }
        0xe2 if content.starts_with(b"ICC_PROFILE\0") => picture.keep(whole),
        0xee => match content.first_chunk::<12>().copied().filter(|content| content.starts_with(b"Adobe")) {
            Some(adobe) => {
                picture.skip(whole)?;
                picture.put(&[0xff, 0xee, 0, 14])?;
                picture.put(&adobe)
            }
            None => picture.skip(whole),
        },
        0xe2..=0xef | COMMENT => picture.skip(whole),
        _ => picture.keep(whole),
    }
}

/// Keeps the coded picture up to the next marker.
fn coded<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    loop {
        let ahead = picture.some()?;
        let plain = ahead.iter().position(|byte| *byte == 0xff).unwrap_or(ahead.len());
        if plain > 0 {
            picture.keep(plain as u64)?;
            continue;
        }
        match picture.next()? {
            // A byte of the picture, or a mark within it.
            [_, 0x00..=0xbf | 0xd0..=0xd7] => picture.keep(2)?,
            [_, 0xff] => picture.keep(1)?,
            _ => return Ok(()),
        }
    }
}
