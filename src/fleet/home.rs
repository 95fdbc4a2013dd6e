//! The throw-away directories of libpurples: made before one starts, removed when it has ended in whatever way; nothing in them is read.

use rustix::fs::{FlockOperation, Mode, OFlags};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// In front of the process id, in the name of the directory that holds those of all workers.
const PREFIX: &str = "bellflower-workers-";

/// What workers read to find name servers.
const NAMES: [&str; 2] = ["resolv.conf", "hosts"];

/// The directory of all workers. As long as this process lives it is locked, so that a later one knows what nobody needs any more.
#[derive(Debug, Clone)]
pub(crate) struct Homes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    _lock: File,
    copied: Mutex<[Option<(SystemTime, u64, u64)>; NAMES.len()]>,
}

impl Homes {
    /// Makes it, mode 0700, and removes those of daemons that were killed.
    ///
    /// # Errors
    /// There is no place where this user may write.
    pub(crate) fn make() -> io::Result<Self> {
        // systemd may name several.
        let set = |name| std::env::var_os(name).and_then(|value| std::env::split_paths(&value).next()).filter(|path| path.is_absolute());
        // In memory where possible; systemd gives the first to a service alone.
        let candidates = [set("RUNTIME_DIRECTORY"), set("XDG_RUNTIME_DIR"), Some(PathBuf::from("/dev/shm")), Some(std::env::temp_dir())];
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for base in candidates.into_iter().flatten() {
            match make_in(&base) {
                Ok((root, lock)) => return Self::fill(root, lock),
                Err(error) => last = io::Error::new(error.kind(), format!("{}: {error}", base.display())),
            }
        }
        let words = "RUNTIME_DIRECTORY (systemd: RuntimeDirectory=), XDG_RUNTIME_DIR, /dev/shm or TMPDIR has to be a directory to write in";
        Err(io::Error::new(last.kind(), format!("{last}; {words}")))
    }

    fn fill(root: PathBuf, lock: File) -> io::Result<Self> {
        let homes = Self(Arc::new(Inner { root, _lock: lock, copied: Mutex::default() }));
        DirBuilder::new().mode(0o700).create(homes.names())?;
        homes.refresh();
        Ok(homes)
    }

    /// Where workers find copies of `/etc/resolv.conf` and `/etc/hosts`. A sandbox holds to files, not to their names: those that are replaced
    /// by new ones while a worker runs could not be read there.
    pub(super) fn names(&self) -> PathBuf {
        self.0.root.join("names")
    }

    /// Copies them anew where they have changed. To be called now and then.
    pub(super) fn refresh(&self) {
        let mut copied = self.0.copied.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, known) in NAMES.iter().zip(copied.iter_mut()) {
            let from = Path::new("/etc").join(name);
            let now = std::fs::metadata(&from).ok().and_then(|about| Some((about.modified().ok()?, about.ino(), about.len())));
            if now == *known {
                continue;
            }
            *known = now;
            let to = self.names().join(name);
            let done = match now {
                Some(_) => {
                    let new = to.with_extension("new");
                    std::fs::copy(&from, &new).and_then(|_| std::fs::rename(&new, &to))
                }
                None => {
                    std::fs::remove_file(&to).or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
                }
            };
            if let Err(error) = done {
                log::warn!("workers do not learn of the new {}: {error}", from.display());
            }
        }
    }

    /// Where the directory of the worker of this number is.
    pub(super) fn place(&self, number: u16) -> PathBuf {
        self.0.root.join(number.to_string())
    }

    /// An empty directory for the worker of this number; 0 is libpurple in this process.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn home(&self, number: u16) -> io::Result<Home> {
        let path = self.place(number);
        if path.symlink_metadata().is_ok() {
            std::fs::remove_dir_all(&path)?;
        }
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Home { path, _homes: self.clone() })
    }
}

impl Homes {
    /// Removes all of it at the daemon's end: threads that have a part in it may end after the process's first one. Directories of workers may be
    /// on their way out meanwhile.
    pub(super) fn clear(&self) {
        for _ in 0..100 {
            match std::fs::remove_dir_all(&self.0.root) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::yield_now(),
                _ => return,
            }
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        remove(&self.root);
    }
}

/// The directory of one libpurple; gone when dropped.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    /// The one around it does not go before.
    _homes: Homes,
}

impl Home {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_dir_all(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        log::warn!("cannot remove {}: {error}", path.display());
    }
}

fn make_in(base: &Path) -> io::Result<(PathBuf, File)> {
    sweep(base);
    let mut name = format!("{PREFIX}{}", std::process::id());
    for again in 1..100 {
        let path = base.join(&name);
        match DirBuilder::new().mode(0o700).create(&path) {
            // One who sweeps may have taken it between the two.
            Ok(()) => {
                if let Some(lock) = lock(&path)? {
                    return Ok((path, lock));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        name = format!("{PREFIX}{}-{again}", std::process::id());
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Takes the lock of a directory, unless someone has it or the directory is another by now.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = match rustix::fs::open(path, flags, Mode::empty()) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        opened => File::from(opened?),
    };
    match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        locked => locked?,
    }
    let same = path.symlink_metadata().is_ok_and(|about| directory.metadata().is_ok_and(|ours| ours.ino() == about.ino()));
    Ok(same.then_some(directory))
}

/// Removes what daemons of this user left that were killed.
fn sweep(base: &Path) {
    let own = rustix::process::geteuid().as_raw();
    for entry in std::fs::read_dir(base).into_iter().flatten().filter_map(Result::ok) {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        if ours
            && entry.metadata().is_ok_and(|about| about.is_dir() && about.uid() == own)
            && let Ok(Some(_lock)) = lock(&entry.path())
        {
            log::info!("{} was left by a daemon that was killed; removed", entry.path().display());
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_killed_left_is_swept_and_nothing_else() {
        let base = std::env::temp_dir().join(format!("bellflower-homes-{}", std::process::id()));
        std::fs::create_dir_all(base.join(format!("{PREFIX}1/7/deep"))).unwrap();
        std::fs::create_dir_all(base.join("bellflower-other")).unwrap();
        let (alive, lock) = make_in(&base).unwrap();
        assert!(!base.join(format!("{PREFIX}1")).exists() && base.join("bellflower-other").exists());
        let (other, _other_lock) = make_in(&base).unwrap();
        assert!(alive.exists() && alive != other, "{alive:?} {other:?}");
        drop(lock);
        sweep(&base);
        assert!(!alive.exists() && other.exists());
        std::fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn a_home_is_empty_private_and_goes() {
        let homes = Homes::make().unwrap();
        let home = homes.home(3).unwrap();
        let path = home.path().to_owned();
        assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0o700);
        std::fs::create_dir(path.join("a")).unwrap();
        std::fs::write(path.join("a/b"), "c").unwrap();
        drop(home);
        assert!(!path.exists());
        assert_eq!(std::fs::read(homes.names().join("hosts")).ok(), std::fs::read("/etc/hosts").ok());
        let root = homes.0.root.clone();
        drop(homes);
        assert!(!root.exists());
    }
}
