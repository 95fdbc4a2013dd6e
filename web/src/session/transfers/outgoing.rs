//! Outgoing files: an upload is fed to its transfer as the network takes it. Reads a piece at a time.

use super::super::Hub;
use super::super::state::State;
use super::{A_PIECE, FileUpload};
use bridge::command::{Command, CommandKind, Origin};
use bridge::handle::{Networks, Rejected};
use bridge::id::{TransferId, UserId};
use bridge::model::{Piece, WINDOW};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Pause before a piece is offered again for which there was no room.
const AGAIN: Duration = Duration::from_millis(50);

/// The end of an upload that its worker asks for bytes.
#[derive(Debug)]
pub(super) struct Fed {
    /// Bytes that the network has had room for since the beginning.
    wanted: watch::Sender<u64>,
    /// Bytes of `wanted` that the worker was given, or is about to be given.
    given: Arc<AtomicU64>,
    size: u64,
}

/// The end of an upload that reads the file and gives its bytes to the worker.
#[derive(Debug)]
pub(super) struct Feed {
    file: FileUpload,
    size: u64,
    wanted: watch::Receiver<u64>,
    given: Arc<AtomicU64>,
}

/// Both ends of an upload that is to be fed.
pub(super) fn ends(file: FileUpload) -> (Fed, Feed) {
    let ((sender, receiver), given, size) = (watch::channel(0), Arc::<AtomicU64>::default(), file.staged.size());
    (Fed { wanted: sender, given: Arc::clone(&given), size }, Feed { file, size, wanted: receiver, given })
}

impl Fed {
    /// The network has room for so many more bytes. False: nobody needs so many.
    pub(super) fn wanted(&self, bytes: u32) -> bool {
        let total = self.wanted.borrow().saturating_add(u64::from(bytes));
        let open = total.saturating_sub(self.given.load(Ordering::Acquire));
        let fits = open <= u64::from(WINDOW) && total <= self.size;
        if fits {
            self.wanted.send_replace(total);
        }
        fits
    }
}

impl Feed {
    /// Gives what is wanted, to the end of the file or as long as anybody wants any of it.
    async fn run(mut self, networks: Arc<dyn Networks>, user: UserId, transfer: TransferId) {
        let staged = Arc::clone(&self.file.staged);
        let mut open = tokio::task::spawn_blocking(move || staged.open()).await.ok().and_then(Result::ok);
        let mut at = 0;
        while at < self.size {
            let Ok(total) = self.wanted.wait_for(|total| *total > at).await.map(|total| *total) else { return };
            while at < total {
                let most = usize::try_from(total - at).unwrap_or(A_PIECE).min(A_PIECE);
                let (back, piece) = read(open.take(), at, most).await;
                open = back;
                at += piece.len() as u64;
                // Before it is on its way: the worker may answer at once.
                self.given.store(at, Ordering::Release);
                let is_last = piece.is_empty();
                if !self.give(&*networks, user, Piece { transfer, bytes: piece }).await || is_last {
                    return;
                }
            }
        }
    }

    /// An empty piece says that the file cannot be read. False: nobody wants any more.
    async fn give(&self, networks: &dyn Networks, user: UserId, piece: Piece) -> bool {
        let mut kind = CommandKind::FeedTransfer(piece);
        while let Err(rejected) = networks.send(Command { user, origin: None, kind }, None) {
            let Rejected::Busy(command) = rejected else { return false };
            if self.wanted.has_changed().is_err() {
                return false;
            }
            kind = command.kind;
            tokio::time::sleep(AGAIN).await;
        }
        true
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

impl Hub {
    /// A command of the user's has ended: if it sends a file, that is fed from now on.
    pub(in crate::session) fn file_begun(&self, user: UserId, state: &mut State, origin: &Origin, transfer: Option<TransferId>) {
        if let (Some(feed), Some(transfer)) = (state.moving.begun(origin, transfer), transfer) {
            tokio::spawn(feed.run(Arc::clone(&self.networks), user, transfer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::{Site, opened};
    use super::super::super::{SessionConfig, StagingLimits};
    use super::*;
    use bridge::error::CommandError;
    use bridge::event::{EventKind, Outcome};
    use bridge::id::{AccountId, ConversationId};
    use bridge::model::Transfer;
    use serde_json::json;
    use std::time::Instant;

    const ID: TransferId = TransferId(7);
    const SIZE: usize = 3 * WINDOW as usize / 2;

    /// A guest whose upload is being offered.
    struct Sending {
        site: Site,
        origin: Origin,
        directory: tempfile::TempDir,
    }

    impl Sending {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let uploads_dir = Some(directory.path().to_owned());
            let site = Site::with(SessionConfig { uploads_dir, files: StagingLimits::default(), ..SessionConfig::default() });
            site.tell([opened(1)]);
            site.attach("c");
            let (staged, file) = site.hub.stage(&site.session, None).unwrap();
            staged.add(&file, &vec![b'x'; SIZE]).unwrap();
            let whole = staged.finish(&file).unwrap();
            let upload = site.hub.staged(&site.session, whole, "a.txt").unwrap().upload;
            let sent = site.accept("c", "1", json!({ "type": "transfer.send", "conversation": ConversationId(1), "upload": upload }));
            assert!(matches!(sent, Some(CommandKind::SendFile { size, .. }) if size == SIZE as u64), "{sent:?}");
            Self { site, origin: Origin { client: "c".into(), command: "1".into() }, directory }
        }

        /// The other side has taken the offer.
        fn begun() -> Self {
            let this = Self::new();
            let [direction, state] = ["out", "running"].map(str::to_owned);
            let (account, conversation, peer, name) = (AccountId(1), ConversationId(1), "bob".to_owned(), "a.txt".to_owned());
            let transfer = Transfer { id: ID, account, conversation, peer, direction, name, size: Some(SIZE as u64), done: 0, state };
            this.site.tell([EventKind::TransferOpened(transfer)]);
            this.site.tell_from(Some(this.origin.clone()), [EventKind::CommandDone { result: Some(Outcome::Transfer(ID)) }]);
            this
        }

        fn wants(&self, bytes: usize) {
            self.site.tell([EventKind::TransferWanted { transfer: ID, bytes: u32::try_from(bytes).unwrap() }]);
        }

        /// Waits until the network was told that many bytes, or something else; gives how many, and what else.
        async fn given(&self, bytes: usize) -> (usize, Vec<CommandKind>) {
            let (mut sum, mut others, end) = (0, Vec::new(), Instant::now() + Duration::from_secs(20));
            while sum < bytes && others.is_empty() {
                assert!(Instant::now() < end, "{sum} of {bytes} bytes came");
                for command in self.site.bridge.take() {
                    match command.kind {
                        CommandKind::FeedTransfer(piece) if !piece.bytes.is_empty() => sum += piece.bytes.len(),
                        other => others.push(other),
                    }
                }
                tokio::task::yield_now().await;
            }
            (sum, others)
        }

        fn files(&self) -> usize {
            std::fs::read_dir(self.directory.path()).unwrap().count()
        }

        /// Waits until nothing is staged.
        async fn is_gone(&self) {
            let end = Instant::now() + Duration::from_secs(20);
            while self.files() > 0 {
                assert!(Instant::now() < end, "the upload stays");
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn a_file_is_given_as_it_is_wanted_and_let_go_at_its_end() {
        let sending = Sending::begun();
        sending.wants(10);
        sending.wants(WINDOW as usize - 10);
        assert_eq!(sending.given(WINDOW as usize).await, (WINDOW as usize, Vec::new()));
        sending.wants(SIZE - WINDOW as usize);
        assert_eq!(sending.given(SIZE - WINDOW as usize).await, (SIZE - WINDOW as usize, Vec::new()));
        // Of what was sent whole nothing is said to be unreadable.
        sending.is_gone().await;
        assert_eq!(sending.site.bridge.take(), []);
    }

    #[tokio::test]
    async fn who_wants_more_than_a_window_or_than_there_is_ends_it() {
        for wants in [&[WINDOW as usize, 1][..], &[WINDOW as usize + 1], &[usize::MAX >> 32], &[WINDOW as usize, SIZE]] {
            let sending = Sending::begun();
            wants.iter().for_each(|bytes| sending.wants(*bytes));
            let cancelled = loop {
                let (_, others) = sending.given(SIZE).await;
                if !others.is_empty() {
                    break others;
                }
            };
            assert_eq!(cancelled, [CommandKind::CancelTransfer(ID)], "{wants:?}");
            sending.is_gone().await;
        }
        // Beyond the end of the file, though within the window.
        let sending = Sending::begun();
        sending.wants(WINDOW as usize);
        sending.given(WINDOW as usize).await;
        sending.wants(SIZE - WINDOW as usize + 1);
        assert_eq!(sending.given(1).await, (0, vec![CommandKind::CancelTransfer(ID)]));
        sending.is_gone().await;
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_said_once() {
        let sending = Sending::begun();
        let path = std::fs::read_dir(sending.directory.path()).unwrap().next().unwrap().unwrap().path();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(100).unwrap();
        sending.wants(WINDOW as usize);
        let empty = CommandKind::FeedTransfer(Piece { transfer: ID, bytes: Vec::new() });
        assert_eq!(sending.given(101).await, (100, vec![empty]));
        sending.is_gone().await;
    }

    #[tokio::test]
    async fn a_file_that_nobody_takes_is_let_go() {
        let sending = Sending::new();
        assert_eq!(sending.files(), 1);
        let error = CommandError::new("not_sent", "Nobody is there.");
        sending.site.tell_from(Some(sending.origin.clone()), [EventKind::CommandFailed { error }]);
        sending.is_gone().await;
    }
}
