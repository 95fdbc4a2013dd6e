//! What a scanner knows of the place that it has come to. Bounds nothing.

use super::Excess;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum State {
    /// Before the first `<`; so many bytes of a byte order mark.
    Start(u8),
    Text,
    /// After `<`.
    Open,
    /// After `<!`, so far into `--` or `[CDATA[`.
    Bang(u8),
    /// In a start tag's name.
    Name,
    /// In a start tag, behind its name.
    Tag,
    /// In a value that this quote ends.
    Quoted(u8),
    EndTag,
    /// Until its last byte comes after enough of its mark: `-->`, `]]>`, `?>`.
    Until(Section),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Section {
    Comment,
    Data,
    Instruction,
}

impl Section {
    /// The byte that stands before the closing `>`, and how often.
    pub(super) fn mark(self) -> (u8, u32) {
        match self {
            Self::Comment => (b'-', 2),
            Self::Data => (b']', 2),
            Self::Instruction => (b'?', 1),
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Plain,
    Presence,
    Iq,
    List,
}

/// The first bytes of a name or a value.
#[derive(Clone, Copy)]
pub(super) struct Word<const N: usize> {
    bytes: [u8; N],
    pub(super) length: usize,
}

impl<const N: usize> Word<N> {
    pub(super) const EMPTY: Self = Self { bytes: [0; N], length: 0 };

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
        }
        self.length += 1;
    }

    /// Nothing when it was longer than there is room.
    pub(super) fn whole(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What stands between `<?` and `?>` at the beginning.
pub(super) fn check_declaration(text: &[u8]) -> Result<(), Excess> {
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    let Some((_, behind)) = text.split_once("encoding") else { return Ok(()) };
    let named = behind.split(['"', '\'']).nth(1).unwrap_or_default();
    if matches!(named, "utf-8" | "utf8") { Ok(()) } else { Err(Excess::Encoding) }
}
