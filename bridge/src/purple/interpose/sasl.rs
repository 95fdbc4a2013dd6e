//! Keeps SASL modules that would block or read tickets out of the process, where libjabber starts libsasl2; it authenticates nobody.

use super::super::ffi;
use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::path::Path;
use std::sync::atomic::{AtomicPtr, Ordering};

pub(super) type ClientInit = unsafe extern "C" fn(*const Callback) -> c_int;

/// `sasl_callback_t` (sasl.h).
#[repr(C)]
pub(super) struct Callback {
    id: c_ulong,
    function: Option<unsafe extern "C" fn(*mut c_void, *const c_char, c_int) -> c_int>,
    context: *mut c_void,
}

// SAFETY: no pointer in it but to a function.
unsafe impl Sync for Callback {}

const SASL_OK: c_int = 0;
const SASL_FAIL: c_int = -1;
const SASL_CONTINUE: c_int = 1;
const SASL_CB_LIST_END: c_ulong = 0;
const SASL_CB_VERIFYFILE: c_ulong = 4;

/// libsasl2 keeps a pointer to this for as long as it lives.
static CALLBACKS: [Callback; 2] = [
    Callback { id: SASL_CB_VERIFYFILE, function: Some(on_verify_file), context: std::ptr::null_mut() },
    Callback { id: SASL_CB_LIST_END, function: None, context: std::ptr::null_mut() },
];

/// What the name of a module that is never opened contains: Kerberos, which blocks on its network; servers' password stores.
const UNWANTED: &[&str] = &["gssapi", "gs2", "kerberos", "ldapdb", "sasldb", "sql"];

fn is_wanted(file: &str) -> bool {
    let name = Path::new(file).file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    !UNWANTED.iter().any(|part| name.contains(part))
}

unsafe extern "C" fn on_verify_file(_: *mut c_void, file: *const c_char, _: c_int) -> c_int {
    ffi::guard("sasl verify file", SASL_CONTINUE, || {
        // SAFETY: libsasl2 passes a path that lives through the call.
        let file = unsafe { ffi::borrowed(file) }.unwrap_or_default();
        if is_wanted(&file) { SASL_OK } else { SASL_CONTINUE }
    })
}

/// A function of libsasl2's own, or NULL. libjabber has loaded it where `RTLD_NEXT` does not look, and its name differs between distributions.
pub(super) fn symbol(name: &CStr) -> *mut c_void {
    const NAMES: [&CStr; 2] = [c"libsasl2.so.2", c"libsasl2.so.3"];
    static LIBRARY: AtomicPtr<c_void> = AtomicPtr::new(std::ptr::null_mut());
    let mut library = LIBRARY.load(Ordering::Relaxed);
    if library.is_null() {
        // SAFETY: C strings. Nothing is loaded, only found; the handle is kept, since libsasl2 may not go away under its modules.
        let found = NAMES.iter().map(|name| unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) });
        let Some(found) = found.into_iter().find(|found| !found.is_null()) else { return std::ptr::null_mut() };
        LIBRARY.store(found, Ordering::Relaxed);
        library = found;
    }
    // SAFETY: a library that is loaded, and a C string.
    unsafe { libc::dlsym(library, name.as_ptr()) }
}

/// `sasl_client_init` in libsasl2's stead, for libjabber, which passes no callbacks of its own.
///
/// # Safety
/// As libsasl2's.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn sasl_client_init(callbacks: *const Callback) -> c_int {
    ffi::guard("sasl_client_init", SASL_FAIL, || {
        let found = symbol(c"sasl_client_init");
        if found.is_null() {
            return SASL_FAIL;
        }
        // SAFETY: sasl.h's declaration.
        let real = unsafe { std::mem::transmute::<*mut c_void, ClientInit>(found) };
        let callbacks = if callbacks.is_null() { CALLBACKS.as_ptr() } else { callbacks };
        // SAFETY: a list that ends as libsasl2 wants it and lives for ever, or the caller's own.
        unsafe { real(callbacks) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kerberos_and_server_modules_stay_out() {
        for file in ["/usr/lib64/sasl2/libgssapiv2.so", "/usr/lib/sasl2/libgs2.so.3.0.0", "libsql.so", "libldapdb.so", "libsasldb.so.2"] {
            assert!(!is_wanted(file), "{file}");
        }
        // The directory is called sasl2 or may even be called gssapi: only the file counts.
        for file in ["/usr/lib64/sasl2/libscram.so", "/opt/gssapi/libplain.so", "libdigestmd5.so.2.0.25", "libanonymous.so"] {
            assert!(is_wanted(file), "{file}");
        }
        // SAFETY: a live C string.
        assert_eq!(unsafe { on_verify_file(std::ptr::null_mut(), c"/x/libgssapiv2.so".as_ptr(), 0) }, SASL_CONTINUE);
        // SAFETY: likewise.
        assert_eq!(unsafe { on_verify_file(std::ptr::null_mut(), c"/x/libplain.so".as_ptr(), 0) }, SASL_OK);
    }
}
