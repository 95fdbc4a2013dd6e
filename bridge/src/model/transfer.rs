//! Files on their way; data only.

use crate::id::{AccountId, TransferId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Whose.
    pub account: AccountId,
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
