//! Excesses of a stream, in words.

use super::{ATTRIBUTES, DEPTH};
use std::fmt;

/// An excess of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Excess {
    Attributes,
    AllAttributes(u32),
    Depth,
    Elements(u32),
    Bytes(usize),
    /// A document type, which RFC 6120 forbids: entities could be declared there.
    DocumentType,
    /// Another encoding than UTF-8, which RFC 6120 forbids: here it would be misread.
    Encoding,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attributes => write!(f, "an element with more than {ATTRIBUTES} attributes"),
            Self::AllAttributes(most) => write!(f, "a stanza with more than {most} attributes"),
            Self::Depth => write!(f, "a stanza with more than {DEPTH} elements in each other"),
            Self::Elements(most) => write!(f, "a stanza with more than {most} elements"),
            Self::Bytes(most) => write!(f, "a stanza of more than {} KiB", most >> 10),
            Self::DocumentType => write!(f, "a document type, which XMPP forbids"),
            Self::Encoding => write!(f, "another encoding than UTF-8, which XMPP forbids"),
        }
    }
}
