//! Runs a test in a process of its own: libpurple starts once a process, whichever runner the tests have; it checks nothing but the outcome.

use std::process::Command;

/// Names the test that this process is for. `packaging/valgrind.sh` sets it, so that the body runs in the process that valgrind watches.
const CHILD: &str = "BELLFLOWER_TEST_ALONE";

/// Called by the test `name`: starts this test binary again for just that test, and runs `body` there.
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    if std::env::var(CHILD).as_deref() == Ok(name) {
        return body();
    }
    let mut command = Command::new(std::env::current_exe().expect("this program's path"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(CHILD, name);
    let output = command.output().expect("this program starts again");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{}\n{text}\n{errors}", output.status);
    print!("{text}");
}
