//! The bytes of transfers between the networks and a user's browsers: a browser fetches an incoming file as it comes, an upload is fed to the network as
//! that takes it. Holds a window of each and no more; knows no HTTP.

mod incoming;
mod outgoing;

use super::staging::{Staged, Whole};
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::Uploaded;
use bridge::command::Origin;
use bridge::id::TransferId;
use bridge::model::Piece;
use incoming::Fetched;
use outgoing::{Fed, Feed};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use warp::http::StatusCode;

pub use incoming::{Broken, Fetch};

/// Bytes in one command of an upload.
const A_PIECE: usize = 64 << 10;
/// Uploads of a user that wait for a command; the oldest goes.
const MOST_UPLOADS: usize = 16;

/// A file that a user has uploaded to send.
#[derive(Debug, Clone)]
pub(crate) struct FileUpload {
    id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) staged: Arc<Staged>,
}

/// Files of a user that are on their way. Most users have none most of the time: memory is taken with the first one.
#[derive(Debug, Default)]
pub(crate) struct Moving(Option<Box<Underway>>);

static NOTHING: Underway = Underway { incoming: BTreeMap::new(), uploads: Vec::new(), sending: Vec::new(), outgoing: BTreeMap::new() };

impl Deref for Moving {
    type Target = Underway;

    fn deref(&self) -> &Underway {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Moving {
    fn deref_mut(&mut self) -> &mut Underway {
        self.0.get_or_insert_default()
    }
}

/// The content of [`Moving`], from the first file on.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    incoming: BTreeMap<TransferId, Fetched>,
    uploads: Vec<FileUpload>,
    /// Uploads whose transfer is being begun by this command.
    sending: Vec<(Origin, FileUpload)>,
    /// How much the network takes of each upload.
    outgoing: BTreeMap<TransferId, Fed>,
}

impl Underway {
    /// Bytes of an incoming file. False: more than were asked for, none, or nobody fetches it; it is over then.
    pub(super) fn arrived(&mut self, piece: Piece) -> bool {
        let Piece { transfer, bytes } = piece;
        let taken = self.incoming.get_mut(&transfer).is_some_and(|fetched| fetched.arrived(bytes));
        if !taken {
            self.ended(transfer, false);
        }
        taken
    }

    /// The network has room for so many more bytes of an outgoing file. False: it was given no such file, or does not need so many; it is over then.
    pub(super) fn wanted(&mut self, transfer: TransferId, bytes: u32) -> bool {
        let fits = self.outgoing.get(&transfer).is_some_and(|fed| fed.wanted(bytes));
        if !fits {
            self.ended(transfer, false);
        }
        fits
    }

    /// A transfer is over.
    pub(super) fn ended(&mut self, transfer: TransferId, whole: bool) {
        if let Some(fetched) = self.incoming.remove(&transfer) {
            fetched.ended(whole);
        }
        self.outgoing.remove(&transfer);
    }

    /// An upload, by its id.
    pub(super) fn upload(&self, id: &str) -> Option<&FileUpload> {
        self.uploads.iter().find(|upload| &*upload.id == id && !upload.staged.is_expired())
    }

    /// The bytes of a small one.
    pub(super) fn small_upload(&self, id: &str, most: usize) -> Option<Vec<u8>> {
        let upload = self.upload(id).filter(|upload| most == 0 || upload.staged.size() <= most as u64)?;
        let mut bytes = Vec::new();
        upload.staged.open().and_then(|mut file| file.read_to_end(&mut bytes)).ok().map(|_| bytes)
    }

    /// Uses up an upload: this command sends it.
    pub(super) fn sends(&mut self, origin: &Origin, file: FileUpload) {
        self.uploads.retain(|upload| upload.id != file.id);
        self.sending.push((origin.clone(), file));
    }

    /// Ends the command that sends a file. Gives the feed of its transfer; without a transfer the upload goes.
    fn begun(&mut self, origin: &Origin, transfer: Option<TransferId>) -> Option<Feed> {
        let at = self.sending.iter().position(|(known, _)| known == origin)?;
        let (_, file) = self.sending.swap_remove(at);
        let (fed, feed) = outgoing::ends(file);
        self.outgoing.insert(transfer?, fed);
        Some(feed)
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

impl Hub {
    /// Whether files that are to be sent are kept.
    pub(crate) fn keeps_files(&self) -> bool {
        self.staging.is_some()
    }

    /// Begins to keep a file that is to be sent, of which so many bytes are announced.
    ///
    /// # Errors
    /// 503 `no_data_dir`; 413 `too_large` or `quota`; 429 `rate_limited`.
    pub(crate) fn stage(&self, session: &Session, announced: Option<u64>) -> Result<(Arc<Staged>, File), ApiError> {
        session.lock().asks(&self.env(), 0)?;
        let Some(staging) = &self.staging else {
            let message = "This server keeps no files to be sent: an administrator has to set data_dir.";
            return Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "no_data_dir", message));
        };
        staging.begin(session.id, announced)
    }

    /// A file is there whole, and may be sent.
    ///
    /// # Errors
    /// 401 `session_ended`; 503 when the system has no randomness.
    pub(crate) fn staged(&self, session: &Session, whole: Whole, name: &str) -> Result<Uploaded, ApiError> {
        let Whole { staged, kind } = whole;
        let size = staged.size();
        let upload = super::token::create().map_err(|_| ApiError::unavailable())?;
        let file = FileUpload { id: upload.as_str().into(), name: name.into(), staged };
        let mut state = session.lock();
        if state.ended.is_some() {
            return Err(ApiError::session_ended());
        }
        let uploads = &mut state.moving.uploads;
        uploads.retain(|upload| !upload.staged.is_expired());
        let over = (uploads.len() + 1).saturating_sub(MOST_UPLOADS);
        uploads.drain(..over);
        uploads.push(file);
        drop(state);
        Ok(Uploaded { upload, size, kind: kind.unwrap_or("application/octet-stream").to_owned() })
    }
}
