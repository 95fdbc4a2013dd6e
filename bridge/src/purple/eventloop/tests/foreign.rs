//! Line 9 of the contract: calls from foreign threads, and GLib's own names answered by the executable.

use super::*;
use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicU32, Ordering};

static CALLS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn count_call(_: gpointer) -> gboolean {
    assert!(OnPurple::here().is_some());
    CALLS.fetch_add(1, Ordering::SeqCst);
    GFALSE
}

unsafe extern "C" fn count_input(_: gpointer, _: RawFd, _: PurpleInputCondition) {
    assert!(OnPurple::here().is_some());
    CALLS.fetch_add(1, Ordering::SeqCst);
}

fn elsewhere<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::spawn(body).join().unwrap()
}

#[test]
fn a_foreign_thread_adds_wakes_and_removes() {
    let run = Loop::new();
    CALLS.store(0, Ordering::SeqCst);
    let (one, _two) = pair();
    let fd = one.as_raw_fd();
    // The loop sleeps for a minute unless it is woken.
    let minute = run.timer(60_000, || false);
    let start = Instant::now();
    let task = std::path::Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap()).join("stat");
    let thread = std::thread::spawn(move || {
        while !std::fs::read_to_string(&task).unwrap().contains(") S ") {
            std::thread::yield_now();
        }
        // SAFETY: functions that take any data.
        unsafe {
            [
                purple_sys::purple_timeout_add(0, Some(count_call), std::ptr::null_mut()),
                glib_sys::g_timeout_add(0, Some(count_call), std::ptr::null_mut()),
                glib_sys::g_idle_add(Some(count_call), std::ptr::null_mut()),
            ]
        }
    });
    while CALLS.load(Ordering::SeqCst) < 3 {
        testing::turn(run.token, true);
    }
    let ids = thread.join().unwrap();
    assert!(ids.iter().all(|id| *id >= FIRST));
    // SAFETY: a function that takes any data.
    let input = elsewhere(move || unsafe { purple_sys::purple_input_add(fd, WRITE, Some(count_input), std::ptr::null_mut()) });
    run.until(|| CALLS.load(Ordering::SeqCst) > 3);
    assert!(elsewhere(move || remove_input(input)));
    assert!(!elsewhere(move || remove_input(input)));
    assert!(!elsewhere(move || ids.iter().any(|id| remove_timeout(*id))));
    assert!(elsewhere(move || remove_timeout(minute)));
    assert!(!remove_timeout(minute));
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(!run.turn());
}

fn data_of(cell: &'static AtomicU32) -> gpointer {
    std::ptr::from_ref(cell).cast_mut().cast()
}

#[test]
fn removal_by_user_data_sees_our_timers_and_glibs() {
    static MARK: AtomicU32 = AtomicU32::new(0);
    let run = Loop::new();
    let data = data_of(&MARK);
    // SAFETY: a function that takes any data, here and below.
    unsafe { purple_sys::purple_timeout_add(0, Some(count_call), data) };
    // SAFETY: as above.
    unsafe { glib_sys::g_timeout_add_seconds(1, Some(count_call), data) };
    // GLib's own, since this name is not among ours.
    // SAFETY: as above.
    let low = unsafe { glib_sys::g_timeout_add_full(0, 0, Some(count_call), data, None) };
    assert!(low < FIRST);
    // SAFETY: only compared.
    let removed = (0..4).filter(|_| unsafe { glib_sys::g_source_remove_by_user_data(data) } != GFALSE).count();
    assert_eq!(removed, 3);
    assert!(!run.turn());
}

#[test]
fn low_ids_fall_through_to_glib() {
    let _run = Loop::new();
    for remove in [remove_input as fn(u32) -> bool, remove_timeout, |id| {
        // SAFETY: a live id.
        unsafe { glib_sys::g_source_remove(id) != GFALSE }
    }] {
        // SAFETY: a function that takes any data.
        let low = unsafe { glib_sys::g_idle_add_full(0, Some(count_call), std::ptr::null_mut(), None) };
        assert!(low < FIRST);
        assert!(remove(low));
    }
}

#[test]
fn without_a_loop_the_calls_are_glibs() {
    let (token, _alone) = testing::default_context();
    CALLS.store(0, Ordering::SeqCst);
    // SAFETY: a function that takes any data.
    let ids = unsafe {
        [
            glib_sys::g_timeout_add(0, Some(count_call), std::ptr::null_mut()),
            glib_sys::g_idle_add(Some(count_call), std::ptr::null_mut()),
            glib_sys::g_timeout_add_seconds(60, Some(count_call), std::ptr::null_mut()),
        ]
    };
    assert!(ids.iter().all(|id| *id != 0 && *id < FIRST));
    while CALLS.load(Ordering::SeqCst) < 2 {
        testing::turn(token, true);
    }
    // SAFETY: a live id.
    assert_ne!(unsafe { glib_sys::g_source_remove(ids[2]) }, GFALSE);
    // SAFETY: any id is allowed.
    assert_eq!(unsafe { glib_sys::g_source_remove(FIRST + 5) }, GFALSE);
}

#[test]
fn libraries_find_the_executables_timers() {
    let ours: [(&CStr, *const c_void); 5] = [
        (c"g_timeout_add", glib_sys::g_timeout_add as *const c_void),
        (c"g_timeout_add_seconds", glib_sys::g_timeout_add_seconds as *const c_void),
        (c"g_idle_add", glib_sys::g_idle_add as *const c_void),
        (c"g_source_remove", glib_sys::g_source_remove as *const c_void),
        (c"g_source_remove_by_user_data", glib_sys::g_source_remove_by_user_data as *const c_void),
    ];
    for (name, address) in ours {
        // SAFETY: a C string; the default search order is what libpurple and plugins were bound by.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
        // SAFETY: as above, behind the executable.
        let behind = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
        assert_eq!(found.cast_const(), address, "{name:?}");
        assert!(!behind.is_null() && behind != found, "{name:?}");
    }
}
