//! Whose callback is running: the "current account" that every source, request and notice is attributed to, and the plugin that is being opened,
//! which runs for nobody; it holds no accounts.

use crate::id::AccountId;
use std::cell::{Cell, RefCell};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

thread_local! {
    static CURRENT: Cell<Option<AccountId>> = const { Cell::new(None) };
    /// Where it is written for whoever outlives this process.
    static SHARED: Cell<Option<&'static Notes>> = const { Cell::new(None) };
    /// Whose body a panic left that is on its way to a guard: by then what was before is current again.
    static LEFT: Cell<Option<AccountId>> = const { Cell::new(None) };
    static BLAMED: RefCell<Vec<AccountId>> = const { RefCell::new(Vec::new()) };
}

/// What is in the shared memory file.
#[repr(C)]
struct Notes {
    /// The account that libpurple runs for now, and the last one it ran for; 0 for none.
    now: AtomicU64,
    last: AtomicU64,
    /// The plugin file that is being opened, up to a NUL.
    opening: [AtomicU8; OPENING],
}

/// Bytes of the longest path that is noted, with its NUL.
const OPENING: usize = 1024;

/// Bytes of the shared memory file.
pub(crate) const NOTED: usize = std::mem::size_of::<Notes>();

/// The account that what happens now is for; `None` when nobody knows.
pub(crate) fn current() -> Option<AccountId> {
    CURRENT.try_with(Cell::get).ok().flatten()
}

/// From now on the current account, the last one there was, and the plugin that is being opened are written into this shared memory file, too: a crash
/// leaves them there.
pub(super) fn share(_: super::token::OnPurple, file: &OwnedFd) -> std::io::Result<()> {
    // SAFETY: a new mapping that nothing else lies in; the kernel checks the descriptor.
    let mapped =
        unsafe { libc::mmap(std::ptr::null_mut(), NOTED, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if mapped == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: mapped for good, aligned to a page, and zeros are numbers; others only read it.
    SHARED.set(Some(unsafe { &*mapped.cast::<Notes>() }));
    Ok(())
}

fn note(account: Option<AccountId>) {
    if let Ok(Some(notes)) = SHARED.try_with(Cell::get) {
        notes.now.store(account.map_or(0, |account| account.0), Ordering::Relaxed);
        if let Some(account) = account {
            notes.last.store(account.0, Ordering::Relaxed);
        }
    }
}

/// Runs `body`, which opens a plugin: whoever outlives this process is to know which one ended it.
pub(crate) fn opening<T>(plugin: &Path, body: impl FnOnce() -> T) -> T {
    let write = |bytes: &[u8]| {
        let Some(notes) = SHARED.get() else { return };
        // A longer path is cut off; who reads it finds no such file, and does nothing.
        for (place, byte) in notes.opening.iter().take(OPENING - 1).zip(bytes.iter().chain(&[0])) {
            place.store(*byte, Ordering::Relaxed);
        }
    };
    write(plugin.as_os_str().as_encoded_bytes());
    let answer = body();
    write(&[]);
    answer
}

/// Runs `body` for `account`, and puts back what was before, also when it panics.
pub(crate) fn with<T>(account: Option<AccountId>, body: impl FnOnce() -> T) -> T {
    struct Restore(Option<AccountId>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let ending = CURRENT.replace(self.0);
            if std::thread::panicking() && LEFT.get().is_none() {
                LEFT.set(ending);
            }
            note(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(account));
    note(account);
    body()
}

/// Notes that a callback panicked under the current account; it is failed at the end of the turn.
pub(crate) fn blame(callback: &'static str) {
    match LEFT.try_with(Cell::take).ok().flatten().or_else(current) {
        Some(account) => {
            let _ = BLAMED.try_with(|blamed| blamed.borrow_mut().push(account));
        }
        None => log::error!(target: "bridge", "{callback} ran for no account: nobody is failed"),
    }
}

/// The accounts to fail, once each.
pub(crate) fn take_blamed() -> Vec<AccountId> {
    let mut blamed = BLAMED.take();
    blamed.sort_unstable();
    blamed.dedup();
    blamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::FromRawFd;
    use std::os::unix::fs::FileExt;

    #[test]
    fn the_current_account_nests_and_survives_a_panic() {
        let (one, two) = (AccountId(1), AccountId(2));
        with(Some(one), || {
            with(Some(two), || assert_eq!(current(), Some(two)));
            let caught = std::panic::catch_unwind(|| with(Some(two), || panic!("on purpose")));
            assert!(caught.is_err());
            LEFT.take();
            assert_eq!(current(), Some(one));
        });
        assert_eq!(current(), None);
    }

    #[test]
    fn a_panic_that_leaves_an_accounts_body_is_still_that_accounts() {
        let guarded = |body: fn()| super::super::ffi::guard("test", (), body);
        guarded(|| with(Some(AccountId(4)), || with(Some(AccountId(5)), || panic!("on purpose"))));
        with(Some(AccountId(6)), || guarded(|| panic!("on purpose")));
        guarded(|| panic!("nobody's"));
        assert_eq!(take_blamed(), [AccountId(5), AccountId(6)]);
    }

    #[test]
    fn what_is_noted_outlives_the_process_and_no_longer_than_it_is_so() {
        crate::purple::alone::run("purple::owner::tests::what_is_noted_outlives_the_process_and_no_longer_than_it_is_so", |token| {
            // SAFETY: a C string; the descriptor is new, and nobody else's.
            let file = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(c"blame".as_ptr(), libc::MFD_CLOEXEC)) };
            let file = std::fs::File::from(file);
            file.set_len(NOTED as u64).unwrap();
            share(token, &file.try_clone().unwrap().into()).unwrap();
            let noted = || {
                let mut bytes = vec![0; NOTED];
                file.read_exact_at(&mut bytes, 0).unwrap();
                let text = bytes[16..].split(|byte| *byte == 0).next().unwrap().to_vec();
                (u64::from_ne_bytes(bytes[..8].try_into().unwrap()), String::from_utf8(text).unwrap())
            };
            opening(Path::new("/plugins/libx.so"), || assert_eq!(noted(), (0, "/plugins/libx.so".to_owned())));
            opening(Path::new("/y"), || assert_eq!(noted(), (0, "/y".to_owned())));
            assert_eq!(noted(), (0, String::new()));
            with(Some(AccountId(7)), || assert_eq!(noted(), (7, String::new())));
            // Cut off, and what lies behind the file is not touched.
            opening(Path::new(&"x".repeat(5000)), || assert_eq!(noted().1.len(), OPENING - 1));
        });
    }

    #[test]
    fn a_panicking_callback_fails_its_account_once() {
        with(Some(AccountId(3)), || {
            super::super::ffi::guard("test", (), || panic!("on purpose"));
            super::super::ffi::guard("test", (), || panic!("on purpose"));
        });
        assert_eq!(take_blamed(), [AccountId(3)]);
        assert!(take_blamed().is_empty());
    }
}
