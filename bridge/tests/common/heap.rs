//! How many bytes the process has allocated: by glibc's own count, or by valgrind's when it runs there; it frees and changes nothing.

/// In use, in bytes, by every allocation of the process (libpurple and Rust share one allocator).
pub(crate) fn in_use() -> usize {
    valgrind::in_use().unwrap_or_else(|| {
        // SAFETY: no arguments, a plain structure back.
        let info = unsafe { libc::mallinfo2() };
        info.uordblks + info.hblkhd
    })
}

/// valgrind answers the allocations itself, so glibc has nothing to count there; a leak search counts every byte, found or lost.
mod valgrind {
    const RUNNING_ON_VALGRIND: usize = 0x1001;
    const DO_LEAK_CHECK: usize = MEMCHECK + 6;
    const COUNT_LEAKS: usize = MEMCHECK + 7;
    const MEMCHECK: usize = 0x4d43_0000;

    /// `None` outside valgrind.
    pub(super) fn in_use() -> Option<usize> {
        if request([RUNNING_ON_VALGRIND, 0, 0, 0, 0, 0]) == 0 {
            return None;
        }
        // The first 1 asks for a summary only.
        request([DO_LEAK_CHECK, 1, 0, 0, 0, 0]);
        let mut counts = [0_usize; 4];
        let [leaked, dubious, reachable, suppressed] = counts.each_mut().map(|count| std::ptr::from_mut(count).expose_provenance());
        request([COUNT_LEAKS, leaked, dubious, reachable, suppressed, 0]);
        // SAFETY: one of ours; valgrind may have written it behind the compiler's back.
        Some(counts.iter().map(|count| unsafe { std::ptr::read_volatile(count) }).sum())
    }

    /// valgrind's client request: instructions that do nothing on a processor and that valgrind takes for a call.
    #[cfg(target_arch = "x86_64")]
    fn request(arguments: [usize; 6]) -> usize {
        let mut answer = 0_usize;
        // SAFETY: the rotations add up to twice a whole turn and the exchange is of a register with itself, so that nothing changes outside
        // valgrind; inside, it reads the six numbers, writes where the request says and answers in rdx.
        unsafe {
            std::arch::asm!(
                "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
                in("rax") arguments.as_ptr(), inout("rdx") answer,
            );
        }
        answer
    }

    /// See above.
    #[cfg(target_arch = "aarch64")]
    fn request(arguments: [usize; 6]) -> usize {
        let mut answer = 0_usize;
        // SAFETY: as above, with x12, x10, x4 and x3.
        unsafe {
            std::arch::asm!(
                "ror x12, x12, #3", "ror x12, x12, #13", "ror x12, x12, #51", "ror x12, x12, #61", "orr x10, x10, x10",
                in("x4") arguments.as_ptr(), inout("x3") answer,
            );
        }
        answer
    }

    /// Nobody has tried it elsewhere; glibc's count is taken.
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn request(_: [usize; 6]) -> usize {
        0
    }
}
