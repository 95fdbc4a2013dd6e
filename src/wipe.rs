//! Wipes heap memory of this process as it is given back, so that nothing secret outlives the value that held it: bodies, parsed JSON, commands
//! and frames are copied often, and not all of the crates on their way wipe. It knows no secret, and does nothing for the heap of C libraries.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator, which wipes once it is told to.
pub(crate) struct Wiping;

static ON: AtomicBool = AtomicBool::new(false);

/// From now on. Workers do without: their passwords are in the heap of libpurple, which is not Rust's.
pub(crate) fn begin() {
    ON.store(true, Ordering::Relaxed);
}

fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

// SAFETY: everything is the system allocator's, asked with the caller's layouts. Memory is written to only between its being given back by the
// caller and its going back to the system, within the size of its layout.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that System asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if is_on() {
            // SAFETY: the caller has no more use of these bytes, which are all of its own. A plain write would be left out by the compiler,
            // since nobody reads what is freed.
            unsafe { libc::explicit_bzero(place.cast(), layout.size()) };
        }
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_on() {
            // SAFETY: as in `alloc`.
            return unsafe { System.realloc(place, layout, size) };
        }
        // The system's would leave the old bytes where they were when it moves them.
        // SAFETY: the caller promises that `size` with this alignment makes a layout.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: `wanted` is not empty, as the caller promises of `size`.
        let other = unsafe { System.alloc(wanted) };
        if !other.is_null() {
            // SAFETY: both are at least as long as what is copied, and the new one is nobody else's.
            unsafe { std::ptr::copy_nonoverlapping(place, other, layout.size().min(size)) };
            // SAFETY: the old one is the caller's, who takes the new one for it.
            unsafe { self.dealloc(place, layout) };
        }
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a block after it was given back, as far as the allocator left them: its own lists are kept in the first few.
    fn left_behind(give_back: impl FnOnce(*mut u8, Layout)) -> Vec<u8> {
        let layout = Layout::array::<u8>(1000).unwrap();
        // SAFETY: the layout is not empty, and 1000 bytes are written into 1000.
        let place = unsafe {
            let place = Wiping.alloc(layout);
            place.write_bytes(b'x', 1000);
            place
        };
        give_back(place, layout);
        let mut left = vec![0; 900];
        let file = std::fs::File::open("/proc/self/mem").unwrap();
        // Read by way of a file: what was freed is nobody's to point to.
        std::os::unix::fs::FileExt::read_exact_at(&file, &mut left, place as u64 + 64).unwrap();
        left
    }

    #[test]
    fn what_is_given_back_or_moved_is_wiped() {
        begin();
        // SAFETY: each block is given back once, with its layout.
        let freed = left_behind(|place, layout| unsafe { Wiping.dealloc(place, layout) });
        assert!(!freed.contains(&b'x'), "freed");
        let moved = left_behind(|place, layout| {
            // SAFETY: as above; the new block has the new size.
            unsafe {
                let other = Wiping.realloc(place, layout, 5000);
                assert_eq!(std::slice::from_raw_parts(other, 1000), [b'x'; 1000]);
                Wiping.dealloc(other, Layout::array::<u8>(5000).unwrap());
            }
        });
        assert!(!moved.contains(&b'x'), "moved");
    }
}
