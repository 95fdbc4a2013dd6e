//! Starts servers that refuse to run as root as nobody. It must not know which they are.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Debian's and CentOS's `nobody`.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// Makes root start it as nobody.
pub(crate) fn unprivileged(command: &mut Command) -> &mut Command {
    // Somewhere where everybody may be.
    command.current_dir("/");
    if is_root() { command.uid(NOBODY).gid(NOBODY) } else { command }
}

/// Makes it belong to whom [`unprivileged`] starts things as.
pub(crate) fn give(path: &Path) {
    if is_root() {
        std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("giving a file away");
    }
}
