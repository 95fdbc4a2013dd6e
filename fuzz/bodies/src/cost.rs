//! What a function costs: heap by counting each allocation of its thread, and processor time of its thread. Judges nothing by itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static ALL: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    // A thread that ends has none of these any more, and is not measured.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(now.get())));
    });
    let _ = ALL.try_with(|all| all.set(all.get().saturating_add(usize::try_from(bytes).unwrap_or(0))));
}

// SAFETY: everything is the system allocator's; only sizes are added up, in cells that allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What something cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Most bytes of heap at once.
    pub peak: usize,
    /// Bytes of all allocations.
    pub allocated: usize,
    /// Processor time.
    pub time: Duration,
}

/// Processor time of this thread so far.
fn time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a structure of our own to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Runs `body` and says what it cost.
pub fn of<T>(body: impl FnOnce() -> T) -> (T, Cost) {
    let (before, allocated) = (NOW.get(), ALL.get());
    PEAK.set(before);
    let begun = time();
    let result = body();
    let time = time().saturating_sub(begun);
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    (result, Cost { peak, allocated: ALL.get() - allocated, time })
}

impl Cost {
    /// Panics when it is more than so many bytes of heap at once, or more time than `base` and `each` for each of `bytes`.
    pub fn is_at_most(self, what: &str, peak: usize, bytes: usize, base: Duration, each: Duration) {
        assert!(self.peak <= peak, "{what}: {bytes} bytes took {} bytes of heap, above {peak}", self.peak);
        let most = (base + each * u32::try_from(bytes).unwrap_or(u32::MAX)) * SLOWER;
        assert!(self.time <= most, "{what}: {bytes} bytes took {:?}, above {most:?}", self.time);
    }
}

/// How much slower than an optimised build this one is. Fuzzers, which look into everything, build with debug assertions.
const SLOWER: u32 = if cfg!(debug_assertions) { 20 } else { 1 };
