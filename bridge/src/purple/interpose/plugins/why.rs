//! Why a plugin file cannot be opened, in words that say what to do: out of the linker's own.

use super::super::super::ffi::in_process;
use std::ffi::CStr;
use std::path::Path;

/// Of a file that libpurple has just not taken. Opens it once more, which runs what is in it as libpurple did.
pub(super) fn it_cannot_be_opened(file: &Path) -> String {
    let path = in_process(&file.to_string_lossy());
    // SAFETY: a C string. A library's own beginnings may run: those of a file that libpurple has opened a moment ago.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
    if handle.is_null() {
        // SAFETY: the linker's text, until this thread calls it again, or NULL.
        let error = unsafe { libc::dlerror() };
        // SAFETY: as above.
        let error = (!error.is_null()).then(|| unsafe { CStr::from_ptr(error) }.to_string_lossy().into_owned());
        return in_words(&error.unwrap_or_default());
    }
    // SAFETY: the handle from above.
    unsafe { libc::dlclose(handle) };
    "it is a library, and no plugin of libpurple's".to_owned()
}

/// The linker's words, or libpurple's; what is not known of them stays as it is.
pub(super) fn in_words(error: &str) -> String {
    const MISSING: &str = ": cannot open shared object file: No such file or directory";
    let before = |end: &str| error.find(end).and_then(|at| error.get(..at));
    let after = |mark: &str| error.find(mark).and_then(|at| error.get(at + mark.len()..));
    if let Some(library) = before(MISSING) {
        let beside = Path::new(purple_sys::PLUGIN_DIR).join(library);
        return if beside.exists() {
            format!("it needs the library {library} of another plugin, which is not loaded: allow that one's protocol")
        } else {
            format!("it needs the library {library}, which is not installed here: install the package that has it")
        };
    }
    if error.contains("cannot open shared object file: Permission denied") {
        return format!("it may not be read ({error}): see its permissions, those of its directories, and `read` in [worker]");
    }
    if let Some(symbol) = after("undefined symbol: ") {
        return format!("it asks for `{symbol}`, which nothing here has: build it for this libpurple, or install what it belongs to");
    }
    if error.contains("' not found (required by") {
        return format!("it was built for a newer system: {error}");
    }
    if ["invalid ELF header", "file too short", "wrong ELF class"].iter().any(|known| error.contains(known)) {
        return "it is no library for this machine".to_owned();
    }
    if error.is_empty() { "the system does not say why it cannot be opened".to_owned() } else { error.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linkers_words_say_what_to_do() {
        for (error, words) in [
            ("libfoo.so.1: cannot open shared object file: No such file or directory", "install the package"),
            ("libxmpp.so: cannot open shared object file: No such file or directory", "allow that one's protocol"),
            ("/own/x.so: cannot open shared object file: Permission denied", "`read` in [worker]"),
            ("/own/x.so: undefined symbol: purple_nothing", "`purple_nothing`, which nothing here has"),
            ("/lib/libc.so.6: version `GLIBC_2.99' not found (required by /own/x.so)", "newer system"),
            ("/own/x.so: file too short", "no library"),
            ("something else", "something else"),
            ("", "does not say"),
        ] {
            assert!(in_words(error).contains(words), "{error:?}: {}", in_words(error));
        }
    }

    #[test]
    fn a_file_is_asked_itself() {
        let folder = std::env::temp_dir().join(format!("bellflower-why-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("text.so");
        std::fs::write(&file, "no library").unwrap();
        assert_eq!(it_cannot_be_opened(&file), "it is no library for this machine");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
