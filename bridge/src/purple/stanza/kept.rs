//! What of a piece of a stream is passed on: the piece itself while nothing is left out, else a copy of the rest. Decides nothing.

use std::borrow::Cow;

/// Of one piece.
pub(super) struct Kept<'a> {
    piece: &'a [u8],
    /// So many bytes at the start are passed on as they stand; all of it so far, while there is no copy.
    same: usize,
    copy: Option<Vec<u8>>,
}

impl<'a> Kept<'a> {
    pub(super) fn of(piece: &'a [u8]) -> Self {
        Self { piece, same: 0, copy: None }
    }

    /// Passes on so many bytes from a place in the piece, behind what was passed on before.
    pub(super) fn keep(&mut self, from: usize, count: usize) {
        if self.copy.is_none() && from == self.same {
            self.same += count;
        } else if count > 0 {
            let bytes = self.piece.get(from..from + count).unwrap_or_default();
            self.copy().extend_from_slice(bytes);
        }
    }

    /// Passes on bytes that do not stand in the piece.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.copy().extend_from_slice(bytes);
    }

    fn copy(&mut self) -> &mut Vec<u8> {
        self.copy.get_or_insert_with(|| self.piece.get(..self.same).unwrap_or_default().to_vec())
    }

    pub(super) fn end(self) -> Cow<'a, [u8]> {
        self.copy.map_or_else(|| Cow::Borrowed(self.piece.get(..self.same).unwrap_or_default()), Cow::Owned)
    }
}
