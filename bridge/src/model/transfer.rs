//! Files on their way; data only.

use crate::id::{AccountId, ConversationId, TransferId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// The account of the transfer.
    pub account: AccountId,
    /// The conversation with the peer, whether it is open or not.
    pub conversation: ConversationId,
    /// With whom.
    pub peer: String,
    /// `in` or `out`.
    pub direction: String,
    /// File name, without directories.
    pub name: String,
    /// Bytes, when known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
    /// Bytes so far.
    pub done: u64,
    /// `offered`, `running`, `done`, `cancelled`, `failed`.
    pub state: String,
}

/// A part of a file, in the order of the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which file's.
    pub transfer: TransferId,
    /// The bytes. Untrusted.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Piece({}, {} bytes)", self.transfer, self.bytes.len())
    }
}

/// Bytes of a file that may be between network and browser beyond what either has taken: a worker sends no more of an incoming file than the web
/// process asked for, and asks for no more of an outgoing one.
pub const WINDOW: u32 = 256 << 10;
