//! Rewrites bytes in their own place: taken from the front, kept or left out, and put back to the front, never past what was taken. Knows no
//! format.

use super::{CUT_OFF, Trouble};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// Bytes that are read, and written, at once.
const A_BLOCK: usize = 64 << 10;

/// Bytes that can be read and written at any place.
pub(super) trait Medium {
    /// Reads some bytes from this place on; 0 at the end.
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of these bytes over those at this place.
    fn write_at(&mut self, from: &[u8], at: u64) -> io::Result<()>;
}

impl Medium for &File {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(*self, to, at)
    }

    fn write_at(&mut self, from: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(from, at)
    }
}

impl Medium for &mut Vec<u8> {
    fn read_at(&self, to: &mut [u8], at: u64) -> io::Result<usize> {
        let rest = usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default();
        let count = rest.len().min(to.len());
        to.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(count)
    }

    fn write_at(&mut self, from: &[u8], at: u64) -> io::Result<()> {
        let there = usize::try_from(at).ok().and_then(|at| self.get_mut(at..at.checked_add(from.len())?));
        there.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(from);
        Ok(())
    }
}

/// Bytes that are being rewritten.
pub(super) struct Rewrite<M> {
    medium: M,
    /// The end of the bytes; nothing is read beyond.
    end: u64,
    /// Bytes taken so far.
    taken: u64,
    /// Bytes that were read, of which those before `used` are taken.
    ahead: Vec<u8>,
    used: usize,
    /// Bytes that are put back, among them those in `behind`, which are not written yet.
    put: u64,
    behind: Vec<u8>,
}

impl<M: Medium> Rewrite<M> {
    pub(super) fn new(medium: M, end: u64) -> Self {
        Self { medium, end, taken: 0, ahead: Vec::new(), used: 0, put: 0, behind: Vec::new() }
    }

    /// Bytes that are not taken yet.
    pub(super) fn left(&self) -> u64 {
        self.end - self.taken
    }

    /// Bytes put back so far: the place of the next one.
    pub(super) fn place(&self) -> u64 {
        self.put
    }

    /// Sets the end: bytes behind this place are not read, and go.
    pub(super) fn ends_at(&mut self, end: u64) -> Result<(), Trouble> {
        if end < self.taken || end > self.end {
            return Err(CUT_OFF);
        }
        self.end = end;
        let ahead = usize::try_from(self.left()).unwrap_or(usize::MAX);
        self.ahead.truncate(self.used.saturating_add(ahead));
        Ok(())
    }

    /// The next bytes, untaken: so many, or as many as there are.
    pub(super) fn ahead(&mut self, count: usize) -> Result<&[u8], Trouble> {
        if self.ahead.len() - self.used < count {
            self.ahead.drain(..self.used);
            self.used = 0;
            let before = self.ahead.len();
            let most = usize::try_from(self.left()).unwrap_or(usize::MAX).min(count.max(A_BLOCK));
            self.ahead.resize(most.max(before), 0);
            let mut read = before;
            while let Some(room) = self.ahead.get_mut(read..).filter(|room| !room.is_empty()) {
                match self.medium.read_at(room, self.taken + read as u64) {
                    Ok(0) => break,
                    Ok(count) => read += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            self.ahead.truncate(read);
        }
        let ahead = self.ahead.get(self.used..).unwrap_or_default();
        Ok(ahead.get(..count).unwrap_or(ahead))
    }

    /// As many bytes as are read already, and at least one; untaken.
    pub(super) fn some(&mut self) -> Result<&[u8], Trouble> {
        if self.ahead(1)?.is_empty() {
            return Err(CUT_OFF);
        }
        Ok(self.ahead.get(self.used..).unwrap_or_default())
    }

    /// The next bytes, untaken.
    pub(super) fn next<const N: usize>(&mut self) -> Result<[u8; N], Trouble> {
        self.ahead(N)?.try_into().map_err(|_| CUT_OFF)
    }

    /// Takes bytes and leaves them out.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Trouble> {
        if count > self.left() {
            return Err(CUT_OFF);
        }
        self.taken += count;
        self.used = usize::try_from(count).unwrap_or(usize::MAX).saturating_add(self.used).min(self.ahead.len());
        Ok(())
    }

    /// Takes bytes and puts them back.
    pub(super) fn keep(&mut self, count: u64) -> Result<(), Trouble> {
        if count > self.left() {
            return Err(CUT_OFF);
        }
        if self.put == self.taken {
            // They are in their place.
            self.flush()?;
            self.put += count;
            return self.skip(count);
        }
        let mut left = count;
        while left > 0 {
            self.some()?;
            let ahead = self.ahead.get(self.used..).unwrap_or_default();
            let piece = ahead.get(..usize::try_from(left).unwrap_or(usize::MAX).min(A_BLOCK)).unwrap_or(ahead);
            let piece_length = piece.len() as u64;
            self.behind.extend_from_slice(piece);
            self.put += piece_length;
            left -= piece_length;
            self.skip(piece_length)?;
            if self.behind.len() >= A_BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Puts other bytes in, where at least as many were left out.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        if self.put + bytes.len() as u64 > self.taken {
            return Err(Trouble::Broken("its parts are too short"));
        }
        self.behind.extend_from_slice(bytes);
        self.put += bytes.len() as u64;
        Ok(())
    }

    /// Puts other bytes over some that are put already.
    pub(super) fn patch(&mut self, at: u64, bytes: &[u8]) -> Result<(), Trouble> {
        self.flush()?;
        Ok(self.medium.write_at(bytes, at)?)
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        if !self.behind.is_empty() {
            self.medium.write_at(&self.behind, self.put - self.behind.len() as u64)?;
            self.behind.clear();
        }
        Ok(())
    }

    /// Bytes of its buffers.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.ahead.capacity() + self.behind.capacity()
    }

    /// Writes what is still buffered. Gives the bytes that there are now; the caller cuts off what lies behind them.
    pub(super) fn finish(mut self) -> Result<u64, Trouble> {
        self.flush()?;
        Ok(self.put)
    }
}
