//! Runs a test in a process of its own: libpurple starts once a process, whichever runner the tests have. It must not know what the test is about:
//! it checks how the process ends, and that GLib told it of nothing critical.

use std::process::Command;

/// Names the test that this process is for. `packaging/valgrind.sh` sets it, so that the body runs in the process that valgrind watches.
const CHILD: &str = "BELLFLOWER_TEST_ALONE";

/// Called by the test `name` (its full path): starts this test binary again for just that test, and runs `body` there.
pub fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var(CHILD).as_deref() == Ok(name) {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().expect("this program's path"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, name).env("LC_ALL", "C.UTF-8");
    let output = command.output().expect("this program starts again");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{}\n{text}\n{errors}", output.status);
    assert!(!errors.contains("CRITICAL"), "{errors}");
    print!("{text}");
}

/// Calls a function that may fail before `main`, as the daemon does it first in its own; a test's harness has threads by then. Without it GStreamer's
/// plugins, or a desktop, of whoever runs the tests would be in them.
#[macro_export]
macro_rules! before_main {
    ($function:path) => {
        extern "C" fn before_main() {
            if let Err(error) = $function() {
                eprintln!("the process is not prepared: {error}");
                std::process::abort();
            }
        }

        #[used]
        // SAFETY: a section of pointers to functions that are called, in this one thread, before `main`.
        #[unsafe(link_section = ".init_array")]
        static BEFORE_MAIN: extern "C" fn() = before_main;
    };
}
