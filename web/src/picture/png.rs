//! PNG (W3C, third edition): chunks with a length, a name and a sum. Kept are the picture, its animation and its colours, and the orientation.

use super::Trouble;
use super::exif;
use super::rewrite::{Medium, Rewrite};

/// Length, name and sum of a chunk.
const AROUND: u64 = 12;
/// Chunks that a decoder may do without, and that are kept: transparency, colours, background, density, animation.
const KEPT: [&[u8; 4]; 15] =
    [b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"mDCv", b"cLLI", b"cLLi", b"sBIT", b"bKGD", b"pHYs", b"acTL", b"fcTL"];
const DAMAGED: Trouble = Trouble::Broken("it has parts that no PNG has");

pub(super) fn strip<M: Medium>(picture: &mut Rewrite<M>) -> Result<(), Trouble> {
    picture.keep(8)?;
    let (mut first, mut turned) = (true, false);
    loop {
        let [a, b, c, d, name @ ..] = picture.next::<8>()?;
        let length = u32::from_be_bytes([a, b, c, d]);
        // Apple's own form begins with another.
        let begins = !first || matches!(&name, b"IHDR" | b"CgBI");
        if length > i32::MAX.cast_unsigned() || !begins || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(DAMAGED);
        }
        first = false;
        let whole = AROUND + u64::from(length);
        // A name in upper case: nobody can show the picture without the chunk. And the frames of an animation.
        let needed = name[0].is_ascii_uppercase() || name == *b"fdAT";
        if needed || KEPT.contains(&&name) {
            picture.keep(whole)?;
        } else {
            let seen = exif::MOST.min(usize::try_from(length).unwrap_or(usize::MAX));
            let is_exif = name == *b"eXIf" && !turned;
            let orientation = if is_exif { picture.ahead(8 + seen)?.get(8..).and_then(exif::orientation) } else { None };
            picture.skip(whole)?;
            if let Some(orientation) = orientation {
                turned = true;
                picture.put(&chunk(*b"eXIf", &exif::alone(orientation)))?;
            }
        }
        if name == *b"IEND" {
            return Ok(());
        }
    }
}

/// A chunk of this name.
fn chunk(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(&name);
    sum.update(content);
    let length = u32::try_from(content.len()).unwrap_or_default().to_be_bytes();
    [length.as_slice(), &name, content, &sum.sum().to_be_bytes()].concat()
}
