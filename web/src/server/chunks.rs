//! Follows a body that comes in chunks (RFC 9112, 7.1) to its end, strictly and without keeping it. Reads no socket (see `framed`).

use super::head::{Fault, field, is_value};

/// Bytes of extensions, and of trailers, that one body may have. Nobody here reads either.
const MOST_BESIDE: usize = 4096;
/// Digits of a chunk's size: more than any size needs, and no overflow.
const MOST_DIGITS: usize = 15;

/// Where in the body the next byte stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// In the size.
    Size,
    /// In the extensions behind it.
    Extension,
    /// Before the LF of that line.
    SizeEnd,
    /// In the data, with so many bytes to come.
    Data(u64),
    /// Before the CR, and before the LF, behind the data.
    DataReturn,
    DataEnd,
    /// In a line of the trailers.
    Trailer(Vec<u8>),
    /// Behind the last byte.
    End,
}

/// A body in chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunks {
    at: At,
    size: u64,
    digits: usize,
    beside: usize,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self { at: At::Size, size: 0, digits: 0, beside: 0 }
    }

    /// True behind the last chunk and its trailers.
    pub(super) fn is_over(&self) -> bool {
        self.at == At::End
    }

    /// How many of the next bytes belong to the body.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut taken = 0;
        while let Some(&byte) = bytes.get(taken) {
            match &mut self.at {
                At::End => break,
                At::Data(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - taken);
                    *left -= here as u64;
                    taken += here;
                    if *left == 0 {
                        self.at = At::DataReturn;
                    }
                }
                _ => {
                    self.step(byte)?;
                    taken += 1;
                }
            }
        }
        Ok(taken)
    }

    /// A byte that is no data.
    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        match (&mut self.at, byte) {
            (At::Size, _) if byte.is_ascii_hexdigit() && self.digits < MOST_DIGITS => {
                self.digits += 1;
                self.size = self.size * 16 + u64::from(char::from(byte).to_digit(16).unwrap_or(0));
            }
            (At::Size, b';') if self.digits > 0 => self.at = At::Extension,
            (At::Size, b'\r') if self.digits > 0 => self.at = At::SizeEnd,
            (At::Extension, b'\r') => self.at = At::SizeEnd,
            (At::Extension, _) if is_value(&[byte]) => self.count()?,
            (At::SizeEnd, b'\n') => {
                self.at = if self.size == 0 { At::Trailer(Vec::new()) } else { At::Data(self.size) };
                (self.size, self.digits) = (0, 0);
            }
            (At::DataReturn, b'\r') => self.at = At::DataEnd,
            (At::DataEnd, b'\n') => self.at = At::Size,
            (At::Trailer(line), _) if (line.last() == Some(&b'\r')) == (byte == b'\n') => {
                line.push(byte);
                if let Some(text) = line.strip_suffix(b"\r\n") {
                    self.at = if text.is_empty() {
                        At::End
                    } else {
                        field(text).map_err(|_| Fault::Chunk)?;
                        At::Trailer(Vec::new())
                    };
                }
                self.count()?;
            }
            _ => return Err(Fault::Chunk),
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.beside += 1;
        if self.beside > MOST_BESIDE { Err(Fault::Chunk) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a body comes to that arrives in pieces of so many bytes: how many of all belong to it, and whether it is over.
    fn come(all: &[u8], piece: usize) -> Result<(usize, bool), Fault> {
        let (mut chunks, mut taken) = (Chunks::new(), 0);
        for piece in all.chunks(piece) {
            let here = chunks.take(piece)?;
            taken += here;
            if here < piece.len() {
                break;
            }
        }
        Ok((taken, chunks.is_over()))
    }

    #[test]
    fn a_body_ends_where_it_says_however_it_comes() {
        for body in ["0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "00A;x=\"y z\"\r\n0123456789\r\n1\r\n\n\r\n0;last\r\nX-Y: z\r\n\r\n"] {
            let with_more = format!("{body}GET / HTTP/1.1\r\n");
            for piece in [1, 2, 3, 7, 1000] {
                assert_eq!(come(with_more.as_bytes(), piece), Ok((body.len(), true)), "{body:?} by {piece}");
                assert_eq!(come(&body.as_bytes()[..body.len() - 1], piece), Ok((body.len() - 1, false)), "{body:?} by {piece}");
            }
        }
    }

    #[test]
    fn what_others_read_otherwise_is_refused() {
        let long = format!("1;{}\r\nx\r\n0\r\n\r\n", "y".repeat(MOST_BESIDE + 1));
        let many = format!("{}0\r\n\r\n", "1;y\r\nx\r\n".repeat(MOST_BESIDE + 1));
        let trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(MOST_BESIDE));
        for body in [
            "\r\n",
            "x\r\n",
            ";\r\n",
            " 5\r\nhello\r\n",
            "5 \r\nhello\r\n",
            "0x5\r\nhello\r\n",
            "+5\r\nhello\r\n",
            "-1\r\n",
            "5\nhello\r\n",
            "5\r\nhello\n0\r\n\r\n",
            "5\r\nhello!\r\n",
            "5\rhello",
            "5;\n\r\nhello\r\n",
            "5;\0\r\n",
            "0\r\n\n",
            "0\r\nno field\r\n\r\n",
            "0\r\n : x\r\n\r\n",
            "0\r\na : x\r\n\r\n",
            "ffffffffffffffff\r\n",
            "0000000000000000\r\n\r\n",
            &long,
            &many,
            &trailers,
        ] {
            for piece in [1, 5, 100_000] {
                assert_eq!(come(body.as_bytes(), piece), Err(Fault::Chunk), "{body:.40?} by {piece}");
            }
        }
    }
}
