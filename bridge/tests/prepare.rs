//! `prepare_process` in a process of its own with one thread, started with every variable that must not reach libpurple; no harness.

use std::env::var;
use std::process::{Command, ExitCode};

const CHILD: &str = "BELLFLOWER_TEST_CHILD";
const DIRTY: &[&str] = &[
    "DBUS_STARTER_ADDRESS",
    "DISPLAY",
    "GNOME_DESKTOP_SESSION_ID",
    "KDE_FULL_SESSION",
    "HTTP_PROXY",
    "http_proxy",
    "KRB5_CONFIG",
    "PURPLE_PLUGIN_PATH",
    "PURPLEHOME",
    "GST_DEBUG_FILE",
    "SSLKEYLOGFILE",
    "G_DEBUG",
    "LC_NUMERIC",
];

fn main() -> ExitCode {
    if std::env::var_os(CHILD).is_some() {
        return child();
    }
    // A runner that asks first which tests there are would otherwise find none, and run none.
    if std::env::args().any(|argument| argument == "--list") {
        if !std::env::args().any(|argument| argument == "--ignored") {
            println!("the_process_is_prepared: test");
        }
        return ExitCode::SUCCESS;
    }
    let Ok(itself) = std::env::current_exe() else { return ExitCode::from(2) };
    let mut command = Command::new(itself);
    command
        .env(CHILD, "1")
        .env("LC_ALL", "C")
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/tmp/bus")
        .env("GST_REGISTRY", "something")
        .env("KEPT", "yes");
    for name in DIRTY {
        command.env(name, "something");
    }
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        other => {
            eprintln!("the child ended with {other:?}");
            ExitCode::FAILURE
        }
    }
}

fn child() -> ExitCode {
    // Twice: the second call must change nothing.
    for turn in 0..2 {
        if let Err(error) = bridge::prepare_process() {
            eprintln!("call {turn}: {error}");
            return ExitCode::FAILURE;
        }
    }
    // SAFETY: CODESET is a known item, and the answer a C string that lives until the next setlocale.
    let charset = unsafe { std::ffi::CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) }.to_string_lossy().into_owned();
    if charset != "UTF-8" {
        eprintln!("texts are taken for {charset}");
        return ExitCode::FAILURE;
    }
    let left: Vec<&&str> = DIRTY.iter().filter(|name| var(name).is_ok()).collect();
    let set = [
        ("LC_ALL", "C.UTF-8"),
        ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
        ("GST_PLUGIN_SYSTEM_PATH_1_0", "/nonexistent"),
        ("GST_REGISTRY", "/nonexistent/registry"),
        ("GST_REGISTRY_1_0", "/nonexistent/registry"),
        ("KEPT", "yes"),
    ];
    let wrong: Vec<_> = set.iter().filter(|(name, value)| var(name).as_deref() != Ok(value)).collect();
    if left.is_empty() && wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("still there: {left:?}; not as they should be: {wrong:?}");
    ExitCode::FAILURE
}
