//! Keeps what is put away in memory sealed under a key of this process, so that no password stands in it as it is. The key is in a page of its
//! own that goes into no core file and to no swap; who may look into the living process finds it all the same.

use std::io::Error;
use std::ptr::NonNull;
use std::sync::OnceLock;
use web::secret::{self, KEY};
use zeroize::Zeroizing;

/// The page with the key.
struct Page(NonNull<[u8; KEY]>);

// SAFETY: the page is written before it is shared, and only read after that.
unsafe impl Send for Page {}
// SAFETY: as above.
unsafe impl Sync for Page {}

static PAGE: OnceLock<Option<Page>> = OnceLock::new();

/// Seals. `None`: this process has no key, and the log says why.
pub(super) fn seal(plain: &[u8]) -> Option<Vec<u8>> {
    secret::veil(key()?, plain).inspect_err(|error| log::error!("nothing can be sealed: {error}")).ok()
}

/// Opens what this process has sealed.
pub(super) fn open(sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    secret::unveil(key()?, sealed)
}

fn key() -> Option<&'static [u8; KEY]> {
    let make = || make().inspect_err(|error| log::error!("there is no key for what is kept in memory: {error}")).ok();
    // SAFETY: the page stays for as long as the process, and nobody writes to it any more.
    PAGE.get_or_init(make).as_ref().map(|page| unsafe { page.0.as_ref() })
}

fn make() -> Result<Page, Error> {
    let length = rustix::param::page_size();
    let (rights, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping, where the system likes.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), length, rights, kind, -1, 0) };
    let Some(key) = NonNull::new(place.cast::<[u8; KEY]>()).filter(|_| place != libc::MAP_FAILED) else {
        return Err(Error::last_os_error());
    };
    // SAFETY: both look at no byte of the page, which is ours.
    unsafe {
        if libc::madvise(place, length, libc::MADV_DONTDUMP) != 0 {
            log::warn!("a core file would have the key of what is kept in memory: {}", Error::last_os_error());
        }
        // Where it may not be locked it may go to the swap, as may everything else.
        if libc::mlock(place, length) != 0 {
            log::debug!("the key of what is kept in memory may go to the swap: {}", Error::last_os_error());
        }
    }
    let mut random = Zeroizing::new([0; KEY]);
    secret::random(&mut *random).map_err(Error::other)?;
    // SAFETY: the page is at least as long, may be written to, and is known to nobody else yet.
    unsafe { key.as_ptr().write(*random) };
    Ok(Page(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_and_the_key_goes_into_no_core_file() {
        let sealed = seal(b"correct horse").unwrap();
        assert_eq!(open(&sealed).unwrap().as_slice(), b"correct horse");
        assert!(!sealed.windows(7).any(|part| part == b"correct"));
        let place = format!("{:x}-", std::ptr::from_ref(key().unwrap()) as usize);
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let (_, mapping) = maps.split_once(&format!("\n{place}")).expect("a mapping of its own");
        let flags = mapping.lines().find(|line| line.starts_with("VmFlags:")).unwrap();
        assert!(flags.contains(" dd"), "{flags}");
    }
}
