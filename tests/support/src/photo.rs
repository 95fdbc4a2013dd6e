//! Makes the metadata that cameras and telephones write beside a picture. Does not know what the daemon leaves of it (see
//! `web/src/picture`).

/// The text that stands for place and device.
pub const SECRET: &[u8] = b"52.5163N 13.3777E, by a Pocketcam";

/// A segment of a JPEG: marker, length and content.
pub fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len() + 2).expect("a short one");
    [&[0xff, marker], length.to_be_bytes().as_slice(), content].concat()
}

/// The segments that a camera writes behind the first two bytes: EXIF (little-endian) that says how the picture is turned, where and with what it was
/// made; XMP, IPTC and a comment.
pub fn camera(orientation: u8) -> Vec<u8> {
    let length = u8::try_from(SECRET.len()).expect("a short one");
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    // Make, a text behind the directory; orientation, a number.
    tiff.extend([0x0f, 0x01, 2, 0, length, 0, 0, 0, 38, 0, 0, 0]);
    tiff.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0]);
    tiff.extend([0; 4]);
    let with = |head: &[u8], rest: &[u8]| [head, rest, SECRET].concat();
    [
        segment(0xe1, &with(b"Exif\0\0", &tiff)),
        segment(0xe1, &with(b"http://ns.adobe.com/xap/1.0/\0", b"")),
        segment(0xed, &with(b"Photoshop 3.0\0", b"8BIM")),
        segment(0xfe, SECRET),
    ]
    .concat()
}

/// EXIF that says how the picture is turned, and nothing else.
pub fn orientation(orientation: u8) -> Vec<u8> {
    let entry = [0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
    segment(0xe1, &[b"Exif\0\0MM\0*\0\0\0\x08".as_slice(), &entry].concat())
}

/// Whether bytes say where a picture was made.
pub fn tells(bytes: &[u8]) -> bool {
    bytes.windows(9).any(|window| window == &SECRET[..9])
}
