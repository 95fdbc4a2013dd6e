//! Files that users have uploaded to send: in the data directory under random names, within quotas, until their transfer ends or for a day. Sends
//! none of them (see `transfers`), and knows no HTTP.

use crate::api::ApiError;
use crate::picture::{self, Trouble};
use bridge::id::UserId;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use warp::http::StatusCode;

/// A file that is not sent is kept so long.
const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Between two looks for files that are too old.
const A_LOOK: Duration = Duration::from_secs(60);

/// What may be staged; in bytes, 0 means any number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagingLimits {
    /// One file.
    pub file: u64,
    /// All files of one user.
    pub user: u64,
    /// All files.
    pub all: u64,
}

#[derive(Debug, Default)]
struct Taken {
    all: u64,
    by_user: HashMap<UserId, u64>,
    files: Vec<Weak<Staged>>,
    looked: Option<Instant>,
}

impl Taken {
    fn give_back(&mut self, user: UserId, bytes: u64) {
        self.all = self.all.saturating_sub(bytes);
        if let Some(theirs) = self.by_user.get_mut(&user) {
            *theirs = theirs.saturating_sub(bytes);
            if *theirs == 0 {
                self.by_user.remove(&user);
            }
        }
    }
}

/// The directory, and what is in it.
#[derive(Debug)]
pub(crate) struct Staging {
    directory: PathBuf,
    limits: StagingLimits,
    taken: Mutex<Taken>,
}

/// A file in it. Its room is given back, and the file removed, when this is dropped.
#[derive(Debug)]
pub(crate) struct Staged {
    staging: Arc<Staging>,
    path: PathBuf,
    user: UserId,
    since: Instant,
    size: Mutex<u64>,
    /// Too old: nobody may begin to send it any more.
    expired: AtomicBool,
}

/// A file that is there whole, and of which only the picture is left if it is one.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(super) staged: Arc<Staged>,
    /// Content type, when it is a picture.
    pub(super) kind: Option<&'static str>,
}

fn full(message: &str, field: &str) -> ApiError {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "quota", message).at(field)
}

fn broken(error: &std::io::Error) -> ApiError {
    crate::pace::paced!(error, "an upload cannot be stored: {error}");
    ApiError::unavailable()
}

impl Staging {
    /// The directory as it is at the start: what an earlier run has left there is removed.
    pub(crate) fn open(directory: &Path, limits: StagingLimits) -> Arc<Self> {
        if let Err(error) = clear(directory) {
            log::warn!("cannot clear {}: {error}", directory.display());
        }
        Arc::new(Self { directory: directory.to_owned(), limits, taken: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        // Numbers alone: a broken-off change leaves usable ones.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new file of a user's, of which so many bytes are announced.
    ///
    /// # Errors
    /// 413 `too_large` or `quota`; 503 when the directory cannot be used.
    pub(crate) fn begin(self: &Arc<Self>, user: UserId, announced: Option<u64>) -> Result<(Arc<Staged>, File), ApiError> {
        self.expire();
        self.room(user, 0, announced.unwrap_or(1))?;
        let name = super::token::create().map_err(|_| ApiError::unavailable())?;
        let path = self.directory.join(name);
        let open = || {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)
        };
        let file = open().map_err(|error| broken(&error))?;
        let staged = Arc::new(Staged {
            staging: Arc::clone(self),
            path,
            user,
            since: Instant::now(),
            size: Mutex::new(0),
            expired: AtomicBool::new(false),
        });
        self.lock().files.push(Arc::downgrade(&staged));
        Ok((staged, file))
    }

    /// Whether there is room for more of a file that has so many bytes.
    fn room(&self, user: UserId, has: u64, more: u64) -> Result<(), ApiError> {
        let StagingLimits { file, user: of_user, all } = self.limits;
        if file > 0 && has.saturating_add(more) > file {
            let message = format!("That is too large: a file has at most {} MiB (limits.file_mb).", file >> 20);
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message));
        }
        let taken = self.lock();
        if of_user > 0 && taken.by_user.get(&user).copied().unwrap_or(0).saturating_add(more) > of_user {
            return Err(full(
                "Too many of your files wait to be sent. Wait for some to end, or send smaller ones.",
                "limits.files_mb_per_user",
            ));
        }
        if all > 0 && taken.all.saturating_add(more) > all {
            return Err(full("The server has no room for more files now. Please try again later.", "limits.files_mb"));
        }
        Ok(())
    }

    /// Removes what is too old, now and then.
    pub(crate) fn expire(&self) {
        self.expire_those(|file| file.since.elapsed() > KEPT);
    }

    fn expire_those(&self, is_old: impl Fn(&Staged) -> bool) {
        let all: Vec<Arc<Staged>> = {
            let mut taken = self.lock();
            if taken.looked.is_some_and(|last| last.elapsed() < A_LOOK) {
                return;
            }
            taken.looked = Some(Instant::now());
            taken.files.retain(|file| file.strong_count() > 0);
            taken.files.iter().filter_map(Weak::upgrade).collect()
        };
        // Not under the lock, which a file takes when it is dropped: each of these may be the last to hold its file by now.
        for file in all {
            if is_old(&file) {
                file.expire();
            }
        }
    }
}

/// Does what waits for the disk where nobody waits for it: off the threads that serve, and off any lock. Where there is no runtime, here.
fn aside(work: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn_blocking(work)),
        Err(_) => work(),
    }
}

/// Removes the files in a directory; one that is not there has none.
fn clear(directory: &Path) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        std::fs::remove_file(entry?.path())?;
    }
    Ok(())
}

impl Staged {
    /// Adds bytes at the end. Waits for the disk: off the threads that serve.
    ///
    /// # Errors
    /// As of [`Staging::begin`].
    pub(crate) fn add(&self, mut file: &File, bytes: &[u8]) -> Result<(), ApiError> {
        let more = bytes.len() as u64;
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        self.staging.room(self.user, *size, more)?;
        file.write_all(bytes).map_err(|error| broken(&error))?;
        let mut taken = self.staging.lock();
        taken.all += more;
        *taken.by_user.entry(self.user).or_default() += more;
        *size += more;
        Ok(())
    }

    /// Ends a file that has come whole; of a picture nothing but the picture is left. Waits for the disk: off the threads that serve.
    ///
    /// # Errors
    /// 400 `empty` or `broken_picture`; 503 when the disk does not work.
    pub(crate) fn finish(self: Arc<Self>, file: &File) -> Result<Whole, ApiError> {
        let mut size = self.size.lock().unwrap_or_else(PoisonError::into_inner);
        if *size == 0 {
            return Err(super::browse::empty());
        }
        let seen = picture::strip_file(file, *size).map_err(|trouble| match trouble {
            Trouble::Broken(how) => super::browse::broken_picture(how),
            Trouble::Disk(error) => broken(&error),
        })?;
        let less = size.saturating_sub(seen.size);
        *size = seen.size;
        drop(size);
        self.staging.lock().give_back(self.user, less);
        Ok(Whole { kind: seen.kind, staged: self })
    }

    /// Bytes so far.
    pub(crate) fn size(&self) -> u64 {
        *self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To read it. Waits for the disk.
    ///
    /// # Errors
    /// The system's, as when it is too old.
    pub(crate) fn open(&self) -> std::io::Result<File> {
        File::open(&self.path)
    }

    /// Whether it is too old to be sent.
    pub(crate) fn is_expired(&self) -> bool {
        self.expired.load(Ordering::Relaxed)
    }

    fn expire(&self) {
        if !self.expired.swap(true, Ordering::Relaxed) {
            // An open file keeps its bytes until it is sent, and counts in the quotas until nobody holds it.
            let left = Left { staging: Arc::clone(&self.staging), path: Some(self.path.clone()), user: self.user, size: 0 };
            aside(move || drop(left));
        }
    }
}

/// Removes a file, and gives back its bytes of the quotas, when it is dropped.
struct Left {
    staging: Arc<Staging>,
    /// The file, unless it is removed already.
    path: Option<PathBuf>,
    user: UserId,
    size: u64,
}

impl Drop for Staged {
    /// Leaves the removal to another thread: a large file takes time, and the caller may hold a session's lock.
    fn drop(&mut self) {
        let path = (!self.expired.swap(true, Ordering::Relaxed)).then(|| std::mem::take(&mut self.path));
        let left = Left { staging: Arc::clone(&self.staging), path, user: self.user, size: self.size() };
        aside(move || drop(left));
    }
}

impl Drop for Left {
    // The work is in `drop`, since a runtime that ends drops the closures that it has not run.
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            _ = std::fs::remove_file(path);
        }
        self.staging.lock().give_back(self.user, self.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const MIB: u64 = 1 << 20;

    #[test]
    fn files_have_quotas_and_leave_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("uploads");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("left"), "by an earlier run").unwrap();
        let staging = Staging::open(&place, StagingLimits { file: 2 * MIB, user: 3 * MIB, all: 4 * MIB });
        let names = || std::fs::read_dir(&place).unwrap().count();
        assert_eq!(names(), 0);
        let (one, two) = (UserId(1), UserId(2));
        let code = |result: Result<(), ApiError>| result.unwrap_err();
        assert_eq!(code(staging.begin(one, Some(2 * MIB + 1)).map(drop)).code, "too_large");
        let (first, file) = staging.begin(one, None).unwrap();
        let mib = vec![7; MIB as usize];
        first.add(&file, &mib).unwrap();
        first.add(&file, &mib).unwrap();
        assert_eq!(code(first.add(&file, b"x")).code, "too_large");
        let mut read = Vec::new();
        first.open().unwrap().read_to_end(&mut read).unwrap();
        assert!(first.size() == 2 * MIB && read == vec![7; 2 * MIB as usize]);
        let (second, file) = staging.begin(one, Some(MIB)).unwrap();
        second.add(&file, &mib).unwrap();
        assert_eq!(code(second.add(&file, b"x")).field.as_deref(), Some("limits.files_mb_per_user"));
        let (other, file) = staging.begin(two, None).unwrap();
        other.add(&file, &mib).unwrap();
        assert_eq!(code(other.add(&file, b"x")).field.as_deref(), Some("limits.files_mb"));
        assert_eq!(names(), 3);
        drop((first, second, other));
        assert_eq!(names(), 0);
        let taken = staging.lock();
        assert_eq!((taken.all, taken.by_user.len()), (0, 0));
    }

    /// A place of its own, with quotas for nobody.
    fn place() -> (tempfile::TempDir, Arc<Staging>) {
        let directory = tempfile::tempdir().unwrap();
        let staging = Staging::open(&directory.path().join("uploads"), StagingLimits::default());
        (directory, staging)
    }

    #[test]
    fn a_file_whose_holder_leaves_while_ages_are_looked_at_locks_nothing() {
        let (_directory, staging) = place();
        let (staged, _file) = staging.begin(UserId(1), None).unwrap();
        staging.lock().looked = None;
        let path = staged.path.clone();
        let held = Mutex::new(Some(staged));
        staging.expire_those(|_| {
            // From now on the one that looks is the last that holds it. Dropped under the lock, the file would wait for that for ever.
            held.lock().unwrap().take();
            assert!(staging.taken.try_lock().is_ok(), "the lock is held while files may be dropped");
            false
        });
        assert!(!path.exists() && held.lock().unwrap().is_none());
    }

    #[test]
    fn who_drops_a_file_does_not_wait_for_the_disk() {
        let (_directory, staging) = place();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).max_blocking_threads(1).build().unwrap();
        let path = runtime.block_on(async {
            let (staged, file) = staging.begin(UserId(1), None).unwrap();
            staged.add(&file, b"something").unwrap();
            let path = staged.path.clone();
            // The disk is busy.
            let (free, busy) = std::sync::mpsc::channel::<()>();
            let waits = tokio::task::spawn_blocking(move || busy.recv());
            drop(staged);
            assert!(path.exists(), "removed by whoever dropped it");
            assert_eq!(staging.lock().all, 9, "its room counts as long as it is there");
            free.send(()).unwrap();
            waits.await.unwrap().unwrap();
            path
        });
        // The end of the runtime removes the file, too.
        drop(runtime);
        assert!(!path.exists() && staging.lock().all == 0);
    }

    #[test]
    fn of_a_picture_the_picture_alone_is_left() {
        let (_directory, staging) = place();
        let picture = b"GIF89a\x01\0\x01\0\0\0\0!\xfe\x04here\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;behind";
        let (staged, file) = staging.begin(UserId(1), None).unwrap();
        staged.add(&file, picture).unwrap();
        let whole = staged.finish(&file).unwrap();
        let mut left = Vec::new();
        whole.staged.open().unwrap().read_to_end(&mut left).unwrap();
        assert_eq!((whole.kind, left.len() as u64, staging.lock().all), (Some("image/gif"), whole.staged.size(), whole.staged.size()));
        assert_eq!(left, [&picture[..13], &picture[21..picture.len() - 6]].concat());
        let (staged, file) = staging.begin(UserId(1), None).unwrap();
        staged.add(&file, &picture[..30]).unwrap();
        assert_eq!(staged.finish(&file).unwrap_err().code, "broken_picture");
    }
}
