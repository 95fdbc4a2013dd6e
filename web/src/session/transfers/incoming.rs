//! Incoming files: bytes as their worker tells them, to the one browser that fetches. Holds a window of each and no more.
//!
//! Bytes are asked for as the browser takes them (`TakeTransfer`); a worker that is asked for none stops reading the network.

use super::super::{Hub, Session};
use crate::api::ApiError;
use bridge::command::CommandKind;
use bridge::id::TransferId;
use bridge::model::WINDOW;
use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use warp::http::StatusCode;

/// Bytes that a browser takes before the worker is told.
const A_SHARE: u32 = WINDOW / 4;

/// A part of an incoming file.
#[derive(Debug)]
enum Part {
    Bytes(Bytes),
    /// The end; whether all of it came.
    End(bool),
}

/// An incoming file that a browser fetches.
#[derive(Debug)]
pub(super) struct Fetched {
    parts: UnboundedSender<Part>,
    /// Bytes that may still come before the browser takes any.
    allowed: u64,
}

impl Fetched {
    /// Bytes have come. False: none, more than were asked for, or the browser has left. Each piece takes of what is allowed, so that their number has
    /// a bound, too.
    pub(super) fn arrived(&mut self, bytes: Vec<u8>) -> bool {
        let length = bytes.len() as u64;
        let fits = length > 0 && length <= self.allowed;
        self.allowed = self.allowed.saturating_sub(length);
        fits && self.parts.send(Part::Bytes(bytes.into())).is_ok()
    }

    pub(super) fn ended(self, whole: bool) {
        // The browser may have left.
        let _ = self.parts.send(Part::End(whole));
    }
}

/// An incoming file on its way to a browser. Dropping it before its end cancels the transfer.
#[derive(Debug)]
pub struct Fetch {
    hub: Arc<Hub>,
    session: Arc<Session>,
    transfer: TransferId,
    /// The file's name.
    pub name: String,
    /// The file's size in bytes, when known.
    pub size: Option<u64>,
    parts: UnboundedReceiver<Part>,
    /// Bytes that came so far.
    came: u64,
    /// Bytes that were taken, of which the worker was not told yet.
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
    /// The file did not come whole.
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
        // A browser that has all bytes does not wait for the end: nothing is cancelled.
        if !self.ended && self.size != Some(self.came) {
            self.session.lock().moving.incoming.remove(&self.transfer);
            self.hub.tell_for_sure(self.session.id, CommandKind::CancelTransfer(self.transfer), None);
        }
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
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::Site;
    use super::super::A_PIECE;
    use super::*;
    use bridge::event::EventKind;
    use bridge::id::{AccountId, ConversationId};
    use bridge::model::{Piece, Transfer};

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

    /// Commands that the networks got since the last look.
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
    async fn an_empty_piece_ends_it() {
        let site = site();
        let mut fetch = site.hub.fetch(&site.session, "t7").unwrap();
        told(&site);
        site.tell([piece(1), piece(0), piece(0)]);
        // The second one belongs to nothing any more.
        assert_eq!(told(&site), [CommandKind::CancelTransfer(ID), CommandKind::CancelTransfer(ID)]);
        assert_eq!(fetch.next().await.unwrap().unwrap().len(), 1);
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
