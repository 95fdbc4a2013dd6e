//! Pictures within a message; data only. Their bytes travel apart ([`crate::event::Media`]).

use crate::id::PictureId;
use serde::{Deserialize, Serialize};

/// Pictures of one message.
pub const PICTURES: usize = 20;

/// A picture that a message shows. The network's HTML cannot name one that is not in the list of its own message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Where it stands.
    pub place: PicturePlace,
    /// What is there.
    pub state: PictureState,
}

/// How the HTML names a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PicturePlace {
    /// `<img id="7">`
    Id(i32),
    /// `<img src="…">`
    Source(String),
    /// Wherever this text stands.
    Text(String),
}

/// What is known of a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PictureState {
    /// The bytes of this hash: SHA-256, lower-case hex.
    Here(String),
    /// [`crate::EventKind::PictureCame`] tells when it is there.
    Awaited(PictureId),
    /// So many bytes, which are more than are passed on.
    TooLarge(u64),
}
