//! Pictures that are made here, part by part: what of each stays is known to the byte.

use super::rewrite::{Medium, Rewrite};
use super::*;
use proptest::prelude::*;

/// The text that must not be left in a picture.
const SECRET: &[u8] = b"52.5163N 13.3777E, by a Pocketcam";

/// A part of a picture, and what is to be left of it.
type Part = (Vec<u8>, Vec<u8>);

fn stays(bytes: impl Into<Vec<u8>>) -> Part {
    let bytes = bytes.into();
    (bytes.clone(), bytes)
}

fn goes(bytes: impl Into<Vec<u8>>) -> Part {
    (bytes.into(), Vec::new())
}

fn whole(parts: &[Part]) -> (Vec<u8>, Vec<u8>) {
    (parts.iter().flat_map(|(before, _)| before).copied().collect(), parts.iter().flat_map(|(_, after)| after).copied().collect())
}

/// EXIF with a place, a device and an orientation, in either byte order.
fn tiff(orientation: u16, big: bool) -> Vec<u8> {
    let short = |number: u16| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let long = |number: u32| if big { number.to_be_bytes() } else { number.to_le_bytes() };
    let mut all = if big { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    all.extend(long(8));
    all.extend(short(2));
    // The maker's name, behind the directory.
    all.extend([short(0x010f), short(2)].concat());
    all.extend([long(SECRET.len() as u32), long(8 + 2 + 24 + 4)].concat());
    all.extend([short(0x0112), short(3)].concat());
    all.extend(long(1));
    all.extend([short(orientation), short(0)].concat());
    all.extend(long(0));
    all.extend(SECRET);
    all
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = (content.len() + 2) as u16;
    [&[0xff, marker], length.to_be_bytes().as_slice(), content].concat()
}

fn jpeg() -> Vec<Part> {
    let exif = segment(0xe1, &[b"Exif\0\0", tiff(6, false).as_slice()].concat());
    let (head, small) = (b"JFIF\0\x01\x02\x01\0\x48\0\x48".as_slice(), [b"\x03\x01".as_slice(), &SECRET[..9]].concat());
    let (adobe, icc) = (b"Adobe\0\x64\0\0\0\0\x01".as_slice(), b"ICC_PROFILE\0\x01\x01colours".as_slice());
    vec![
        stays([0xff, 0xd8]),
        (segment(0xe0, &[head, &small].concat()), segment(0xe0, &[head, b"\0\0"].concat())),
        goes(segment(0xe0, &[b"JFXX\0\x10".as_slice(), SECRET].concat())),
        (exif, segment(0xe1, &[b"Exif\0\0".as_slice(), &exif::alone(6)].concat())),
        goes(segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0".as_slice(), SECRET].concat())),
        goes(segment(0xe1, &[b"Exif\0\0", tiff(3, true).as_slice()].concat())),
        stays(segment(0xe2, icc)),
        goes(segment(0xe2, &[b"MPF\0".as_slice(), SECRET].concat())),
        goes(segment(0xed, &[b"Photoshop 3.0\08BIM".as_slice(), SECRET].concat())),
        (segment(0xee, &[adobe, SECRET].concat()), segment(0xee, adobe)),
        goes(segment(0xfe, SECRET)),
        goes(segment(0xeb, SECRET)),
        goes(b"between"),
        stays(segment(0xdb, &[7; 65])),
        goes([0xff]),
        stays(segment(0xc2, b"\x08\0\x01\0\x01\x01\x01\x11\0")),
        stays(segment(0xda, b"\x01\x01\0\0\x3f\0")),
        stays(b"pixels\xff\0\xff\xd0more\xff\xff\0\xff\x30.".as_slice()),
        goes(segment(0xfe, SECRET)),
        stays(segment(0xda, b"\x01\x01\0\0\x3f\0")),
        stays(b"\0\xff\xd7\0".as_slice()),
        stays([0xff, 0xd9]),
        goes([b"ftypmp42, a film: ".as_slice(), SECRET].concat()),
    ]
}

fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(name);
    sum.update(content);
    [&(content.len() as u32).to_be_bytes(), name.as_slice(), content, &sum.sum().to_be_bytes()].concat()
}

fn png() -> Vec<Part> {
    vec![
        stays(b"\x89PNG\r\n\x1a\n".as_slice()),
        stays(chunk(b"IHDR", b"\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0")),
        stays(chunk(b"iCCP", b"colours\0\0x")),
        goes(chunk(b"tEXt", &[b"Comment\0".as_slice(), SECRET].concat())),
        (chunk(b"eXIf", &tiff(8, true)), chunk(b"eXIf", &exif::alone(8))),
        goes(chunk(b"tIME", b"\x07\xea\x0c\x01\0\0\0")),
        stays(chunk(b"acTL", b"\0\0\0\x01\0\0\0\0")),
        stays(chunk(b"fcTL", &[0; 26])),
        stays(chunk(b"IDAT", b"pixels")),
        goes(chunk(b"iTXt", SECRET)),
        stays(chunk(b"IDAT", b"more")),
        stays(chunk(b"fdAT", b"\0\0\0\x01pixels")),
        goes(chunk(b"zTXt", SECRET)),
        goes(chunk(b"caBX", SECRET)),
        goes(chunk(b"eXIf", &tiff(3, true))),
        stays(chunk(b"IEND", b"")),
        goes(SECRET),
    ]
}

fn gif() -> Vec<Part> {
    let extension = |label: u8, pieces: &[&[u8]]| {
        let pieces = pieces.iter().flat_map(|piece| [&[piece.len() as u8], *piece].concat());
        [0x21, label].into_iter().chain(pieces).chain([0]).collect::<Vec<u8>>()
    };
    vec![
        stays(b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".as_slice()),
        stays(extension(0xff, &[b"NETSCAPE2.0", b"\x01\0\0"])),
        goes(extension(0xff, &[b"XMP DataXMP", SECRET, &[9; 255]])),
        goes(extension(0xfe, &[SECRET])),
        stays(extension(0xf9, &[b"\x04\x0a\0\0"])),
        goes([0]),
        stays(b",\0\0\0\0\x01\0\x01\0\x80\x01\x02\x03\x04\x05\x06\x02\x02\x44\x01\0".as_slice()),
        goes(extension(0x01, &[b"abcdefghijkl", SECRET])),
        stays(b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0".as_slice()),
        stays(b";".as_slice()),
        goes(SECRET),
    ]
}

fn riff(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [name, (content.len() as u32).to_le_bytes().as_slice(), content, &[0][..content.len() % 2]].concat()
}

fn webp() -> Vec<Part> {
    let frame = |more: &[u8]| riff(b"ANMF", &[[5; 16].as_slice(), &riff(b"ALPH", b"abc"), more, &riff(b"VP8 ", b"pixels")].concat());
    let parts = vec![
        (riff(b"VP8X", b"\x2e\0\0\0\0\0\0\0\0\0"), riff(b"VP8X", b"\x2a\0\0\0\0\0\0\0\0\0")),
        stays(riff(b"ICCP", b"colours")),
        stays(riff(b"ANIM", b"\0\0\0\0\0\0")),
        stays(frame(b"")),
        (frame(&riff(b"NOTE", SECRET)), frame(b"")),
        (riff(b"EXIF", &[b"Exif\0\0", tiff(5, true).as_slice()].concat()), riff(b"EXIF", &exif::alone(5))),
        goes(riff(b"XMP ", SECRET)),
        goes(riff(b"EXIF", &tiff(6, true))),
        goes(riff(b"more", SECRET)),
    ];
    let (before, after) = whole(&parts);
    let head = |content: &[u8]| [b"RIFF", (content.len() as u32 + 4).to_le_bytes().as_slice(), b"WEBP"].concat();
    let mut all = vec![(head(&before), head(&after))];
    all.extend(parts);
    all.push(goes(SECRET));
    all
}

fn all() -> Vec<(&'static str, Vec<Part>)> {
    vec![("image/jpeg", jpeg()), ("image/png", png()), ("image/gif", gif()), ("image/webp", webp())]
}

fn has_secret(bytes: &[u8]) -> bool {
    bytes.windows(9).any(|window| window == &SECRET[..9])
}

#[test]
fn what_is_not_the_picture_goes_and_the_picture_stays() {
    for (kind, parts) in all() {
        let (mut bytes, after) = whole(&parts);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("picture");
        std::fs::write(&path, &bytes).unwrap();
        assert!(has_secret(&bytes));
        let seen = strip(&mut bytes).unwrap();
        assert_eq!((seen.kind, seen.size), (Some(kind), after.len() as u64));
        assert_eq!(bytes.escape_ascii().to_string(), after.escape_ascii().to_string(), "{kind}");
        assert!(!has_secret(&bytes));
        let file = File::options().read(true).write(true).open(&path).unwrap();
        assert_eq!(strip_file(&file, file.metadata().unwrap().len()).unwrap(), seen);
        assert!(std::fs::read(&path).unwrap() == after, "{kind} in a file");
        // A bare picture stays as it is.
        assert!(strip(&mut bytes).unwrap() == seen && bytes == after);
    }
}

#[test]
fn a_picture_that_is_shown_as_it_is_keeps_no_exif_at_all() {
    for orientation in [0, 1, 9] {
        let parts = [
            stays([0xff, 0xd8]),
            goes(segment(0xe1, &[b"Exif\0\0", tiff(orientation, true).as_slice()].concat())),
            stays(segment(0xda, b"\x01\x01\0\0\x3f\0")),
            stays([1, 0xff, 0xd9]),
        ];
        let (mut bytes, after) = whole(&parts);
        strip(&mut bytes).unwrap();
        assert_eq!(bytes, after);
    }
    assert_eq!(super::exif::orientation(&super::exif::alone(7)), Some(7));
    for (big, orientation) in [(true, 2), (false, 8)] {
        let exif = tiff(orientation, big);
        assert_eq!(super::exif::orientation(&exif), Some(orientation));
        // Wherever its parts are said to be.
        for (at, byte) in (0..exif.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|byte| (at, byte))) {
            let mut forged = exif.clone();
            forged[at] = byte;
            super::exif::orientation(&forged);
            super::exif::orientation(&forged[..at]);
        }
    }
}

#[test]
fn what_is_no_picture_stays_as_it_is() {
    for other in [b"".as_slice(), b"%PDF-1.4 Exif", b"<svg>", b"GIF88a", b"RIFF\x04\0\0\0WAVE", b"\xff\xd8", b"\x89PNG"] {
        let mut bytes = other.to_vec();
        assert_eq!(strip(&mut bytes).unwrap(), Seen { kind: None, size: other.len() as u64 });
        assert_eq!(bytes, other);
    }
}

#[test]
fn what_is_cut_off_or_lies_is_refused() {
    for (kind, parts) in all() {
        let (bytes, _) = whole(&parts);
        // Behind its end there is one more part.
        let end = bytes.len() - parts.last().unwrap().0.len();
        for length in 12..end {
            let mut cut = bytes[..length].to_vec();
            assert!(matches!(strip(&mut cut), Err(Trouble::Broken(_))), "{kind} of {length} of {end} bytes");
        }
    }
    let lies: [&[u8]; 7] = [
        b"\xff\xd8\xff\xe1\xff\xffExif\0\0",
        b"\xff\xd8\xff\xe1\0\x01\xff\xd9",
        b"\xff\xd8\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR",
        b"\x89PNG\r\n\x1a\n\0\0\0\0IDAT\0\0\0\0\0\0\0\0IEND\0\0\0\0",
        b"RIFF\xff\xff\xff\xffWEBPVP8 \0\0\0\0",
        b"GIF89a\0\0\0\0\0\0\0?;",
    ];
    for lie in lies {
        assert!(matches!(strip(&mut lie.to_vec()), Err(Trouble::Broken(_))), "{}", lie.escape_ascii());
    }
}

/// A picture that nobody has in memory: these bytes at its beginning and end, and so many zeros between.
struct Vast {
    head: Vec<u8>,
    zeros: u64,
    tail: Vec<u8>,
    written: u64,
}

impl Medium for &mut Vast {
    fn read_at(&self, to: &mut [u8], at: u64) -> std::io::Result<usize> {
        let (head, tail) = (self.head.len() as u64, self.head.len() as u64 + self.zeros);
        let count = if at < head {
            let rest = &self.head[at as usize..];
            let count = rest.len().min(to.len());
            to[..count].copy_from_slice(&rest[..count]);
            count
        } else if at < tail {
            let count = to.len().min((tail - at) as usize);
            to[..count].fill(0);
            count
        } else {
            let rest = &self.tail[(at - tail) as usize..];
            let count = rest.len().min(to.len());
            to[..count].copy_from_slice(&rest[..count]);
            count
        };
        Ok(count)
    }

    fn write_at(&mut self, from: &[u8], _: u64) -> std::io::Result<()> {
        self.written += from.len() as u64;
        Ok(())
    }
}

#[test]
fn the_size_of_a_picture_costs_no_memory() {
    let head = whole(&[stays([0xff, 0xd8]), goes(segment(0xfe, &[7; 60_000])), stays(segment(0xda, b"\x01\x01\0\0\x3f\0"))]).0;
    let (zeros, tail) = (64 << 20, vec![0xff, 0xd9]);
    let size = head.len() as u64 + zeros + 2;
    let mut vast = Vast { head, zeros, tail, written: 0 };
    let mut picture = Rewrite::new(&mut vast, size);
    jpeg::strip(&mut picture).unwrap();
    let memory = picture.memory();
    assert_eq!(picture.finish().unwrap(), size - 60_004);
    assert_eq!(vast.written, size - 60_004 - 2);
    assert!(memory <= 320 << 10, "{memory} bytes");
    // A part that is kept in its place is not even read.
    let head = [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", &[0; 13]), &0x7fff_0000_u32.to_be_bytes(), b"IDAT"].concat();
    let size = head.len() as u64 + 0x7fff_0000 + 16;
    let tail = [[0; 4].as_slice(), &chunk(b"IEND", b"")].concat();
    let mut vast = Vast { head, zeros: 0x7fff_0000, tail, written: 0 };
    let mut picture = Rewrite::new(&mut vast, size);
    png::strip(&mut picture).unwrap();
    assert_eq!((picture.finish().unwrap(), vast.written), (size, 0));
}

#[test]
fn a_million_parts_are_read_one_after_the_other() {
    const PARTS: usize = 300_000;
    let segments = [[0xff, 0xd8].as_slice(), &segment(0xfe, b"").repeat(PARTS), &segment(0xdd, b"").repeat(PARTS), &[0xff, 0xd9]].concat();
    let chunks = chunk(b"IDAT", b"").repeat(PARTS);
    let ends = chunk(b"IEND", b"");
    let chunks = [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(b"IHDR", b""), &chunk(b"tEXt", b"x").repeat(PARTS), &chunks, &ends].concat();
    for (mut bytes, left) in [(segments, 4 + 4 * PARTS), (chunks, 8 + 24 + 12 * PARTS)] {
        assert_eq!(strip(&mut bytes).unwrap().size, left as u64);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Bytes of a picture are changed, cut out or doubled: the outcome is an error, or a picture that is no longer and has nothing more to
    /// lose.
    #[test]
    fn damaged_pictures_are_refused_or_bare(
        format in 0usize..4,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..40, 0u8..4), 0..6),
    ) {
        let (mut bytes, _) = whole(&all()[format].1);
        for (at, byte, count, how) in changes {
            let at = at.index(bytes.len().max(1)).min(bytes.len());
            let end = (at + count).min(bytes.len());
            match how {
                0 => drop(bytes.drain(at..end)),
                1 => { let piece = bytes[at..end].to_vec(); bytes.splice(at..at, piece); }
                _ => if let Some(place) = bytes.get_mut(at) { *place = byte },
            }
        }
        let before = bytes.len();
        if let Ok(seen) = strip(&mut bytes) {
            prop_assert!(seen.size == bytes.len() as u64 && bytes.len() <= before);
            let once = bytes.clone();
            let again = strip(&mut bytes);
            prop_assert!(again.is_ok_and(|again| again == seen) && once == bytes, "{}", once.escape_ascii());
        }
    }
}
