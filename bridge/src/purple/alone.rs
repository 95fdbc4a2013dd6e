//! For tests only: runs a test's body in a process of its own, with a libpurple of its own where it asks for one; it checks nothing but the outcome.

use super::token::OnPurple;
use crate::config::BridgeConfig;
use std::process::Command;

/// As `main` does it: what the machine has (GStreamer's plugins, a desktop) is in no test.
extern "C" fn prepare() {
    if let Err(error) = super::prepare_process() {
        eprintln!("the process is not prepared: {error}");
        std::process::abort();
    }
}

#[used]
// SAFETY: a section of pointers to functions that are called, in this one thread, before `main`.
#[unsafe(link_section = ".init_array")]
static PREPARE: extern "C" fn() = prepare;

const CHILD: &str = "BELLFLOWER_TEST_ALONE";

/// Called by the test `name` (its full path): starts this test binary again for just that test, and runs `body` there, as libpurple's thread.
pub(super) fn run(name: &str, body: impl FnOnce(OnPurple)) {
    if std::env::var(CHILD).as_deref() == Ok(name) {
        // SAFETY: the only test in this process, and its harness runs no GLib.
        return body(unsafe { OnPurple::declare() });
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, name).env("LC_ALL", "C.UTF-8");
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{}\n{text}\n{errors}", output.status);
    assert!(!errors.contains("CRITICAL"), "{errors}");
}

/// Starts libpurple with the event loop and the interposed symbols, and nothing else.
pub(super) fn core(token: OnPurple, config: &BridgeConfig) {
    let directory = std::env::temp_dir().join(format!("bellflower-alone-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = super::ffi::c_string(&directory.to_string_lossy());
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
