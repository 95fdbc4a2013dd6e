//! For tests only: runs a test's body in a process of its own, since libpurple is a singleton; it starts no libpurple itself.

use super::token::OnPurple;
use std::process::Command;

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
