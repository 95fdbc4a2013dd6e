//! What libpurple tells about its protocols: the forms a user fills in and the plugins an admin sees; data only.

use crate::features::Features;
use crate::model::{Choice, StatusKind, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a user name that is typed apart (`user` `@` `domain`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Split {
    /// Its label.
    pub label: String,
    /// What it starts with.
    pub default: String,
    /// The character between the parts.
    pub separator: String,
}

/// How a protocol's user names look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsernameForm {
    /// What the first part is called.
    pub label: String,
    /// The other parts.
    pub splits: Vec<Split>,
}

/// Whether a protocol wants a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordNeed {
    /// Always.
    Required,
    /// Possible.
    Optional,
    /// Never.
    None,
}

/// Type of a protocol option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionType {
    /// A check box.
    Bool,
    /// A whole number.
    Int,
    /// A text.
    String,
    /// One of `choices`.
    Choice,
}

/// A protocol option that a user may set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProtocolOption {
    /// The plugin's own setting name.
    pub key: String,
    /// Its label.
    pub label: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: OptionType,
    /// What it starts with.
    pub default: Value,
    /// A password.
    pub masked: bool,
    /// For `choice`.
    pub choices: Vec<Choice>,
}

/// A field of the form to join a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoomField {
    /// To be given back in `room.join`.
    pub key: String,
    /// Its label.
    pub label: String,
    /// `string` or `int`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Must be filled in.
    pub required: bool,
    /// A password.
    pub masked: bool,
    /// What it starts with.
    pub default: String,
}

/// A status that a protocol has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusType {
    /// The plugin's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it amounts to.
    pub kind: StatusKind,
    /// Ids of its attributes, as `message`.
    pub attributes: Vec<String>,
}

/// Limits of a protocol's icons (`PurpleBuddyIconSpec`). 0 is no bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IconSpec {
    /// Of `png`, `jpeg` and `gif`, those that the protocol takes; the best first.
    pub formats: Vec<String>,
    /// Least width, in pixels. A smaller icon is taken all the same.
    pub min_width: u32,
    /// Least height, in pixels.
    pub min_height: u32,
    /// Most width, in pixels.
    pub max_width: u32,
    /// Most height, in pixels.
    pub max_height: u32,
    /// Most bytes.
    pub max_bytes: u64,
}

/// A network that a user can add an account of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Protocol {
    /// As `prpl-jabber`.
    pub id: String,
    /// As `XMPP`.
    pub name: String,
    /// The plugin's icon name, as `jabber`.
    pub icon: String,
    /// Its user names.
    pub username: UsernameForm,
    /// Its password.
    pub password: PasswordNeed,
    /// Its options.
    pub options: Vec<ProtocolOption>,
    /// Its rooms.
    pub room_fields: Vec<RoomField>,
    /// Its statuses.
    pub statuses: Vec<StatusType>,
    /// What it can do (see [`crate::model::Account::features`]).
    pub features: Features,
    /// Limits of the user's own icon; absent where the protocol has no icons.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub icon_spec: Option<IconSpec>,
}

/// The fate of one plugin file, for `bellflower plugins` and `bellflower protocols`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginReport {
    /// The file.
    pub path: String,
    /// The plugin's id, where the file was opened, or is one of libpurple's own.
    pub id: Option<String>,
    /// Self-description, where the file was opened.
    pub about: Option<PluginAbout>,
    /// `loaded`, `found` or `refused`.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Whether the file comes with the libpurple in use, and has the protocol that such a file has. All other files are third parties' code.
    #[serde(default)]
    pub ships: bool,
    /// Things that the sandbox refused while it was opened, in words.
    #[serde(default)]
    pub denied: Vec<String>,
    /// Keys of a protocol's options that users do not see: they name things of this machine.
    #[serde(default)]
    pub kept_back: Vec<String>,
}

/// Self-description of a plugin (`PurplePluginInfo`), unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginAbout {
    /// `protocol`, `loader` (of plugins in another language) or `other`.
    pub kind: String,
    /// Its name, as `XMPP`.
    pub name: String,
    /// Its version; empty where it has none.
    pub version: String,
}
