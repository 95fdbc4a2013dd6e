//! What must hold for the whole process before its first thread: character set and a clean environment; it reads no configuration.

use std::ffi::{CStr, OsStr, c_int};
use std::io;

/// Variables that libpurple, its plugins or their libraries would obey, and that no daemon for many users may inherit.
const REMOVED: &[&str] = &[
    // A session bus is started on demand when there is a display; libpurple would export its whole API on it (hazard 18).
    "DBUS_STARTER_ADDRESS",
    "DBUS_STARTER_BUS_TYPE",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    // With these libpurple asks desktop programs for proxies, by running them.
    "DESKTOP_SESSION",
    "GNOME_DESKTOP_SESSION_ID",
    "KDEDIR",
    "KDEDIRS",
    "KDE_FULL_SESSION",
    "XDG_CURRENT_DESKTOP",
    // A proxy reaches what the egress rules refuse, and its password would be every user's.
    "ALL_PROXY",
    "FTP_PROXY",
    "HTTPPROXY",
    "HTTPPROXYPASS",
    "HTTPPROXYPORT",
    "HTTPPROXYUSER",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "HTTP_PROXY_PASS",
    "HTTP_PROXY_PORT",
    "HTTP_PROXY_USER",
    "NO_PROXY",
    "all_proxy",
    "ftp_proxy",
    "http_proxy",
    "http_proxy_pass",
    "http_proxy_port",
    "http_proxy_user",
    "https_proxy",
    "no_proxy",
    // Where user names would lead to files or tickets of the administrator.
    "GSS_USE_PROXY",
    "KRB5CCNAME",
    "KRB5_CLIENT_KTNAME",
    "KRB5_CONFIG",
    "KRB5_KTNAME",
    "KRB5_TRACE",
    "HOSTALIASES",
    "WGFILE",
    // Session keys of TLS in a file; a CRITICAL of any plugin as an abort (hazard 22).
    "SSLKEYLOGFILE",
    "G_DEBUG",
    // These outrank or contradict LC_ALL below.
    "LANGUAGE",
];

/// Families of variables that go as a whole.
const REMOVED_PREFIXES: &[&str] = &["PURPLE", "GST_", "XMPP_", "LC_"];

/// What is set instead. Paths that hold nothing keep GStreamer from opening 60 MB of plugins (hazard 17): what it finds, and what another
/// program of the same user has found and left in the registry.
const SET: &[(&str, &str)] = &[
    ("LC_ALL", "C.UTF-8"),
    ("DBUS_SESSION_BUS_ADDRESS", "disabled:"),
    ("DBUS_SYSTEM_BUS_ADDRESS", "disabled:"),
    ("GIO_USE_PROXY_RESOLVER", "dummy"),
    ("GIO_USE_VFS", "local"),
    ("GSETTINGS_BACKEND", "memory"),
    ("GST_PLUGIN_PATH", NOWHERE),
    ("GST_PLUGIN_PATH_1_0", NOWHERE),
    ("GST_PLUGIN_SYSTEM_PATH", NOWHERE),
    ("GST_PLUGIN_SYSTEM_PATH_1_0", NOWHERE),
    ("GST_REGISTRY", NO_REGISTRY),
    ("GST_REGISTRY_1_0", NO_REGISTRY),
    ("GST_REGISTRY_FORK", "no"),
    ("GST_REGISTRY_UPDATE", "no"),
];

const NOWHERE: &str = "/nonexistent";
const NO_REGISTRY: &str = "/nonexistent/registry";

/// Sets the character set (`LC_CTYPE`, hazard 37) and cleans the environment of what libpurple, D-Bus, GStreamer, GIO and Kerberos would
/// read from it. Signals that nobody means are ignored. To be called first in `main`, before any thread; calling it again changes nothing.
///
/// # Errors
/// When the process already has more than one thread, when `/proc` does not tell, or when this system has no UTF-8 locale.
pub fn prepare_process() -> io::Result<()> {
    let no_proc = |error| io::Error::other(format!("/proc/self/task: {error}; /proc has to be mounted"));
    let threads = std::fs::read_dir("/proc/self/task").map_err(no_proc)?.count();
    if threads != 1 {
        return Err(io::Error::other(format!(
            "the environment has to be cleaned before the first thread is started ({threads} are running)"
        )));
    }
    ignore(USELESS);
    for (name, _) in std::env::vars_os() {
        if is_removed(&name) {
            // SAFETY: there is no other thread, as was just seen, and C code runs on none.
            unsafe { std::env::remove_var(&name) };
        }
    }
    for (name, value) in SET {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
    set_character_set()
}

/// Gives heap that nobody uses back to the system: whole pages of it, wherever they are. Takes about a millisecond for ten MiB; who wants heap
/// of the same part meanwhile waits.
pub fn give_back_heap() {
    #[cfg(target_env = "gnu")]
    // SAFETY: any thread may ask for it at any time; what is in use stays.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Closes every descriptor above standard error that was handed down to this process. To be called before it opens any of its own.
pub fn close_inherited_descriptors() {
    // SAFETY: nothing of this process has opened a descriptor that anyone holds; those above 2 came from the parent by its mistake.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, 0u32) };
    if closed != 0 {
        log::debug!(target: "bridge", "close_range: {}", io::Error::last_os_error());
    }
}

/// What ends a process that does not know them, and is of no use here. Of a write beyond the largest file that this process may write comes an
/// error (EFBIG) to whoever writes.
const USELESS: &[c_int] =
    &[libc::SIGALRM, libc::SIGIO, libc::SIGPROF, libc::SIGPWR, libc::SIGUSR1, libc::SIGUSR2, libc::SIGVTALRM, libc::SIGXFSZ];

/// Ignores signals by which nobody means to end this process, until it waits for one of them itself.
fn ignore(signals: &[c_int]) {
    for signal in signals {
        // SAFETY: no handler is installed; ignoring a signal runs no code, and fails for none of these.
        unsafe { libc::signal(*signal, libc::SIG_IGN) };
    }
}

/// Leaves what an administrator sends to all processes of a service to the one that started this: a worker ends when that says so, or by SIGTERM.
pub fn ignore_signals_of_the_service() {
    ignore(&[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT]);
}

fn is_removed(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    REMOVED.contains(&name.as_ref()) || REMOVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn set_character_set() -> io::Result<()> {
    for locale in [c"C.UTF-8", c"C.utf8", c"en_US.UTF-8", c"POSIX.UTF-8"] {
        // SAFETY: a C string; no other thread reads the locale yet.
        if !unsafe { libc::setlocale(libc::LC_CTYPE, locale.as_ptr()) }.is_null() {
            return check_character_set();
        }
    }
    Err(io::Error::other("this system has no C.UTF-8 locale; libpurple cannot convert texts without one"))
}

fn check_character_set() -> io::Result<()> {
    // SAFETY: CODESET is a known item, and the answer is a C string that lives until the next setlocale.
    let codeset = unsafe { CStr::from_ptr(libc::nl_langinfo(libc::CODESET)) };
    if codeset.to_bytes().eq_ignore_ascii_case(b"UTF-8") {
        return Ok(());
    }
    Err(io::Error::other(format!("the C.UTF-8 locale has the character set {}", codeset.to_string_lossy())))
}

#[cfg(test)]
mod tests {
    use super::*;

    // What the function does in a process of one thread is in `tests/prepare.rs`, which has no harness.

    #[test]
    fn with_threads_running_it_refuses() {
        let other = std::sync::Arc::new(std::sync::Barrier::new(2));
        let held = other.clone();
        let thread = std::thread::spawn(move || held.wait());
        let refused = prepare_process().unwrap_err().to_string();
        other.wait();
        thread.join().unwrap();
        assert!(refused.contains("thread"), "{refused}");
    }

    #[test]
    fn names_are_judged_by_list_and_prefix() {
        for name in ["PURPLE_PLUGIN_PATH", "PURPLEHOME", "http_proxy", "GST_PLUGIN_SYSTEM_PATH_1_0", "KRB5CCNAME", "LC_NUMERIC", "DISPLAY"]
        {
            assert!(is_removed(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "RUST_LOG", "NOTIFY_SOCKET", "BELLFLOWER_CONFIG", "XDG_RUNTIME_DIR"] {
            assert!(!is_removed(OsStr::new(name)), "{name}");
        }
    }
}
