//! What goes into the bridge: things to do, each with the user who wants it; owned plain data.

mod kind;
mod place;
mod settings;
pub mod slash;

pub use kind::CommandKind;
pub use place::Place;
pub use settings::{AccountSettings, Before, KnownBuddy, Secret, Username};

use crate::id::UserId;
use serde::{Deserialize, Serialize};

/// Which command of which browser; handed back with all that it causes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Origin {
    /// The browser's (tab's) id.
    pub client: String,
    /// The command's id there.
    pub command: String,
}

/// A command with its owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Who wants it. Things of other users do not exist for it.
    pub user: UserId,
    /// Where outcome events are to point. Without one there is no `CommandDone`.
    pub origin: Option<Origin>,
    /// What to do.
    pub kind: CommandKind,
}
