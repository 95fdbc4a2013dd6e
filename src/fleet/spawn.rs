//! Starts worker processes, from a thread that lasts as long as the daemon; it knows nothing of what they do.
//!
//! A worker dies with the thread that started it (PR_SET_PDEATHSIG), so that no passing thread may start one. It is this same program, run
//! anew: a bare fork would share GLib's and tokio's descriptors. Its end of the socket is its standard input, the shared memory in which it
//! notes whose callback runs its standard output, and a pipe its error output: nothing else is handed down, the daemon's log least of all.

use super::home::{Home, Homes};
use super::judge::{self, Judge};
use bridge::id::AccountId;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use tokio::sync::oneshot;

/// What a worker finds in its environment, if it is set here.
const KEPT: &[&str] = &["PATH", "LANG", "TZ", "TZDIR", "RUST_LOG", "RUST_BACKTRACE", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// What leads to its own empty directory instead.
const HOME: &[&str] = &["HOME", "TMPDIR", "XDG_RUNTIME_DIR"];

/// A worker that was started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) socket: UnixStream,
    pub(super) blame: Blame,
    /// What it writes to its outputs.
    pub(super) words: OwnedFd,
    /// `/proc/PID/statm`. Where processes are hidden from each other (`ProtectProc=invisible`) it cannot be opened any more once the worker
    /// has shut itself off, which it does after its first frame; reading goes on.
    pub(super) memory: Option<File>,
    /// Gone when this is dropped, which is to be after the child's end.
    pub(super) home: Home,
}

/// Where a worker notes whose callback runs, and which plugin it opens; readable after its end.
#[derive(Debug)]
pub(super) struct Blame(File);

impl Blame {
    /// Another one of the same worker's.
    fn another(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// The account whose callback runs or ran.
    pub(super) fn account(&self) -> Option<AccountId> {
        self.number(0)
    }

    /// The account whose callback ran last. What runs for nobody, such as a plugin's own thread, may be its doing, or not.
    pub(super) fn last(&self) -> Option<AccountId> {
        self.number(8)
    }

    /// The plugin that is or was being opened. Any plugin can write what it likes there: it is somebody's word, to be doubted.
    pub(super) fn opening(&self) -> Option<PathBuf> {
        let mut bytes = vec![0; usize::try_from(bridge::handle::BLAME_BYTES).ok()?.checked_sub(16)?];
        self.0.read_exact_at(&mut bytes, 16).ok()?;
        let path = std::str::from_utf8(bytes.split(|byte| *byte == 0).next()?).ok()?;
        path.starts_with('/').then(|| PathBuf::from(path))
    }

    fn number(&self, at: u64) -> Option<AccountId> {
        let mut bytes = [0; 8];
        self.0.read_exact_at(&mut bytes, at).ok()?;
        let account = u64::from_ne_bytes(bytes);
        (account != 0).then_some(AccountId(account))
    }
}

type Request = (u16, oneshot::Sender<io::Result<Started>>);

/// Asks the thread. It ends when the last of these is gone.
#[derive(Debug, Clone)]
pub(super) struct Spawner(mpsc::Sender<Request>);

impl Spawner {
    /// Starts the thread; workers get their directories from `homes`, and `judge` makes their connections.
    pub(super) fn start(homes: Homes, judge: Option<Judge>) -> io::Result<Self> {
        let (sender, requests) = mpsc::channel::<Request>();
        std::thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for (number, answer) in requests {
                if let Err(Ok(mut unwanted)) = answer.send(spawn(number, &homes, judge.as_ref())) {
                    let _ = unwanted.child.kill();
                    let _ = unwanted.child.wait();
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// Starts a worker.
    pub(super) async fn spawn(&self, number: u16) -> io::Result<Started> {
        let (answer, started) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts workers is gone");
        self.0.send((number, answer)).map_err(|_| gone())?;
        started.await.map_err(|_| gone())?
    }
}

fn spawn(number: u16, homes: &Homes, judge: Option<&Judge>) -> io::Result<Started> {
    let home = homes.home(number)?;
    let (ours, theirs) = UnixStream::pair()?;
    let memory = rustix::fs::memfd_create(c"bellflower-blame", rustix::fs::MemfdFlags::CLOEXEC)?;
    rustix::fs::ftruncate(&memory, bridge::handle::BLAME_BYTES)?;
    let blame = Blame(File::from(memory.try_clone()?));
    // A worker that nobody reads loses words, and waits for nobody: its end does not block. Ours is read by tokio.
    let (words, said) = io::pipe()?;
    let (words, said) = (OwnedFd::from(words), OwnedFd::from(said));
    for end in [&words, &said] {
        rustix::fs::fcntl_setfl(end, rustix::fs::fcntl_getfl(end)? | rustix::fs::OFlags::NONBLOCK)?;
    }
    let kept = KEPT.iter().filter_map(|name| std::env::var_os(name).map(|value| (OsString::from(name), value)));
    let mut child = Command::new("/proc/self/exe")
        .arg0("bellflower")
        .args(["worker", "--number", &number.to_string(), "--parent", &std::process::id().to_string()])
        .env_clear()
        .envs(kept)
        .envs(HOME.iter().map(|name| (name, home.path())))
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(memory))
        .stderr(Stdio::from(said))
        .spawn()?;
    if let Err(error) = introduce(number, &child, &ours, &blame, judge) {
        let _ = child.kill();
        let _ = child.wait();
        return Err(error);
    }
    let memory = File::open(format!("/proc/{}/statm", child.id())).ok();
    Ok(Started { child, memory, words, socket: ours, blame, home })
}

/// The first byte, with which the worker gets a socket to its judge, if it has one.
fn introduce(number: u16, child: &Child, socket: &UnixStream, blame: &Blame, judge: Option<&Judge>) -> io::Result<()> {
    let theirs = match judge.map(|judge| judge.watch(number, child.id(), blame.another()?)) {
        Some(Ok(theirs)) => Some(theirs),
        Some(Err(error)) => {
            log::warn!("connections that worker {number} makes past libpurple are not judged: {error}");
            None
        }
        None => None,
    };
    judge::give_descriptor(socket, theirs.as_ref().map(AsFd::as_fd))
}
