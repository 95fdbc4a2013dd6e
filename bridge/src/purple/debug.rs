//! libpurple's and GLib's own words into our log, without the secrets in them; what a protocol tells a user never comes this way.

use super::ffi::{borrowed, guard};
use super::token::OnPurple;
use glib_sys::{GFALSE, gboolean, gpointer};
use log::Level;
use purple_sys::{PurpleDebugLevel, PurpleDebugUiOps};
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_uint};
use std::ptr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Registers both. To be called first of all: libpurple's start already talks.
pub(super) fn install(_: OnPurple) {
    let ops = PurpleDebugUiOps { print: Some(on_print), is_enabled: Some(on_is_enabled), ..Default::default() };
    // SAFETY: libpurple keeps the pointer for ever, and the box is never freed.
    unsafe { purple_sys::purple_debug_set_ui_ops(Box::leak(Box::new(ops))) };
    // SAFETY: the handler is static and takes any thread and any data. As the default handler it serves every domain; a message marked
    // fatal still ends the program, so nobody sets G_DEBUG=fatal-* in production.
    unsafe { glib_sys::g_log_set_default_handler(Some(on_glib), ptr::null_mut()) };
}

fn level_of(level: PurpleDebugLevel) -> Level {
    match level {
        PurpleDebugLevel::PURPLE_DEBUG_FATAL | PurpleDebugLevel::PURPLE_DEBUG_ERROR => Level::Warn,
        PurpleDebugLevel::PURPLE_DEBUG_WARNING => Level::Info,
        PurpleDebugLevel::PURPLE_DEBUG_INFO => Level::Debug,
        _ => Level::Trace,
    }
}

/// What libpurple calls an error though nothing is amiss: who says it, how it begins and how it ends.
const NO_ERRORS: &[(&str, &str, &str)] = &[
    // It is kept off the session bus.
    ("dbus", "Failed to get connection: ", ""),
    // Few domains have a STUN server, for which XMPP asks at each sign-on. A record that is really missed is told by who wanted it.
    ("dnssrv", "There is no server called “_", ""),
    // A plugin's author may have to do something; here nobody can.
    ("plugins", "/", " has a prefs_info, but is a prpl. This is no longer supported."),
];

fn is_no_error(category: &str, text: &str) -> bool {
    NO_ERRORS.iter().any(|(who, begins, ends)| *who == category && text.starts_with(begins) && text.ends_with(ends))
}

thread_local! {
    static TRYING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`, of which errors are wanted: what libpurple says of them on this thread is no news.
pub(super) fn trying<T>(body: impl FnOnce() -> T) -> T {
    let before = TRYING.replace(true);
    let answer = body();
    TRYING.set(before);
    answer
}

/// How loud a line is to be.
fn judged(level: PurpleDebugLevel, category: &str, text: &str) -> Level {
    let level = level_of(level);
    if TRYING.try_with(Cell::get).unwrap_or(false) || is_no_error(category, text) { level.max(Level::Debug) } else { level }
}

/// The cheap filter: without it libpurple formats every stanza for nothing.
unsafe extern "C" fn on_is_enabled(level: PurpleDebugLevel, category: *const c_char) -> gboolean {
    guard("debug is_enabled", GFALSE, || {
        // SAFETY: libpurple passes a C string or NULL.
        let is_told =
            || level == PurpleDebugLevel::PURPLE_DEBUG_ERROR && !category.is_null() && unsafe { CStr::from_ptr(category) } == PROXY;
        gboolean::from(log::log_enabled!(target: "libpurple", level_of(level)) || is_told())
    })
}

/// Category and beginning of the line that says why a connection was not made. libpurple gives no reason to callers that want TLS.
const PROXY: &CStr = c"proxy";
const NOT_MADE: &str = "Connection attempt failed: ";

/// Any thread: plugins have some of their own.
unsafe extern "C" fn on_print(said: PurpleDebugLevel, category: *const c_char, text: *const c_char) {
    guard("debug print", (), || {
        let is_enabled = log::log_enabled!(target: "libpurple", level_of(said));
        if !is_enabled && said != PurpleDebugLevel::PURPLE_DEBUG_ERROR {
            return;
        }
        // SAFETY: libpurple passes C strings or NULL.
        let (category, text) = (unsafe { borrowed(category) }, unsafe { borrowed(text) });
        let (category, text) = (category.unwrap_or_default(), text.unwrap_or_default());
        if let (Some(why), Some(token)) =
            (text.strip_prefix(NOT_MADE).filter(|_| category.as_bytes() == PROXY.to_bytes()), OnPurple::here())
        {
            super::connection::not_made(token, why.trim());
        }
        if !is_enabled {
            return;
        }
        let (level, text) = (judged(said, &category, text.trim_end()), text.trim_end());
        // What is said by default; a server or a contact can cause it with each line.
        if level <= Level::Warn && !may_tell(&LINES, "lines of libpurple and its plugins") {
            return;
        }
        log::log!(target: "libpurple", level, "{category}: {}", super::redact::redact(&category, text));
    });
}

/// At most this many messages of GLib's and of libpurple's a second: a plugin in a loop must not fill the disk (hazard 22).
const A_SECOND: u32 = 20;

struct Pace {
    since: Option<Instant>,
    told: u32,
    dropped: u32,
}

impl Pace {
    /// Whether one more may be told now, and how many were not since the last second that had such.
    fn take(&mut self, now: Instant) -> (bool, u32) {
        let mut missed = 0;
        if self.since.is_none_or(|since| now.duration_since(since) >= Duration::from_secs(1)) {
            missed = std::mem::take(&mut self.dropped);
            self.told = 0;
            self.since = Some(now);
        }
        if self.told < A_SECOND {
            self.told += 1;
            return (true, missed);
        }
        self.dropped += 1;
        (false, missed)
    }
}

/// Of what libpurple and its plugins say, and of our own words about it.
static LINES: Mutex<Pace> = Mutex::new(Pace { since: None, told: 0, dropped: 0 });
/// Of failed checks, which no flood of the others hides.
static CHECKS: Mutex<Pace> = Mutex::new(Pace { since: None, told: 0, dropped: 0 });

/// A line of our own about what a plugin does, which may do it in a loop. Any thread.
pub(super) fn paced(level: Level, line: std::fmt::Arguments<'_>) {
    if log::log_enabled!(target: "bridge", level) && may_tell(&LINES, "lines about a plugin") {
        log::log!(target: "bridge", level, "{line}");
    }
}

/// Whether one more line may be told in this second; tells how many were not.
fn may_tell(pace: &Mutex<Pace>, what: &str) -> bool {
    let (tell, missed) = pace.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take(Instant::now());
    if missed > 0 {
        log::warn!(target: "glib", "{missed} {what} were dropped: too many in one second");
    }
    tell
}

/// Any thread.
unsafe extern "C" fn on_glib(domain: *const c_char, flags: c_uint, text: *const c_char, _: gpointer) {
    guard("g_log", (), || {
        let level = match flags {
            _ if flags & (glib_sys::G_LOG_LEVEL_ERROR | glib_sys::G_LOG_LEVEL_CRITICAL) != 0 => Level::Error,
            _ if flags & glib_sys::G_LOG_LEVEL_WARNING != 0 => Level::Warn,
            _ if flags & (glib_sys::G_LOG_LEVEL_MESSAGE | glib_sys::G_LOG_LEVEL_INFO) != 0 => Level::Debug,
            _ => Level::Trace,
        };
        // SAFETY: GLib passes C strings or NULL.
        let (domain, text) = (unsafe { borrowed(domain) }, unsafe { borrowed(text) });
        let (domain, text) = (domain.unwrap_or_default(), text.unwrap_or_default());
        #[cfg(test)]
        if level <= Level::Warn {
            super::testing::complained(&format!("{domain}: {text}"));
        }
        if !log::log_enabled!(target: "glib", level) {
            return;
        }
        if may_tell(&CHECKS, "messages") {
            log::log!(target: "glib", level, "{domain}: {}", super::redact::redact(&domain, text.trim_end()));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let mut pace = Pace { since: None, told: 0, dropped: 0 };
        let start = Instant::now();
        let told = (0..100).filter(|_| pace.take(start).0).count();
        assert_eq!(told, A_SECOND as usize);
        assert_eq!(pace.take(start + Duration::from_secs(1)), (true, 80));
        assert_eq!(pace.take(start + Duration::from_secs(1)), (true, 0));
    }

    #[test]
    fn what_is_no_error_is_not_told_as_one() {
        let error = PurpleDebugLevel::PURPLE_DEBUG_ERROR;
        for (category, text) in [
            ("dbus", "Failed to get connection: Could not parse server address"),
            ("plugins", "/usr/lib/purple-2/libsametime.so has a prefs_info, but is a prpl. This is no longer supported."),
            ("dnssrv", "There is no server called “_stun._udp.example.org”."),
        ] {
            assert_eq!(judged(error, category, text), Level::Debug, "{text}");
            assert_eq!(judged(error, "jabber", text), Level::Warn, "only from who says so by mistake");
            assert_eq!(judged(PurpleDebugLevel::PURPLE_DEBUG_MISC, category, text), Level::Trace, "never louder than it was");
        }
        assert_eq!(judged(error, "dnssrv", "There is no server called “example.org”."), Level::Warn);
        assert_eq!(judged(error, "plugins", "/usr/lib/purple-2/libx.so is not loadable"), Level::Warn);
        assert_eq!(trying(|| judged(error, "proxy", "Connection attempt failed: Permission denied")), Level::Debug);
        assert_eq!(judged(error, "proxy", "Connection attempt failed: Permission denied"), Level::Warn);
    }

    #[test]
    fn levels_follow_what_an_admin_has_to_act_on() {
        assert_eq!(level_of(PurpleDebugLevel::PURPLE_DEBUG_ERROR), Level::Warn);
        assert_eq!(level_of(PurpleDebugLevel::PURPLE_DEBUG_MISC), Level::Trace);
        assert_eq!(level_of(PurpleDebugLevel(99)), Level::Trace);
    }
}
