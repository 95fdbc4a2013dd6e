//! Prints what one socket event costs, in processor time, under our event loop and under stock GLib watches, in the same run; it checks no floors.

use purple_sys::{GIOChannel, GIOCondition, PurpleInputCondition, gboolean, gpointer};
use std::cell::Cell;
use std::io::Write;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

const EVENTS: usize = 20_000;

thread_local! {
    static SEEN: Cell<usize> = const { Cell::new(0) };
}

fn take_byte(fd: RawFd) {
    let mut byte = 0_u8;
    // SAFETY: one byte of room.
    let got = unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, libc::MSG_DONTWAIT) };
    SEEN.set(SEEN.get() + usize::try_from(got).unwrap_or(0));
}

unsafe extern "C" fn on_input(_: gpointer, fd: RawFd, _: PurpleInputCondition) {
    take_byte(fd);
}

unsafe extern "C" fn on_watch(channel: *mut GIOChannel, _: GIOCondition, _: gpointer) -> gboolean {
    // SAFETY: the channel of this watch.
    take_byte(unsafe { purple_sys::g_io_channel_unix_get_fd(channel) });
    purple_sys::GTRUE
}

fn ours(fd: RawFd) -> u32 {
    // SAFETY: a function that takes any data.
    unsafe { purple_sys::purple_input_add(fd, PurpleInputCondition::PURPLE_INPUT_READ, Some(on_input), std::ptr::null_mut()) }
}

/// As libpurple's example front ends do it.
fn stock(fd: RawFd) -> u32 {
    // SAFETY: an open descriptor.
    let channel = unsafe { purple_sys::g_io_channel_unix_new(fd) };
    let conditions = purple_sys::G_IO_IN | purple_sys::G_IO_HUP | purple_sys::G_IO_ERR;
    // SAFETY: a live channel, and a function that takes any data.
    let id = unsafe { purple_sys::g_io_add_watch(channel, conditions, Some(on_watch), std::ptr::null_mut()) };
    // SAFETY: the watch holds its own reference.
    unsafe { purple_sys::g_io_channel_unref(channel) };
    id
}

/// Processor time of this thread: what else runs on the machine does not count.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Microseconds of processor time from writing a byte to having read it, with `count` descriptors watched.
fn measure(count: usize, watch: fn(RawFd) -> u32) -> std::io::Result<f64> {
    let pairs: Vec<_> = (0..count).map(|_| UnixStream::pair()).collect::<Result<_, _>>()?;
    let ids: Vec<u32> = pairs.iter().map(|(one, _)| watch(one.as_raw_fd())).collect();
    SEEN.set(0);
    let start = cpu_time();
    for event in 0..EVENTS {
        (&pairs[event * 7 % count].1).write_all(b"x")?;
        while SEEN.get() <= event {
            // SAFETY: the default context, on the one thread that runs it.
            unsafe { purple_sys::g_main_context_iteration(std::ptr::null_mut(), purple_sys::GTRUE) };
        }
    }
    let took = cpu_time() - start;
    for id in ids {
        // SAFETY: any id is allowed; ours are answered by our own function of this name.
        unsafe { purple_sys::g_source_remove(id) };
    }
    Ok(took.as_secs_f64() * 1e6 / EVENTS as f64)
}

fn allow_descriptors(count: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a place for the answer.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    limit.rlim_cur = limit.rlim_cur.max(count.min(limit.rlim_max));
    // SAFETY: a filled-in limit.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}

fn main() -> std::io::Result<()> {
    allow_descriptors(4096);
    println!("descriptors   ours us/event   stock us/event");
    bridge::with_event_loop(|| {
        for count in [10, 300, 1000] {
            println!("{count:>11} {:>15.1} {:>16.1}", measure(count, ours)?, measure(count, stock)?);
        }
        Ok(())
    })
}
