//! The bytes of transfers between the networks and a user's browsers: a browser fetches an incoming file as it comes, an upload is fed to the network as
//! that takes it. Holds a window of each and no more; knows no HTTP.
//!
//! What a browser does not take is not asked for (`TakeTransfer`), so that the worker stops reading the network.

use super::media::sniff;
use super::staging::Staged;
use super::state::State;
use super::{Hub, Session};
use crate::api::ApiError;
use crate::wire::Uploaded;
use bridge::command::{Command, CommandKind, Origin};
use bridge::handle::{Networks, Rejected};
use bridge::id::{TransferId, UserId};
use bridge::model::{Piece, WINDOW};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use warp::http::StatusCode;

/// Bytes in one command of an upload.
const A_PIECE: usize = 64 << 10;
/// Bytes that a browser has taken before that is told.
const A_SHARE: u32 = WINDOW / 4;
/// Uploads of a user that wait for a command; the oldest goes.
const MOST_UPLOADS: usize = 16;
/// Before a piece is offered again that there was no room for.
const AGAIN: Duration = Duration::from_millis(50);

/// A part of an incoming file.
#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    /// The end; whether all of it came.
    End(bool),
}

/// An incoming file that a browser fetches.
#[derive(Debug)]
struct Fetched {
    parts: UnboundedSender<Part>,
    /// So many bytes may still come before the browser takes any.
    allowed: u64,
}

/// A file that a user has uploaded to send.
#[derive(Debug, Clone)]
pub(crate) struct FileUpload {
    id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) staged: Arc<Staged>,
}

/// What of a user's files is on its way. Most users have none most of the time, and so it takes room with the first one.
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

/// What there is of [`Moving`].
#[derive(Debug, Default)]
pub(crate) struct Underway {
    incoming: BTreeMap<TransferId, Fetched>,
    uploads: Vec<FileUpload>,
    /// Uploads whose transfer is being begun by this command.
    sending: Vec<(Origin, FileUpload)>,
    /// How much the network takes of each upload.
    outgoing: BTreeMap<TransferId, UnboundedSender<u32>>,
}

impl Underway {
    /// Bytes of an incoming file. False: more than were asked for, or nobody fetches it.
    pub(super) fn arrived(&mut self, piece: Piece) -> bool {
        let Piece { transfer, bytes } = piece;
        let length = bytes.len() as u64;
        let taken = self.incoming.get_mut(&transfer).is_some_and(|fetched| {
            let fits = length <= fetched.allowed;
            fetched.allowed = fetched.allowed.saturating_sub(length);
            fits && fetched.parts.send(Part::Bytes(bytes.into())).is_ok()
        });
        if !taken {
            self.ended(transfer, false);
        }
        taken
    }

    /// The network has room for so many more bytes of an outgoing file.
    pub(super) fn wanted(&mut self, transfer: TransferId, bytes: u32) {
        if let Some(outgoing) = self.outgoing.get(&transfer) {
            // One that has stopped reading has said so.
            let _ = outgoing.send(bytes);
        }
    }

    /// A transfer is over.
    pub(super) fn ended(&mut self, transfer: TransferId, whole: bool) {
        if let Some(fetched) = self.incoming.remove(&transfer) {
            // The browser may have left.
            let _ = fetched.parts.send(Part::End(whole));
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

    /// This command sends it; it is used up.
    pub(super) fn sends(&mut self, origin: &Origin, file: FileUpload) {
        self.uploads.retain(|upload| upload.id != file.id);
        self.sending.push((origin.clone(), file));
    }

    /// How that command ended. The upload to be fed to the transfer, and what is to be fed.
    pub(super) fn begun(&mut self, origin: &Origin, transfer: Option<TransferId>) -> Option<(FileUpload, UnboundedReceiver<u32>)> {
        let at = self.sending.iter().position(|(known, _)| known == origin)?;
        let (_, file) = self.sending.swap_remove(at);
        let (sender, receiver) = unbounded_channel();
        self.outgoing.insert(transfer?, sender);
        Some((file, receiver))
    }
}

/// Feeds an upload to its transfer until nobody wants more of it.
pub(super) async fn feed(
    networks: Arc<dyn Networks>,
    user: UserId,
    transfer: TransferId,
    file: FileUpload,
    mut wanted: UnboundedReceiver<u32>,
) {
    let staged = Arc::clone(&file.staged);
    let mut open = tokio::task::spawn_blocking(move || staged.open()).await.ok().and_then(Result::ok);
    let mut at = 0;
    while let Some(bytes) = wanted.recv().await {
        let mut left = bytes as usize;
        while left > 0 {
            let (back, piece) = read(open.take(), at, left.min(A_PIECE)).await;
            open = back;
            left = if piece.is_empty() { 0 } else { left.saturating_sub(piece.len()) };
            at += piece.len() as u64;
            let mut kind = CommandKind::FeedTransfer(Piece { transfer, bytes: piece });
            while let Err(rejected) = networks.send(Command { user, origin: None, kind }, None) {
                let Rejected::Busy(command) = rejected else { return };
                if wanted.is_closed() {
                    return;
                }
                kind = command.kind;
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Reads a piece off the threads that serve. Nothing: it cannot be read.
async fn read(file: Option<File>, at: u64, most: usize) -> (Option<File>, Vec<u8>) {
    let Some(file) = file else { return (None, Vec::new()) };
    let reading = tokio::task::spawn_blocking(move || {
        let mut bytes = vec![0; most];
        let count = file.read_at(&mut bytes, at).unwrap_or_default();
        bytes.truncate(count);
        (file, bytes)
    });
    reading.await.map_or((None, Vec::new()), |(file, bytes)| (Some(file), bytes))
}

/// An incoming file on its way to a browser. Dropping it before its end cancels the transfer.
#[derive(Debug)]
pub struct Fetch {
    hub: Arc<Hub>,
    session: Arc<Session>,
    transfer: TransferId,
    /// Its name.
    pub name: String,
    /// Its bytes, when known.
    pub size: Option<u64>,
    parts: UnboundedReceiver<Part>,
    /// So many bytes came.
    came: u64,
    /// So many bytes were taken and not told.
    taken: u32,
    ended: bool,
}

/// The file did not come whole.
#[derive(Debug)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the file did not come whole")
    }
}

impl std::error::Error for Broken {}

impl Fetch {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// It breaks off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        if self.ended {
            return Ok(None);
        }
        match self.parts.recv().await {
            Some(Part::Bytes(bytes)) => {
                self.took(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
                Ok(Some(bytes))
            }
            end => {
                self.ended = true;
                if matches!(end, Some(Part::End(true))) { Ok(None) } else { Err(Broken) }
            }
        }
    }

    fn took(&mut self, bytes: u32) {
        self.came += u64::from(bytes);
        self.taken = self.taken.saturating_add(bytes);
        if self.taken < A_SHARE {
            return;
        }
        let bytes = std::mem::take(&mut self.taken);
        if let Some(fetched) = self.session.lock().moving.incoming.get_mut(&self.transfer) {
            fetched.allowed += u64::from(bytes);
        }
        self.hub.tell_for_sure(self.session.id, CommandKind::TakeTransfer { transfer: self.transfer, bytes }, None);
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        // Whoever has all of it waits for no end.
        if !self.ended && self.size != Some(self.came) {
            self.session.lock().moving.incoming.remove(&self.transfer);
            self.hub.tell_for_sure(self.session.id, CommandKind::CancelTransfer(self.transfer), None);
        }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

impl Hub {
    /// Begins to fetch an incoming file that was accepted.
    ///
    /// # Errors
    /// 404 `no_such_transfer`, also for another user's; 409 `not_accepted`, or `being_fetched` by another browser; 429 `rate_limited`.
    pub fn fetch(self: &Arc<Self>, session: &Arc<Session>, id: &str) -> Result<Fetch, ApiError> {
        let no_such = || ApiError::new(StatusCode::NOT_FOUND, "no_such_transfer", "There is no such transfer (any more).").at("transfer");
        let id = id.parse::<TransferId>().map_err(|_| no_such())?;
        let mut state = session.lock();
        state.asks(&self.env(), 0)?;
        let transfer = state.transfers.iter().find(|known| known.id == id && known.direction == "in").ok_or_else(no_such)?;
        if transfer.state != "running" {
            let message = "This file has to be accepted first (transfer.accept).";
            return Err(ApiError::new(StatusCode::CONFLICT, "not_accepted", message).at("transfer"));
        }
        let (name, size) = (transfer.name.clone(), transfer.size);
        if state.moving.incoming.contains_key(&id) {
            let message = "This file is on its way to another browser.";
            return Err(ApiError::new(StatusCode::CONFLICT, "being_fetched", message).at("transfer"));
        }
        let (sender, parts) = unbounded_channel();
        state.moving.incoming.insert(id, Fetched { parts: sender, allowed: u64::from(WINDOW) });
        drop(state);
        self.tell_for_sure(session.id, CommandKind::TakeTransfer { transfer: id, bytes: WINDOW }, None);
        let (hub, session) = (Arc::clone(self), Arc::clone(session));
        Ok(Fetch { hub, session, transfer: id, name, size, parts, came: 0, taken: 0, ended: false })
    }

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
    /// 400 `empty`; 503 when the system has no randomness.
    pub(crate) fn staged(&self, session: &Session, staged: Arc<Staged>, name: &str, head: &[u8]) -> Result<Uploaded, ApiError> {
        let size = staged.size();
        if size == 0 {
            return Err(ApiError::bad_request("empty", "There is nothing in this file."));
        }
        let upload = super::token::create().map_err(|_| ApiError::unavailable())?;
        let file = FileUpload { id: upload.as_str().into(), name: name.into(), staged };
        let mut state = session.lock();
        if state.ended.is_some() {
            return Err(ApiError::session_ended());
        }
        let uploads = &mut state.moving.uploads;
        uploads.retain(|upload| !upload.staged.is_expired());
        let over = (uploads.len() + 1).saturating_sub(MOST_UPLOADS);
        let gone: Vec<FileUpload> = uploads.drain(..over).collect();
        uploads.push(file);
        drop(state);
        drop(gone);
        Ok(Uploaded { upload, size, kind: sniff(head).unwrap_or("application/octet-stream").to_owned() })
    }

    /// A command of the user's has ended: if it sends a file, that is fed from now on.
    pub(super) fn file_begun(&self, user: UserId, state: &mut State, origin: &Origin, transfer: Option<TransferId>) {
        if let (Some((file, wanted)), Some(transfer)) = (state.moving.begun(origin, transfer), transfer) {
            tokio::spawn(feed(Arc::clone(&self.networks), user, transfer, file, wanted));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Site;
    use super::*;
    use bridge::event::EventKind;
    use bridge::id::{AccountId, ConversationId};
    use bridge::model::Transfer;

    const ID: TransferId = TransferId(7);

    /// A site whose guest has accepted a file.
    fn site() -> Site {
        let site = Site::new();
        let [direction, state] = ["in", "running"].map(str::to_owned);
        let (account, conversation) = (AccountId(1), ConversationId(1));
        let (peer, name, size) = ("bob".to_owned(), "a.bin".to_owned(), Some(1 << 20));
        site.tell([EventKind::TransferOpened(Transfer { id: ID, account, conversation, peer, direction, name, size, done: 0, state })]);
        site
    }

    fn piece(bytes: usize) -> EventKind {
        EventKind::TransferBytes(Piece { transfer: ID, bytes: vec![7; bytes] })
    }

    /// What the network side was told of transfers.
    fn told(site: &Site) -> Vec<CommandKind> {
        site.bridge.take().into_iter().map(|command| command.kind).collect()
    }

    #[tokio::test]
    async fn bytes_are_asked_for_as_they_are_taken() {
        let site = site();
        let mut fetch = site.hub.fetch(&site.session, "t7").unwrap();
        assert_eq!(told(&site), [CommandKind::TakeTransfer { transfer: ID, bytes: WINDOW }]);
        site.tell((0..4).map(|_| piece(A_PIECE)));
        assert_eq!(fetch.next().await.unwrap().unwrap().len(), A_PIECE);
        assert_eq!(told(&site), [CommandKind::TakeTransfer { transfer: ID, bytes: A_SHARE }]);
        site.tell([piece(A_PIECE), EventKind::TransferClosed { transfer: ID, state: "done".to_owned() }]);
        for _ in 0..4 {
            assert_eq!(fetch.next().await.unwrap().unwrap().len(), A_PIECE);
        }
        assert!(fetch.next().await.unwrap().is_none());
        told(&site);
        drop(fetch);
        assert_eq!(told(&site), [], "one that has ended is not cancelled");
    }

    #[tokio::test]
    async fn more_than_was_asked_for_ends_it() {
        let site = site();
        let mut fetch = site.hub.fetch(&site.session, "t7").unwrap();
        told(&site);
        site.tell([piece(WINDOW as usize), piece(1)]);
        assert_eq!(told(&site), [CommandKind::CancelTransfer(ID)]);
        assert_eq!(fetch.next().await.unwrap().unwrap().len(), WINDOW as usize);
        assert!(fetch.next().await.is_err());
    }

    #[tokio::test]
    async fn who_leaves_cancels_and_nobody_else_fetches() {
        let site = site();
        let fetch = site.hub.fetch(&site.session, "t7").unwrap();
        let code = |id: &str| site.hub.fetch(&site.session, id).map(|_| ()).unwrap_err().code;
        assert_eq!((code("t7"), code("t8"), code("x")), ("being_fetched".into(), "no_such_transfer".into(), "no_such_transfer".into()));
        told(&site);
        drop(fetch);
        assert_eq!(told(&site), [CommandKind::CancelTransfer(ID)]);
        // The end of a session ends what is fetched.
        let mut fetch = site.hub.fetch(&site.session, "t7").unwrap();
        site.logout(&site.login.token);
        assert!(fetch.next().await.is_err());
    }
}
