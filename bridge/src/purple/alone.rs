//! For tests only: runs a test's body in a process of its own, with a libpurple of its own where it asks for one; it checks nothing but the outcome.

use super::token::OnPurple;
use crate::config::BridgeConfig;

// As `main` does it: what the machine has (GStreamer's plugins, a desktop) is in no test.
support::before_main!(super::prepare_process);

/// Called by the test `name` (its full path): runs `body` in a process of its own, as libpurple's thread.
pub(super) fn run(name: &str, body: impl FnOnce(OnPurple)) {
    // SAFETY: the only test in that process, and its harness runs no GLib.
    support::alone(name, || body(unsafe { OnPurple::declare() }));
}

/// Starts libpurple with the event loop and the interposed symbols, and nothing else.
pub(super) fn core(token: OnPurple, config: &BridgeConfig) {
    let directory = std::env::temp_dir().join(format!("bellflower-alone-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = super::ffi::in_process(&directory.to_string_lossy());
    // SAFETY: a live C string, which libpurple copies.
    unsafe { purple_sys::purple_util_set_user_dir(path.as_ptr()) };
    super::eventloop::install(token).unwrap();
    super::interpose::install(token, config);
    // SAFETY: the thread that `run` made libpurple's.
    assert_ne!(unsafe { purple_sys::purple_core_init(c"bellflower-test".as_ptr()) }, 0);
    let written: Vec<_> = std::fs::read_dir(&directory).unwrap().filter_map(Result::ok).map(|entry| entry.file_name()).collect();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(!written.iter().any(|name| name.to_string_lossy().ends_with(".xml")), "{written:?}");
}
