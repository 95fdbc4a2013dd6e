//! GIF (version 89a): blocks behind an introducer, each cut into pieces of up to 255 bytes. Kept are the picture, its animation and its colours.

use super::Trouble;
use super::rewrite::{Medium, Rewrite};

/// Applications whose blocks say how an animation repeats, or what colours are.
const APPLICATIONS: [&[u8; 11]; 3] = [b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012"];

/// Bytes of the table of colours that a byte of flags announces.
fn table(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

pub(super) fn strip<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    let flags = picture.next::<13>()?[10];
    picture.keep(13 + table(flags))?;
    loop {
        match picture.next::<1>()? {
            // An image: place, size, colours, and the size of its codes.
            [b','] => {
                let flags = picture.next::<10>()?[9];
                picture.keep(10 + table(flags) + 1)?;
                pieces(picture, true)?;
            }
            [b'!'] => extension(picture)?,
            [b';'] => return picture.keep(1),
            // Some write one block's end twice.
            [0] => picture.skip(1)?,
            _ => return Err(Trouble::Broken("it has parts that no GIF has")),
        }
    }
}

fn extension<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    let keeps = match picture.next()? {
        // How long an image of an animation shows.
        [_, 0xf9] => true,
        [_, 0xff] => {
            let head = picture.ahead(14)?;
            head.get(2) == Some(&11) && APPLICATIONS.iter().any(|name| head.get(3..) == Some(name.as_slice()))
        }
        // Comments, texts, and what nobody knows.
        _ => false,
    };
    if keeps {
        picture.keep(2)?
    } else {
        picture.skip(2)?
    }
    pieces(picture, keeps)
}

/// Pieces up to the empty one.
fn pieces<M: Medium>(picture: &mut Rewrite<M>, keeps: bool) -> Result<(), Trouble> {
    loop {
        let [length] = picture.next()?;
        let whole = 1 + u64::from(length);
        if keeps {
            picture.keep(whole)?
        } else {
            picture.skip(whole)?
        }
        if length == 0 {
            return Ok(());
        }
    }
}
